//! A checkpoint as plain arrays: the one form in which weights pass between training, import and export.
//!
//! Names are those of the original code's state dictionaries behind `recon.` and `seg.`, for example
//! `recon.encoder.block1.0.weight`; convolution weights have axes `[out, in, row, column]`.

use std::collections::BTreeMap;

/// One array of a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// Row-major values; as many as the product of `shape`.
    pub values: Vec<f32>,
}

/// Name of each tensor to its values, in the order of names. Integer bookkeeping such as `num_batches_tracked` is absent.
pub type TensorMap = BTreeMap<String, Array>;
