//! From a heatmap to one number: the mean of its highest values, or as in the original the largest mean of a square.
//!
//! Sums run in f64 and in one order, so that every processor gives the same number. Does not decide: see
//! [`crate::verdict`].

use core::fmt;
use core::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::units::Score;

/// What a window divides by where it overlaps the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// The pixels really covered: a defect on the edge counts fully.
    Covered,
    /// The whole window, as the original DRAEM code does: a defect on the edge counts about half.
    Reference,
}

/// How a heatmap becomes a score. Travels in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum Rule {
    /// The mean of the highest values, one in `of` but one at least, wherever they lie. Small defects and several of them count
    /// more than under a window, which averages them with what is sound around them.
    Highest {
        /// One value in so many is among the highest.
        of: NonZeroU16,
    },
    /// The largest mean of a square window.
    Window {
        /// Pixels on each side of the window's centre; 10 makes the original's 21 by 21.
        radius: u16,
        /// What happens at the border.
        border: Border,
    },
}

/// What a rule that names no share means, as formats 4 to 6 of the bundle write it: one value in so many.
const UNNAMED: NonZeroU16 = NonZeroU16::new(512).unwrap();

impl Rule {
    /// What bundles are made with. Chosen by held-out good parts and simulated defects on them: larger shares told them apart worse
    /// with seven networks of eight and better with none, a smaller one worse with one.
    pub const HIGHEST: Self = Self::Highest { of: NonZeroU16::new(1024).unwrap() };

    /// The original's window for an input whose shorter side has `side` pixels: 21 by 21 at 256, the nearest odd window elsewhere.
    pub const fn window_for(side: usize, border: Border) -> Self {
        Self::Window { radius: (21 * side / 512) as u16, border }
    }

    /// How many values of scratch [`score`] needs for a heatmap of this size.
    pub const fn scratch(&self, width: usize, height: usize) -> usize {
        match self {
            Self::Highest { of } => highest(width * height, *of),
            Self::Window { .. } => width,
        }
    }
}

/// How many values of so many are the highest, one in `of`.
const fn highest(values: usize, of: NonZeroU16) -> usize {
    let count = values / of.get() as usize;
    if count == 0 { 1 } else { count }
}

/// A rule as the manifest has it: the numbers of format 3, to which format 4 added a third kind and format 7 its share.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Written {
    /// A window's radius; of the highest values, one in so many, 0 for [`UNNAMED`].
    extent: u16,
    kind: Kind,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Kind {
    Covered,
    Reference,
    Highest,
}

impl From<Rule> for Written {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::Highest { of } => Self { extent: if of == UNNAMED { 0 } else { of.get() }, kind: Kind::Highest },
            Rule::Window { radius, border: Border::Covered } => Self { extent: radius, kind: Kind::Covered },
            Rule::Window { radius, border: Border::Reference } => Self { extent: radius, kind: Kind::Reference },
        }
    }
}

impl From<Written> for Rule {
    fn from(Written { extent, kind }: Written) -> Self {
        match kind {
            Kind::Highest => Self::Highest { of: NonZeroU16::new(extent).unwrap_or(UNNAMED) },
            Kind::Covered => Self::Window { radius: extent, border: Border::Covered },
            Kind::Reference => Self::Window { radius: extent, border: Border::Reference },
        }
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
    /// The scratch is shorter than [`Rule::scratch`] says.
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
            Self::Scratch { expected, got } => write!(f, "scratch of {got} values, {expected} needed"),
            Self::NotProbability { index, value } => write!(f, "heatmap value {index} is {value}, not in 0..=1"),
        }
    }
}

impl core::error::Error for ScoreError {}

/// The score of a heatmap with axes `[row, column]`, values 0..=1. `scratch` is at least as long as [`Rule::scratch`] says.
///
/// # Errors
/// [`ScoreError`] when the shape is wrong or a value is not a probability, NaN included.
pub fn score(rule: &Rule, heatmap: &[f32], width: usize, scratch: &mut [f64]) -> Result<Score, ScoreError> {
    if width == 0 || heatmap.is_empty() || !heatmap.len().is_multiple_of(width) {
        return Err(ScoreError::Shape { width, values: heatmap.len() });
    }
    let (expected, got) = (rule.scratch(width, heatmap.len() / width), scratch.len());
    let scratch = scratch.get_mut(..expected).ok_or(ScoreError::Scratch { expected, got })?;
    if let Some(index) = heatmap.iter().position(|value| !(0.0..=1.0).contains(value)) {
        return Err(ScoreError::NotProbability { index, value: heatmap[index] });
    }
    let mean = match *rule {
        Rule::Highest { .. } => mean_of_highest(heatmap, scratch),
        Rule::Window { radius, border } => largest_mean(heatmap, width, usize::from(radius), border, scratch),
    };
    // Sums may pass 1 by a rounding error; the mean of probabilities cannot.
    let value = (mean as f32).clamp(0.0, 1.0);
    Score::new(value).ok_or(ScoreError::NotProbability { index: 0, value })
}

/// The mean of as many of the highest values as `found` is long, no longer than `heatmap`.
fn mean_of_highest(heatmap: &[f32], found: &mut [f64]) -> f64 {
    let (first, rest) = heatmap.split_at(found.len());
    found.iter_mut().zip(first).for_each(|(found, &value)| *found = f64::from(value));
    found.sort_unstable_by(f64::total_cmp);
    // What has been found stands in rising order; most values are below all of it and cost one comparison.
    for &value in rest {
        let value = f64::from(value);
        if value > found[0] {
            let place = found.partition_point(|lower| *lower < value);
            found.copy_within(1..place, 0);
            found[place - 1] = value;
        }
    }
    found.iter().sum::<f64>() / found.len() as f64
}

/// The largest mean of a square window with so many pixels on each side of its centre; `columns` has the heatmap's width.
fn largest_mean(heatmap: &[f32], width: usize, radius: usize, border: Border, columns: &mut [f64]) -> f64 {
    columns.fill(0.0);
    let height = heatmap.len() / width;
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
            let divisor = match border {
                Border::Covered => rows * across,
                Border::Reference => side * side,
            };
            largest = largest.max(sum / divisor as f64);
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;
    use std::vec::Vec;

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const RULES: [Rule; 2] = [Rule::Highest { of: UNNAMED }, Rule::Window { radius: 1, border: Border::Covered }];

    fn highest_of(of: u16) -> Rule {
        Rule::Highest { of: NonZeroU16::new(of).unwrap() }
    }

    /// The definition, pixel by pixel and window by window.
    fn oracle(radius: u16, border: Border, heatmap: &[f32], width: usize) -> f64 {
        let height = heatmap.len() / width;
        let radius = isize::try_from(radius).unwrap();
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
                let divisor = match border {
                    Border::Covered => covered,
                    Border::Reference => (2 * radius + 1) * (2 * radius + 1),
                };
                largest = largest.max(sum / divisor as f64);
            }
        }
        largest
    }

    fn score_of(rule: Rule, heatmap: &[f32], width: usize) -> f32 {
        score(&rule, heatmap, width, &mut vec![0.0; rule.scratch(width, heatmap.len() / width)]).unwrap().get()
    }

    #[test]
    fn a_window_equals_the_definition() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for case in 0..200 {
            let (width, height) = (rng.random_range(1..30), rng.random_range(1..30));
            let heatmap: Vec<f32> = (0..width * height).map(|_| rng.random::<f32>().powi(4)).collect();
            for border in [Border::Covered, Border::Reference] {
                let radius = rng.random_range(0..20);
                let rule = Rule::Window { radius, border };
                let got = score_of(rule, &heatmap, width);
                let expected = oracle(radius, border, &heatmap, width);
                assert!((f64::from(got) - expected).abs() < 1e-6, "case {case} {rule:?}: {got} for {expected}");
            }
        }
    }

    #[test]
    fn the_highest_values_are_those_that_sorting_puts_first() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        for case in 0..200 {
            let (width, height) = (rng.random_range(1..90), rng.random_range(1..90));
            // A fifth of the values are equal to others.
            let mut value = || if rng.random_bool(0.2) { 0.5 } else { rng.random::<f32>().powi(4) };
            let heatmap: Vec<f32> = (0..width * height).map(|_| value()).collect();
            let mut sorted = heatmap.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            for of in [1, 7, 512, 1024, u16::MAX] {
                let count = (heatmap.len() / usize::from(of)).max(1);
                let expected = sorted[..count].iter().map(|&value| f64::from(value)).sum::<f64>() / count as f64;
                let got = score_of(highest_of(of), &heatmap, width);
                let worst = (f64::from(got) - expected).abs();
                assert!(worst < 1e-6, "case {case}, {width} by {height}, one in {of}: {got} for {expected}");
            }
        }
    }

    #[test]
    fn where_high_values_lie_does_not_matter_to_the_highest() {
        let mut together = vec![0.1f32; 128 * 128];
        let mut apart = together.clone();
        (0..32).for_each(|i| together[i] = 0.9);
        (0..32).for_each(|i| apart[i * 500 + 99] = 0.9);
        let [together, apart] = [together, apart].map(|heatmap| score_of(highest_of(512), &heatmap, 128));
        assert_eq!((together, together), (apart, 0.9));
    }

    #[test]
    fn a_rule_is_written_as_two_numbers() {
        let written = |rule: Rule| postcard::to_slice(&rule, &mut [0; 8]).unwrap().to_vec();
        let window = |radius, border| Rule::Window { radius, border };
        let rules = [window(5, Border::Covered), window(10, Border::Reference), highest_of(512), highest_of(100)];
        assert_eq!(rules.map(written), [[5, 0], [10, 1], [0, 2], [100, 2]]);
        for rule in rules {
            assert_eq!(postcard::from_bytes::<Rule>(&written(rule)), Ok(rule));
        }
        assert!(postcard::from_bytes::<Rule>(&[0, 3]).is_err());
    }

    #[test]
    fn a_defect_in_the_corner_counts_fully_only_where_the_covered_pixels_divide() {
        let mut heatmap = vec![0.0; 64 * 64];
        (0..11).for_each(|y| heatmap[y * 64..y * 64 + 11].fill(1.0));
        let with = |border| score_of(Rule::Window { radius: 10, border }, &heatmap, 64);
        assert_eq!(with(Border::Covered), 1.0);
        assert!((with(Border::Reference) - 121.0 / 441.0).abs() < 1e-6);
    }

    #[test]
    fn the_window_shrinks_with_the_input() {
        let windows = [256, 128, 64, 192, 512].map(|side| Rule::window_for(side, Border::Covered));
        let expected = [10, 5, 2, 7, 21].map(|radius| Rule::Window { radius, border: Border::Covered });
        assert_eq!(windows, expected);
    }

    #[test]
    fn what_is_no_probability_has_no_score() {
        for wrong in [f32::NAN, -0.1, 1.1, f32::INFINITY] {
            let heatmap = [0.0, wrong, 0.0, 0.0];
            for rule in RULES {
                let got = score(&rule, &heatmap, 2, &mut [0.0; 2]);
                assert!(matches!(got, Err(ScoreError::NotProbability { index: 1, .. })), "{rule:?}, {wrong}: {got:?}");
            }
        }
        for rule in RULES {
            assert!(matches!(score(&rule, &[0.0; 3], 2, &mut [0.0; 2]), Err(ScoreError::Shape { .. })));
            let short = vec![0.0; rule.scratch(64, 32) - 1];
            assert!(matches!(score(&rule, &[0.0; 64 * 32], 64, &mut short.clone()), Err(ScoreError::Scratch { .. })));
        }
    }
}
