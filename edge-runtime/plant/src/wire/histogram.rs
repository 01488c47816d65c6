//! Counts in fixed buckets, so that what was counted before somebody listened is not lost to them.
//!
//! Takes values in whole units; gives how many lay where since the start. The buckets belong to the quantity, not to the message: both
//! sides have them here.

use serde::{Deserialize, Serialize};

/// Upper ends of buckets; the last bucket has none.
pub const BOUNDS: usize = 15;

/// From picture handed in to verdict, microseconds: from the fastest desktop processor to a model that no belt waits for.
pub const LATENCY_US: [i64; BOUNDS] = [
    2_000, 5_000, 10_000, 20_000, 30_000, 50_000, 75_000, 100_000, 150_000, 200_000, 300_000, 500_000, 750_000,
    1_000_000, 2_000_000,
];

/// How much later than due the gate moved, microseconds: early, as an estimate of the belt's speed can have it; then fine where a
/// board's kernel lies, and coarse where a part is missed.
pub const FIRE_ERROR_US: [i64; BOUNDS] =
    [-1_000, -100, 0, 25, 50, 100, 200, 400, 700, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000];

/// Scores, millionths: good parts lie far below most thresholds, so that the buckets are fine there.
pub const SCORE_MILLIONTHS: [i64; BOUNDS] = [
    1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 150_000, 200_000, 300_000, 400_000, 500_000, 600_000,
    800_000, 900_000,
];

/// How many values lay in each bucket, and their sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// Values above the bound before and not above this one; the last is of values above all bounds.
    pub counts: [u64; BOUNDS + 1],
    /// The sum of all of them, held at the ends of the range.
    pub sum: i64,
}

impl Histogram {
    /// Takes in a value of the quantity that the bounds belong to.
    pub fn observe(&mut self, bounds: &[i64; BOUNDS], value: i64) {
        let bucket = bounds.partition_point(|&bound| bound < value);
        self.counts[bucket] = self.counts[bucket].saturating_add(1);
        self.sum = self.sum.saturating_add(value);
    }

    /// How many values there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, &count| sum.saturating_add(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_lies_below_it_and_the_largest_above_all() {
        let mut histogram = Histogram::default();
        for value in [-5_000, 0, 1, 25, 26, i64::MAX] {
            histogram.observe(&FIRE_ERROR_US, value);
        }
        let mut expected = [0; BOUNDS + 1];
        (expected[0], expected[2], expected[3], expected[4], expected[BOUNDS]) = (1, 1, 2, 1, 1);
        assert_eq!(histogram.counts, expected);
        assert_eq!((histogram.total(), histogram.sum), (6, i64::MAX - 4_948));
    }

    #[test]
    fn bounds_ascend() {
        for bounds in [LATENCY_US, FIRE_ERROR_US, SCORE_MILLIONTHS] {
            assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
