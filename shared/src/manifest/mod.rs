//! What a bundle says about itself: everything that belongs to the model travels with it.
//!
//! [`RawManifest`] is what the bytes say, [`Manifest`] is what has been checked. Only the checked one is worked with.

mod check;
mod raw;

pub use check::{Manifest, ManifestError, TargetError};
pub use raw::{DecodeError, Parity, Precision, RawManifest, RawModel, Threshold, Training};
