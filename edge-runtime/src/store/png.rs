//! Evidence as picture files.
//!
//! Takes what a part was judged by; gives two PNG files as bytes: one for people, the network's input on the left and the
//! heatmap over it on the right; one for the trainer, the frame as the camera gave it, or the network's input where the frame
//! was not kept. Writes nothing.

use std::io::Cursor;

use image::{ExtendedColorType, ImageEncoder as _, ImageError};
use shared::frame::{Frame, FrameError};
use shared::preprocess::row_to_rgb;
use thiserror::Error;

use crate::hmi::thumbnail::overlay;
use crate::hw::pixels::{NoFrame, frame_of};
use crate::hw::roles::Picture;
use crate::stage::workers::Evidence;

/// Side of each half of the picture for people, in pixels: the resolution of the frames of most lines.
const SIDE: usize = 256;

/// Why there is no picture file.
#[derive(Debug, Error)]
pub enum PngError {
    /// The picture has no pixels.
    #[error("{0}")]
    Picture(#[from] NoFrame),
    /// The pixels are no frame.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// The pixels cannot be encoded.
    #[error("{0}")]
    Encode(#[from] ImageError),
}

/// The picture for people, 512 by 256 pixels.
pub fn view(evidence: &Evidence) -> Result<Vec<u8>, PngError> {
    let plain = overlay(&evidence.input, &[], evidence.width, SIDE);
    let heat = overlay(&evidence.input, &evidence.heatmap, evidence.width, SIDE);
    let rows = plain.chunks_exact(SIDE * 3).zip(heat.chunks_exact(SIDE * 3));
    let both: Vec<u8> = rows.flat_map(|(left, right)| [left, right].concat()).collect();
    encode(&both, 2 * SIDE, SIDE)
}

/// The picture for the trainer.
pub fn original(evidence: &Evidence) -> Result<Vec<u8>, PngError> {
    match &evidence.original {
        Some(picture) => encode(&rgb(picture)?, picture.width, picture.height),
        None => encode(&evidence.input, evidence.width, evidence.input.len() / 3 / evidence.width.max(1)),
    }
}

/// A frame's pixels by the same arithmetic that makes the network's input.
fn rgb(picture: &Picture) -> Result<Vec<u8>, NoFrame> {
    let mut decoded = Vec::new();
    let frame = frame_of(picture, &mut decoded)?;
    let (width, height) = (frame.width(), frame.height());
    let mut rgb = vec![0; width * height * 3];
    for (y, row) in rgb.chunks_exact_mut(width * 3).enumerate() {
        row_to_rgb(&frame, y, 0, row);
    }
    Ok(rgb)
}

fn encode(rgb: &[u8], width: usize, height: usize) -> Result<Vec<u8>, PngError> {
    let frame = Frame::rgb(width, height, rgb)?;
    let mut bytes = Cursor::new(Vec::new());
    image::codecs::png::PngEncoder::new(&mut bytes).write_image(
        &rgb[..width * height * 3],
        frame.width() as u32,
        frame.height() as u32,
        ExtendedColorType::Rgb8,
    )?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::frame::PixelFormat;
    use shared::units::Micros;

    use super::*;
    use crate::hw::roles::PictureFormat;

    fn decoded(png: &[u8]) -> image::RgbImage {
        image::load_from_memory(png).unwrap().into_rgb8()
    }

    #[test]
    fn the_trainer_gets_the_frame_and_people_the_heatmap_beside_the_input() {
        let picture = Picture {
            exposed_at: Micros(0),
            format: PictureFormat::Pixels(PixelFormat::Grey),
            width: 3,
            height: 2,
            bytes: vec![0, 50, 100, 150, 200, 250],
        };
        let plain =
            Evidence { width: 4, input: vec![100; 48], heatmap: vec![0.5; 16], original: None, bundle: 0, drift: None };
        let evidence = Evidence { original: Some(Arc::new(picture)), ..plain.clone() };
        assert_eq!(decoded(&view(&evidence).unwrap()).dimensions(), (512, 256));
        let frame = decoded(&original(&evidence).unwrap());
        assert_eq!((frame.dimensions(), frame.get_pixel(2, 1).0), ((3, 2), [250; 3]));
        let input = decoded(&original(&plain).unwrap());
        assert_eq!((input.dimensions(), input.get_pixel(3, 3).0), ((4, 4), [100; 3]));
    }

    #[test]
    fn pixels_that_are_no_picture_are_an_error() {
        let picture = Picture {
            exposed_at: Micros(0),
            format: PictureFormat::Pixels(PixelFormat::Nv12),
            width: 4,
            height: 4,
            bytes: vec![0; 23],
        };
        let evidence = Evidence {
            width: 0,
            input: vec![],
            heatmap: vec![],
            original: Some(Arc::new(picture)),
            bundle: 0,
            drift: None,
        };
        let short = FrameError::Short { expected: 24, got: 23 };
        assert!(matches!(original(&evidence), Err(PngError::Picture(NoFrame::Frame(error))) if error == short));
        assert!(original(&Evidence { original: None, ..evidence }).is_err());
    }
}
