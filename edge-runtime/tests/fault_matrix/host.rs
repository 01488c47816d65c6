//! Whether the machine itself kept a line waiting: what came of a fault then says nothing about the station.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long the watch sleeps between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// Longer than anything of a line takes on a machine that has time for it. A row was seen to change while nothing took more than 150 ms.
const HELD_UP: Duration = Duration::from_millis(50);

/// The longest delay of one line that only the machine can have caused.
#[derive(Debug, Clone, Default)]
pub struct Host(Arc<AtomicU64>);

impl Host {
    /// Something that takes no time worth mentioning has taken this.
    pub fn took(&self, time: Duration) {
        self.0.fetch_max(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Sleeps and wakes until told to stop, and notes how late it woke.
    pub fn watch(&self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let asleep = Instant::now();
            std::thread::sleep(LOOK);
            self.took(asleep.elapsed().saturating_sub(LOOK));
        }
    }

    /// Whether the line was kept waiting longer than its times bear.
    pub fn held_up(&self) -> bool {
        Duration::from_micros(self.0.load(Ordering::Relaxed)) > HELD_UP
    }
}
