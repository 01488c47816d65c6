//! From the network's input to a heatmap, a score and a verdict.
//!
//! [`Engine`] is what the rest of the station knows; [`TractEngine`] is the one that runs ONNX. [`accept`] says which models
//! run here at all; [`Inspector`] puts preprocessing, engine and score in their order.

pub mod accept;
pub mod choice;
mod error;
pub mod fused;
mod inspector;
mod operators;
mod tract;

pub use accept::ModelError;
pub use error::EngineError;
pub use inspector::{InspectError, Inspector};
pub use tract::TractEngine;

/// A network that turns pictures into heatmaps.
///
/// Calls block until the heatmap is there, keep nothing from one picture to the next, and give the same values for the
/// same bytes. Dropping it frees the model.
pub trait Engine: Send {
    /// Runs one picture: `input` is `[row][column][RGB]`, `heatmap` receives `[row][column]` in 0..=1.
    ///
    /// # Errors
    /// A buffer of the wrong length, a failure of the network, a value that is no probability. The content of `heatmap`
    /// means nothing then.
    fn infer(&mut self, input: &[u8], heatmap: &mut [f32]) -> Result<(), EngineError>;
}
