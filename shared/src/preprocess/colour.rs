//! One row of a frame, in any format, to RGB bytes.
//!
//! YUV is BT.601 with luma 16..=235, in fixed point with eight fractional bits. Chroma is not interpolated: each pair of
//! pixels shares its U and V.

use crate::frame::{Frame, PixelFormat};

/// Writes the pixels `from..from + out.len() / 3` of row `y` as RGB. The range lies inside the frame.
pub fn row_to_rgb(frame: &Frame<'_>, y: usize, from: usize, out: &mut [u8]) {
    let row = frame.row(y);
    let pixels = out.as_chunks_mut::<3>().0;
    match frame.format() {
        PixelFormat::Rgb8 => {
            let count = pixels.len();
            pixels.as_flattened_mut().copy_from_slice(&row[from * 3..][..count * 3]);
        }
        PixelFormat::Grey => {
            pixels.iter_mut().zip(&row[from..]).for_each(|(pixel, &grey)| *pixel = [grey; 3]);
        }
        PixelFormat::Yuyv => {
            for (x, pixel) in (from..).zip(pixels) {
                let pair = &row[x / 2 * 4..][..4];
                *pixel = yuv_to_rgb(pair[x % 2 * 2], pair[1], pair[3]);
            }
        }
        PixelFormat::Nv12 => {
            let chroma = frame.chroma_row(y);
            for (x, pixel) in (from..).zip(pixels) {
                let pair = &chroma[x / 2 * 2..][..2];
                *pixel = yuv_to_rgb(row[x], pair[0], pair[1]);
            }
        }
    }
}

/// ITU-R BT.601: R = 1.164 (Y - 16) + 1.596 (V - 128) and so on, each coefficient times 256.
fn yuv_to_rgb(y: u8, u: u8, v: u8) -> [u8; 3] {
    let luma = 298 * (i32::from(y) - 16) + 128;
    let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
    [luma + 409 * v, luma - 100 * u - 208 * v, luma + 516 * u].map(|channel| (channel >> 8).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_pixels<const N: usize>(format: PixelFormat, width: usize, height: usize, bytes: &[u8]) -> [u8; N] {
        let stride = if format == PixelFormat::Yuyv { width * 2 } else { width };
        let frame = Frame::new(format, width, height, stride, bytes).unwrap();
        let mut out = [0; N];
        row_to_rgb(&frame, 0, 0, &mut out);
        out
    }

    #[test]
    fn yuyv_gives_the_colours_of_a_test_card() {
        let white_black = first_pixels::<6>(PixelFormat::Yuyv, 2, 1, &[235, 128, 16, 128]);
        assert_eq!(white_black, [255, 255, 255, 0, 0, 0]);
        let red = first_pixels::<3>(PixelFormat::Yuyv, 2, 1, &[81, 90, 81, 240]);
        assert!(red[0] >= 253 && red[1] <= 2 && red[2] <= 2, "{red:?}");
    }

    #[test]
    fn nv12_takes_its_chroma_from_below() {
        let blue = first_pixels::<3>(PixelFormat::Nv12, 2, 2, &[41, 41, 41, 41, 240, 110]);
        assert!(blue[0] <= 2 && blue[1] <= 2 && blue[2] >= 253, "{blue:?}");
    }

    #[test]
    fn grey_is_neutral() {
        assert_eq!(first_pixels::<6>(PixelFormat::Grey, 2, 1, &[7, 200]), [7, 7, 7, 200, 200, 200]);
    }
}
