//! Average precision: the precision at each distinct score, weighted by the recall gained there.
//!
//! For parts and for pixels alike. No interpolation between points; that is what scikit-learn does, too.

use super::rank::walk;

/// The average precision, 0..=1, as scikit-learn's `average_precision_score` gives it.
///
/// `None` when a class is absent, a score is not a number, or the lengths differ.
pub fn average_precision(scores: &[f32], positive: &[bool]) -> Option<f64> {
    let steps = walk(scores, positive)?;
    let total = steps.last()?.positives as f64;
    let mut sum = 0.0;
    let mut before = 0;
    for step in &steps {
        let gained = (step.positives - before) as f64;
        sum += gained * step.positives as f64 / (step.positives + step.negatives) as f64;
        before = step.positives;
    }
    Some(sum / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worked_example_with_a_tie() {
        // Scores 0.8 (defect), 0.4 (one of each), 0.1 (good): recall 1/2 at precision 1, then 1/2 at precision 2/3.
        let found = average_precision(&[0.1, 0.4, 0.4, 0.8], &[false, false, true, true]);
        let expected = 0.5 * 1.0 + 0.5 * (2.0 / 3.0);
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-15), "{found:?}");
    }

    #[test]
    fn one_class_alone_has_none() {
        assert_eq!(average_precision(&[0.3, 0.4], &[true, true]), None);
        assert_eq!(average_precision(&[0.3, 0.4], &[false, false]), None);
    }
}
