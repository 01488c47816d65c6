//! The only reader of time on the station.
//!
//! Gives microseconds since it was made, monotonic, and waits. Everything else takes time as an argument. It knows no
//! calendar; a simulated shift does not use it, except to tell the operator how long it took.

use std::time::Instant;

use shared::units::Micros;

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
