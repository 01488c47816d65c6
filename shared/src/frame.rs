//! Borrowed views of what a camera or a picture file gives.
//!
//! A [`Frame`] is checked once, so that whoever reads its rows need not. Copies nothing, converts nothing.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::MAX_FRAME_SIDE;

/// How the bytes of a frame are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PixelFormat {
    /// Three bytes a pixel: red, green, blue.
    Rgb8,
    /// One byte a pixel: brightness over the full range 0..=255.
    Grey,
    /// Two pixels in four bytes: Y0 U Y1 V, BT.601, luma 16..=235. Even width.
    Yuyv,
    /// A plane of Y, below it a plane of U V pairs at half width and height; BT.601, luma 16..=235. Even width and height.
    Nv12,
}

/// A checked view of one picture. Row-major from the top left.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    format: PixelFormat,
    width: usize,
    height: usize,
    stride: usize,
    bytes: &'a [u8],
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A side is zero or beyond [`MAX_FRAME_SIDE`].
    Side {
        /// Pixels from left to right.
        width: usize,
        /// Pixels from top to bottom.
        height: usize,
    },
    /// The format stores pixels in pairs, and a side is odd.
    Odd {
        /// The format.
        format: PixelFormat,
        /// Pixels from left to right.
        width: usize,
        /// Pixels from top to bottom.
        height: usize,
    },
    /// The distance between rows is shorter than a row.
    Stride {
        /// Bytes that a row takes.
        expected: usize,
        /// Bytes from row to row.
        got: usize,
    },
    /// Fewer bytes than the picture takes.
    Short {
        /// Bytes that the picture takes.
        expected: usize,
        /// Bytes that there are.
        got: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Side { width, height } => {
                write!(f, "a frame of {width} by {height} pixels; each side must be 1..={MAX_FRAME_SIDE}")
            }
            Self::Odd { format, width, height } => {
                write!(f, "{format:?} stores pixels in pairs, {width} by {height} is odd")
            }
            Self::Stride { expected, got } => write!(f, "{got} bytes from row to row, a row takes {expected}"),
            Self::Short { expected, got } => write!(f, "{got} bytes of picture, {expected} expected"),
        }
    }
}

impl core::error::Error for FrameError {}

impl<'a> Frame<'a> {
    /// A view of `bytes` whose rows begin `stride` bytes apart. Bytes beyond the picture are ignored: drivers pad.
    ///
    /// # Errors
    /// [`FrameError`] when sides, stride or length do not fit the format.
    pub fn new(
        format: PixelFormat,
        width: usize,
        height: usize,
        stride: usize,
        bytes: &'a [u8],
    ) -> Result<Self, FrameError> {
        let sides = 1..=MAX_FRAME_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(FrameError::Side { width, height });
        }
        let (row, rows, odd) = match format {
            PixelFormat::Rgb8 => (width * 3, height, false),
            PixelFormat::Grey => (width, height, false),
            PixelFormat::Yuyv => (width * 2, height, width % 2 == 1),
            PixelFormat::Nv12 => (width, height + height / 2, width % 2 == 1 || height % 2 == 1),
        };
        if odd {
            return Err(FrameError::Odd { format, width, height });
        }
        if stride < row {
            return Err(FrameError::Stride { expected: row, got: stride });
        }
        let expected = stride.saturating_mul(rows - 1).saturating_add(row);
        if bytes.len() < expected {
            return Err(FrameError::Short { expected, got: bytes.len() });
        }
        Ok(Self { format, width, height, stride, bytes })
    }

    /// A view of RGB bytes without padding.
    ///
    /// # Errors
    /// As [`Frame::new`].
    pub fn rgb(width: usize, height: usize, bytes: &'a [u8]) -> Result<Self, FrameError> {
        Self::new(PixelFormat::Rgb8, width, height, width.saturating_mul(3), bytes)
    }

    /// How the bytes are arranged.
    pub const fn format(&self) -> PixelFormat {
        self.format
    }

    /// Pixels from left to right.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Pixels from top to bottom.
    pub const fn height(&self) -> usize {
        self.height
    }

    /// The bytes of row `y` of the first plane.
    pub(crate) fn row(&self, y: usize) -> &'a [u8] {
        let bytes = match self.format {
            PixelFormat::Rgb8 => self.width * 3,
            PixelFormat::Grey | PixelFormat::Nv12 => self.width,
            PixelFormat::Yuyv => self.width * 2,
        };
        &self.bytes[y * self.stride..][..bytes]
    }

    /// The U V pairs that belong to row `y` of an NV12 frame.
    pub(crate) fn chroma_row(&self, y: usize) -> &'a [u8] {
        &self.bytes[(self.height + y / 2) * self.stride..][..self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_needs_no_padding() {
        assert!(Frame::new(PixelFormat::Rgb8, 2, 2, 8, &[0; 14]).is_ok());
        assert_eq!(
            Frame::new(PixelFormat::Rgb8, 2, 2, 8, &[0; 13]).map(|_| ()),
            Err(FrameError::Short { expected: 14, got: 13 })
        );
    }

    #[test]
    fn what_cannot_be_a_frame_is_refused() {
        let refused = |format, width, height, stride| Frame::new(format, width, height, stride, &[0; 64]).map(|_| ());
        assert_eq!(refused(PixelFormat::Grey, 0, 1, 1), Err(FrameError::Side { width: 0, height: 1 }));
        assert_eq!(
            refused(PixelFormat::Grey, 1, MAX_FRAME_SIDE + 1, 1),
            Err(FrameError::Side { width: 1, height: MAX_FRAME_SIDE + 1 })
        );
        assert_eq!(refused(PixelFormat::Grey, 4, 1, 3), Err(FrameError::Stride { expected: 4, got: 3 }));
        assert!(matches!(refused(PixelFormat::Yuyv, 3, 1, 6), Err(FrameError::Odd { .. })));
        assert!(matches!(refused(PixelFormat::Nv12, 2, 3, 2), Err(FrameError::Odd { .. })));
    }
}
