//! Area under the receiver operating characteristic: the chance that a defect scores above a good one, ties counting half.
//!
//! For parts (one score each) and for pixels alike.

use super::rank::walk;

/// The area, 0..=1, as scikit-learn's `roc_auc_score` gives it.
///
/// `None` when a class is absent, a score is not a number, or the lengths differ.
pub fn auroc(scores: &[f32], positive: &[bool]) -> Option<f64> {
    let steps = walk(scores, positive)?;
    let totals = *steps.last()?;
    // Twice the area in pairs, in whole numbers: exact for any number of pixels.
    let mut doubled = 0_u128;
    let mut before = (0, 0);
    for step in &steps {
        doubled += u128::from(step.negatives - before.1) * u128::from(step.positives + before.0);
        before = (step.positives, step.negatives);
    }
    Some(doubled as f64 / (2.0 * totals.positives as f64 * totals.negatives as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn it_is_the_share_of_rightly_ordered_pairs() {
        for seed in 0..50 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let scores: Vec<f32> = (0..60).map(|_| (rng.next_u32() % 12) as f32 - 5.0).collect();
            let positive: Vec<bool> = (0..60).map(|i| i == 0 || i > 1 && rng.next_u32().is_multiple_of(3)).collect();
            let (mut pairs, mut right) = (0.0, 0.0);
            for (score, _) in scores.iter().zip(&positive).filter(|(_, p)| **p) {
                for (other, _) in scores.iter().zip(&positive).filter(|(_, p)| !**p) {
                    pairs += 1.0;
                    right += if score > other {
                        1.0
                    } else if score == other {
                        0.5
                    } else {
                        0.0
                    };
                }
            }
            let found = auroc(&scores, &positive).expect("both classes are present");
            assert!((found - right / pairs).abs() < 1e-12, "seed {seed}: {found}, by pairs {}", right / pairs);
        }
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        assert_eq!(auroc(&[0.1, 0.2], &[true, true]), None);
        assert_eq!(auroc(&[0.1, 0.2], &[false, false]), None);
        assert_eq!(auroc(&[0.1, f32::NAN], &[true, false]), None);
        assert_eq!(auroc(&[0.1], &[true, false]), None);
        assert_eq!(auroc(&[], &[]), None);
        assert_eq!(auroc(&[0.9, 0.1], &[true, false]), Some(1.0));
    }
}
