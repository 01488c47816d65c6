//! The network in fused integer arithmetic: bytes from the camera to the last layer.
//!
//! Takes the same ONNX file as tract. [`recognise`] finds the layers of bytes in it, [`plan`] gives their values places, [`machine`]
//! computes, on the threads of [`crew`]. Where a graph holds more than such layers, [`rewrite`] leaves the rest to tract. Its
//! arithmetic is that of `edge-kernels`; what is accepted at all is decided by [`super::accept`].

mod crew;
mod graph;
mod machine;
mod plan;
mod recognise;
mod rewrite;
mod storage;

use edge_kernels::Isa;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::TypedModel;

use super::accept::{ModelError, accept};
use super::tract::{caught, decode, length};
use super::{Engine, EngineError, TractEngine};
use crew::{Broken, Crew};
use machine::Machine;
pub use plan::PlanError;
use plan::plan;
use recognise::{Recognised, recognise};
pub use storage::MAX_THREADS;

/// A network of which every layer is computed in bytes.
pub struct FusedEngine {
    crew: Crew,
    isa: Isa,
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
        let found = found(&proto, width, height)?;
        let planned = plan(isa, &found);
        let whole = found.unknown.is_empty() && found.layers.last().is_some_and(|layer| layer.output.is_none());
        match planned {
            Ok(plan) if whole => {
                let machine = Machine::new(isa, plan, (width, height), threads.clamp(1, MAX_THREADS));
                let start = |error: std::io::Error| EngineError::Load { reason: format!("no thread: {error}") };
                let crew = Crew::start(machine).map_err(start)?;
                Ok(Loaded::Whole(FusedEngine { crew, isa, pixels: width * height }))
            }
            Ok(plan) => {
                let machine = Machine::new(isa, plan, (width, height), 1);
                let Recognised { values, read_elsewhere, unknown, .. } = found;
                let rewrite = |graph: &mut TypedModel| rewrite::apply(graph, machine, &values, &read_elsewhere);
                let engine = TractEngine::load_with(&proto, (width, height), rewrite)?;
                Ok(Loaded::Partly(engine, unknown))
            }
            Err(error) => Ok(Loaded::Partly(TractEngine::load(model, width, height)?, vec![error.to_string()])),
        }
    })
}

fn found(proto: &ModelProto, width: usize, height: usize) -> Result<Recognised, ModelError> {
    let graph = proto.graph.as_ref().ok_or(ModelError::Foreign { what: "no graph" })?;
    Ok(recognise(graph, width, height))
}

impl FusedEngine {
    /// Which instructions compute it.
    pub const fn isa(&self) -> Isa {
        self.isa
    }

    /// What is computed, in its order.
    pub fn operations(&self) -> Vec<OperationFacts> {
        let facts = |operation: &plan::Operation| OperationFacts { name: operation.name.clone(), macs: operation.macs };
        self.crew.machine().operations().iter().map(facts).collect()
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
        self.crew.machine().put(input);
        self.crew.run(after).map_err(|Broken| EngineError::Panicked {
            during: "running",
            reason: "a thread of the network is gone".to_owned(),
        })?;
        self.crew.machine().take(heatmap);
        Ok(())
    }
}

impl Engine for FusedEngine {
    fn infer(&mut self, input: &[u8], heatmap: &mut [f32]) -> Result<(), EngineError> {
        self.infer_with(input, heatmap, |_| {})
    }
}
