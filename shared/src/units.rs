//! Quantities that cross a module border, each with its unit in its type.
//!
//! Only arithmetic that cannot surprise: saturating, never wrapping, never panicking.

use serde::{Deserialize, Serialize};

/// A point in time or a length of time in microseconds, on one monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Micros(pub u64);

impl Micros {
    /// Whole milliseconds, for configuration and display.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// The sum, or the largest value.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or zero.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// In milliseconds, for display.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }
}

/// Position of the belt, or a distance along it: micrometres where an encoder measures it, microseconds of running where
/// only time does. Runs backwards when the belt does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Travel(pub i64);

impl Travel {
    /// Whole millimetres of belt.
    pub const fn from_millimetres(millimetres: i64) -> Self {
        Self(millimetres.saturating_mul(1_000))
    }

    /// The sum, held at the ends of the range.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, held at the ends of the range.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// One object on the belt, numbered by its trigger edge since the line started. Wraps after four thousand million parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartId(pub u32);

impl PartId {
    /// The part after this one.
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// How anomalous a part looks: the largest windowed mean of its heatmap, 0 (as learnt) to 1. Never NaN.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize)]
pub struct Score(f32);

impl Score {
    /// A score, if it is a number from 0 to 1.
    pub fn new(value: f32) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// The number.
    pub const fn get(self) -> f32 {
        self.0
    }
}

impl Eq for Score {}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f32::deserialize(deserializer)?;
        Self::new(value).ok_or_else(|| serde::de::Error::custom("a score lies in 0..=1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn score_holds_only_probabilities() {
        assert_eq!(Score::new(0.5).map(Score::get), Some(0.5));
        for wrong in [-0.001, 1.001, f32::NAN, f32::INFINITY] {
            assert_eq!(Score::new(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn distances_stop_at_the_ends() {
        assert_eq!(Travel(i64::MAX).saturating_add(Travel(1)), Travel(i64::MAX));
        assert_eq!(Micros(1).saturating_sub(Micros(2)), Micros(0));
    }
}
