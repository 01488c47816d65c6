//! From what a manifest says to what can be relied on: every rule one function.

use core::fmt;

use super::raw::{Precision, RawManifest, RawModel, Threshold, Training};
use crate::drift::{Usual, UsualError};
use crate::limits::MAX_GOOD_SCORES;
use crate::preprocess::{Exposure, Preprocess, PreprocessError};
use crate::score::Rule;
use crate::threshold::{ThresholdError, choose};
use crate::units::Score;

/// Largest parity tolerance that is taken. Rounding moves a score by a thousandth of this; a wrong input, by far more.
const MAX_PARITY_TOLERANCE: f32 = 0.01;

/// A manifest that has been checked, seen as that of one of its two models. Its fields are private so that it cannot come to
/// hold an illegal value.
#[derive(Clone, Debug)]
pub struct Manifest {
    raw: RawManifest,
    preprocess: Preprocess,
    precision: Precision,
    /// A threshold that somebody has set, below 1.
    set: Option<Score>,
}

/// Why a threshold cannot be moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TargetError {
    /// The good parts do not support the target.
    Threshold(ThresholdError),
    /// The manifest would not be one any more.
    Manifest(ManifestError),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threshold(error) => error.fmt(f),
            Self::Manifest(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for TargetError {}

/// Which rule a manifest breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ManifestError {
    /// Made for another way of preprocessing.
    PreprocessVersion {
        /// The newest that this program computes.
        newest: u16,
        /// What the model was trained with.
        got: u16,
    },
    /// Input size, crop or fixture cannot be.
    Preprocess(PreprocessError),
    /// The window is larger than the input.
    ScoreWindow {
        /// Pixels on each side of the window's centre.
        radius: u16,
        /// Shorter side of the input.
        side: usize,
    },
    /// More values are to be the highest than a station finds in time.
    ScoreShare {
        /// One value in so many.
        of: u16,
    },
    /// What was usual for good parts cannot have been.
    Usual(UsualError),
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
    /// The part numbers are not one for each score, or one is not below their count.
    GoodParts {
        /// Scores of good parts.
        scores: usize,
        /// Part numbers.
        parts: usize,
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
    /// The models were not tried on the same inputs.
    ParityCounts {
        /// Scores of the model in float.
        float32: usize,
        /// Scores of the model in integers.
        int8: usize,
        /// Scores of the network that was trained: as many, or none.
        trained: usize,
    },
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PreprocessVersion { newest, got } => write!(
                f,
                "preprocess_version is {got}, this program computes 1 to {newest}: update it, or train again with the trainer of its version"
            ),
            Self::Preprocess(error) => error.fmt(f),
            Self::ScoreWindow { radius, side } => {
                write!(f, "score_rule.radius is {radius}, the input's shorter side has only {side} pixels")
            }
            Self::ScoreShare { of } => {
                write!(
                    f,
                    "score_rule takes one heatmap value in {of} for the highest, one in {LARGEST_SHARE} at most is found in time"
                )
            }
            Self::Usual(error) => error.fmt(f),
            Self::OutOfRange { field, value } => write!(f, "{field} is {value}, it must lie in 0..=1"),
            Self::GoodScoresUnsorted { index } => write!(f, "good_scores[{index}] is smaller than the one before it"),
            Self::GoodParts { scores, parts } => {
                write!(f, "good_parts has {parts} numbers for {scores} good_scores: as many below their count, or none")
            }
            Self::ThresholdTooHigh => f.write_str("threshold.value is 1, so that no part could ever be bad"),
            Self::ParityTolerance { limit, got } => {
                write!(f, "parity.tolerance is {got}, more than {limit}: the self-test would prove nothing")
            }
            Self::NoGoodScores => f.write_str("good_scores is empty"),
            Self::NoParity => f.write_str("parity.scores is empty"),
            Self::ParityCounts { float32, int8, trained } => {
                write!(f, "parity.scores has {float32} for f32 and {int8} for int8, trained_scores {trained}: unequal")
            }
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
        let exposure = exposure(&raw)?;
        let [width, height] = raw.input_size.map(usize::from);
        let preprocess = Preprocess::new(raw.crop, width, height).map_err(ManifestError::Preprocess)?;
        let preprocess = preprocess.with_exposure(exposure);
        let preprocess = preprocess.with_fixture(raw.fixture).map_err(ManifestError::Preprocess)?;
        score_rule(&raw)?;
        raw.usual.check().map_err(ManifestError::Usual)?;
        for precision in Precision::BOTH {
            let model = raw.model(precision);
            threshold(&model.threshold)?;
            good_scores(model)?;
            parity(model)?;
        }
        parity_counts(&raw)?;
        Ok(Self { raw, preprocess, precision: Precision::default(), set: None })
    }

    /// The same manifest as that of the other, or of the same, model.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The same manifest with the threshold moved to another target, from the same good parts.
    ///
    /// # Errors
    /// When the good parts cannot support the target, or so many of them have the largest score that no part could be bad.
    pub fn with_false_reject(mut self, target: f64) -> Result<Self, TargetError> {
        let model = self.model();
        let chosen = choose(&model.good_scores, &model.good_parts, target).map_err(TargetError::Threshold)?;
        if chosen.value >= 1.0 {
            return Err(TargetError::Manifest(ManifestError::ThresholdTooHigh));
        }
        match self.precision {
            Precision::Float32 => self.raw.float32.threshold = Threshold::of(&chosen),
            Precision::Int8 => self.raw.int8.threshold = Threshold::of(&chosen),
        }
        Ok(self)
    }

    /// The same manifest with a threshold that somebody has set, or with its own again.
    ///
    /// # Errors
    /// [`ManifestError::ThresholdTooHigh`].
    pub fn with_threshold(self, set: Option<Score>) -> Result<Self, ManifestError> {
        match set {
            Some(set) if set.get() >= 1.0 => Err(ManifestError::ThresholdTooHigh),
            set => Ok(Self { set, ..self }),
        }
    }

    /// Which model's threshold, scores and hash this gives.
    pub const fn precision(&self) -> Precision {
        self.precision
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

    /// What the network's input was like for the good parts.
    pub fn usual(&self) -> &Usual {
        &self.raw.usual
    }

    /// How a heatmap becomes a score.
    pub fn score_rule(&self) -> &Rule {
        &self.raw.score_rule
    }

    /// A part is bad when its score is greater.
    pub fn threshold(&self) -> Score {
        self.set.unwrap_or_else(|| self.own_threshold())
    }

    /// The threshold where nobody has set another.
    pub fn own_threshold(&self) -> Score {
        // Checked to be a probability; zero would reject every part.
        Score::new(self.model().threshold.value).unwrap_or_default()
    }

    /// How its own threshold was found.
    pub fn threshold_facts(&self) -> &Threshold {
        &self.model().threshold
    }

    /// Scores of the held-out good parts, ascending.
    pub fn good_scores(&self) -> &[f32] {
        &self.model().good_scores
    }

    /// Number of the part that each of these shows; empty where each shows a part of its own.
    pub fn good_parts(&self) -> &[u16] {
        &self.model().good_parts
    }

    /// How many different parts the held-out good scores are of.
    pub fn good_part_count(&self) -> usize {
        let RawModel { good_parts, good_scores, .. } = self.model();
        let mut seen = [false; MAX_GOOD_SCORES];
        // Checked to be below their count.
        let first = |part: &&u16| seen.get_mut(usize::from(**part)).is_some_and(|seen| !core::mem::replace(seen, true));
        if good_parts.is_empty() { good_scores.len() } else { good_parts.iter().filter(first).count() }
    }

    /// SHA-256 of the model's section.
    pub fn model_sha256(&self) -> &[u8; 32] {
        &self.model().sha256
    }

    /// SHA-256 of the parity section.
    pub fn parity_sha256(&self) -> &[u8; 32] {
        &self.raw.parity_sha256
    }

    /// Score of each input of the parity section, in order.
    pub fn parity_scores(&self) -> &[f32] {
        &self.model().parity.scores
    }

    /// Largest difference of a parity score that a station may show.
    pub fn parity_tolerance(&self) -> f32 {
        self.model().parity.tolerance
    }

    /// Score of each input of the parity section in the network that was trained; empty for imported weights.
    pub fn trained_scores(&self) -> &[f32] {
        &self.raw.trained_scores
    }

    /// How the model came to be.
    pub fn training(&self) -> &Training {
        &self.raw.training
    }

    const fn model(&self) -> &RawModel {
        self.raw.model(self.precision)
    }
}

fn exposure(raw: &RawManifest) -> Result<Exposure, ManifestError> {
    let (newest, got) = (Exposure::NEWEST_VERSION, raw.preprocess_version);
    Exposure::of_version(got).ok_or(ManifestError::PreprocessVersion { newest, got })
}

/// The largest share of a heatmap that a score is made of, one value in so many: keeping them sorted costs the square of their number.
const LARGEST_SHARE: u16 = 64;

fn score_rule(raw: &RawManifest) -> Result<(), ManifestError> {
    let side = raw.input_size.map(usize::from).into_iter().min().unwrap_or(0);
    match raw.score_rule {
        Rule::Window { radius, .. } if 2 * usize::from(radius) >= side => {
            Err(ManifestError::ScoreWindow { radius, side })
        }
        Rule::Highest { of } if of.get() < LARGEST_SHARE => Err(ManifestError::ScoreShare { of: of.get() }),
        Rule::Window { .. } | Rule::Highest { .. } => Ok(()),
    }
}

fn probability(field: &'static str, value: f32) -> Result<Score, ManifestError> {
    Score::new(value).ok_or(ManifestError::OutOfRange { field, value })
}

fn threshold(threshold: &Threshold) -> Result<(), ManifestError> {
    for (field, value) in [
        ("threshold.value", threshold.value),
        ("threshold.target_false_reject", threshold.target_false_reject),
        ("threshold.expected_false_reject", threshold.expected_false_reject),
        ("threshold.upper_bound_95", threshold.upper_bound_95),
    ] {
        probability(field, value)?;
    }
    if threshold.value < 1.0 { Ok(()) } else { Err(ManifestError::ThresholdTooHigh) }
}

fn good_scores(raw: &RawModel) -> Result<(), ManifestError> {
    if raw.good_scores.is_empty() {
        return Err(ManifestError::NoGoodScores);
    }
    for &value in &raw.good_scores {
        probability("good_scores", value)?;
    }
    let count = raw.good_parts.len();
    if count > 0 && (count != raw.good_scores.len() || raw.good_parts.iter().any(|&part| usize::from(part) >= count)) {
        return Err(ManifestError::GoodParts { scores: raw.good_scores.len(), parts: count });
    }
    match raw.good_scores.windows(2).position(|pair| pair[1] < pair[0]) {
        None => Ok(()),
        Some(before) => Err(ManifestError::GoodScoresUnsorted { index: before + 1 }),
    }
}

fn parity(raw: &RawModel) -> Result<(), ManifestError> {
    if raw.parity.scores.is_empty() {
        return Err(ManifestError::NoParity);
    }
    for &value in &raw.parity.scores {
        probability("parity.scores", value)?;
    }
    let (limit, got) = (MAX_PARITY_TOLERANCE, raw.parity.tolerance);
    if (0.0..=limit).contains(&got) { Ok(()) } else { Err(ManifestError::ParityTolerance { limit, got }) }
}

fn parity_counts(raw: &RawManifest) -> Result<(), ManifestError> {
    for &value in &raw.trained_scores {
        probability("trained_scores", value)?;
    }
    let [float32, int8, trained] =
        [&raw.float32.parity.scores, &raw.int8.parity.scores, &raw.trained_scores].map(|scores| scores.len());
    let equal = float32 == int8 && (trained == int8 || trained == 0);
    if equal { Ok(()) } else { Err(ManifestError::ParityCounts { float32, int8, trained }) }
}
