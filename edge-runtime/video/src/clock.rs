//! The kernel's monotonic clock, as drivers stamp frames by it, and waiting by it.
//!
//! The room needs it for two things that cannot be handed in: how long `poll` may wait, and when a frame was dequeued.

use rustix::event::poll;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Microseconds of `CLOCK_MONOTONIC` now.
#[must_use]
pub fn now_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000
}

/// Blocks until `until`; a signal may end it early.
pub fn wait_until_us(until: u64) {
    // Without a file to watch, `poll` does nothing but wait; an interruption only shortens it.
    let _ = poll(&mut [], Some(&remaining(until)));
}

/// The time until `until`, zero when it is over, at most an hour: longer waits are repeated.
pub(crate) fn remaining(until: u64) -> Timespec {
    const LONGEST_US: u64 = 3_600_000_000;
    let left = until.saturating_sub(now_us()).min(LONGEST_US);
    // Both fit: the seconds are at most 3600.
    Timespec { tv_sec: (left / 1_000_000) as _, tv_nsec: (left % 1_000_000 * 1_000) as _ }
}
