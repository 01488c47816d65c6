//! From the scores of held-out good parts to the threshold, with what it promises about false rejects.
//!
//! With n exchangeable good scores and the threshold at the k-th largest, a new good part is rejected with expected
//! probability k / (n + 1), and the false-reject rate of one such threshold is distributed as Beta(k, n + 1 - k); fewer when
//! scores tie. That holds for whatever the score means, but only if the parts were not trained on, are one image each, and
//! come from the same camera and runtime as the line's. A rate below 1 / (n + 1) cannot be promised by n parts, and is refused.
//! Looks at no defects: none are needed.

use crate::evaluate::beta;

/// A threshold and its promise. A part is rejected when its score is **above** `value`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// The threshold, on the scale of the scores.
    pub value: f32,
    /// Which largest score it is: 1 for the largest of all.
    pub rank: usize,
    /// How many good parts were held out.
    pub parts: usize,
    /// The false-reject rate asked for, 0..1.
    pub target: f64,
    /// The false-reject rate to be expected, `rank / (parts + 1)`; at most `target`.
    pub expected: f64,
    /// The false-reject rate that is not exceeded with 95 % confidence.
    pub upper_bound_95: f64,
}

/// Why no threshold can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ThresholdError {
    /// The target is no rate.
    #[error("false-reject target {target} is not a rate: give a number above 0 and below 1, for example 0.02 for 2 %")]
    Target {
        /// What was asked for.
        target: f64,
    },
    /// A score is infinite or not a number.
    #[error("score {value} of held-out good part {index} (counted from 0) is not a finite number")]
    Score {
        /// Place in the list handed in.
        index: usize,
        /// What stands there.
        value: f32,
    },
    /// Too few parts to promise so small a rate.
    #[error(
        "{parts} held-out good parts cannot promise a false-reject rate of {target}: \
         at least {needed} are needed, or a target of at least {reachable:.5}"
    )]
    TooFewParts {
        /// How many there are.
        parts: usize,
        /// What was asked for.
        target: f64,
        /// How many held-out good parts that target needs.
        needed: usize,
        /// The smallest target that `parts` can support.
        reachable: f64,
    },
}

/// Rounding errors below this do not cost a rank: 0.29 times 100 is a little less than 29 in binary.
const RANK_TOLERANCE: f64 = 1e-9;

/// Chooses the lowest threshold whose expected false-reject rate stays within `target`.
///
/// `scores` are those of held-out good parts, in any order, one per part.
///
/// # Errors
///
/// When the target is not a rate, a score is not finite, or there are too few parts for the target.
pub fn choose(scores: &[f32], target: f64) -> Result<Threshold, ThresholdError> {
    if !(target > 0.0 && target < 1.0) {
        return Err(ThresholdError::Target { target });
    }
    if let Some((index, &value)) = scores.iter().enumerate().find(|(_, score)| !score.is_finite()) {
        return Err(ThresholdError::Score { index, value });
    }
    let parts = scores.len();
    let rank = ((target * (parts as f64 + 1.0) + RANK_TOLERANCE) as usize).min(parts);
    if rank == 0 {
        let needed = needed_parts(target);
        return Err(ThresholdError::TooFewParts { parts, target, needed, reachable: 1.0 / (parts as f64 + 1.0) });
    }
    let mut falling = scores.to_vec();
    let value = *falling.select_nth_unstable_by(rank - 1, |a, b| b.total_cmp(a)).1;
    let (k, n) = (rank as f64, parts as f64);
    Ok(Threshold {
        value,
        rank,
        parts,
        target,
        expected: k / (n + 1.0),
        upper_bound_95: beta::quantile(k, n + 1.0 - k, 0.95),
    })
}

/// How many held-out good parts a target in 0..1 needs.
pub fn needed_parts(target: f64) -> usize {
    ((1.0 / target - 1.0 - RANK_TOLERANCE).ceil() as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_table_of_largest_scores() {
        // Number of parts, expected rate, 95 % bound; both in per cent, to the digits shown.
        for (parts, expected, bound, digits) in [
            (50, 2.0, 5.8, 0.05),
            (100, 1.0, 3.0, 0.05),
            (200, 0.50, 1.5, 0.05),
            (500, 0.20, 0.60, 0.005),
            (1000, 0.10, 0.30, 0.005),
            (3000, 0.033, 0.10, 0.005),
        ] {
            let scores: Vec<f32> = (0..parts).map(|i| i as f32).collect();
            let chosen = choose(&scores, 1.0 / (f64::from(parts) + 1.0)).expect("one rank");
            assert_eq!((chosen.rank, chosen.value), (1, parts as f32 - 1.0), "{parts} parts");
            assert!((chosen.expected * 100.0 - expected).abs() <= digits, "{parts} parts: {}", chosen.expected);
            assert!(
                (chosen.upper_bound_95 * 100.0 - bound).abs() <= digits,
                "{parts} parts: {}",
                chosen.upper_bound_95
            );
        }
    }

    #[test]
    fn the_number_of_parts_that_a_refusal_names_suffices_and_one_less_does_not() {
        for target in [0.5, 0.3, 0.1, 0.05, 0.02, 0.013, 0.01, 0.001, 0.00035] {
            let needed = needed_parts(target);
            let scores = vec![0.25; needed];
            assert_eq!(choose(&scores, target).map(|chosen| chosen.rank), Ok(1), "target {target}, {needed} parts");
            let refusal = choose(&scores[1..], target);
            assert!(
                matches!(refusal, Err(ThresholdError::TooFewParts { parts, needed: named, .. })
                    if parts == needed - 1 && named == needed),
                "target {target}: {refusal:?}"
            );
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let message = choose(&[0.1; 40], 0.01).expect_err("40 parts are too few").to_string();
        assert_eq!(
            message,
            "40 held-out good parts cannot promise a false-reject rate of 0.01: \
             at least 99 are needed, or a target of at least 0.02439"
        );
        assert!(choose(&[], 0.5).is_err());
        for target in [0.0, 1.0, -0.1, f64::NAN, 2.0] {
            assert!(matches!(choose(&[0.1; 9], target), Err(ThresholdError::Target { .. })), "target {target}");
        }
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let refusal = choose(&[0.1, 0.2, value], 0.5);
            assert!(matches!(refusal, Err(ThresholdError::Score { index: 2, .. })), "{value}: {refusal:?}");
        }
    }

    /// Parts drawn from one crowd, split into held-out ones and new ones many times: the rate over all splits is the expected
    /// one, and the bound is exceeded in about one split of twenty.
    #[test]
    fn the_promise_holds_over_many_random_splits() {
        for (parts, target) in [(60, 0.05), (120, 0.02), (40, 0.2)] {
            let (mut rates, mut above_bound) = (Vec::new(), 0);
            for seed in 0..2000 {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                // Skewed towards zero like real scores. New parts are counted by the distribution's own tail.
                let mut draw = || f64::from(rng.next_u32()) / 4_294_967_296.0;
                let scores: Vec<f32> = (0..parts).map(|_| (draw() as f32).powi(4)).collect();
                let chosen = choose(&scores, target).expect("enough parts");
                let realised = 1.0 - f64::from(chosen.value).powf(0.25);
                above_bound += usize::from(realised > chosen.upper_bound_95);
                rates.push((realised, chosen.expected));
            }
            let n = rates.len() as f64;
            let mean = rates.iter().map(|rate| rate.0).sum::<f64>() / n;
            let expected = rates[0].1;
            assert!(expected <= target, "{parts} parts, target {target}: expected {expected}");
            // The mean of 2,000 splits is known to about a fortieth of itself.
            assert!((mean - expected).abs() < 0.08 * expected, "{parts} parts, target {target}: {mean} for {expected}");
            let share = above_bound as f64 / n;
            assert!((0.035..0.065).contains(&share), "{parts} parts, target {target}: bound exceeded in {share}");
        }
    }
}
