//! What a thread that must be in time asks of the kernel: to run before all others, on a core of its own, and to keep its memory.
//!
//! Gives what was granted, and the refusal in words where it was not; the caller goes on either way. A core of its own is one that the
//! other threads of this process leave: other processes do so only if they are told to.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

/// What the gate's thread asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// SCHED_FIFO at this priority, 1 to 99, and locked memory.
    pub priority: Option<u8>,
    /// The core that it alone runs on, counted from 0 as the kernel does.
    pub core: Option<u16>,
}

/// What was asked for and refused, each with what would help; empty when all was granted.
pub type Refusals = Vec<String>;

/// Asks for SCHED_FIFO at `priority` (1 to 99) for the calling thread.
///
/// # Errors
/// The refusal in words.
pub fn run_first(priority: u8) -> Result<(), String> {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let wanted =
        ThreadPriority::Crossplatform(priority.try_into().map_err(|_| format!("priority {priority}: 1 to 99"))?);
    set_thread_priority_and_policy(thread_native_id(), wanted, policy).map_err(|error| {
        format!("SCHED_FIFO {priority} is refused ({error}); it needs LimitRTPRIO in the unit, or root")
    })
}

/// Asks that no memory of this process is ever moved out. Pages are locked as they are touched, so that it takes no more of them.
///
/// # Errors
/// The refusal in words.
pub fn keep_memory() -> Result<(), String> {
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT).map_err(|error| {
        format!("locked memory is refused ({error}); it needs LimitMEMLOCK=infinity in the unit, or root")
    })
}

/// Lets the calling thread, and threads that it starts from now on, run on every core that they may but this one.
///
/// # Errors
/// The refusal in words; then nothing has changed.
pub fn leave_core(core: u16) -> Result<(), String> {
    let mut cores = allowed(core)?;
    cores.unset(core.into());
    if cores.count() == 0 {
        return Err(format!("core {core} cannot be the gate's alone: there is no other"));
    }
    sched_setaffinity(None, &cores).map_err(|error| format!("core {core} is not left to the gate ({error})"))
}

/// Lets the calling thread run on this core alone.
///
/// # Errors
/// The refusal in words.
pub fn run_on(core: u16) -> Result<(), String> {
    let mut alone = CpuSet::new();
    if usize::from(core) < CpuSet::MAX_CPU {
        alone.set(core.into());
    }
    sched_setaffinity(None, &alone).map_err(|error| format!("core {core} is refused ({error})"))
}

/// The cores that the calling thread may run on, this one among them.
fn allowed(core: u16) -> Result<CpuSet, String> {
    let cores = sched_getaffinity(None).map_err(|error| format!("the kernel does not tell its cores ({error})"))?;
    let numbers: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| cores.is_set(core)).collect();
    if numbers.contains(&core.into()) {
        Ok(cores)
    } else {
        Err(format!("there is no core {core}; there are {numbers:?}"))
    }
}

/// Lets the calling thread run only where others leave room; it cannot take that back. Threads that it starts inherit it.
pub fn run_last() {
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!(%error, "a thread that should run last runs as any other");
    }
}

/// Asks for all that is wanted, for the calling thread, and logs what was refused.
pub fn ask(wanted: Wanted) -> Refusals {
    let first = wanted.priority.map(|priority| [run_first(priority), keep_memory()]);
    let answers = first.into_iter().flatten().chain(wanted.core.map(run_on));
    let refusals: Refusals = answers.filter_map(Result::err).collect();
    for refusal in &refusals {
        tracing::warn!(%refusal, "the gate's thread is not protected from others");
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores() -> Vec<u16> {
        let cores = sched_getaffinity(None).unwrap();
        (0..CpuSet::MAX_CPU as u16).filter(|&core| cores.is_set(core.into())).collect()
    }

    /// In a thread of its own: what it may run on goes with it.
    fn apart(test: impl FnOnce() + Send + 'static) {
        std::thread::spawn(test).join().unwrap();
    }

    #[test]
    fn a_core_is_left_by_a_thread_and_by_those_that_it_starts_and_taken_by_the_gates() {
        apart(|| {
            let all = cores();
            let [.., other, gates] = all[..] else {
                eprintln!("skipped: this machine has a single core");
                assert!(leave_core(all[0]).unwrap_err().contains("there is no other"));
                return;
            };
            leave_core(gates).unwrap();
            let left: Vec<u16> = all.iter().copied().filter(|&core| core != gates).collect();
            assert!(left.contains(&other));
            apart(move || assert_eq!(cores(), left));
            assert_eq!(ask(Wanted { priority: None, core: Some(gates) }), Refusals::new());
            assert_eq!(cores(), [gates]);
        });
    }

    #[test]
    fn a_core_that_is_not_there_is_refused_and_nothing_changes() {
        apart(|| {
            let all = cores();
            for core in [1023, u16::MAX] {
                assert!(leave_core(core).unwrap_err().starts_with(&format!("there is no core {core}; there are [")));
                assert_eq!(ask(Wanted { priority: None, core: Some(core) }).len(), 1);
            }
            assert_eq!(cores(), all);
        });
    }
}
