//! How often each size of value occurs, without knowing the largest beforehand.
//!
//! Takes values that are not negative, gives counts in equal bins from 0. Where a value lies beyond the last bin, bins are
//! merged in pairs until it fits, so that one pass over the data is enough and two histograms can be added.

/// Bins of a histogram: eight for each step of a byte.
pub const BINS: usize = 2048;

/// Counts of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    counts: Vec<u64>,
    /// Width of a bin: a power of two.
    width: f32,
    largest: f32,
}

impl Default for Histogram {
    fn default() -> Self {
        // Far below any activation; it grows with the first value.
        Self { counts: vec![0; BINS], width: f32::MIN_POSITIVE, largest: 0.0 }
    }
}

impl Histogram {
    /// Counts values; those that are negative or not finite are left out.
    pub fn add(&mut self, values: &[f32]) {
        let usable = |value: f32| value >= 0.0 && value.is_finite();
        let largest = values.iter().copied().filter(|&value| usable(value)).fold(self.largest, f32::max);
        self.reach(largest);
        for &value in values.iter().filter(|&&value| usable(value)) {
            self.counts[((value / self.width) as usize).min(BINS - 1)] += 1;
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        self.reach(other.largest);
        for (bin, &count) in other.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let middle = (bin as f32 + 0.5) * other.width;
            self.counts[((middle / self.width) as usize).min(BINS - 1)] += count;
        }
    }

    /// The largest value counted; 0 if there was none.
    pub fn largest(&self) -> f32 {
        self.largest
    }

    /// Each bin's middle and its count.
    pub fn bins(&self) -> impl Iterator<Item = (f32, u64)> + '_ {
        self.counts.iter().enumerate().map(|(bin, &count)| ((bin as f32 + 0.5) * self.width, count))
    }

    /// Values counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Merges bins until `value` has one.
    fn reach(&mut self, value: f32) {
        self.largest = self.largest.max(value);
        while value >= self.width * BINS as f32 {
            for bin in 0..BINS / 2 {
                self.counts[bin] = self.counts[2 * bin] + self.counts[2 * bin + 1];
            }
            self.counts[BINS / 2..].fill(0);
            self.width *= 2.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_loses_no_count_and_little_place() {
        let mut histogram = Histogram::default();
        for round in 0..10 {
            let values: Vec<f32> = (0..1000).map(|at| at as f32 * 0.001 * f32::from(1u16 << round)).collect();
            histogram.add(&values);
        }
        histogram.add(&[-1.0, f32::NAN, f32::INFINITY]);
        assert_eq!(histogram.count(), 10_000);
        assert_eq!(histogram.largest(), 999.0 * 0.001 * 512.0);
        let below_one: u64 = histogram.bins().take_while(|(middle, _)| *middle < 1.0).map(|(_, count)| count).sum();
        let really: usize = (0..10).map(|round| (0..1000).filter(|at| at << round < 1000).count()).sum();
        assert!((below_one as i64 - really as i64).abs() < 60, "{below_one}, really {really}");
    }

    #[test]
    fn merging_is_counting_together() {
        let (low, high): (Vec<f32>, Vec<f32>) = ((0..500).map(|at| at as f32).collect(), vec![3000.0; 7]);
        let mut together = Histogram::default();
        together.add(&high);
        together.add(&low);
        let (mut merged, mut other) = (Histogram::default(), Histogram::default());
        merged.add(&low);
        other.add(&high);
        merged.merge(&other);
        assert_eq!(merged, together);
    }
}
