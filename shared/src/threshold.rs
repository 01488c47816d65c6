//! From the scores of held-out good parts to the threshold, with what it promises about false rejects.
//!
//! With n exchangeable good parts, one picture each, and the threshold at the k-th largest score, a new good part is rejected
//! with expected probability k / (n + 1), and the false-reject rate of one such threshold is distributed as
//! Beta(k, n + 1 - k); fewer when scores tie. That holds for whatever the score means, but only if the parts were not trained
//! on and come from the same camera and runtime as the line's. A rate below 1 / (n + 1) cannot be promised by n parts, and is
//! refused. Looks at no defects: none are needed.
//!
//! Pictures of one part are not exchangeable with those of another. Where a part has m pictures, each weighs 1 / m: the
//! expected rate then holds for one picture of a new part (Lee, Barber and Willett 2023, hierarchical conformal prediction).
//! The bound is that of as many parts as there are, as if all pictures of a part scored alike, which is the worst case.

use core::fmt;

use crate::beta;
use crate::limits::MAX_GOOD_SCORES;

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
    /// The false-reject rate to be expected; at most `target`. `rank / (parts + 1)` where each part has one picture.
    pub expected: f64,
    /// The false-reject rate that is not exceeded with 95 % confidence.
    pub upper_bound_95: f64,
}

impl Threshold {
    /// How many of the next `new` good parts are not exceeded by the rejected ones with 95 % confidence: a bound for what will be
    /// counted, where `upper_bound_95` is one for the rate behind it, which few parts can exceed by luck.
    pub fn most_rejected_95(&self, new: u32) -> u32 {
        let n = self.parts as f64;
        let k = self.expected * (n + 1.0);
        if k < n { beta::counted(k, n + 1.0 - k, new, 0.95) } else { new }
    }
}

/// What a threshold promises that was not chosen for a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promise {
    /// How many of the held-out good pictures score above it.
    pub above: usize,
    /// How many good parts were held out.
    pub parts: usize,
    /// The false-reject rate to be expected.
    pub expected: f64,
    /// The false-reject rate that is not exceeded with 95 % confidence.
    pub upper_bound_95: f64,
}

/// Why no threshold can be chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ThresholdError {
    /// The target is no rate.
    Target {
        /// What was asked for.
        target: f64,
    },
    /// A score is infinite or not a number, or smaller than the one before it.
    Score {
        /// Place in the list handed in.
        index: usize,
        /// What stands there.
        value: f32,
    },
    /// More scores than are worked with, or part numbers that are not one for each score and below their count.
    Parts {
        /// Scores given.
        scores: usize,
        /// Part numbers given.
        parts: usize,
    },
    /// Too few parts to promise so small a rate.
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

impl fmt::Display for ThresholdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target { target } => write!(
                f,
                "false-reject target {target} is not a rate: give a number above 0 and below 1, for example 0.02 for 2 %"
            ),
            Self::Score { index, value } => {
                write!(
                    f,
                    "score {value} of held-out good part {index} (counted from 0) is not a finite number in order"
                )
            }
            Self::Parts { scores, parts } => write!(
                f,
                "{scores} scores with {parts} part numbers: at most {MAX_GOOD_SCORES} scores, and as many numbers or none"
            ),
            Self::TooFewParts { parts, target, needed, reachable } => write!(
                f,
                "{parts} held-out good parts cannot promise a false-reject rate of {target}: \
                 at least {needed} are needed, or a target of at least {reachable:.5}"
            ),
        }
    }
}

impl core::error::Error for ThresholdError {}

/// Rounding errors below this do not cost a rank: 0.29 times 100 is a little less than 29 in binary.
const RANK_TOLERANCE: f64 = 1e-9;

/// Chooses the lowest threshold whose expected false-reject rate stays within `target`.
///
/// `scores` are those of held-out good pictures, ascending. `parts` says which part each of them shows, by numbers below their
/// count; it is empty where each shows a part of its own.
///
/// # Errors
/// When the target is not a rate, scores or part numbers are not as they should be, or there are too few parts.
pub fn choose(scores: &[f32], parts: &[u16], target: f64) -> Result<Threshold, ThresholdError> {
    if !(target > 0.0 && target < 1.0) {
        return Err(ThresholdError::Target { target });
    }
    let weights = Weights::of(scores, parts)?;
    let (count, share) = (weights.count, weights.share());
    // What a new part itself adds comes first: it may lie anywhere.
    let mut expected = share;
    if scores.is_empty() || expected > target + RANK_TOLERANCE * share {
        let needed = needed_parts(target);
        return Err(ThresholdError::TooFewParts { parts: count, target, needed, reachable: share });
    }
    let mut rank = 1;
    for at in (1..scores.len()).rev() {
        // Lowering the threshold below this score rejects it.
        let lowered = expected + weights.of_picture(at);
        if lowered > target + RANK_TOLERANCE * share {
            break;
        }
        (expected, rank) = (lowered, rank + 1);
    }
    let value = scores[scores.len() - rank];
    Ok(Threshold { value, rank, parts: count, target, expected, upper_bound_95: weights.upper_bound_95(expected) })
}

/// What any threshold promises, on the scale of the scores; `scores` and `parts` as for [`choose`].
///
/// With `above` good parts of n above it, the rate is expected to be (above + 1) / (n + 1) at most, and the bound is the quantile of
/// Beta(above + 1, n - above): for a threshold that was found from these parts by the argument above, and for one that has nothing to do
/// with them because that is Clopper and Pearson's bound (1934) of a share.
///
/// # Errors
/// When scores or part numbers are not as they should be, or there are none.
pub fn promise(scores: &[f32], parts: &[u16], value: f32) -> Result<Promise, ThresholdError> {
    let weights = Weights::of(scores, parts)?;
    if !value.is_finite() || scores.is_empty() {
        return Err(ThresholdError::Score { index: 0, value });
    }
    let first = scores.partition_point(|&score| score <= value);
    let expected = (first..scores.len()).fold(weights.share(), |sum, at| sum + weights.of_picture(at));
    let upper_bound_95 = weights.upper_bound_95(expected);
    Ok(Promise { above: scores.len() - first, parts: weights.count, expected, upper_bound_95 })
}

/// How much each picture counts.
struct Weights<'a> {
    parts: &'a [u16],
    /// By part: how many pictures show it.
    pictures: [u16; MAX_GOOD_SCORES],
    count: usize,
}

impl<'a> Weights<'a> {
    fn of(scores: &[f32], parts: &'a [u16]) -> Result<Self, ThresholdError> {
        let unordered = |&at: &usize| !scores[at].is_finite() || at > 0 && scores[at] < scores[at - 1];
        if let Some(index) = (0..scores.len()).find(unordered) {
            return Err(ThresholdError::Score { index, value: scores[index] });
        }
        let numbered =
            parts.is_empty() || parts.len() == scores.len() && parts.iter().all(|&p| usize::from(p) < parts.len());
        if !numbered || scores.len() > MAX_GOOD_SCORES {
            return Err(ThresholdError::Parts { scores: scores.len(), parts: parts.len() });
        }
        let mut weights = Self { parts, pictures: [0; MAX_GOOD_SCORES], count: 0 };
        (0..scores.len()).for_each(|at| weights.pictures[weights.part(at)] += 1);
        weights.count = weights.pictures.iter().filter(|&&pictures| pictures > 0).count();
        Ok(weights)
    }

    fn part(&self, at: usize) -> usize {
        self.parts.get(at).map_or(at, |&part| part.into())
    }

    /// What a whole part adds to the expected rate.
    fn share(&self) -> f64 {
        1.0 / (self.count as f64 + 1.0)
    }

    /// What one picture adds to it.
    fn of_picture(&self, at: usize) -> f64 {
        self.share() / f64::from(self.pictures[self.part(at)])
    }

    fn upper_bound_95(&self, expected: f64) -> f64 {
        let (k, n) = (expected / self.share(), self.count as f64);
        if k < n { beta::quantile(k, n + 1.0 - k, 0.95) } else { 1.0 }
    }
}

/// How many held-out good parts a target in 0..1 needs.
pub fn needed_parts(target: f64) -> usize {
    (libm::ceil(1.0 / target - 1.0 - RANK_TOLERANCE) as usize).max(1)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

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
            let scores: std::vec::Vec<f32> = (0..parts).map(|i| i as f32).collect();
            let chosen = choose(&scores, &[], 1.0 / (f64::from(parts) + 1.0)).expect("one rank");
            assert_eq!((chosen.rank, chosen.value), (1, parts as f32 - 1.0), "{parts} parts");
            assert!((chosen.expected * 100.0 - expected).abs() <= digits, "{parts} parts: {}", chosen.expected);
            let got = chosen.upper_bound_95 * 100.0;
            assert!((got - bound).abs() <= digits, "{parts} parts: bound {got}");
        }
    }

    #[test]
    fn pictures_of_one_part_weigh_as_one() {
        // Nine parts with one low picture, and one part whose four pictures score highest.
        let scores = [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.6, 0.7, 0.8, 0.9];
        let parts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9];
        let chosen = choose(&scores, &parts, 0.15).unwrap();
        // A new part may lie anywhere (1 of 11), and two of the four pictures weigh a half of 1 of 11.
        assert_eq!((chosen.parts, chosen.rank, chosen.value), (10, 3, 0.7));
        assert!((chosen.expected - 1.5 / 11.0).abs() < 1e-12, "{}", chosen.expected);
        assert!(matches!(
            choose(&scores, &parts, 0.05),
            Err(ThresholdError::TooFewParts { parts: 10, needed: 19, .. })
        ));
        assert!(choose(&scores, &[], 0.08).is_ok());
    }

    #[test]
    fn one_picture_each_is_the_same_with_and_without_numbers() {
        let scores: std::vec::Vec<f32> = (0..57).map(|at| (at * at) as f32).collect();
        let parts: std::vec::Vec<u16> = (0..57).collect();
        for target in [0.02, 0.05, 0.29, 0.5, 0.99] {
            assert_eq!(choose(&scores, &[], target), choose(&scores, &parts, target), "{target}");
        }
    }

    #[test]
    fn a_threshold_that_was_chosen_promises_what_it_was_chosen_for() {
        let scores: std::vec::Vec<f32> = (0..200).map(|at| at as f32).collect();
        for target in [0.005, 0.02, 0.3] {
            let chosen = choose(&scores, &[], target).unwrap();
            let found = promise(&scores, &[], chosen.value).unwrap();
            assert_eq!((found.above, found.parts), (chosen.rank - 1, 200));
            assert!((found.expected - chosen.expected).abs() < 1e-12, "{target}: {found:?}");
            assert!((found.upper_bound_95 - chosen.upper_bound_95).abs() < 1e-12, "{target}: {found:?}");
        }
        // None of 50 above: 1 - 0.05^(1/50) by Clopper and Pearson. All of 50 above: nothing is promised.
        let found = promise(&scores[..50], &[], 1e6).unwrap();
        assert!(found.above == 0 && (found.upper_bound_95 - (1.0 - 0.05_f64.powf(0.02))).abs() < 1e-9, "{found:?}");
        let found = promise(&scores[..50], &[], -1.0).unwrap();
        assert!(found.above == 50 && (found.expected - 1.0).abs() < 1e-12 && found.upper_bound_95 == 1.0, "{found:?}");
        // Scores that tie are rejected together, and two of a part's four pictures count as half of it.
        let found = promise(&[0.1, 0.2, 0.9, 0.9, 0.9, 0.9], &[0, 1, 2, 2, 2, 2], 0.9).unwrap();
        assert_eq!((found.above, found.parts, found.expected), (0, 3, 0.25));
        let found = promise(&[0.1, 0.2, 0.3, 0.4, 0.9, 0.9], &[0, 1, 2, 2, 2, 2], 0.4).unwrap();
        assert!(found.above == 2 && (found.expected - 0.375).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn what_cannot_be_worked_with_is_refused() {
        assert!(matches!(promise(&[0.1], &[], f32::NAN), Err(ThresholdError::Score { .. })));
        assert!(matches!(promise(&[], &[], 0.5), Err(ThresholdError::Score { .. })));
        assert!(matches!(promise(&[0.1, 0.2], &[0], 0.5), Err(ThresholdError::Parts { .. })));
        assert!(matches!(choose(&[0.2, 0.1], &[], 0.5), Err(ThresholdError::Score { index: 1, .. })));
        assert!(matches!(choose(&[0.1, f32::NAN], &[], 0.5), Err(ThresholdError::Score { index: 1, .. })));
        assert!(matches!(choose(&[0.1, 0.2], &[0], 0.5), Err(ThresholdError::Parts { .. })));
        assert!(matches!(choose(&[0.1, 0.2], &[0, 2], 0.5), Err(ThresholdError::Parts { .. })));
        assert!(matches!(choose(&[], &[], 0.5), Err(ThresholdError::TooFewParts { parts: 0, .. })));
        assert!(matches!(choose(&[0.1], &[], f64::NAN), Err(ThresholdError::Target { .. })));
    }
}
