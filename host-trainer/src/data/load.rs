//! Files to pictures and masks at the model's size, through the station's own preprocessing.
//!
//! A file that cannot be read is named and skipped; whether too many are is for the caller to say.

use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageReader, Limits};
use rayon::prelude::*;
use shared::frame::{Frame, FrameError, PixelFormat};
use shared::limits::MAX_FRAME_SIDE;
use shared::preprocess::{Pose, Preprocess, PreprocessError, Scratch};
use thiserror::Error;

use super::picture::{Mask, Picture};

/// Why one file gives no picture.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file cannot be opened.
    #[error("cannot be opened: {0}")]
    Open(#[from] std::io::Error),
    /// The file is no picture, is damaged, or is larger than a camera's.
    #[error("cannot be read as a picture: {0}")]
    Decode(#[from] image::ImageError),
    /// The picture has an impossible size.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The picture does not fit the crop.
    #[error(transparent)]
    Preprocess(#[from] PreprocessError),
}

/// A file that was left out.
#[derive(Debug)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: LoadError,
}

/// A file that was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Its place in the list of files.
    pub index: usize,
    /// The picture at the model's size.
    pub picture: Picture,
    /// Width and height of the picture in its file.
    pub size: (usize, usize),
}

/// Reads files the way the station reads frames.
#[derive(Clone, Copy, Debug)]
pub struct Loader {
    steps: Preprocess,
}

impl Loader {
    /// A loader that applies these steps.
    pub fn new(steps: Preprocess) -> Self {
        Self { steps }
    }

    /// One picture at the model's size, and the size that it has in its file (width, height).
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn picture(&self, path: &Path) -> Result<(Picture, (usize, usize)), LoadError> {
        let rgb = decode(path)?.into_rgb8();
        let (width, height) = (rgb.width() as usize, rgb.height() as usize);
        let bytes = resized(self.steps, &Frame::rgb(width, height, &rgb)?)?;
        let picture = Picture { width: self.steps.width(), height: self.steps.height(), rgb: bytes };
        Ok((picture, (width, height)))
    }

    /// Where the part lies in one picture's field; `None` where parts are left where they lie.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn locate(&self, path: &Path) -> Result<Option<Pose>, LoadError> {
        let rgb = decode(path)?.into_rgb8();
        let frame = Frame::rgb(rgb.width() as usize, rgb.height() as usize, &rgb)?;
        let memory = &mut vec![0; self.steps.memory_bytes()];
        Ok(self.steps.locate(&frame, &mut Box::new(Scratch::new()), memory)?)
    }

    /// The mask of a picture at the model's size: a pixel is defective where at least half of its area is.
    ///
    /// # Errors
    /// [`LoadError`], of either file.
    pub fn mask(&self, path: &Path, picture: &Path) -> Result<Mask, LoadError> {
        // Without a fixture nothing is to be looked for in the picture.
        let pose = self.steps.fixture().map_or(Ok(None), |_| self.locate(picture))?;
        let grey = decode(path)?.into_luma8();
        let (width, height) = (grey.width() as usize, grey.height() as usize);
        // Any grey counts as drawn, so that anti-aliased outlines do not shrink the defect.
        let drawn: Vec<u8> = grey.iter().map(|&value| if value > 0 { 255 } else { 0 }).collect();
        let frame = Frame::new(PixelFormat::Grey, width, height, width, &drawn)?;
        let (memory, bytes) = (&mut vec![0; self.steps.memory_bytes()], &mut vec![0; self.steps.input_bytes()]);
        self.steps.run_at(pose.as_ref(), &frame, &mut Box::new(Scratch::new()), memory, bytes)?;
        let pixels = bytes.chunks_exact(3).map(|pixel| u8::from(pixel[0] >= 128)).collect();
        Ok(Mask { width: self.steps.width(), height: self.steps.height(), pixels })
    }

    /// All files on all cores, in their order, beside those that were left out.
    pub fn pictures(&self, paths: &[PathBuf]) -> (Vec<Loaded>, Vec<Skipped>) {
        let results: Vec<_> = paths.par_iter().map(|path| self.picture(path)).collect();
        let (mut loaded, mut skipped) = (Vec::new(), Vec::new());
        for (index, result) in results.into_iter().enumerate() {
            match result {
                Ok((picture, size)) => loaded.push(Loaded { index, picture, size }),
                Err(why) => skipped.push(Skipped { path: paths[index].clone(), why }),
            }
        }
        (loaded, skipped)
    }

    /// One picture of a texture at the model's size: tiled where it is smaller, never enlarged.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn texture(&self, path: &Path) -> Result<Picture, LoadError> {
        let rgb = decode(path)?.into_rgb8();
        // Refuses a picture without pixels, which could not be tiled.
        Frame::rgb(rgb.width() as usize, rgb.height() as usize, &rgb)?;
        let (width, height) = (self.steps.width() as u32, self.steps.height() as u32);
        if rgb.width() >= width && rgb.height() >= height {
            return self.picture(path).map(|(picture, _)| picture);
        }
        let tiled = image::RgbImage::from_fn(width, height, |x, y| *rgb.get_pixel(x % rgb.width(), y % rgb.height()));
        Ok(Picture { width: width as usize, height: height as usize, rgb: tiled.into_raw() })
    }
}

fn resized(steps: Preprocess, frame: &Frame<'_>) -> Result<Vec<u8>, PreprocessError> {
    let (mut memory, mut bytes) = (vec![0; steps.memory_bytes()], vec![0; steps.input_bytes()]);
    steps.run(frame, &mut Box::new(Scratch::new()), &mut memory, &mut bytes)?;
    Ok(bytes)
}

fn decode(path: &Path) -> Result<DynamicImage, LoadError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_FRAME_SIDE as u32);
    limits.max_image_height = Some(MAX_FRAME_SIDE as u32);
    // The content decides, not the ending: cameras and people misname files.
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    reader.limits(limits);
    Ok(reader.decode()?)
}

#[cfg(test)]
mod tests {
    use shared::preprocess::Exposure;

    use super::*;

    #[test]
    fn a_bad_file_is_skipped_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let [good, bad, cut] = ["good.png", "bad.png", "cut.png"].map(|name| folder.path().join(name));
        image::RgbImage::from_pixel(40, 50, image::Rgb([10, 20, 30])).save(&good).unwrap();
        std::fs::write(&bad, b"not a picture").unwrap();
        let bytes = std::fs::read(&good).unwrap();
        std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
        let loader = Loader::new(Preprocess::new(None, 32, 32).unwrap());
        let (pictures, skipped) = loader.pictures(&[good, bad.clone(), cut.clone()]);
        let picture = Picture::filled(32, 32, [10, 20, 30]);
        assert_eq!(pictures, [Loaded { index: 0, picture, size: (40, 50) }]);
        assert_eq!(skipped.iter().map(|skipped| &skipped.path).collect::<Vec<_>>(), [&bad, &cut]);
    }

    #[test]
    fn a_mask_is_zero_or_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.png");
        let mask = image::GrayImage::from_fn(64, 64, |x, _| image::Luma([if x < 33 { 255 } else { 0 }]));
        mask.save(&path).unwrap();
        // Evened, a mask would be another.
        let steps = Preprocess::new(None, 32, 32).unwrap().with_exposure(Exposure::Evened);
        let loaded = Loader::new(steps).mask(&path, &path).unwrap();
        assert!(loaded.pixels.chunks_exact(32).all(|row| row[..17].iter().all(|&p| p == 1) && row[17..] == [0; 15]));
    }
}
