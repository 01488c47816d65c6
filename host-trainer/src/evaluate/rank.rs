//! Scores from the highest to the lowest, equal ones together: the walk that every curve here is made of.
//!
//! Packs score and label into one integer, so that millions of pixels sort without indirection. Computes no figure itself.

/// A whole number that orders like the score does, backwards: the highest score gets the smallest. Both zeros are equal.
pub(super) fn descending_key(score: f32) -> u32 {
    // Adding zero turns -0.0 into 0.0.
    let bits = (score + 0.0).to_bits();
    let ascending = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    !ascending
}

/// How many positives and negatives have been passed after one more distinct score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    pub positives: u64,
    pub negatives: u64,
}

/// The counts after each distinct score, from the highest score down; the last entry holds the totals.
///
/// `None` when the lengths differ, a score is not a number, or one of the two classes is absent.
pub(super) fn walk(scores: &[f32], positive: &[bool]) -> Option<Vec<Passed>> {
    if scores.len() != positive.len() || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut keys: Vec<u64> =
        scores.iter().zip(positive).map(|(&score, &p)| u64::from(descending_key(score)) << 1 | u64::from(p)).collect();
    keys.sort_unstable();
    let mut passed = Passed { positives: 0, negatives: 0 };
    let mut steps = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        passed.positives += key & 1;
        passed.negatives += 1 - (key & 1);
        if keys.get(index + 1).is_none_or(|next| next >> 1 != key >> 1) {
            steps.push(passed);
        }
    }
    (passed.positives > 0 && passed.negatives > 0).then_some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_backwards_through_zero_and_infinity() {
        let falling = [f32::INFINITY, 3.0, 1e-40, 0.0, -1e-40, -2.0, f32::NEG_INFINITY];
        for pair in falling.windows(2) {
            assert!(descending_key(pair[0]) < descending_key(pair[1]), "{pair:?}");
        }
        assert_eq!(descending_key(0.0), descending_key(-0.0));
    }

    #[test]
    fn equal_scores_are_passed_together() {
        let steps = walk(&[0.5, 0.9, 0.5, 0.1], &[true, true, false, false]);
        let counts = |positives, negatives| Passed { positives, negatives };
        assert_eq!(steps, Some(vec![counts(1, 0), counts(2, 1), counts(2, 2)]));
    }
}
