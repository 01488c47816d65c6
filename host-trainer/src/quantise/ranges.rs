//! From how often values occur to the scale of a byte that holds them.
//!
//! Takes histograms, gives scales. A byte holds 0..=255 steps; what lies beyond the last one is clipped to it. A large range
//! clips nothing and rounds coarsely, a small one the other way round: the rules differ in where they stop.

use std::fmt;

use serde::Serialize;

use super::histogram::Histogram;

/// Steps of an unsigned byte.
pub const STEPS: f32 = 255.0;

/// Scale of the camera's bytes: they go in as they are.
pub const PICTURE_SCALE: f32 = 1.0 / 255.0;

/// Ranges that [`RangeRule::MeanSquare`] tries, as shares of the largest value.
const TRIED: u32 = 200;

/// Where a range ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RangeRule {
    /// At the largest value that was seen: nothing seen is clipped.
    Largest,
    /// Where one value in ten thousand lies beyond.
    Percentile,
    /// Where rounding and clipping together have the smallest mean square error.
    MeanSquare,
}

impl RangeRule {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Largest, Self::Percentile, Self::MeanSquare];
    /// Share of values that [`Self::Percentile`] leaves beyond the range.
    const BEYOND: f64 = 1e-4;

    /// The scale for values like these; positive and finite.
    pub fn scale(self, histogram: &Histogram) -> f32 {
        let range = match self {
            Self::Largest => histogram.largest(),
            Self::Percentile => percentile(histogram, Self::BEYOND),
            Self::MeanSquare => least_square(histogram),
        };
        // A value that is always 0 needs a scale too.
        if range / STEPS >= f32::MIN_POSITIVE { range / STEPS } else { 1.0 / STEPS }
    }
}

impl fmt::Display for RangeRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Largest => "largest value",
            Self::Percentile => "99.99th percentile",
            Self::MeanSquare => "least mean square error",
        })
    }
}

/// Scale of the byte that each layer gives, by its place in the list of layers; `None` where the value stays a float.
#[derive(Clone, Debug, PartialEq)]
pub struct Scales(pub Vec<Option<f32>>);

fn percentile(histogram: &Histogram, beyond: f64) -> f32 {
    let allowed = (histogram.count() as f64 * beyond) as u64;
    let mut left = 0;
    let mut bins: Vec<(f32, u64)> = histogram.bins().collect();
    bins.reverse();
    for (middle, count) in bins {
        left += count;
        if left > allowed {
            return middle.min(histogram.largest());
        }
    }
    0.0
}

fn least_square(histogram: &Histogram) -> f32 {
    let bins: Vec<(f64, f64)> =
        histogram.bins().filter(|bin| bin.1 > 0).map(|(middle, count)| (f64::from(middle), count as f64)).collect();
    let error = |range: f64| -> f64 {
        let step = range / f64::from(STEPS);
        let square = |value: f64| {
            let stored = (value / step).round().min(f64::from(STEPS)) * step;
            (value - stored) * (value - stored)
        };
        bins.iter().map(|&(middle, count)| count * square(middle)).sum()
    };
    let ranges = (1..=TRIED).map(|at| f64::from(histogram.largest()) * f64::from(at) / f64::from(TRIED));
    ranges.map(|range| (error(range), range)).min_by(|a, b| a.0.total_cmp(&b.0)).map_or(0.0, |best| best.1 as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Many values below 1, and one far out.
    fn with_outlier() -> Histogram {
        let mut histogram = Histogram::default();
        let values: Vec<f32> = (0..1_000_000).map(|at| (at % 1000) as f32 * 0.001).collect();
        histogram.add(&values);
        histogram.add(&[30.0]);
        histogram
    }

    #[test]
    fn each_rule_stops_where_it_says() {
        let histogram = with_outlier();
        assert_eq!(RangeRule::Largest.scale(&histogram) * STEPS, 30.0);
        let percentile = RangeRule::Percentile.scale(&histogram) * STEPS;
        assert!((0.97..1.05).contains(&percentile), "{percentile}");
        // A million values, each off by a step's square over twelve, against one that is clipped: r^2 n / (12 * 255^2) + (30 - r)^2 is
        // least at 30 / (1 + n / (12 * 255^2)). Values in a row are not off quite evenly.
        let square = RangeRule::MeanSquare.scale(&histogram) * STEPS;
        let expected = 30.0 / (1.0 + 1e6 / (12.0 * STEPS * STEPS));
        assert!((square - expected).abs() < 1.5, "{square}, expected about {expected}");
    }

    #[test]
    fn values_that_are_always_zero_have_a_scale() {
        let mut histogram = Histogram::default();
        for rule in RangeRule::ALL {
            assert_eq!(rule.scale(&histogram), 1.0 / STEPS, "{rule}");
        }
        histogram.add(&[0.0; 10]);
        assert!(RangeRule::ALL.iter().all(|rule| rule.scale(&histogram) == 1.0 / STEPS));
    }
}
