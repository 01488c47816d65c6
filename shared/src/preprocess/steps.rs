//! The ordered steps that a manifest names, as one checked value.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::colour::row_to_rgb;
use super::exposure::Exposure;
use super::resize::{Scratch, area};
use crate::frame::Frame;
use crate::limits::{INPUT_MULTIPLE, MAX_FRAME_SIDE, MAX_INPUT_SIDE, MIN_INPUT_SIDE};

/// The region of interest, in pixels of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crop {
    /// Pixels left of it.
    pub x: u16,
    /// Pixels above it.
    pub y: u16,
    /// Its width.
    pub width: u16,
    /// Its height.
    pub height: u16,
}

impl Crop {
    /// Left, top, width and height of a crop, or of the whole frame without one.
    ///
    /// # Errors
    /// [`PreprocessError::CropOutside`] when the frame is too small.
    pub(crate) fn region(
        crop: Option<Self>,
        frame: &Frame<'_>,
    ) -> Result<(usize, usize, usize, usize), PreprocessError> {
        let Some(crop) = crop else { return Ok((0, 0, frame.width(), frame.height())) };
        let (left, top, across, down) = (crop.x.into(), crop.y.into(), crop.width.into(), crop.height.into());
        if left + across > frame.width() || top + down > frame.height() {
            return Err(PreprocessError::CropOutside { crop, width: frame.width(), height: frame.height() });
        }
        Ok((left, top, across, down))
    }
}

/// From any frame to the network's input. Checked: sides are legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preprocess {
    crop: Option<Crop>,
    width: usize,
    height: usize,
    exposure: Exposure,
}

/// Why there is no input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreprocessError {
    /// A side of the input is not a multiple of 32 within the limits.
    InputSide {
        /// Pixels from left to right.
        width: usize,
        /// Pixels from top to bottom.
        height: usize,
    },
    /// The crop is empty or beyond any frame.
    EmptyCrop(Crop),
    /// The crop reaches beyond this frame.
    CropOutside {
        /// The crop.
        crop: Crop,
        /// The frame's width.
        width: usize,
        /// The frame's height.
        height: usize,
    },
    /// The output is not as long as the input's pixels.
    Output {
        /// Bytes needed.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
}

impl fmt::Display for PreprocessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InputSide { width, height } => write!(
                f,
                "an input of {width} by {height} pixels; each side must be a multiple of {INPUT_MULTIPLE} in \
                 {MIN_INPUT_SIDE}..={MAX_INPUT_SIDE}"
            ),
            Self::EmptyCrop(Crop { x, y, width, height }) => {
                write!(f, "the crop {x},{y},{width},{height} is empty or reaches beyond {MAX_FRAME_SIDE} pixels")
            }
            Self::CropOutside { crop: Crop { x, y, width: across, height: down }, width, height } => {
                write!(f, "the crop {x},{y},{across},{down} reaches beyond the frame of {width} by {height} pixels")
            }
            Self::Output { expected, got } => write!(f, "room for {got} bytes of input, {expected} needed"),
        }
    }
}

impl core::error::Error for PreprocessError {}

impl Preprocess {
    /// The steps for an input of `width` by `height` pixels, from the whole frame or from a crop of it.
    ///
    /// # Errors
    /// [`PreprocessError::InputSide`], [`PreprocessError::EmptyCrop`].
    pub fn new(crop: Option<Crop>, width: usize, height: usize) -> Result<Self, PreprocessError> {
        let legal =
            |side: usize| (MIN_INPUT_SIDE..=MAX_INPUT_SIDE).contains(&side) && side.is_multiple_of(INPUT_MULTIPLE);
        if !legal(width) || !legal(height) {
            return Err(PreprocessError::InputSide { width, height });
        }
        if let Some(crop) = crop
            && (crop.width == 0
                || crop.height == 0
                || usize::from(crop.x) + usize::from(crop.width) > MAX_FRAME_SIDE
                || usize::from(crop.y) + usize::from(crop.height) > MAX_FRAME_SIDE)
        {
            return Err(PreprocessError::EmptyCrop(crop));
        }
        Ok(Self { crop, width, height, exposure: Exposure::AsTaken })
    }

    /// The same steps with this done to the input's light; light stays as it was taken without.
    #[must_use]
    pub const fn with_exposure(self, exposure: Exposure) -> Self {
        Self { exposure, ..self }
    }

    /// What becomes of the input's light.
    pub const fn exposure(&self) -> Exposure {
        self.exposure
    }

    /// Pixels of the input from left to right.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Pixels of the input from top to bottom.
    pub const fn height(&self) -> usize {
        self.height
    }

    /// The region of interest, if not the whole frame.
    pub const fn crop(&self) -> Option<Crop> {
        self.crop
    }

    /// Bytes of an input.
    pub const fn input_bytes(&self) -> usize {
        self.width * self.height * 3
    }

    /// Writes the input, `[row][column][RGB]`, into `out`, which has [`Preprocess::input_bytes`] bytes.
    ///
    /// # Errors
    /// [`PreprocessError::CropOutside`] when the frame is too small, [`PreprocessError::Output`].
    pub fn run(&self, frame: &Frame<'_>, scratch: &mut Scratch, out: &mut [u8]) -> Result<(), PreprocessError> {
        if out.len() != self.input_bytes() {
            return Err(PreprocessError::Output { expected: self.input_bytes(), got: out.len() });
        }
        let (left, top, width, height) = Crop::region(self.crop, frame)?;
        area((width, height), (self.width, self.height), scratch, out, |y, row| row_to_rgb(frame, top + y, left, row));
        self.exposure.apply(out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::boxed::Box;
    use std::vec;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_picture_of_the_inputs_size_stays_as_it_is() {
        let pixels: Vec<u8> = (0..64 * 32 * 3).map(|at| (at * 7 % 251) as u8).collect();
        let mut out = vec![0; pixels.len()];
        let steps = Preprocess::new(None, 64, 32).unwrap();
        steps.run(&Frame::rgb(64, 32, &pixels).unwrap(), &mut Box::new(Scratch::new()), &mut out).unwrap();
        assert_eq!(out, pixels);
    }

    #[test]
    fn a_crop_takes_its_region_alone() {
        let mut pixels = vec![9u8; 100 * 80 * 3];
        for y in 20..52 {
            pixels[(y * 100 + 30) * 3..(y * 100 + 62) * 3].fill(200);
        }
        let crop = Crop { x: 30, y: 20, width: 32, height: 32 };
        let steps = Preprocess::new(Some(crop), 32, 32).unwrap();
        let mut out = vec![0; steps.input_bytes()];
        let mut scratch = Box::new(Scratch::new());
        steps.run(&Frame::rgb(100, 80, &pixels).unwrap(), &mut scratch, &mut out).unwrap();
        assert!(out.iter().all(|&byte| byte == 200));
        let small = Frame::rgb(61, 80, &pixels).unwrap();
        assert!(matches!(steps.run(&small, &mut scratch, &mut out), Err(PreprocessError::CropOutside { .. })));
    }

    #[test]
    fn light_is_evened_within_the_crop() {
        let mut pixels = vec![250u8; 100 * 80 * 3];
        for y in 20..52 {
            pixels[(y * 100 + 30) * 3..(y * 100 + 62) * 3].fill(55);
        }
        let crop = Crop { x: 30, y: 20, width: 32, height: 32 };
        let steps = Preprocess::new(Some(crop), 32, 32).unwrap().with_exposure(Exposure::Evened);
        let mut out = vec![0; steps.input_bytes()];
        steps.run(&Frame::rgb(100, 80, &pixels).unwrap(), &mut Box::new(Scratch::new()), &mut out).unwrap();
        assert!(out.iter().all(|&byte| byte == 100));
    }

    #[test]
    fn sides_that_the_network_cannot_halve_are_refused() {
        for (width, height) in [(0, 32), (33, 64), (64, 48), (MAX_INPUT_SIDE + 32, 64)] {
            assert_eq!(Preprocess::new(None, width, height), Err(PreprocessError::InputSide { width, height }));
        }
        let empty = Crop { x: 0, y: 0, width: 0, height: 5 };
        assert_eq!(Preprocess::new(Some(empty), 32, 32), Err(PreprocessError::EmptyCrop(empty)));
    }
}
