//! The ordered steps that a manifest names, as one checked value.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::colour::row_to_rgb;
use super::exposure::Exposure;
use super::fixture::{Fixture, Pose};
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
    fixture: Option<Fixture>,
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
    /// The field in which parts are looked for has no size, or no part could be one.
    Fixture(Fixture),
    /// What was found before the plain ground is no part.
    NoPart {
        /// Pixels of the largest thing that was found.
        pixels: u32,
        /// Fewest pixels of a part.
        fewest: u32,
        /// Most pixels of a part.
        most: u32,
    },
    /// Two things lie before the ground that could both be the part.
    SeveralParts {
        /// Pixels of the largest.
        pixels: u32,
        /// Pixels of the second largest.
        second: u32,
    },
    /// The memory to look for the part in is not as long as it must be.
    Memory {
        /// Bytes needed.
        expected: usize,
        /// Bytes given.
        got: usize,
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
            Self::Fixture(Fixture { width, height, fewest, most, .. }) => write!(
                f,
                "a field of {width} by {height} pixels for parts of {fewest} to {most}; each side must be in \
                 1..={MAX_INPUT_SIDE}, and a part have at least one pixel"
            ),
            Self::NoPart { pixels: 0, .. } => f.write_str("no part: nothing differs from the ground"),
            Self::NoPart { pixels, fewest, most } => {
                write!(f, "no part: what was found has {pixels} pixels, a part has {fewest} to {most}")
            }
            Self::SeveralParts { pixels, second } => {
                write!(
                    f,
                    "two parts in one picture, of {pixels} and {second} pixels: which one is meant cannot be known"
                )
            }
            Self::Memory { expected, got } => write!(f, "{got} bytes to look for the part in, {expected} needed"),
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
        Ok(Self { crop, width, height, exposure: Exposure::AsTaken, fixture: None })
    }

    /// The same steps with this done to the input's light; light stays as it was taken without.
    #[must_use]
    pub const fn with_exposure(self, exposure: Exposure) -> Self {
        Self { exposure, ..self }
    }

    /// The same steps with each part brought to one place, or left where it lies.
    ///
    /// # Errors
    /// [`PreprocessError::Fixture`].
    pub fn with_fixture(self, fixture: Option<Fixture>) -> Result<Self, PreprocessError> {
        fixture.as_ref().map_or(Ok(()), Fixture::check)?;
        Ok(Self { fixture, ..self })
    }

    /// How parts are brought to one place, if they are.
    pub const fn fixture(&self) -> Option<Fixture> {
        self.fixture
    }

    /// What becomes of the part's place, for people.
    pub fn placing(&self) -> impl fmt::Display {
        fmt::from_fn(|f| match &self.fixture {
            None => f.write_str("left where they lie"),
            Some(fixture) => write!(f, "{fixture}"),
        })
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

    /// Bytes of memory to look for a part in: none where parts are left where they lie.
    pub fn memory_bytes(&self) -> usize {
        self.fixture.as_ref().map_or(0, Fixture::bytes)
    }

    /// Writes the input, `[row][column][RGB]`, into `out`, which has [`Preprocess::input_bytes`] bytes; `memory` has
    /// [`Preprocess::memory_bytes`], of which nothing is kept.
    ///
    /// # Errors
    /// [`PreprocessError::CropOutside`] when the frame is too small, [`PreprocessError::NoPart`] when it shows none,
    /// [`PreprocessError::SeveralParts`] when it shows two, [`PreprocessError::Memory`], [`PreprocessError::Output`].
    pub fn run(
        &self,
        frame: &Frame<'_>,
        scratch: &mut Scratch,
        memory: &mut [u8],
        out: &mut [u8],
    ) -> Result<(), PreprocessError> {
        self.has_room(memory, out)?;
        match self.fixture {
            None => self.reduce(frame, scratch, (self.width, self.height), out)?,
            Some(fixture) => {
                let pose = self.find(frame, fixture, scratch, memory)?;
                fixture.cut(memory, &pose, out, self.width);
            }
        }
        self.exposure.apply(out);
        Ok(())
    }

    /// Where the part lies in the field; `None` where parts are left where they lie.
    ///
    /// # Errors
    /// As [`Preprocess::run`].
    pub fn locate(
        &self,
        frame: &Frame<'_>,
        scratch: &mut Scratch,
        memory: &mut [u8],
    ) -> Result<Option<Pose>, PreprocessError> {
        let Some(fixture) = self.fixture else { return Ok(None) };
        self.has_memory(memory)?;
        self.find(frame, fixture, scratch, memory).map(Some)
    }

    /// As [`Preprocess::run`] for a frame that belongs to another, in which the part was located: a drawing of where its defects are. The
    /// light is left as it is.
    ///
    /// # Errors
    /// As [`Preprocess::run`].
    pub fn run_at(
        &self,
        pose: Option<&Pose>,
        frame: &Frame<'_>,
        scratch: &mut Scratch,
        memory: &mut [u8],
        out: &mut [u8],
    ) -> Result<(), PreprocessError> {
        self.has_room(memory, out)?;
        let Some((fixture, pose)) = self.fixture.zip(pose) else {
            return self.reduce(frame, scratch, (self.width, self.height), out);
        };
        self.reduce(frame, scratch, fixture.size(), fixture.colours(memory))?;
        fixture.cut(memory, pose, out, self.width);
        Ok(())
    }

    /// Fills the field in memory and finds the part there.
    fn find(
        &self,
        frame: &Frame<'_>,
        fixture: Fixture,
        scratch: &mut Scratch,
        memory: &mut [u8],
    ) -> Result<Pose, PreprocessError> {
        self.reduce(frame, scratch, fixture.size(), fixture.colours(memory))?;
        fixture.find(memory)
    }

    fn reduce(
        &self,
        frame: &Frame<'_>,
        scratch: &mut Scratch,
        to: (usize, usize),
        out: &mut [u8],
    ) -> Result<(), PreprocessError> {
        let (left, top, width, height) = Crop::region(self.crop, frame)?;
        area((width, height), to, scratch, out, |y, row| row_to_rgb(frame, top + y, left, row));
        Ok(())
    }

    fn has_memory(&self, memory: &[u8]) -> Result<(), PreprocessError> {
        let (expected, got) = (self.memory_bytes(), memory.len());
        if got == expected { Ok(()) } else { Err(PreprocessError::Memory { expected, got }) }
    }

    fn has_room(&self, memory: &[u8], out: &[u8]) -> Result<(), PreprocessError> {
        let (expected, got) = (self.input_bytes(), out.len());
        if got != expected {
            return Err(PreprocessError::Output { expected, got });
        }
        self.has_memory(memory)
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
        steps.run(&Frame::rgb(64, 32, &pixels).unwrap(), &mut Box::new(Scratch::new()), &mut [], &mut out).unwrap();
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
        steps.run(&Frame::rgb(100, 80, &pixels).unwrap(), &mut scratch, &mut [], &mut out).unwrap();
        assert!(out.iter().all(|&byte| byte == 200));
        let small = Frame::rgb(61, 80, &pixels).unwrap();
        assert!(matches!(steps.run(&small, &mut scratch, &mut [], &mut out), Err(PreprocessError::CropOutside { .. })));
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
        steps.run(&Frame::rgb(100, 80, &pixels).unwrap(), &mut Box::new(Scratch::new()), &mut [], &mut out).unwrap();
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

    /// A dark wedge on a bright ground with a speck, and beside it a drawing of its bright end.
    fn wedge(middle: (f64, f64), (right, down): (f64, f64)) -> (Vec<u8>, Vec<u8>) {
        let (mut picture, mut drawing) = (vec![200; 160 * 120 * 3], vec![0; 160 * 120 * 3]);
        let places = picture.as_chunks_mut::<3>().0.iter_mut().zip(drawing.as_chunks_mut::<3>().0);
        for (at, (pixel, drawn)) in places.enumerate() {
            let (x, y) = ((at % 160) as f64 - middle.0, (at / 160) as f64 - middle.1);
            let (ahead, aside) = (x * right + y * down, y * right - x * down);
            if ahead.abs() <= 30.0 && aside.abs() <= 12.0 * (40.0 - ahead) / 70.0 {
                *pixel = [(60.0 + ahead) as u8; 3];
                *drawn = if ahead > 15.0 { [255; 3] } else { [0; 3] };
            }
        }
        picture[3 * (5 * 160 + 5)..][..3].fill(90);
        (picture, drawing)
    }

    const WEDGES: Fixture = Fixture { width: 160, height: 120, turned: true, fewest: 400, most: 1400 };

    fn fixed(fixture: Fixture) -> Preprocess {
        Preprocess::new(None, 96, 32).unwrap().with_fixture(Some(fixture)).unwrap()
    }

    #[test]
    fn a_part_gives_one_input_however_it_lies() {
        let (mut scratch, steps) = (Box::new(Scratch::new()), fixed(WEDGES));
        let mut input = |turn: f64, middle: (f64, f64)| {
            let (picture, drawing) = wedge(middle, (libm::cos(turn), libm::sin(turn)));
            let [frame, drawing] = [&picture, &drawing].map(|bytes| Frame::rgb(160, 120, bytes).unwrap());
            let (mut memory, mut out) = (vec![7; steps.memory_bytes()], vec![9; steps.input_bytes()]);
            steps.run(&frame, &mut scratch, &mut memory, &mut out).unwrap();
            let pose = steps.locate(&frame, &mut scratch, &mut memory).unwrap();
            let mut mask = vec![9; steps.input_bytes()];
            steps.run_at(pose.as_ref(), &drawing, &mut scratch, &mut memory, &mut mask).unwrap();
            (out, mask)
        };
        let (usual, drawn) = input(0.0, (70.0, 60.0));
        for (turn, middle) in [(0.7, (60.0, 55.0)), (2.6, (81.4, 62.7)), (-1.5, (100.0, 60.5)), (3.1, (50.0, 80.0))] {
            let (other, mask) = input(turn, middle);
            let far = usual.iter().zip(&other).filter(|(a, b)| a.abs_diff(**b) > 40).count();
            // Outlines alone, which lie between other pixels.
            assert!(far < usual.len() / 25, "turned by {turn}: {far} levels differ");
            let elsewhere = drawn.iter().zip(&mask).filter(|(a, b)| (**a >= 128) != (**b >= 128)).count();
            assert!(elsewhere < drawn.len() / 100, "turned by {turn}: {elsewhere} marks lie elsewhere");
        }
        assert!(drawn.iter().filter(|&&level| level >= 128).count() > 300);
    }

    #[test]
    fn what_is_no_part_has_no_input() {
        let (mut scratch, steps) = (Box::new(Scratch::new()), fixed(WEDGES));
        let (mut memory, mut out) = (vec![0; steps.memory_bytes()], vec![0; steps.input_bytes()]);
        let mut run = |pixels: &[u8], steps: Preprocess| {
            steps.run(&Frame::rgb(160, 120, pixels).unwrap(), &mut scratch, &mut memory, &mut out)
        };
        let refused = |pixels| Err(PreprocessError::NoPart { pixels, fewest: 400, most: 1400 });
        assert_eq!(run(&vec![120; 160 * 120 * 3], steps), refused(0));
        let mut speck = vec![120; 160 * 120 * 3];
        speck[3 * 9000..][..9].fill(0);
        assert_eq!(run(&speck, steps), refused(3));
        let mut two = vec![120; 160 * 120 * 3];
        (20..70).for_each(|y| two[3 * (y * 160 + 20)..][..3 * 40].fill(0));
        assert_eq!(run(&two, steps), refused(2000));
        let larger = fixed(Fixture { most: 2000, ..WEDGES });
        assert_eq!(run(&two, larger), Ok(()));
        let beside = |rows: usize| {
            let mut pixels = two.clone();
            (75..75 + rows).for_each(|y| pixels[3 * (y * 160 + 90)..][..3 * 50].fill(0));
            pixels
        };
        assert_eq!(run(&beside(20), larger), Ok(()));
        assert_eq!(run(&beside(21), larger), Err(PreprocessError::SeveralParts { pixels: 2000, second: 1050 }));
    }

    #[test]
    fn a_fixture_that_cannot_be_and_too_little_memory_are_refused() {
        let plain = Preprocess::new(None, 96, 32).unwrap();
        for wrong in [
            Fixture { width: 0, ..WEDGES },
            Fixture { height: MAX_INPUT_SIDE as u16 + 1, ..WEDGES },
            Fixture { fewest: 1401, ..WEDGES },
            Fixture { fewest: 0, most: 0, ..WEDGES },
        ] {
            assert_eq!(plain.with_fixture(Some(wrong)), Err(PreprocessError::Fixture(wrong)));
        }
        let (steps, picture) = (fixed(WEDGES), vec![120; 160 * 120 * 3]);
        let (mut scratch, mut out) = (Box::new(Scratch::new()), vec![0; steps.input_bytes()]);
        let frame = Frame::rgb(160, 120, &picture).unwrap();
        let expected = PreprocessError::Memory { expected: 160 * 120 * 8, got: 5 };
        assert_eq!(steps.run(&frame, &mut scratch, &mut [0; 5], &mut out), Err(expected));
        assert_eq!(steps.locate(&frame, &mut scratch, &mut [0; 5]), Err(expected));
        assert_eq!(plain.locate(&frame, &mut scratch, &mut []), Ok(None));
    }
}
