//! From a checkpoint to the one signed file that a station takes.

pub mod tensors;

pub use tensors::{Array, TensorMap};
