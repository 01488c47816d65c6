//! The thread that reads the board again and again.
//!
//! Keeps the newest reading in a slot; whoever takes it never waits. A sensor or a disk that hangs keeps the thread alone, and leaves
//! conditions as they were; so does a reading that panics, and the next one is tried.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::reader::{Reading, Roots};

/// From the end of one reading to the next: heat and disks change over minutes, and every sensor read wakes a bus.
const EVERY: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Slot {
    newest: Option<Reading>,
    closing: bool,
}

#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
}

impl Shared {
    /// Nothing panics while it holds the slot.
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Readings as they come. Dropping it ends the thread, and does not wait for a reading that is under way.
pub struct ReadingsThread(Arc<Shared>);

impl ReadingsThread {
    /// Starts the thread, which reads at once.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(roots: Roots) -> io::Result<Self> {
        Self::every(EVERY, move || roots.read())
    }

    /// Reads by `read`, with a pause in between.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn every(pause: Duration, read: impl FnMut() -> Reading + Send + 'static) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        thread::Builder::new().name("readings".to_owned()).spawn(move || work(&of_thread, pause, read))?;
        Ok(Self(shared))
    }

    /// The newest reading, once.
    pub fn take(&self) -> Option<Reading> {
        self.0.slot().newest.take()
    }
}

impl Drop for ReadingsThread {
    fn drop(&mut self) {
        self.0.slot().closing = true;
        self.0.changed.notify_all();
    }
}

fn work(shared: &Shared, pause: Duration, mut read: impl FnMut() -> Reading) {
    loop {
        // A panic was told when it happened.
        let reading = catch_unwind(AssertUnwindSafe(&mut read)).ok();
        let mut slot = shared.slot();
        slot.newest = reading.or(slot.newest.take());
        let waited = shared.changed.wait_timeout_while(slot, pause, |slot| !slot.closing);
        if waited.unwrap_or_else(PoisonError::into_inner).0.closing {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::readings::reader::tests::put;

    fn next(thread: &ReadingsThread) -> Reading {
        loop {
            if let Some(reading) = thread.take() {
                return reading;
            }
            thread::yield_now();
        }
    }

    #[test]
    fn it_reads_at_once_again_and_ends_with_its_owner() {
        let sys = tempfile::tempdir().unwrap();
        let roots = Roots { sys: sys.path().to_owned(), disk: sys.path().to_owned() };
        let thread = ReadingsThread::every(Duration::from_millis(1), move || roots.read()).unwrap();
        assert_eq!(next(&thread).hottest, None);
        put(sys.path(), &[("class/thermal/thermal_zone0/type", "cpu"), ("class/thermal/thermal_zone0/temp", "50000")]);
        while next(&thread).hottest.is_none() {}
        let shared = Arc::downgrade(&thread.0);
        drop(thread);
        while shared.strong_count() > 0 {
            thread::yield_now();
        }
    }
}
