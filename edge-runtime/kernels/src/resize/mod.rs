//! Bilinear up-sampling of bytes to twice the size, corners aligned, channels last.
//!
//! Result `x` of `2 n` lies at `x (n - 1) / (2 n - 1)` of the source, as ONNX's `align_corners` has it. Interpolates in 32-bit
//! floats, first between the two rows, then between neighbouring pixels, and rounds once, to nearest with ties to even. That is
//! within one step of the exact value rounded, and the same on every processor.

#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::isa::Isa;
use crate::versions::versions;

/// Between which two source places a result lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Between {
    /// The place before.
    pub low: usize,
    /// The place behind; the last one is its own.
    pub high: usize,
    /// Share of the latter, 0..1.
    pub share: f32,
}

/// In which numbers the place of a result is counted. Where a value lies in the middle between two bytes, it decides which of them
/// is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Places {
    /// Exactly; the share alone is rounded.
    #[default]
    Exact,
    /// From the first pixel on in 32-bit floats, as onnxruntime does: the further along, the coarser the share.
    Single,
}

/// For each of the `2 n` results the places among `n` that it lies between.
pub fn doubled(n: usize, places: Places) -> Vec<Between> {
    let last = n.saturating_sub(1);
    let steps = 2 * n.max(1) - 1;
    let place = |x: usize| {
        let (low, share) = match places {
            Places::Exact => (x * last / steps, (x * last % steps) as f32 / steps as f32),
            Places::Single => {
                let place = (x * last) as f32 / steps as f32;
                (place as usize, place - place.floor())
            }
        };
        Between { low, high: (low + 1).min(last), share }
    };
    (0..2 * n).map(place).collect()
}

/// Bytes of the longest vectors, which lie in one line of the cache where their address is a multiple of that.
const VECTOR: usize = 64;

/// Floats of scratch beside those that are needed, so that some of them begin at such an address.
pub const SPARE: usize = VECTOR / size_of::<f32>() - 1;

/// Added to a float of 0..=255 it leaves its nearest integer, ties to even, in the lowest byte.
const ROUND: f32 = 12_582_912.0;

/// Two source rows become one row of the result, at `share` of the way from the first to the second.
///
/// `rows` begin at their first pixel, pixels `in_stride` bytes apart; `columns` is [`doubled`] of their number of pixels; `out`
/// begins at the first pixel of the result, `out_stride` bytes apart. The first `channels` bytes of each pixel are read and
/// written. `scratch` holds `channels` floats for each source pixel; [`SPARE`] more let them begin where vectors are read fastest. `isa` must
/// be available.
///
/// # Panics
/// When a slice is too short.
#[allow(clippy::too_many_arguments, reason = "two rows in, one row out, and where between")]
pub fn resize_row(
    isa: Isa,
    rows: [&[u8]; 2],
    in_stride: usize,
    share: f32,
    columns: &[Between],
    channels: usize,
    scratch: &mut [f32],
    out: &mut [u8],
    out_stride: usize,
) {
    let floats = columns.len() / 2 * channels;
    let skipped = scratch.as_ptr().align_offset(VECTOR).min(scratch.len().saturating_sub(floats));
    let scratch = &mut scratch[skipped..][..floats];
    between_rows(isa, rows, in_stride, share, channels, scratch);
    let done = match isa {
        // SAFETY: the row before has come about with the same instructions, or `between_rows` would have panicked.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni => unsafe { avx512::across(scratch, columns, channels, out, out_stride) },
        _ => 0,
    };
    if done < columns.len() {
        let out = &mut out[done * out_stride..];
        between_pixels(isa, scratch, &columns[done..], channels, out, out_stride);
    }
}

versions! {
    /// One row of floats between two of bytes.
    fn between_rows(rows: [&[u8]; 2], in_stride: usize, share: f32, channels: usize, between: &mut [f32]) {
        let [above, below] = rows;
        if in_stride == channels {
            down(&above[..between.len()], &below[..between.len()], share, between);
        } else {
            let pixels = above.chunks(in_stride).zip(below.chunks(in_stride));
            for ((above, below), between) in pixels.zip(between.chunks_exact_mut(channels)) {
                down(&above[..channels], &below[..channels], share, between);
            }
        }
    }
}

versions! {
    /// Columns of the result between the pixels of a row.
    fn between_pixels(row: &[f32], columns: &[Between], channels: usize, out: &mut [u8], out_stride: usize) {
        match channels {
            8 => across::<8, 1>(row, columns, out, out_stride),
            16 => across::<16, 1>(row, columns, out, out_stride),
            32 => across::<16, 2>(row, columns, out, out_stride),
            // Of more channels the compiler makes a good loop by itself, and a bad one of what it unrolls.
            _ => {
                for (column, out) in columns.iter().zip(out.chunks_mut(out_stride)) {
                    let [low, high] = [column.low, column.high].map(|at| &row[at * channels..][..channels]);
                    for ((out, &low), &high) in out[..channels].iter_mut().zip(low).zip(high) {
                        *out = between(low, high, column.share);
                    }
                }
            }
        }
    }
}

/// Between two rows.
#[inline(always)]
fn down(above: &[u8], below: &[u8], share: f32, between: &mut [f32]) {
    for ((between, &a), &b) in between.iter_mut().zip(above).zip(below) {
        let (a, b) = (f32::from(a), f32::from(b));
        *between = a + share * (b - a);
    }
}

/// Between neighbouring pixels of `N` times `C` channels: numbers that the compiler knows, so that it keeps them in registers.
#[inline(always)]
fn across<const C: usize, const N: usize>(row: &[f32], columns: &[Between], out: &mut [u8], out_stride: usize) {
    let (pieces, _) = row.as_chunks::<C>();
    let (pixels, _) = pieces.as_chunks::<N>();
    for (column, out) in columns.iter().zip(out.chunks_mut(out_stride)) {
        let (low, high) = (&pixels[column.low], &pixels[column.high]);
        for (piece, out) in out[..C * N].as_chunks_mut::<C>().0.iter_mut().enumerate() {
            let (low, high) = (&low[piece], &high[piece]);
            *out = std::array::from_fn(|at| between(low[at], high[at], column.share));
        }
    }
}

#[inline(always)]
fn between(low: f32, high: f32, share: f32) -> u8 {
    (low + share * (high - low) + ROUND).to_bits() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_stay_and_the_rest_lies_between() {
        for places in [Places::Exact, Places::Single] {
            assert_eq!(doubled(1, places), [Between { low: 0, high: 0, share: 0.0 }; 2]);
            let four = doubled(4, places);
            assert_eq!((four[0].low, four[0].share, four[7].low, four[7].share), (0, 0.0, 3, 0.0));
            assert_eq!((four[1].low, four[1].high, four[1].share), (0, 1, 3.0 / 7.0));
        }
    }

    #[test]
    fn places_in_single_floats_are_the_exact_ones_to_within_their_rounding() {
        for n in (1..=256).chain([511, 512, 1024]) {
            let both = doubled(n, Places::Exact).into_iter().zip(doubled(n, Places::Single));
            for (x, (exact, single)) in both.enumerate() {
                let [exact, single] = [exact, single].map(|between| between.low as f64 + f64::from(between.share));
                // A step of a float near `n`: both sides are rounded.
                let rounding = n as f64 * f64::from(f32::EPSILON);
                assert!((exact - single).abs() <= rounding, "{x} of {n}: {exact} and {single}");
            }
        }
        assert_ne!(doubled(128, Places::Exact), doubled(128, Places::Single));
    }

    #[test]
    fn every_version_is_within_a_step_of_the_exact_value_and_all_are_alike() {
        for (stride, channels) in [(40, 37), (16, 16), (40, 32), (8, 8), (64, 64), (128, 128)] {
            for out_stride in [channels, 136] {
                check(23, stride, channels, out_stride);
            }
        }
    }

    fn check(width: usize, stride: usize, channels: usize, out_stride: usize) {
        let row =
            |seed: usize| -> Vec<u8> { (0..width * stride).map(|at| ((at * 89 + seed * 57) % 256) as u8).collect() };
        let rows = [row(3), row(8)];
        let columns = doubled(width, Places::Exact);
        let share = 5.0f32 / 13.0;
        let mut first: Option<Vec<u8>> = None;
        for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
            let mut out = vec![7; 2 * width * out_stride];
            let mut scratch = vec![0.0; width * channels + SPARE];
            resize_row(
                isa,
                [&rows[0], &rows[1]],
                stride,
                share,
                &columns,
                channels,
                &mut scratch,
                &mut out,
                out_stride,
            );
            for (x, column) in columns.iter().enumerate() {
                for channel in 0..out_stride {
                    let got = out[x * out_stride + channel];
                    if channel >= channels {
                        assert_eq!(got, 7, "{isa} wrote beyond its channels");
                        continue;
                    }
                    let at = |row: usize, x: usize| f64::from(rows[row][x * stride + channel]);
                    let down = |x: usize| at(0, x) + f64::from(share) * (at(1, x) - at(0, x));
                    let exact = down(column.low) + f64::from(column.share) * (down(column.high) - down(column.low));
                    assert!((f64::from(got) - exact).abs() < 0.5001, "{isa}, pixel {x}: {got}, exact {exact}");
                }
            }
            assert_eq!(*first.get_or_insert_with(|| out.clone()), out, "{isa}");
        }
    }
}
