//! From a frame to the network's input: crop, colour, area-correct resize. One path for trainer and station.
//!
//! Integer arithmetic throughout, so that every processor gives identical bytes. The result is `[row][column][RGB]`,
//! u8; the network reads it as value / 255, without mean or deviation.

mod colour;
mod resize;
mod steps;

pub use colour::row_to_rgb;
pub use resize::Scratch;
pub use steps::{Crop, Preprocess, PreprocessError, VERSION};
