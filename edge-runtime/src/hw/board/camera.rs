//! A V4L2 camera that may be unplugged and plugged in again.
//!
//! Takes settings; gives pictures, without the padding of their rows. When it opens a camera again that has gone is
//! `supply`'s business. Times are microseconds of the kernel's `CLOCK_MONOTONIC`, also those handed in. JPEG is not decoded
//! here.

use edge_video::{Camera, Encoding, Event, Facts, Settings, VideoError, now_us, wait_until_us};
use shared::frame::PixelFormat;
use shared::units::Micros;

pub use super::supply::Counts;
use super::supply::{Given, Machine, Source, Supply};
use crate::hw::roles::{FrameStream, HwFault, Picture, PictureFormat};

/// A camera of the board.
#[derive(Debug)]
pub struct BoardCamera {
    supply: Supply<V4l2>,
}

impl BoardCamera {
    /// Opens the camera, sets it up and starts its stream.
    ///
    /// # Errors
    /// [`VideoError`] when it is not there or cannot give what the settings ask for: at the start that is for a person to
    /// mend.
    pub fn open(settings: Settings) -> Result<Self, VideoError> {
        Ok(Self { supply: Supply::open(V4l2(settings))? })
    }

    /// What the driver really does; nothing while the camera has gone.
    #[must_use]
    pub fn facts(&self) -> Option<&Facts> {
        self.supply.source().map(Camera::facts)
    }

    /// What it has done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.supply.counts()
    }
}

impl FrameStream for BoardCamera {
    fn next(&mut self, until: Micros) -> Result<Option<Picture>, HwFault> {
        self.supply.next(until)
    }
}

/// The kernel's cameras.
#[derive(Debug)]
struct V4l2(Settings);

impl Machine for V4l2 {
    type Source = Camera;

    fn now(&self) -> Micros {
        Micros(now_us())
    }

    fn wait(&self, until: Micros) {
        wait_until_us(until.0);
    }

    fn open(&self) -> Result<Camera, VideoError> {
        Camera::open(&self.0)
    }
}

impl Source for Camera {
    fn next(&mut self, until: Micros) -> Result<Given, VideoError> {
        let Facts { encoding, width, height, bytes_per_row, .. } = *self.facts();
        Ok(match Camera::next(self, until.0)? {
            Event::TimedOut => Given::Nothing,
            Event::Damaged { missed, damage, .. } => Given::Damaged { evidence: damage.to_string(), missed },
            Event::Frame { timestamp_us, missed, bytes, .. } => {
                let (row, rows) = encoding.rows(width, height).unwrap_or((bytes.len(), 1));
                let picture = Picture {
                    exposed_at: Micros(timestamp_us),
                    format: format_of(encoding),
                    width: width as usize,
                    height: height as usize,
                    bytes: without_padding(bytes, row, rows, bytes_per_row as usize),
                };
                Given::Picture { picture, missed }
            }
        })
    }
}

fn format_of(encoding: Encoding) -> PictureFormat {
    PictureFormat::Pixels(match encoding {
        Encoding::Mjpg => return PictureFormat::Jpeg,
        Encoding::Yuyv => PixelFormat::Yuyv,
        Encoding::Nv12 => PixelFormat::Nv12,
        Encoding::Grey => PixelFormat::Grey,
        Encoding::Rgb24 => PixelFormat::Rgb8,
    })
}

/// The first `row` bytes of each of `rows` rows that begin `stride` bytes apart; as many as there are.
fn without_padding(bytes: &[u8], row: usize, rows: usize, stride: usize) -> Vec<u8> {
    if stride <= row {
        return bytes[..bytes.len().min(row.saturating_mul(rows))].to_vec();
    }
    let mut packed = Vec::with_capacity(bytes.len().min(row.saturating_mul(rows)));
    for padded in bytes.chunks(stride).take(rows) {
        packed.extend_from_slice(&padded[..padded.len().min(row)]);
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_goes_and_pixels_stay() {
        let padded = [1, 2, 0, 3, 4, 0, 5, 6];
        assert_eq!(without_padding(&padded, 2, 3, 3), [1, 2, 3, 4, 5, 6]);
        assert_eq!(without_padding(&[1, 2, 3, 4, 9, 9], 2, 2, 2), [1, 2, 3, 4], "what is behind the picture goes too");
        assert_eq!(without_padding(&[1, 2, 3], 3, 1, 0), [1, 2, 3], "a JPEG file is one row");
    }

    #[test]
    fn a_picture_of_every_encoding_is_a_frame() {
        for encoding in Encoding::ALL {
            let PictureFormat::Pixels(pixels) = format_of(encoding) else { continue };
            let (row, rows) = encoding.rows(4, 4).unwrap();
            assert!(shared::frame::Frame::new(pixels, 4, 4, row, &vec![0; row * rows]).is_ok(), "{encoding}");
        }
    }
}
