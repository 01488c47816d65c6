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

/// Where a share of the values ends, as far as buckets tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantile {
    /// At this bound or below it.
    AtMost(i64),
    /// Above all bounds, of which this is the last.
    MoreThan(i64),
}

impl Histogram {
    /// Where this share of the values ends, 0 to 1; nothing where there are none.
    #[must_use]
    pub fn quantile(&self, bounds: &[i64; BOUNDS], share: f64) -> Option<Quantile> {
        let total = self.total();
        let wanted = ((total as f64 * share).ceil() as u64).clamp(1, total.max(1));
        let mut below = 0u64;
        let reached = |count: &u64| {
            below = below.saturating_add(*count);
            below >= wanted
        };
        let bucket = self.counts.iter().position(reached)?;
        Some(bounds.get(bucket).map_or(Quantile::MoreThan(bounds[BOUNDS - 1]), |&bound| Quantile::AtMost(bound)))
    }

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
    fn a_share_ends_at_the_bound_that_is_known_to_hold_it() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(&FIRE_ERROR_US, 0.5), None);
        (0..98).for_each(|_| histogram.observe(&FIRE_ERROR_US, 30));
        histogram.observe(&FIRE_ERROR_US, 300);
        histogram.observe(&FIRE_ERROR_US, 1_000_000);
        let at = |share| histogram.quantile(&FIRE_ERROR_US, share).unwrap();
        assert_eq!([at(0.0), at(0.5), at(0.98)], [Quantile::AtMost(50); 3]);
        assert_eq!(
            (at(0.99), at(0.991), at(1.0)),
            (Quantile::AtMost(400), Quantile::MoreThan(50_000), Quantile::MoreThan(50_000))
        );
    }

    #[test]
    fn bounds_ascend() {
        for bounds in [LATENCY_US, FIRE_ERROR_US, SCORE_MILLIONTHS] {
            assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
