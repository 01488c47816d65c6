//! What a thread that must be in time asks of the kernel: to run before all others, and to keep its memory.
//!
//! Gives what was granted, and the refusal in words where it was not; the caller goes on either way. It does not pin threads to
//! cores.

use rustix::mm::{MlockAllFlags, mlockall};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

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

/// Lets the calling thread run only where others leave room; it cannot take that back. Threads that it starts inherit it.
pub fn run_last() {
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!(%error, "a thread that should run last runs as any other");
    }
}

/// Asks for both, and logs what was refused.
pub fn ask(priority: u8) -> Refusals {
    let refusals: Refusals = [run_first(priority), keep_memory()].into_iter().filter_map(Result::err).collect();
    for refusal in &refusals {
        tracing::warn!(%refusal, "the gate's thread is not protected from others");
    }
    refusals
}
