//! From a network in floats to the scales of one that computes in 8-bit integers.
//!
//! [`observe`] counts what passes between the layers of the float model, [`ranges`] turns each count into a scale,
//! [`sharing`] says which values must have the same one, [`equalise`] makes the channels of a value alike, [`calibrate()`] tries several rules and keeps the best. Weights have
//! their own scales, in [`weights`]. Writes no file: `export::onnx` does, in QDQ form.
//!
//! Activations are unsigned bytes with zero point 0 and one scale per value between layers: behind a ReLU nothing is
//! negative, and the reconstruction is clipped to 0..=1 like the picture that it is compared with.

pub mod calibrate;
pub mod equalise;
pub mod histogram;
pub mod observe;
pub mod ranges;
pub mod sharing;
pub mod weights;

pub use calibrate::{CalibrateError, Calibrated, FineTune, Trial, calibrate};
pub use ranges::{RangeRule, Scales};
