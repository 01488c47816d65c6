//! What can go wrong between a model and its heatmap.

use thiserror::Error;

use super::accept::ModelError;

/// Why there is no engine, or no heatmap.
#[derive(Debug, Error, PartialEq)]
pub enum EngineError {
    /// The model is of a kind that this station does not run.
    #[error("the model is refused: {0}")]
    Model(#[from] ModelError),
    /// The runtime cannot load the model.
    #[error("the model cannot be loaded: {reason}")]
    Load {
        /// The runtime's words.
        reason: String,
    },
    /// The runtime failed on a picture.
    #[error("the network failed: {reason}")]
    Run {
        /// The runtime's words.
        reason: String,
    },
    /// The runtime panicked.
    #[error("the network panicked while {during}: {reason}")]
    Panicked {
        /// `loading` or `running`.
        during: &'static str,
        /// The message of the panic.
        reason: String,
    },
    /// The output is not one heatmap of the input's size.
    #[error("the network gives shape {got}, expected {expected}")]
    OutputShape {
        /// Type and shape expected.
        expected: String,
        /// Type and shape that the model has.
        got: String,
    },
    /// A buffer has the wrong length.
    #[error("the {buffer} has {got} values, expected {expected}")]
    Length {
        /// `input` or `heatmap`.
        buffer: &'static str,
        /// Values expected.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// A value of the heatmap is not a probability, or comes from a logit that is not finite.
    #[error("heatmap value {index} comes from {value}: a finite logit and a probability in 0..=1 are expected")]
    NotProbability {
        /// Row-major index.
        index: usize,
        /// The value, possibly NaN.
        value: f32,
    },
}
