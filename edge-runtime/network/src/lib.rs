//! A quantised network as layers of bytes: what trainer and station compute alike, bit for bit, on every processor.
//!
//! [`recognise()`] finds the layers of bytes in an ONNX graph in QDQ form, [`plan`] gives their values places, [`machine`] computes them
//! in the arithmetic of `edge-kernels`, on the threads of a [`Crew`]. Reads no file, bounds nothing that a hostile file asks for, and
//! runs no part of a graph that it does not know.

pub mod crew;
mod graph;
pub mod machine;
pub mod plan;
pub mod recognise;
pub mod storage;

pub use crew::{Broken, Crew};
use edge_kernels::Isa;
use machine::Machine;
pub use plan::PlanError;
pub use recognise::{Recognised, recognise};
pub use storage::MAX_THREADS;
use thiserror::Error;

/// Why a network cannot be computed.
#[derive(Debug, Error)]
pub enum StartError {
    /// A layer is beyond the kernels.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The system refuses a thread.
    #[error("a thread for the network cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Plans recognised layers for one instruction set and starts `threads` threads, 1..=[`MAX_THREADS`], the calling one among them.
///
/// # Errors
/// [`StartError`].
pub fn start(found: &Recognised, isa: Isa, threads: usize) -> Result<Crew, StartError> {
    let plan = plan::plan(isa, found)?;
    Ok(Crew::start(Machine::new(isa, plan, found.size, threads))?)
}
