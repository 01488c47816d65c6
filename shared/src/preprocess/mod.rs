//! From a frame to the network's input: crop, colour, area-correct resize, and for some models the part in one place or a steady
//! exposure. One path for trainer and station.
//!
//! Integer arithmetic, but for a part's pose, whose few operations IEEE 754 defines to the last bit: every processor gives identical bytes. The result is `[row][column][RGB]`,
//! u8; the network reads it as value / 255, without mean or deviation.

mod colour;
mod exposure;
mod fixture;
mod resize;
mod steps;

pub use colour::row_to_rgb;
pub use exposure::Exposure;
pub use fixture::{Fixture, Pose, ground};
pub use resize::Scratch;
pub use steps::{Crop, Preprocess, PreprocessError};
