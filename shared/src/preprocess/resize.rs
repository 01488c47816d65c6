//! Area-correct resize: each output pixel is the mean of the input area that it covers, exactly, rounded to nearest.
//!
//! With `n` input and `m` output pixels on an axis, output pixel `x` covers the input interval `[x n / m, (x + 1) n / m)`.
//! In units of `1 / m` pixel all borders are whole numbers, so that the weights are whole numbers that add up to `n`.

use crate::limits::{MAX_FRAME_SIDE, MAX_INPUT_SIDE};

/// Buffers of a resize, kept from frame to frame. About 48 KiB: keep it in a static or on the heap.
#[derive(Debug)]
pub struct Scratch {
    /// One row of the crop, RGB.
    pub(super) source: [u8; 3 * MAX_FRAME_SIDE],
    /// That row, reduced to the output's width: sums of up to 255 times the crop's width.
    across: [u32; 3 * MAX_INPUT_SIDE],
    /// Rows reduced to one output row: sums of up to 255 times the crop's area.
    down: [u64; 3 * MAX_INPUT_SIDE],
}

impl Scratch {
    /// Empty buffers.
    pub const fn new() -> Self {
        Self { source: [0; _], across: [0; _], down: [0; _] }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
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
    let (source, across, down) =
        (&mut scratch.source[..3 * from.0], &mut scratch.across[..3 * to.0], &mut scratch.down[..3 * to.0]);
    let area = (from.0 * from.1) as u64;
    let mut loaded = None;
    for (y, out_row) in out.chunks_exact_mut(3 * to.0).enumerate() {
        down.fill(0);
        for (source_y, weight) in cover(y, from.1, to.1) {
            // Rows come in order, and two output rows may share the one on their border.
            if loaded != Some(source_y) {
                row(source_y, source);
                reduce_across(source, from.0, to.0, across);
                loaded = Some(source_y);
            }
            down.iter_mut().zip(&*across).for_each(|(sum, &value)| *sum += weight as u64 * u64::from(value));
        }
        // A mean of bytes is a byte.
        out_row.iter_mut().zip(&*down).for_each(|(byte, &sum)| *byte = ((sum + area / 2) / area) as u8);
    }
}

fn reduce_across(source: &[u8], from: usize, to: usize, across: &mut [u32]) {
    let source = source.as_chunks::<3>().0;
    for (x, sums) in across.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        *sums = [0; 3];
        for (source_x, weight) in cover(x, from, to) {
            let pixel = source[source_x];
            (0..3).for_each(|channel| sums[channel] += weight as u32 * u32::from(pixel[channel]));
        }
    }
}

/// The input pixels under output pixel `at`, each with its weight; the weights add up to `from`.
fn cover(at: usize, from: usize, to: usize) -> impl Iterator<Item = (usize, usize)> {
    let (begin, end) = (at * from, (at + 1) * from);
    (begin / to..end.div_ceil(to)).map(move |pixel| {
        let weight = end.min((pixel + 1) * to) - begin.max(pixel * to);
        (pixel, weight)
    })
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
                assert_eq!(
                    cover(at, from, to).map(|(_, weight)| weight).sum::<usize>(),
                    from,
                    "{from} to {to} at {at}"
                );
                assert!(cover(at, from, to).all(|(pixel, weight)| pixel < from && weight > 0));
            }
        }
    }
}
