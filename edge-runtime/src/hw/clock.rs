//! The only reader of time on the station.
//!
//! Gives microseconds since it was made, monotonic; and, for people and for the age of files alone, what the clock on the wall
//! shows. Everything else takes time as an argument. A simulated shift uses it only to tell the operator how long it took, and
//! to date its records.

use std::time::{Instant, SystemTime};

use shared::units::Micros;
use shared::wall::WallTime;

use super::roles::Clock;

/// The machine's monotonic clock, counted from when this value was made.
#[derive(Debug, Clone, Copy)]
pub struct Monotonic(Instant);

impl Monotonic {
    /// A clock that reads zero now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this file is the only reader of time")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since it was made, for measuring what takes less than [`Clock::now`] can tell.
    #[must_use]
    pub fn nanos(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Micros {
        Micros(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

/// The kernel's own monotonic clock, by which it stamps edges and frames: the clock of a board.
#[derive(Debug, Clone, Copy, Default)]
pub struct KernelClock;

impl Clock for KernelClock {
    fn now(&self) -> Micros {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let micros = i128::from(time.tv_sec) * 1_000_000 + i128::from(time.tv_nsec) / 1_000;
        Micros(u64::try_from(micros).unwrap_or(0))
    }
}

/// The machine's clock on the wall. May jump either way at any time.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl WallClock {
    /// What it shows.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this file is the only reader of time")]
    pub fn now(self) -> WallTime {
        let micros = |length: std::time::Duration| i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
        WallTime(match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => micros(since),
            Err(before) => -micros(before.duration()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_runs_backwards() {
        let clock = Monotonic::start();
        let first = clock.now();
        assert!(clock.now() >= first);
    }
}
