//! From a heatmap to one number: the maximum of a square mean.
//!
//! The window is 21 by 21 at an input of 256 pixels and shrinks with it. Sums run in f64 and in one order, so that every
//! processor gives the same number. Does not decide: see [`crate::verdict`].

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::units::Score;

/// What a window divides by where it overlaps the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Border {
    /// The pixels really covered: a defect on the edge counts fully.
    Covered,
    /// The whole window, as the original DRAEM code does: a defect on the edge counts about half.
    Reference,
}

/// How a heatmap becomes a score. Travels in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Pixels on each side of the window's centre; 10 makes the original's 21 by 21.
    pub radius: u16,
    /// What happens at the border.
    pub border: Border,
}

impl Rule {
    /// The rule for an input whose shorter side has `side` pixels: 21 by 21 at 256, the nearest odd window elsewhere.
    pub const fn for_input(side: usize, border: Border) -> Self {
        Self { radius: (21 * side / 512) as u16, border }
    }
}

/// Why a heatmap has no score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScoreError {
    /// Length and sides disagree, or a side is zero.
    Shape {
        /// Pixels from left to right.
        width: usize,
        /// Values given.
        values: usize,
    },
    /// The scratch row is shorter than the heatmap is wide.
    Scratch {
        /// Values needed.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// A value is no probability.
    NotProbability {
        /// Where it stands.
        index: usize,
        /// What stands there.
        value: f32,
    },
}

impl fmt::Display for ScoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape { width, values } => write!(f, "{values} heatmap values do not make rows of {width}"),
            Self::Scratch { expected, got } => write!(f, "a scratch row of {got} values, {expected} needed"),
            Self::NotProbability { index, value } => write!(f, "heatmap value {index} is {value}, not in 0..=1"),
        }
    }
}

impl core::error::Error for ScoreError {}

/// The score of a heatmap with axes `[row, column]`, values 0..=1. `columns` is scratch, at least `width` long.
///
/// # Errors
/// [`ScoreError`] when the shape is wrong or a value is not a probability, NaN included.
pub fn score(rule: &Rule, heatmap: &[f32], width: usize, columns: &mut [f64]) -> Result<Score, ScoreError> {
    if width == 0 || heatmap.is_empty() || !heatmap.len().is_multiple_of(width) {
        return Err(ScoreError::Shape { width, values: heatmap.len() });
    }
    if columns.len() < width {
        return Err(ScoreError::Scratch { expected: width, got: columns.len() });
    }
    if let Some(index) = heatmap.iter().position(|value| !(0.0..=1.0).contains(value)) {
        return Err(ScoreError::NotProbability { index, value: heatmap[index] });
    }
    let columns = &mut columns[..width];
    columns.fill(0.0);
    let height = heatmap.len() / width;
    let radius = usize::from(rule.radius);
    let side = 2 * radius + 1;
    let row = |y: usize| &heatmap[y * width..][..width];

    for y in 0..radius.min(height) {
        columns.iter_mut().zip(row(y)).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let mut largest = 0.0f64;
    for y in 0..height {
        if y + radius < height {
            columns.iter_mut().zip(row(y + radius)).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        if y > radius {
            columns.iter_mut().zip(row(y - radius - 1)).for_each(|(sum, &value)| *sum -= f64::from(value));
        }
        let rows = (y + radius).min(height - 1) + 1 - y.saturating_sub(radius);
        let mut sum: f64 = columns[..radius.min(width)].iter().sum();
        for x in 0..width {
            if x + radius < width {
                sum += columns[x + radius];
            }
            if x > radius {
                sum -= columns[x - radius - 1];
            }
            let across = (x + radius).min(width - 1) + 1 - x.saturating_sub(radius);
            let divisor = match rule.border {
                Border::Covered => rows * across,
                Border::Reference => side * side,
            };
            largest = largest.max(sum / divisor as f64);
        }
    }
    // Running sums may pass 1 by a rounding error; the mean of probabilities cannot.
    let value = (largest as f32).clamp(0.0, 1.0);
    Score::new(value).ok_or(ScoreError::NotProbability { index: 0, value })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;
    use std::vec::Vec;

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The definition, pixel by pixel and window by window.
    fn oracle(rule: &Rule, heatmap: &[f32], width: usize) -> f64 {
        let height = heatmap.len() / width;
        let radius = isize::try_from(rule.radius).unwrap();
        let mut largest = 0.0f64;
        for y in 0..height as isize {
            for x in 0..width as isize {
                let (mut sum, mut covered) = (0.0, 0);
                for v in y - radius..=y + radius {
                    for u in x - radius..=x + radius {
                        if (0..height as isize).contains(&v) && (0..width as isize).contains(&u) {
                            sum += f64::from(heatmap[v as usize * width + u as usize]);
                            covered += 1;
                        }
                    }
                }
                let divisor = match rule.border {
                    Border::Covered => covered,
                    Border::Reference => (2 * radius + 1) * (2 * radius + 1),
                };
                largest = largest.max(sum / divisor as f64);
            }
        }
        largest
    }

    #[test]
    fn equals_the_definition() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for case in 0..200 {
            let (width, height) = (rng.random_range(1..30), rng.random_range(1..30));
            let heatmap: Vec<f32> = (0..width * height).map(|_| rng.random::<f32>().powi(4)).collect();
            for border in [Border::Covered, Border::Reference] {
                let rule = Rule { radius: rng.random_range(0..20), border };
                let got = score(&rule, &heatmap, width, &mut vec![0.0; width]).unwrap().get();
                let expected = oracle(&rule, &heatmap, width);
                assert!((f64::from(got) - expected).abs() < 1e-6, "case {case} {rule:?}: {got} for {expected}");
            }
        }
    }

    #[test]
    fn a_defect_in_the_corner_counts_fully_only_where_the_covered_pixels_divide() {
        let mut heatmap = vec![0.0; 64 * 64];
        (0..11).for_each(|y| heatmap[y * 64..y * 64 + 11].fill(1.0));
        let with = |border| score(&Rule { radius: 10, border }, &heatmap, 64, &mut [0.0; 64]).unwrap().get();
        assert_eq!(with(Border::Covered), 1.0);
        assert!((with(Border::Reference) - 121.0 / 441.0).abs() < 1e-6);
    }

    #[test]
    fn the_window_shrinks_with_the_input() {
        let windows = [256, 128, 64, 192, 512].map(|side| 2 * Rule::for_input(side, Border::Covered).radius + 1);
        assert_eq!(windows, [21, 11, 5, 15, 43]);
    }

    #[test]
    fn what_is_no_probability_has_no_score() {
        for wrong in [f32::NAN, -0.1, 1.1, f32::INFINITY] {
            let heatmap = [0.0, wrong, 0.0, 0.0];
            let got = score(&Rule { radius: 1, border: Border::Covered }, &heatmap, 2, &mut [0.0; 2]);
            assert!(matches!(got, Err(ScoreError::NotProbability { index: 1, .. })), "{wrong}: {got:?}");
        }
        let rule = Rule { radius: 1, border: Border::Covered };
        assert!(matches!(score(&rule, &[0.0; 3], 2, &mut [0.0; 2]), Err(ScoreError::Shape { .. })));
        assert!(matches!(score(&rule, &[0.0; 4], 2, &mut [0.0; 1]), Err(ScoreError::Scratch { .. })));
    }
}
