//! From a picture as a camera gave it to a frame of pixels.
//!
//! Takes a [`Picture`] and room for decoded pixels; gives a [`Frame`] that borrows one or the other. It converts no colour.

use shared::frame::{Frame, FrameError, PixelFormat};
use thiserror::Error;

use super::board::jpeg::{self, JpegError};
use super::roles::{Picture, PictureFormat};

/// Why a picture has no pixels to judge.
#[derive(Debug, Error)]
pub enum NoFrame {
    /// What came as JPEG is none, or not of the size that the camera said.
    #[error(transparent)]
    Jpeg(#[from] JpegError),
    /// The bytes do not make whole rows.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// The picture's pixels, decoded into `rgb` where they are not pixels yet.
///
/// # Errors
/// [`NoFrame`]; the part in the picture is then uninspected.
pub fn frame_of<'a>(picture: &'a Picture, rgb: &'a mut Vec<u8>) -> Result<Frame<'a>, NoFrame> {
    let Picture { format, width, height, ref bytes, .. } = *picture;
    let (format, bytes) = match format {
        PictureFormat::Pixels(format) => (format, bytes),
        PictureFormat::Jpeg => {
            jpeg::decode(bytes, width, height, rgb)?;
            (PixelFormat::Rgb8, &*rgb)
        }
    };
    let row = match format {
        PixelFormat::Rgb8 => width.saturating_mul(3),
        PixelFormat::Yuyv => width.saturating_mul(2),
        PixelFormat::Grey | PixelFormat::Nv12 => width,
    };
    Ok(Frame::new(format, width, height, row, bytes)?)
}

#[cfg(test)]
mod tests {
    use shared::units::Micros;

    use super::*;

    fn picture(format: PictureFormat, width: usize, height: usize, bytes: Vec<u8>) -> Picture {
        Picture { exposed_at: Micros(0), format, width, height, bytes }
    }

    #[test]
    fn every_arrangement_of_pixels_is_seen_with_its_own_rows() {
        for (format, bytes) in [
            (PixelFormat::Rgb8, 4 * 6 * 3),
            (PixelFormat::Grey, 4 * 6),
            (PixelFormat::Yuyv, 4 * 6 * 2),
            (PixelFormat::Nv12, 4 * 6 * 3 / 2),
        ] {
            let whole = picture(PictureFormat::Pixels(format), 4, 6, vec![0; bytes]);
            let mut rgb = Vec::new();
            let frame = frame_of(&whole, &mut rgb).unwrap();
            assert_eq!((frame.format(), frame.width(), frame.height()), (format, 4, 6));
            let short = picture(PictureFormat::Pixels(format), 4, 6, vec![0; bytes - 1]);
            assert!(frame_of(&short, &mut rgb).is_err(), "{format:?}");
        }
    }

    #[test]
    fn rubbish_for_a_jpeg_is_no_frame() {
        let mut rgb = Vec::new();
        let rubbish = picture(PictureFormat::Jpeg, 4, 6, vec![0xff; 100]);
        assert!(matches!(frame_of(&rubbish, &mut rgb), Err(NoFrame::Jpeg(_))));
    }
}
