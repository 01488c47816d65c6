//! What every section is checked with: ranges, units, and distances that must fit together.
//!
//! Takes keys with their values; gives the value in the unit that the rest works with, or an error that names the file.

use std::path::Path;

use shared::limits::MAX_PARTS_IN_FLIGHT;
use shared::line::Layout;
use shared::units::{Micros, Travel};

use super::error::ConfigError;

/// Checks one file's values and names the file in errors.
pub(super) struct Checker<'a> {
    pub file: &'a str,
    pub base: &'a Path,
}

impl Checker<'_> {
    /// Parts that follow each other at `pitch` (micrometres) can be told apart and followed on this line.
    pub fn apart(&self, key: &'static str, pitch: i64, layout: &Layout) -> Result<(), ConfigError> {
        let mm = |micrometres: i64| micrometres as f64 / 1e3;
        let (got, window) = (mm(pitch), mm(layout.window().0));
        self.least(key, got, "one part's gate window takes its neighbour", window)?;
        self.least(key, got, "the lock-out swallows parts", mm(layout.lockout().0) + 1.0)?;
        if let Some(longest) = layout.max_length() {
            self.least(key, got, "parts look as if they touched (line.max_length_mm)", mm(longest.0))?;
        }
        let in_flight = layout.in_flight_at(Travel(pitch)) as f64;
        let why = "more parts than can be followed";
        self.most("line.gate_distance_mm: parts in flight", in_flight, why, (MAX_PARTS_IN_FLIGHT - 1) as f64)
    }

    pub fn least(&self, key: &'static str, got: f64, why: &'static str, limit: f64) -> Result<(), ConfigError> {
        self.bound(got >= limit, key, got, why, "least", limit)
    }

    pub fn most(&self, key: &'static str, got: f64, why: &'static str, limit: f64) -> Result<(), ConfigError> {
        self.bound(got <= limit, key, got, why, "most", limit)
    }

    fn bound(
        &self,
        holds: bool,
        key: &'static str,
        got: f64,
        why: &'static str,
        bound: &'static str,
        limit: f64,
    ) -> Result<(), ConfigError> {
        if holds {
            return Ok(());
        }
        Err(ConfigError::Conflict { file: self.file.to_owned(), key, got, why, bound, limit })
    }

    pub fn range(&self, key: &'static str, got: f64, least: f64, most: f64) -> Result<f64, ConfigError> {
        if (least..=most).contains(&got) {
            return Ok(got);
        }
        Err(ConfigError::Range { file: self.file.to_owned(), key, got, least, most })
    }

    pub fn share(&self, key: &'static str, got: f64) -> Result<f64, ConfigError> {
        self.range(key, got, 0.0, 1.0)
    }

    /// Milliseconds to microseconds, up to a minute.
    pub fn millis(&self, key: &'static str, got: f64, least: f64) -> Result<Micros, ConfigError> {
        Ok(Micros((self.range(key, got, least, 60_000.0)? * 1e3) as u64))
    }

    /// Millimetres to micrometres, up to a hundred metres.
    pub fn micrometres(&self, key: &'static str, got: f64, least: f64) -> Result<i64, ConfigError> {
        Ok((self.range(key, got, least, 100_000.0)? * 1e3).round() as i64)
    }

    pub fn value(&self, key: &'static str, got: &str, expected: &'static str) -> ConfigError {
        ConfigError::Value { file: self.file.to_owned(), key, got: got.to_owned(), expected }
    }
}
