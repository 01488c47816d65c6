//! Pictures and masks at the model's size, as plain arrays.
//!
//! Takes no part in reading or resizing files. Axes: row-major, top to bottom, then left to right; colour order RGB.

use shared::preprocess::ground::rim_colour;

/// An RGB picture at the model's size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// `[height][width][3]`, 0..=255.
    pub rgb: Vec<u8>,
}

/// A defect mask, true or simulated, at the model's size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// `[height][width]`, 1 where the part is defective, else 0.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// A picture of one colour.
    pub fn filled(width: usize, height: usize, rgb: [u8; 3]) -> Self {
        Self { width, height, rgb: rgb.repeat(width * height) }
    }

    /// The median of each channel along the outermost pixels: the ground, where a part lies on a plain one.
    pub(crate) fn rim_colour(&self) -> [u8; 3] {
        rim_colour(self.rgb.as_chunks().0, self.width)
    }
}

impl Mask {
    /// A mask without any defect.
    pub fn empty(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![0; width * height] }
    }

    /// Whether any pixel is defective.
    pub fn any(&self) -> bool {
        self.pixels.iter().any(|&pixel| pixel != 0)
    }
}
