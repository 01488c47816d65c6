//! The self-test before the first part: does this board compute what the trainer's machine did?
//!
//! Runs the bundle's stored inputs through the engine and compares their scores with the stored ones, within the
//! manifest's tolerance. Takes no frame and decides nothing about parts.

use thiserror::Error;

use super::OpenBundle;
use crate::engine::{InspectError, Inspector};

/// What the self-test saw.
#[derive(Clone, Debug, PartialEq)]
pub struct ParityReport {
    /// Score on the trainer's machine and here, for each input.
    pub scores: Vec<(f32, f32)>,
    /// Largest difference.
    pub worst: f32,
    /// Largest difference allowed.
    pub tolerance: f32,
}

/// Why the self-test failed.
#[derive(Debug, Error, PartialEq)]
pub enum ParityError {
    /// An input could not be scored.
    #[error("parity input {index} cannot be scored: {error}")]
    Inspect {
        /// Which input.
        index: usize,
        /// Why.
        error: InspectError,
    },
    /// A score differs.
    #[error(
        "parity input {index} scores {got} here and {expected} on the trainer's machine, \
             at most {tolerance} apart is allowed: this board does not compute what was trained"
    )]
    Differs {
        /// Which input.
        index: usize,
        /// The stored score.
        expected: f32,
        /// The score here.
        got: f32,
        /// Largest difference allowed.
        tolerance: f32,
    },
}

/// Largest difference where integers are computed in floats: a sum that is rounded in another order may tip a value over to its next
/// step, and the step travels on.
const EMULATED_TOLERANCE: f32 = 0.03;

/// Scores every stored input with an inspector of the same bundle. `emulated` says that it computes a model in integers with floats.
///
/// # Errors
/// The first input that cannot be scored or whose score differs by more than the tolerance.
pub fn check(bundle: &OpenBundle, inspector: &mut Inspector, emulated: bool) -> Result<ParityReport, ParityError> {
    let manifest = bundle.manifest();
    let stored = manifest.parity_tolerance();
    let tolerance = if emulated { stored.max(EMULATED_TOLERANCE) } else { stored };
    let inputs = bundle.parity().chunks_exact(manifest.preprocess().input_bytes());
    let mut report = ParityReport { scores: Vec::new(), worst: 0.0, tolerance };
    for (index, (input, &expected)) in inputs.zip(manifest.parity_scores()).enumerate() {
        let got = inspector
            .prepared(input)
            .and_then(|()| inspector.score())
            .map_err(|error| ParityError::Inspect { index, error })?
            .get();
        let difference = (got - expected).abs();
        if difference > tolerance {
            return Err(ParityError::Differs { index, expected, got, tolerance });
        }
        report.scores.push((expected, got));
        report.worst = report.worst.max(difference);
    }
    Ok(report)
}
