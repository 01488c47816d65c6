//! The one door through which time enters the trainer. Nothing else here reads a clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Seconds since 1970, for the manifest; 0 if the machine's clock stands before that.
#[expect(clippy::disallowed_methods, reason = "the one door through which time enters the trainer")]
pub fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A moment, to measure how long something takes.
#[expect(clippy::disallowed_methods, reason = "the one door through which time enters the trainer")]
pub fn now() -> Instant {
    Instant::now()
}
