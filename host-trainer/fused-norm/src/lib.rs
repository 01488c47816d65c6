//! Batch norm in training with the ReLU behind it, as one operation that torch can differentiate, on the CPU.
//!
//! Torch's own two read and write the activations six times forward and eight backward; this one three and five times, and in vectors
//! where there are few channels too. Takes activations with the channel as the fastest axis, in 32-bit floats or bfloat16; sums are the
//! same whatever the number of threads. Not for evaluation, and not for GPUs.

#[cfg(feature = "torch")]
mod jobs;
#[cfg(feature = "torch")]
mod layout;
#[cfg(feature = "torch")]
mod operation;
#[cfg(feature = "torch")]
mod pass;

#[cfg(feature = "torch")]
pub use operation::{NormRelu, suits};
