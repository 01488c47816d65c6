//! A run: one start of the line, from its first part to its end.
//!
//! Takes what the program knows when it starts; gives wall-clock times for moments on the line's own clock. Reads no clock.

use std::fmt;

use shared::units::{Micros, Score};
use shared::wall::WallTime;

/// Number of a run in its store, from 1, never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known when a run starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStart {
    /// What the clock on the wall showed.
    pub started_at: WallTime,
    /// What the line's clock showed at the same moment.
    pub clock_at_start: Micros,
    /// The station's name.
    pub station: String,
    /// The product that the bundle judges.
    pub product: String,
    /// SHA-256 of the bundle.
    pub bundle_sha256: [u8; 32],
    /// A part is bad when its score is greater.
    pub threshold: Score,
    /// SHA-256 of the configuration file's text.
    pub config_sha256: [u8; 32],
    /// Whether the belt is a simulated one.
    pub simulation: bool,
    /// The program's version.
    pub software: String,
}

impl RunStart {
    /// What a clock on the wall that was never set since the start showed at a moment of the line's clock. A moment before the
    /// start counts as the start.
    #[must_use]
    pub fn wall_at(&self, at: Micros) -> WallTime {
        self.started_at.saturating_add(at.saturating_sub(self.clock_at_start))
    }
}

/// Another bundle takes over in the course of a run, or another threshold does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takeover {
    /// Its number within the run, from 1; what judged from the start is 0.
    pub number: u32,
    /// When, by the line's clock.
    pub at: Micros,
    /// The product that it judges.
    pub product: String,
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
    /// A part is bad when its score is greater.
    pub threshold: Score,
}

/// How a run ended. A run of which nothing is known here was killed, or still goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The line came to rest.
    Rest,
    /// Somebody stopped it.
    Stopped,
    /// It could not go on.
    Fault,
}

impl EndReason {
    /// As the store writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Stopped => "stopped",
            Self::Fault => "fault",
        }
    }
}

/// A hash as the tables have it.
pub(super) fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_clock_carries_the_wall_clock_on() {
        let start = RunStart {
            started_at: WallTime(5_000),
            clock_at_start: Micros(100),
            station: String::new(),
            product: String::new(),
            bundle_sha256: [0; 32],
            threshold: Score::default(),
            config_sha256: [0; 32],
            simulation: true,
            software: String::new(),
        };
        assert_eq!(start.wall_at(Micros(350)), WallTime(5_250));
        assert_eq!(start.wall_at(Micros(0)), WallTime(5_000));
    }
}
