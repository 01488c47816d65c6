//! Which engine runs a bundle's model.

use edge_kernels::Isa;
use shared::manifest::Precision;

use super::fused::{self, FusedEngine, Loaded};
use super::{Engine, EngineError, TractEngine};
use crate::bundle::OpenBundle;

/// The engines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// Fused integer arithmetic with the fastest instructions of this processor; tract for what it does not know.
    #[default]
    Fused,
    /// The same without vector instructions: what all others have to equal.
    Scalar,
    /// tract alone, in floats: slow, and independent of the others.
    Tract,
}

/// An engine that runs a model.
pub enum Running {
    /// Every layer is fused.
    Fused(FusedEngine),
    /// tract, perhaps with fused layers within.
    Tract(TractEngine),
}

/// Loads the model that a bundle is to be run with. Layers that cannot be fused are named in the log. A model in floats is tract's.
///
/// # Errors
/// [`EngineError`].
pub fn load(bundle: &OpenBundle, choice: EngineChoice, threads: usize) -> Result<Running, EngineError> {
    if bundle.model().is_empty() {
        let reason = "the bundle was made without its model in floats; the one in integers (--precision int8) is there";
        return Err(EngineError::Load { reason: reason.to_owned() });
    }
    let steps = bundle.manifest().preprocess();
    let (width, height) = (steps.width(), steps.height());
    let isa = match (choice, bundle.manifest().precision()) {
        (EngineChoice::Tract, _) | (_, Precision::Float32) => {
            return Ok(Running::Tract(TractEngine::load(bundle.model(), width, height)?));
        }
        (EngineChoice::Fused, Precision::Int8) => Isa::best(),
        (EngineChoice::Scalar, Precision::Int8) => Isa::Scalar,
    };
    Ok(match fused::load(bundle.model(), (width, height), isa, threads)? {
        Loaded::Whole(engine) => Running::Fused(engine),
        Loaded::Partly(engine, unknown) => {
            for node in unknown {
                tracing::warn!("{node} is not fused and runs slowly in tract");
            }
            Running::Tract(engine)
        }
    })
}

impl Running {
    /// Whether it computes `bundle`'s model in other numbers than it is made for.
    pub fn emulates(&self, bundle: &OpenBundle) -> bool {
        matches!(self, Self::Tract(_)) && bundle.manifest().precision() == Precision::Int8
    }
}

impl Engine for Running {
    fn infer(&mut self, input: &[u8], heatmap: &mut [f32]) -> Result<(), EngineError> {
        match self {
            Self::Fused(engine) => engine.infer(input, heatmap),
            Self::Tract(engine) => engine.infer(input, heatmap),
        }
    }
}
