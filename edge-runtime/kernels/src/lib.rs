//! The station's integer arithmetic: what a quantised network is computed with, for each instruction set.
//!
//! [`Conv`] is a convolution of bytes, [`pool`], [`resize`], [`copy`] and [`curve`] are what stands between convolutions, [`isa`] says
//! which instruction sets there are; [`window`] and [`norm`] are the trainer's. Every instruction set gives the same bits; [`Isa::Scalar`] is the
//! reference. Works on rows of pixels with channels last; owns no picture, starts no thread, allocates nothing after a convolution is
//! packed. The only room of the station but for the camera's buffers where `unsafe` may stand.

pub mod bytes;
pub mod conv;
pub mod copy;
pub mod curve;
pub mod isa;
#[cfg(target_arch = "x86_64")]
mod narrow;
pub mod norm;
pub mod peak;
pub mod pool;
pub mod resize;
mod versions;
pub mod window;

pub use bytes::Bytes;
pub use conv::{Conv, ConvError, Output, Spec};
pub use isa::{Isa, UnknownIsa};
