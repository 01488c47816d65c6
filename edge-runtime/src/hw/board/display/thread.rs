//! The thread that feeds a display.
//!
//! Takes states, keeps the newest one in a slot; the thread takes it out when the display has time. Whoever gives a state
//! never waits: not for a slow display, not for one that fails, and not for a driver that has panicked or hangs. Such a
//! driver ends or keeps the thread alone; the station runs on without a display.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::feeder::Feeder;
use crate::hmi::screen::Status;
use crate::hw::roles::{Clock, HwFault, Panel};

/// How long an ending station waits for the display to show the last state: longer than a reset of the slowest display and
/// one picture on it, shorter than a service manager's patience.
const LAST_PICTURE: Duration = Duration::from_secs(2);

/// What the two sides share.
#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
    faults: AtomicU64,
    away: AtomicBool,
}

#[derive(Default)]
struct Slot {
    newest: Option<Status>,
    closing: bool,
    ended: bool,
}

impl Shared {
    /// Nothing panics while it holds the slot, so that its content is whole even if somebody panicked elsewhere.
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, slot: MutexGuard<'a, Slot>, limit: Option<Duration>) -> MutexGuard<'a, Slot> {
        match limit {
            None => self.changed.wait(slot).unwrap_or_else(PoisonError::into_inner),
            Some(limit) => self.changed.wait_timeout(slot, limit).unwrap_or_else(PoisonError::into_inner).0,
        }
    }
}

/// A display in use. Dropping it shows the last state, if the display takes it soon, and ends the thread.
pub struct PanelThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    patience: Duration,
}

impl PanelThread {
    /// Starts the thread, which opens the display at once, and again whenever it has failed.
    ///
    /// # Errors
    /// [`HwFault::Panel`] when the system gives no thread.
    pub fn start<O, C>(open: O, clock: C) -> Result<Self, HwFault>
    where
        O: FnMut() -> Result<Box<dyn Panel>, HwFault> + Send + 'static,
        C: Clock + Send + 'static,
    {
        let shared = Arc::<Shared>::default();
        let ending = Ending(Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("panel".to_owned())
            .spawn(move || {
                let ending = ending;
                work(&ending.0, Feeder::new(open, clock));
            })
            .map_err(|error| HwFault::Panel { evidence: format!("no thread for the display: {error}") })?;
        Ok(Self { shared, thread: Some(thread), patience: LAST_PICTURE })
    }

    /// Gives a state, in place of one that has not been shown yet. Never waits.
    pub fn show(&self, status: Status) {
        self.shared.slot().newest = Some(status);
        self.shared.changed.notify_all();
    }

    /// How often the display has failed since the start, each time once, however long it lasted.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.shared.faults.load(Ordering::Relaxed)
    }

    /// Whether the display fails now: from a fault on until it has shown a picture again, and for good when its driver has
    /// panicked.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.shared.away.load(Ordering::Relaxed)
    }
}

impl Drop for PanelThread {
    fn drop(&mut self) {
        let mut slot = self.shared.slot();
        slot.closing = true;
        self.shared.changed.notify_all();
        let ended = self.shared.changed.wait_timeout_while(slot, self.patience, |slot| !slot.ended);
        let ended = ended.unwrap_or_else(PoisonError::into_inner).0.ended;
        match self.thread.take() {
            // A panic was reported when it happened.
            Some(thread) if ended => drop(thread.join()),
            _ => tracing::warn!("the display's driver does not come back; its thread is left behind"),
        }
    }
}

/// Tells those who wait that the thread has ended, however it did.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.faults.fetch_add(1, Ordering::Relaxed);
            self.0.away.store(true, Ordering::Relaxed);
            tracing::error!("the display's driver panicked; the station runs on without a display");
        }
        self.0.slot().ended = true;
        self.0.changed.notify_all();
    }
}

fn work<O, C>(shared: &Shared, mut feeder: Feeder<O, C>)
where
    O: FnMut() -> Result<Box<dyn Panel>, HwFault>,
    C: Clock,
{
    loop {
        let stepped = feeder.step();
        shared.away.store(feeder.fails(), Ordering::Relaxed);
        if stepped.failed {
            shared.faults.fetch_add(1, Ordering::Relaxed);
        }
        let mut slot = shared.slot();
        while slot.newest.is_none() && !slot.closing {
            let limit = stepped.next.map(|next| feeder.until(next));
            if limit.is_some_and(|limit| limit.is_zero()) {
                break;
            }
            slot = shared.wait(slot, limit);
        }
        let (newest, closing) = (slot.newest.take(), slot.closing);
        drop(slot);
        newest.into_iter().for_each(|status| feeder.give(status));
        if closing {
            return feeder.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;
    use crate::hw::clock::Monotonic;

    /// What the test tells a display to do with a state that it was given.
    enum Answer {
        Shows,
        Fails,
        Panics,
    }

    /// A display that says what it was given, and then does what the test tells it.
    struct Puppet {
        given: SyncSender<u32>,
        answers: Arc<Mutex<Receiver<Answer>>>,
    }

    impl Panel for Puppet {
        fn show(&mut self, status: &Status) -> Result<(), HwFault> {
            self.given.send(status.parts).map_err(|_| HwFault::Panel { evidence: "the test is over".to_owned() })?;
            match self.answers.lock().unwrap().recv() {
                Ok(Answer::Shows) => Ok(()),
                Ok(Answer::Panics) => panic!("the scripted display panics"),
                Ok(Answer::Fails) | Err(_) => Err(HwFault::Panel { evidence: "pulled".to_owned() }),
            }
        }
    }

    fn start() -> (PanelThread, Receiver<u32>, SyncSender<Answer>) {
        let (given, taken) = sync_channel(0);
        let (answer, answers) = sync_channel(0);
        let answers = Arc::new(Mutex::new(answers));
        let open =
            move || Ok(Box::new(Puppet { given: given.clone(), answers: Arc::clone(&answers) }) as Box<dyn Panel>);
        (PanelThread::start(open, Monotonic::start()).unwrap(), taken, answer)
    }

    fn parts(parts: u32) -> Status {
        Status { parts, ..Status::default() }
    }

    #[test]
    fn the_newest_state_wins_while_the_display_is_busy() {
        let (panel, taken, answer) = start();
        panel.show(parts(1));
        assert_eq!(taken.recv(), Ok(1));
        panel.show(parts(2));
        panel.show(parts(3));
        answer.send(Answer::Shows).unwrap();
        assert_eq!(taken.recv(), Ok(3));
        answer.send(Answer::Shows).unwrap();
        assert_eq!(panel.faults(), 0);
    }

    #[test]
    fn a_display_that_comes_back_shows_the_newest_state() {
        let (panel, taken, answer) = start();
        panel.show(parts(1));
        assert_eq!(taken.recv(), Ok(1));
        panel.show(parts(2));
        answer.send(Answer::Fails).unwrap();
        assert_eq!(taken.recv(), Ok(2));
        assert!(panel.is_away(), "until it has shown a picture");
        answer.send(Answer::Shows).unwrap();
        assert_eq!(panel.faults(), 1);
        while panel.is_away() {
            thread::yield_now();
        }
    }

    #[test]
    fn a_display_that_panics_ends_its_thread_and_nothing_else() {
        let (panel, taken, answer) = start();
        panel.show(parts(1));
        assert_eq!(taken.recv(), Ok(1));
        answer.send(Answer::Panics).unwrap();
        assert!(taken.recv().is_err(), "the display is dropped");
        while !panel.is_away() {
            thread::yield_now();
        }
        assert_eq!(panel.faults(), 1);
        panel.show(parts(2));
        panel.show(parts(3));
    }

    #[test]
    fn the_end_shows_the_last_state() {
        let (panel, taken, answer) = start();
        panel.show(parts(1));
        assert_eq!(taken.recv(), Ok(1));
        panel.show(parts(2));
        let end = thread::spawn(move || drop(panel));
        answer.send(Answer::Shows).unwrap();
        assert_eq!(taken.recv(), Ok(2));
        answer.send(Answer::Shows).unwrap();
        end.join().unwrap();
        assert!(taken.recv().is_err(), "the thread has ended");
    }

    #[test]
    fn a_driver_that_hangs_is_left_behind() {
        let (mut panel, taken, answer) = start();
        panel.patience = Duration::ZERO;
        panel.show(parts(1));
        assert_eq!(taken.recv(), Ok(1));
        panel.show(parts(2));
        drop(panel);
        answer.send(Answer::Shows).expect("the driver hung until now");
        assert_eq!(taken.recv(), Ok(2), "the last state, if late");
    }

    #[test]
    fn a_display_that_was_never_there_does_not_keep_the_end_waiting() {
        let open = || Err(HwFault::Panel { evidence: "no such device".to_owned() });
        let panel = PanelThread::start(open, Monotonic::start()).unwrap();
        panel.show(parts(1));
        let shared = Arc::clone(&panel.shared);
        drop(panel);
        assert!(shared.slot().ended);
        assert_eq!(shared.faults.load(Ordering::Relaxed), 1);
    }
}
