//! From what a manifest says to what can be relied on: every rule one function.

use core::fmt;

use super::raw::{RawManifest, Threshold, Training, Weights};
use crate::preprocess::{self, Preprocess, PreprocessError};
use crate::score::Rule;
use crate::units::Score;

/// Largest parity tolerance that is taken. Rounding moves a score by a thousandth of this; a wrong input, by far more.
const MAX_PARITY_TOLERANCE: f32 = 0.01;

/// A manifest that has been checked. Its fields are private so that it cannot come to hold an illegal value.
#[derive(Clone, Debug)]
pub struct Manifest {
    raw: RawManifest,
    preprocess: Preprocess,
    threshold: Score,
}

/// Which rule a manifest breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ManifestError {
    /// Made for another way of preprocessing.
    PreprocessVersion {
        /// What this program computes.
        expected: u16,
        /// What the model was trained with.
        got: u16,
    },
    /// Input size or crop cannot be.
    Preprocess(PreprocessError),
    /// The window is larger than the input.
    ScoreWindow {
        /// Pixels on each side of the window's centre.
        radius: u16,
        /// Shorter side of the input.
        side: usize,
    },
    /// A number lies outside its range.
    OutOfRange {
        /// The field.
        field: &'static str,
        /// Its value.
        value: f32,
    },
    /// A score of a good part is smaller than the one before it.
    GoodScoresUnsorted {
        /// Where.
        index: usize,
    },
    /// The threshold is the largest score there is, so that no part could ever be bad.
    ThresholdTooHigh,
    /// Two machines may differ by more than the parity test means to find.
    ParityTolerance {
        /// Largest tolerance that is taken.
        limit: f32,
        /// The tolerance.
        got: f32,
    },
    /// There are no scores of good parts, so the threshold comes from nowhere.
    NoGoodScores,
    /// There is no parity vector, so no station could prove that it computes the same.
    NoParity,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PreprocessVersion { expected, got } => {
                write!(f, "preprocess_version is {got}, this program computes version {expected}: train again")
            }
            Self::Preprocess(error) => error.fmt(f),
            Self::ScoreWindow { radius, side } => {
                write!(f, "score_rule.radius is {radius}, the input's shorter side has only {side} pixels")
            }
            Self::OutOfRange { field, value } => write!(f, "{field} is {value}, it must lie in 0..=1"),
            Self::GoodScoresUnsorted { index } => write!(f, "good_scores[{index}] is smaller than the one before it"),
            Self::ThresholdTooHigh => f.write_str("threshold.value is 1, so that no part could ever be bad"),
            Self::ParityTolerance { limit, got } => {
                write!(f, "parity.tolerance is {got}, more than {limit}: the self-test would prove nothing")
            }
            Self::NoGoodScores => f.write_str("good_scores is empty"),
            Self::NoParity => f.write_str("parity.scores is empty"),
        }
    }
}

impl core::error::Error for ManifestError {}

impl Manifest {
    /// Checks every rule.
    ///
    /// # Errors
    /// The first [`ManifestError`].
    pub fn check(raw: RawManifest) -> Result<Self, ManifestError> {
        preprocess_version(&raw)?;
        let [width, height] = raw.input_size.map(usize::from);
        let preprocess = Preprocess::new(raw.crop, width, height).map_err(ManifestError::Preprocess)?;
        score_window(&raw)?;
        let threshold = probability("threshold.value", raw.threshold.value)?;
        if raw.threshold.value >= 1.0 {
            return Err(ManifestError::ThresholdTooHigh);
        }
        probability("threshold.target_false_reject", raw.threshold.target_false_reject)?;
        probability("threshold.expected_false_reject", raw.threshold.expected_false_reject)?;
        probability("threshold.upper_bound_95", raw.threshold.upper_bound_95)?;
        good_scores(&raw)?;
        parity(&raw)?;
        Ok(Self { raw, preprocess, threshold })
    }

    /// Name of the product.
    pub fn product(&self) -> &str {
        &self.raw.product
    }

    /// Seconds since 1970 at which the bundle was made.
    pub fn created(&self) -> u64 {
        self.raw.created
    }

    /// Version of the program that wrote it.
    pub fn writer(&self) -> &str {
        &self.raw.writer
    }

    /// From a frame to the network's input.
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// Width and height that most training pictures had, in pixels.
    pub fn frame_size(&self) -> [u16; 2] {
        self.raw.frame_size
    }

    /// How a heatmap becomes a score.
    pub fn score_rule(&self) -> &Rule {
        &self.raw.score_rule
    }

    /// A part is bad when its score is greater.
    pub fn threshold(&self) -> Score {
        self.threshold
    }

    /// How the threshold was found.
    pub fn threshold_facts(&self) -> &Threshold {
        &self.raw.threshold
    }

    /// Scores of the held-out good parts, ascending.
    pub fn good_scores(&self) -> &[f32] {
        &self.raw.good_scores
    }

    /// How the model stores its weights.
    pub fn weights(&self) -> Weights {
        self.raw.weights
    }

    /// SHA-256 of the model section.
    pub fn model_sha256(&self) -> &[u8; 32] {
        &self.raw.model_sha256
    }

    /// SHA-256 of the parity section.
    pub fn parity_sha256(&self) -> &[u8; 32] {
        &self.raw.parity_sha256
    }

    /// Score of each input of the parity section, in order.
    pub fn parity_scores(&self) -> &[f32] {
        &self.raw.parity.scores
    }

    /// Largest difference of a parity score that a station may show.
    pub fn parity_tolerance(&self) -> f32 {
        self.raw.parity.tolerance
    }

    /// How the model came to be.
    pub fn training(&self) -> &Training {
        &self.raw.training
    }
}

fn preprocess_version(raw: &RawManifest) -> Result<(), ManifestError> {
    let (expected, got) = (preprocess::VERSION, raw.preprocess_version);
    if got == expected { Ok(()) } else { Err(ManifestError::PreprocessVersion { expected, got }) }
}

fn score_window(raw: &RawManifest) -> Result<(), ManifestError> {
    let side = raw.input_size.map(usize::from).into_iter().min().unwrap_or(0);
    let radius = raw.score_rule.radius;
    if 2 * usize::from(radius) < side { Ok(()) } else { Err(ManifestError::ScoreWindow { radius, side }) }
}

fn probability(field: &'static str, value: f32) -> Result<Score, ManifestError> {
    Score::new(value).ok_or(ManifestError::OutOfRange { field, value })
}

fn good_scores(raw: &RawManifest) -> Result<(), ManifestError> {
    if raw.good_scores.is_empty() {
        return Err(ManifestError::NoGoodScores);
    }
    for &value in &raw.good_scores {
        probability("good_scores", value)?;
    }
    match raw.good_scores.windows(2).position(|pair| pair[1] < pair[0]) {
        None => Ok(()),
        Some(before) => Err(ManifestError::GoodScoresUnsorted { index: before + 1 }),
    }
}

fn parity(raw: &RawManifest) -> Result<(), ManifestError> {
    if raw.parity.scores.is_empty() {
        return Err(ManifestError::NoParity);
    }
    for &value in &raw.parity.scores {
        probability("parity.scores", value)?;
    }
    let (limit, got) = (MAX_PARITY_TOLERANCE, raw.parity.tolerance);
    if (0.0..=limit).contains(&got) { Ok(()) } else { Err(ManifestError::ParityTolerance { limit, got }) }
}
