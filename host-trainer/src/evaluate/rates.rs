//! What a line engineer asks: how many good parts are thrown away, how many bad ones slip through, at one threshold.
//!
//! A part is rejected when its score is above the threshold. Rates come with an interval, because test sets are small.

use shared::beta;

/// A share of parts, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Parts counted.
    pub count: usize,
    /// Out of this many; above 0.
    pub of: usize,
    /// `count / of`, 0..=1.
    pub rate: f64,
    /// Clopper-Pearson interval at 95 %, both ends 0..=1.
    pub interval_95: (f64, f64),
}

/// Both kinds of mistake at one threshold. `None` where no part of that kind was tested.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Good parts that were rejected.
    pub false_reject: Option<Rate>,
    /// Defective parts that were not rejected.
    pub escape: Option<Rate>,
}

/// Counts both kinds of mistake. A score that is not a number rejects the part, as on the line; parts beyond the shorter of
/// the two lists are not counted.
pub fn rates(scores: &[f32], defective: &[bool], threshold: f32) -> Rates {
    let (mut good, mut rejected, mut bad, mut escaped) = (0, 0, 0, 0);
    for (&score, &defective) in scores.iter().zip(defective) {
        let passes = score <= threshold;
        if defective {
            bad += 1;
            escaped += usize::from(passes);
        } else {
            good += 1;
            rejected += usize::from(!passes);
        }
    }
    Rates { false_reject: Rate::of(rejected, good), escape: Rate::of(escaped, bad) }
}

impl Rate {
    /// `count` out of `of` with its interval; `None` when `of` is 0 or less than `count`.
    pub fn of(count: usize, of: usize) -> Option<Self> {
        let interval_95 = clopper_pearson(count, of, 0.95)?;
        Some(Self { count, of, rate: count as f64 / of as f64, interval_95 })
    }
}

/// The exact two-sided interval for a probability of which `count` out of `of` trials were seen. `confidence` is in 0..1.
/// Source: C. Clopper and E. Pearson, Biometrika 26 (1934). `None` when `of` is 0 or less than `count`.
pub fn clopper_pearson(count: usize, of: usize, confidence: f64) -> Option<(f64, f64)> {
    if of == 0 || count > of {
        return None;
    }
    let tail = (1.0 - confidence) / 2.0;
    let (k, n) = (count as f64, of as f64);
    let low = if count == 0 { 0.0 } else { beta::quantile(k, n - k + 1.0, tail) };
    let high = if count == of { 1.0 } else { beta::quantile(k + 1.0, n - k, 1.0 - tail) };
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_agree_with_published_ones() {
        // None of 10: the upper end is 1 - 0.025^(1/10). 5 of 10: a standard table's 0.1871 to 0.8129.
        let (low, high) = clopper_pearson(0, 10, 0.95).expect("10 trials");
        assert_eq!(low, 0.0);
        assert!((high - (1.0 - 0.025_f64.powf(0.1))).abs() < 1e-9, "{high}");
        let (low, high) = clopper_pearson(5, 10, 0.95).expect("10 trials");
        assert!((low - 0.1871).abs() < 5e-5 && (high - 0.8129).abs() < 5e-5, "{low} {high}");
        assert_eq!(clopper_pearson(3, 3, 0.95).map(|interval| interval.1), Some(1.0));
        assert_eq!(clopper_pearson(0, 0, 0.95), None);
        assert_eq!(clopper_pearson(4, 3, 0.95), None);
    }

    #[test]
    fn a_part_on_the_threshold_passes_and_no_number_never_does() {
        let found = rates(&[0.5, 0.6, f32::NAN, 0.5, 0.9], &[false, false, false, true, true], 0.5);
        assert_eq!(found.false_reject.map(|rate| (rate.count, rate.of)), Some((2, 3)));
        assert_eq!(found.escape.map(|rate| (rate.count, rate.of)), Some((1, 2)));
        assert_eq!(rates(&[0.1], &[false], 0.5).escape, None);
    }
}
