//! The network in fused integer arithmetic: bytes from the camera to the last layer.
//!
//! Takes the same ONNX file as tract and computes it with `edge-network`. Where a graph holds more than layers of bytes, `rewrite`
//! leaves the rest to tract. What is accepted at all is decided by [`super::accept`].

mod rewrite;

use edge_kernels::Isa;
pub use edge_network::MAX_THREADS;
use edge_network::{Crew, PlanError, Recognised, StartError, recognise, start};
use tract_onnx::prelude::TypedModel;

use super::accept::accept;
use super::tract::{caught, decode, length};
use super::{Engine, EngineError, TractEngine};

/// A network of which every layer is computed in bytes.
pub struct FusedEngine {
    crew: Crew,
    pixels: usize,
}

/// What one operation of a network is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationFacts {
    /// The layer's name.
    pub name: String,
    /// Multiplications with sums, for one picture.
    pub macs: u64,
}

/// What becomes of a model that is to be fused.
pub enum Loaded {
    /// All of it is fused.
    Whole(FusedEngine),
    /// Some nodes are tract's; they are named.
    Partly(TractEngine, Vec<String>),
}

/// Loads an ONNX model for inputs of `width` by `height` pixels, for `threads` threads, 1..=[`MAX_THREADS`].
///
/// # Errors
/// Bytes that are no model, a model that [`accept`] refuses, whatever tract says of the rest.
pub fn load(model: &[u8], (width, height): (usize, usize), isa: Isa, threads: usize) -> Result<Loaded, EngineError> {
    caught("loading", || {
        let proto = decode(model)?;
        accept(&proto, width, height)?;
        let found = recognise(&proto, width, height);
        let whole = found.is_whole();
        let crew = match start(&found, isa, if whole { threads } else { 1 }) {
            Ok(crew) => crew,
            // tract would take four times as much.
            Err(StartError::Plan(error @ PlanError::Memory { .. })) => {
                return Err(EngineError::Load { reason: error.to_string() });
            }
            // Beyond the kernels, and tract may still run it.
            Err(error) => return Ok(Loaded::Partly(TractEngine::load(model, width, height)?, vec![error.to_string()])),
        };
        if whole {
            return Ok(Loaded::Whole(FusedEngine { crew, pixels: width * height }));
        }
        let Recognised { values, read_elsewhere, unknown, .. } = found;
        let rewrite = |graph: &mut TypedModel| rewrite::apply(graph, crew, &values, &read_elsewhere);
        Ok(Loaded::Partly(TractEngine::load_with(&proto, (width, height), rewrite)?, unknown))
    })
}

impl FusedEngine {
    /// Which instructions compute it.
    pub fn isa(&self) -> Isa {
        self.crew.machine().isa()
    }

    /// What is computed, in its order.
    pub fn operations(&self) -> Vec<OperationFacts> {
        let operations = self.crew.machine().operations().iter();
        operations.map(|operation| OperationFacts { name: operation.name.clone(), macs: operation.macs }).collect()
    }

    /// As [`Engine::infer`], with a call after each operation.
    ///
    /// # Errors
    /// As there.
    pub fn infer_with(
        &mut self,
        input: &[u8],
        heatmap: &mut [f32],
        after: impl FnMut(usize),
    ) -> Result<(), EngineError> {
        length("input", self.pixels * 3, input.len())?;
        length("heatmap", self.pixels, heatmap.len())?;
        let broken = |error: edge_network::Broken| EngineError::Run { reason: error.to_string() };
        self.crew.infer(input, heatmap, after).map_err(broken)
    }
}

impl Engine for FusedEngine {
    fn infer(&mut self, input: &[u8], heatmap: &mut [f32]) -> Result<(), EngineError> {
        self.infer_with(input, heatmap, |_| {})
    }
}
