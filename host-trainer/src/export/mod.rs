//! From a checkpoint to the one signed file that a station takes.
//!
//! In the order of use: a [`TensorMap`] is folded ([`fold_bn`], along the layers of [`graph`]), written as ONNX ([`onnx`])
//! in floats and, with scales from `quantise`, in integers, and run again ([`reload`]); a bundle ([`bundle`]) is signed
//! with a key from [`keys`]. [`untrained`](mod@untrained) stands in for training.

pub mod bundle;
pub mod fold_bn;
pub mod graph;
pub mod keys;
pub mod onnx;
mod proto;
pub mod reload;
pub mod tensors;
pub mod untrained;
pub mod whole_file;

pub use bundle::SealError;
pub use fold_bn::{FoldError, Folded, FoldedNet, fold};
pub use keys::{KeyError, KeyPlaces};
pub use onnx::{Form, WriteError};
pub use reload::{ReloadError, Reloaded};
pub use tensors::{Array, TensorMap};
pub use untrained::untrained;
