//! Area-correct resize: each output pixel is the mean of the input area that it covers, exactly, rounded to nearest.
//!
//! With `n` input and `m` output pixels on an axis, output pixel `x` covers the input interval `[x n / m, (x + 1) n / m)`.
//! In units of `1 / m` pixel all borders are whole numbers, so that the weights are whole numbers that add up to `n`. Whole numbers may
//! be added in any order: rows are reduced first, in long runs that a compiler makes vectors of, and half as many then across.

use crate::limits::{MAX_FRAME_SIDE, MAX_INPUT_SIDE};

/// Buffers of a resize, kept from frame to frame. About 130 KiB: keep it in a static or on the heap.
#[derive(Debug)]
pub struct Scratch {
    /// One row of the crop, RGB.
    source: [u8; 3 * MAX_FRAME_SIDE],
    /// Rows reduced to one output row: sums of up to 255 times the crop's height.
    down: [u32; 3 * MAX_FRAME_SIDE],
    /// What each output column covers.
    columns: [Cover; MAX_INPUT_SIDE],
}

impl Scratch {
    /// Empty buffers.
    pub const fn new() -> Self {
        Self { source: [0; _], down: [0; _], columns: [Cover { first: 0, last: 0, head: 0, tail: 0 }; _] }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// The input pixels under an output pixel: `first` with the weight `head`, `last` with `tail`, each between them with the output's whole
/// length. Where one pixel is all, `tail` is 0. The weights add up to the input's length.
#[derive(Clone, Copy, Debug)]
struct Cover {
    first: u16,
    last: u16,
    head: u16,
    tail: u16,
}

impl Cover {
    /// What output pixel `at` of `to` covers of `from` input pixels.
    fn of(at: usize, from: usize, to: usize) -> Self {
        let (begin, end) = (at * from, (at + 1) * from);
        let (first, last) = (begin / to, (end - 1) / to);
        let head = end.min((first + 1) * to) - begin;
        let tail = if last == first { 0 } else { end - last * to };
        // Sides of at most `MAX_FRAME_SIDE`.
        Self { first: first as u16, last: last as u16, head: head as u16, tail: tail as u16 }
    }

    /// Each pixel with its weight.
    fn pixels(self, to: usize) -> impl Iterator<Item = (usize, u32)> {
        (usize::from(self.first)..=usize::from(self.last)).map(move |pixel| {
            let weight = match pixel {
                pixel if pixel == usize::from(self.first) => u32::from(self.head),
                pixel if pixel == usize::from(self.last) => u32::from(self.tail),
                _ => to as u32,
            };
            (pixel, weight)
        })
    }
}

/// Resizes `from` (width, height) to `to`, reading source rows in order through `row(y, buffer)`. `out` holds
/// `[row][column][RGB]` of the size `to`. Sides lie within the limits of frame and input.
pub(super) fn area(
    from: (usize, usize),
    to: (usize, usize),
    scratch: &mut Scratch,
    out: &mut [u8],
    mut row: impl FnMut(usize, &mut [u8]),
) {
    let rows = out.chunks_exact_mut(3 * to.0);
    if from == to {
        rows.enumerate().for_each(|(y, out)| row(y, out));
        return;
    }
    let (source, down, columns) =
        (&mut scratch.source[..3 * from.0], &mut scratch.down[..3 * from.0], &mut scratch.columns[..to.0]);
    columns.iter_mut().enumerate().for_each(|(x, cover)| *cover = Cover::of(x, from.0, to.0));
    let mean = Mean::over((from.0 * from.1) as u64);
    let mut loaded = None;
    for (y, out) in rows.enumerate() {
        down.fill(0);
        for (source_y, weight) in Cover::of(y, from.1, to.1).pixels(to.1) {
            // Rows come in order, and two output rows may share the one on their border.
            if loaded != Some(source_y) {
                row(source_y, source);
                loaded = Some(source_y);
            }
            down.iter_mut().zip(&*source).for_each(|(sum, &value)| *sum += weight * u32::from(value));
        }
        let pixels = down.as_chunks::<3>().0;
        for (out, &cover) in out.as_chunks_mut::<3>().0.iter_mut().zip(&*columns) {
            *out = across(pixels, cover, to.0).map(|sum| mean.of(sum));
        }
    }
}

/// The weighted sums of the pixels that an output pixel covers: of up to 255 times the crop's area.
fn across(pixels: &[[u32; 3]], cover: Cover, to: usize) -> [u64; 3] {
    let (first, last) = (usize::from(cover.first), usize::from(cover.last));
    let mut between = [0u64; 3];
    for pixel in pixels.get(first + 1..last).unwrap_or_default() {
        (0..3).for_each(|channel| between[channel] += u64::from(pixel[channel]));
    }
    let weighted = |channel: usize| {
        between[channel] * to as u64
            + u64::from(pixels[first][channel]) * u64::from(cover.head)
            + u64::from(pixels[last][channel]) * u64::from(cover.tail)
    };
    [weighted(0), weighted(1), weighted(2)]
}

/// Divides sums of bytes by their weight, rounding to nearest, by a product: a division takes as long as all else together.
#[derive(Clone, Copy)]
struct Mean {
    area: u64,
    /// 2^40 / `area`, rounded down. With at most 2^26 pixels a product with a sum is at most one unit of the mean too small.
    inverse: u64,
}

impl Mean {
    const fn over(area: u64) -> Self {
        Self { area, inverse: (1 << 40) / area }
    }

    /// The mean of bytes is a byte.
    const fn of(self, sum: u64) -> u8 {
        let sum = sum + self.area / 2;
        let mean = (sum * self.inverse) >> 40;
        (mean + (sum - mean * self.area >= self.area) as u64) as u8
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::boxed::Box;
    use std::vec;
    use std::vec::Vec;

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The definition: cut both axes into the finest common grid and average its cells.
    fn oracle(pixels: &[u8], from: (usize, usize), to: (usize, usize)) -> Vec<u8> {
        let mut out = vec![];
        for y in 0..to.1 {
            for x in 0..to.0 {
                for channel in 0..3 {
                    let mut sum = 0u64;
                    for fine_y in y * from.1..(y + 1) * from.1 {
                        for fine_x in x * from.0..(x + 1) * from.0 {
                            let (u, v) = (fine_x / to.0, fine_y / to.1);
                            sum += u64::from(pixels[(v * from.0 + u) * 3 + channel]);
                        }
                    }
                    let cells = (from.0 * from.1) as u64;
                    out.push(((sum + cells / 2) / cells) as u8);
                }
            }
        }
        out
    }

    #[test]
    fn equals_the_definition() {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let mut scratch = Box::new(Scratch::new());
        for case in 0..150 {
            let mut side = || rng.random_range(1usize..24);
            let (from, to) = ((side(), side()), (side(), side()));
            let pixels: Vec<u8> = (0..from.0 * from.1 * 3).map(|_| rng.random()).collect();
            let mut out = vec![0; to.0 * to.1 * 3];
            area(from, to, &mut scratch, &mut out, |y, row| {
                row.copy_from_slice(&pixels[y * from.0 * 3..][..from.0 * 3])
            });
            assert_eq!(out, oracle(&pixels, from, to), "case {case}: {from:?} to {to:?}");
        }
    }

    #[test]
    fn weights_fill_the_pixel() {
        for (from, to) in [(1, 1), (640, 256), (256, 256), (3, 7), (7, 3), (MAX_FRAME_SIDE, MAX_INPUT_SIDE)] {
            for at in 0..to {
                let cover = || Cover::of(at, from, to).pixels(to);
                assert_eq!(cover().map(|(_, weight)| weight as usize).sum::<usize>(), from, "{from} to {to} at {at}");
                assert!(cover().all(|(pixel, weight)| pixel < from && weight > 0));
            }
        }
    }

    #[test]
    fn a_mean_is_the_quotient_to_the_last_unit() {
        let mut rng = ChaCha8Rng::seed_from_u64(12);
        let largest = (MAX_FRAME_SIDE * MAX_FRAME_SIDE) as u64;
        let areas =
            (1..300).chain([largest, largest - 1, 640 * 480]).chain((0..300).map(|_| rng.random_range(1..largest)));
        for area in areas.collect::<Vec<_>>() {
            // Where the rounded quotient changes, and around it.
            for byte in 0..255 {
                let border = byte * area + area.div_ceil(2);
                for sum in [border.saturating_sub(1), border, border + 1].map(|sum| sum.min(255 * area)) {
                    assert_eq!(u64::from(Mean::over(area).of(sum)), (sum + area / 2) / area, "{sum} of {area}");
                }
            }
        }
    }
}
