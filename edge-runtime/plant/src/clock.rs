//! The only reader of time. How long ago something was comes from a monotonic clock; the clock on the wall is for the age of records.

use std::time::{Duration, Instant, SystemTime};

use shared::wall::WallTime;

/// A moment, to be told how long ago it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Instant);

impl Moment {
    /// Now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this file is the only reader of time")]
    pub fn now() -> Self {
        Self(Instant::now())
    }

    /// How long ago it was.
    #[must_use]
    pub fn age(self) -> Duration {
        self.0.elapsed()
    }
}

/// What the clock on the wall shows. May jump either way at any time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this file is the only reader of time")]
pub fn wall() -> WallTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
