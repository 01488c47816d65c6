//! The manifest as written: postcard, in the order of the fields. May hold nonsense; see `check`.
//!
//! Version rule: the bundle's format version covers this layout. Any field added, removed or reordered is a new version,
//! and a reader refuses versions that it does not know. A field that a version adds stands behind all others, so that what came before it
//! is read alike.

use core::fmt;

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use crate::drift::Usual;
use crate::limits::{MAX_GOOD_SCORES, MAX_MANIFEST_BYTES, MAX_PARITY_VECTORS};
use crate::preprocess::{Crop, Fixture};
use crate::score::Rule;
use crate::threshold;

/// Which of a bundle's two models: the same networks, stored and computed in two ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// Weights and activations in 32-bit floats.
    Float32,
    /// Weights and activations in 8-bit integers (ONNX in QDQ form): what a station runs unless told otherwise.
    #[default]
    Int8,
}

impl Precision {
    /// Both, in the order in which a bundle holds them.
    pub const BOTH: [Self; 2] = [Self::Float32, Self::Int8];

    /// The word for it in options, tables and files: `f32` or `int8`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float32 => "f32",
            Self::Int8 => "int8",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where the line between good and bad lies, and how it was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// A part is bad when its score is greater; 0..=1.
    pub value: f32,
    /// Share of good parts that was allowed to be rejected; 0..1.
    pub target_false_reject: f32,
    /// Share of good parts that will be rejected on average: k / (n + 1).
    pub expected_false_reject: f32,
    /// That share is smaller than this with 95 percent confidence.
    pub upper_bound_95: f32,
}

impl Threshold {
    /// The facts of a threshold as a manifest states them.
    pub fn of(chosen: &threshold::Threshold) -> Self {
        Self {
            value: chosen.value,
            target_false_reject: chosen.target as f32,
            expected_false_reject: chosen.expected as f32,
            upper_bound_95: chosen.upper_bound_95 as f32,
        }
    }
}

/// How the model came to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Name of the widths, such as `small`.
    pub preset: String<32>,
    /// Base width of the reconstructive network.
    pub reconstructive_width: u16,
    /// Base width of the discriminative network.
    pub discriminative_width: u16,
    /// Seed of everything random.
    pub seed: u64,
    /// Optimisation steps taken; 0 for imported weights.
    pub steps: u64,
    /// Pictures learnt from.
    pub train_pictures: u32,
    /// SHA-256 over the names and bytes of all pictures, in order.
    pub dataset_sha256: [u8; 32],
}

/// What stored inputs scored on the trainer's machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parity {
    /// Score of each input of the parity section, in order.
    pub scores: Vec<f32, MAX_PARITY_VECTORS>,
    /// Largest difference that a station may show.
    pub tolerance: f32,
}

/// One of the two models: its hash, and everything that was measured on it and holds for no other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawModel {
    /// SHA-256 of the model's section.
    pub sha256: [u8; 32],
    /// Where the line lies.
    pub threshold: Threshold,
    /// Scores of the held-out good parts, ascending.
    pub good_scores: Vec<f32, MAX_GOOD_SCORES>,
    /// Number of the part that each of these shows; empty where each shows a part of its own.
    pub good_parts: Vec<u16, MAX_GOOD_SCORES>,
    /// What the parity section must score.
    pub parity: Parity,
}

/// All of it, unchecked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawManifest {
    /// Name of the product, for people.
    pub product: String<64>,
    /// Seconds since 1970 at which the bundle was made; orders bundles of one product.
    pub created: u64,
    /// Version of the program that wrote it.
    pub writer: String<32>,
    /// Version of the preprocessing, see [`Exposure`](crate::preprocess::Exposure).
    pub preprocess_version: u16,
    /// Region of interest in the camera's frame.
    pub crop: Option<Crop>,
    /// Width and height that most training pictures had, in pixels.
    pub frame_size: [u16; 2],
    /// Width and height of the network's input, in pixels.
    pub input_size: [u16; 2],
    /// What the network's input was like for the good parts.
    pub usual: Usual,
    /// How a heatmap becomes a score.
    pub score_rule: Rule,
    /// The model in float.
    pub float32: RawModel,
    /// The same in 8-bit integers.
    pub int8: RawModel,
    /// SHA-256 of the parity section.
    pub parity_sha256: [u8; 32],
    /// What the parity section scored in the network that was trained, before any export; empty for imported weights.
    pub trained_scores: Vec<f32, MAX_PARITY_VECTORS>,
    /// How the model came to be.
    pub training: Training,
    /// How parts are brought to one place; since bundle format 6, and `None` in those before.
    #[serde(skip)]
    pub fixture: Option<Fixture>,
}

/// Why bytes are no manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// They do not follow the format, or hold more than the limits allow.
    Malformed,
    /// Bytes are left over.
    Trailing {
        /// How many.
        bytes: usize,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the manifest is malformed"),
            Self::Trailing { bytes } => write!(f, "{bytes} bytes follow the manifest"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// The first bundle format whose manifests say how parts are brought to one place.
const FIXTURE_SINCE: u16 = 6;

impl RawManifest {
    /// What belongs to one of the models.
    pub const fn model(&self, precision: Precision) -> &RawModel {
        match precision {
            Precision::Float32 => &self.float32,
            Precision::Int8 => &self.int8,
        }
    }

    /// Reads the bytes of the manifest section of a bundle of this format.
    ///
    /// # Errors
    /// [`DecodeError`] when they are not one whole manifest.
    pub fn decode(bytes: &[u8], format: u16) -> Result<Self, DecodeError> {
        let (mut raw, mut rest) = postcard::take_from_bytes::<Self>(bytes).map_err(|_| DecodeError::Malformed)?;
        if format >= FIXTURE_SINCE {
            (raw.fixture, rest) = postcard::take_from_bytes(rest).map_err(|_| DecodeError::Malformed)?;
        }
        if rest.is_empty() { Ok(raw) } else { Err(DecodeError::Trailing { bytes: rest.len() }) }
    }

    /// Writes the manifest section of the newest format into `buffer` and returns the part used; `None` if it does not fit, which cannot
    /// happen with [`MAX_MANIFEST_BYTES`].
    pub fn encode<'a>(&self, buffer: &'a mut [u8; MAX_MANIFEST_BYTES]) -> Option<&'a [u8]> {
        postcard::to_slice(&(self, self.fixture), buffer).ok().map(|used| &*used)
    }
}
