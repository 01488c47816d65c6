//! The anomaly simulator: a good picture goes in, the same picture with a made-up defect and its mask come out.
//!
//! Pure and seeded: every draw comes from the `ChaCha8Rng` handed in. Arithmetic is limited to integers and to the
//! operations that IEEE 754 fixes to the last bit (`+ - * /` and the square root), so the same seed, pictures and recipe
//! give the same bytes on every machine. It reads no files, resizes no pictures, knows no torch, and starts no threads:
//! callers spread samples over cores with one generator per sample.

mod augment;
mod bend;
mod chance;
mod compose;
mod geometry;
mod mask;
mod perlin;
mod pose;
mod procedural;
pub mod recipe;
mod shapes;
mod texture;

pub use compose::{Sample, simulate, simulate_tiled, simulate_window};
pub use mask::MaskMix;
pub use recipe::Recipe;
pub use texture::Textures;

#[cfg(test)]
mod tests;
