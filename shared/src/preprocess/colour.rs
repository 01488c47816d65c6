//! One row of a frame, in any format, to RGB bytes.
//!
//! YUV is BT.601 with luma 16..=235, in fixed point with eight fractional bits. Chroma is not interpolated: each pair of
//! pixels shares its U and V. Pairs are converted in blocks, each step of all of them in a loop of its own: of those a compiler makes
//! vectors.

use crate::frame::{Frame, PixelFormat};

/// Pairs of pixels in a block.
const BLOCK: usize = 16;

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
            let pairs = row.as_chunks::<4>().0;
            pairs_to_rgb(from, pixels, |at, pair| {
                let [first, u, second, v] = pairs[at];
                (pair.luma, pair.u, pair.v) = ([first, second], u, v);
            });
        }
        PixelFormat::Nv12 => {
            let (luma, chroma) = (row.as_chunks::<2>().0, frame.chroma_row(y).as_chunks::<2>().0);
            pairs_to_rgb(from, pixels, |at, pair| {
                pair.luma = luma[at];
                [pair.u, pair.v] = chroma[at];
            });
        }
    }
}

/// Two neighbouring pixels.
#[derive(Clone, Copy, Default)]
struct Pair {
    luma: [u8; 2],
    u: u8,
    v: u8,
}

/// Writes the pixels from `from` on, of pairs that `read(pair, into)` reads.
fn pairs_to_rgb(from: usize, pixels: &mut [[u8; 3]], read: impl Fn(usize, &mut Pair)) {
    let mut rest = pixels;
    let mut at = from;
    while !rest.is_empty() {
        // At the left, the block's first pixel may lie before the range.
        let hidden = at % 2;
        let count = rest.len().min(2 * BLOCK - hidden);
        let mut pairs = [Pair::default(); BLOCK];
        for (number, pair) in pairs[..(hidden + count).div_ceil(2)].iter_mut().enumerate() {
            read(at / 2 + number, pair);
        }
        let (now, behind) = rest.split_at_mut(count);
        now.copy_from_slice(&block_to_rgb(&pairs).as_flattened()[hidden..][..count]);
        (rest, at) = (behind, at + count);
    }
}

/// ITU-R BT.601: R = 1.164 (Y - 16) + 1.596 (V - 128) and so on, each coefficient times 256.
fn block_to_rgb(pairs: &[Pair; BLOCK]) -> [[[u8; 3]; 2]; BLOCK] {
    let u = pairs.map(|pair| i32::from(pair.u) - 128);
    let v = pairs.map(|pair| i32::from(pair.v) - 128);
    let chroma: [[i32; BLOCK]; 3] = [
        core::array::from_fn(|at| 409 * v[at]),
        core::array::from_fn(|at| -100 * u[at] - 208 * v[at]),
        core::array::from_fn(|at| 516 * u[at]),
    ];
    let halves = [0, 1].map(|half| {
        let luma = pairs.map(|pair| 298 * (i32::from(pair.luma[half]) - 16) + 128);
        chroma.map(|chroma| -> [u8; BLOCK] {
            core::array::from_fn(|at| ((luma[at] + chroma[at]) >> 8).clamp(0, 255) as u8)
        })
    });
    core::array::from_fn(|at| [0, 1].map(|half| [0, 1, 2].map(|channel| halves[half][channel][at])))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;
    use std::vec::Vec;

    use super::*;

    /// The definition, a pixel at a time.
    fn definition(y: u8, u: u8, v: u8) -> [u8; 3] {
        let luma = 298 * (i32::from(y) - 16) + 128;
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        [luma + 409 * v, luma - 100 * u - 208 * v, luma + 516 * u].map(|channel| (channel >> 8).clamp(0, 255) as u8)
    }

    #[test]
    fn any_range_of_a_row_equals_the_definition() {
        const WIDTH: usize = 70;
        let bytes: Vec<u8> = (0..WIDTH * 3).map(|at| (at * at * 31 + at * 89) as u8).collect();
        let yuyv = Frame::new(PixelFormat::Yuyv, WIDTH, 1, 2 * WIDTH, &bytes[..2 * WIDTH]).unwrap();
        let nv12 = Frame::new(PixelFormat::Nv12, WIDTH, 2, WIDTH, &bytes).unwrap();
        for from in 0..WIDTH {
            for to in from..=WIDTH {
                let mut out = vec![0; 3 * (to - from)];
                row_to_rgb(&yuyv, 0, from, &mut out);
                let pair = |x: usize| &bytes[x / 2 * 4..][..4];
                let expected = |x: usize| definition(pair(x)[x % 2 * 2], pair(x)[1], pair(x)[3]);
                assert_eq!(out, (from..to).flat_map(expected).collect::<Vec<_>>(), "YUYV, {from}..{to}");
                row_to_rgb(&nv12, 1, from, &mut out);
                let chroma = |x: usize| &bytes[2 * WIDTH + x / 2 * 2..][..2];
                let expected = |x: usize| definition(bytes[WIDTH + x], chroma(x)[0], chroma(x)[1]);
                assert_eq!(out, (from..to).flat_map(expected).collect::<Vec<_>>(), "NV12, {from}..{to}");
            }
        }
    }

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
