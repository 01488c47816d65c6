//! From samples to weights: the optimisation, and all that makes a long run bearable.
//!
//! Takes samples by their index and a configuration; gives averaged weights and the loss curve. Does not know how samples
//! are made, what becomes of the weights, or which flags the command line has.

pub mod adam;
pub mod checkpoint;
pub mod config;
pub mod ema;
pub mod error;
pub mod journal;
pub mod lesson;
pub mod muon;
pub mod prefetch;
pub mod reference;
pub mod run;
pub mod schedule;
pub mod step;

pub use adam::Recipe;
pub use checkpoint::{CheckpointError, CurveRow};
pub use config::TrainConfig;
pub use error::TrainError;
pub use reference::reference_heatmap;
pub(crate) use run::device;
pub use run::{Trained, train};
pub use step::{Batch, Stepper};

#[cfg(test)]
mod tests;
