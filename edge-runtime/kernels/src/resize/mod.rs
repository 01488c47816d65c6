//! Bilinear up-sampling of bytes to twice the size, corners aligned, channels last.
//!
//! Result `x` of `2 n` lies at `x (n - 1) / (2 n - 1)` of the source, as ONNX's `align_corners` has it. Interpolates in 32-bit
//! floats and rounds to nearest with ties to even. No result lies in the middle between two bytes, since `2 n - 1` is odd, but of
//! 128 pixels some come as near to it as the rounding of floats: how these are computed decides which byte is taken. Two ways are
//! known, see [`Arithmetic`]; each is within one step of the exact value rounded, and the same on every processor.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod bytes;
mod places;
mod values;

use crate::isa::Isa;
pub use places::{Between, Places, doubled};

/// What is interpolated, and in which order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arithmetic {
    /// The bytes: first between the two rows, then between neighbouring pixels.
    Bytes,
    /// What the bytes stand for: four products, the upper row's first, are added up and the sum is divided by the scale. That is what
    /// onnxruntime's kernels for floats do between `DequantizeLinear` and `QuantizeLinear`, operation by operation.
    Values {
        /// Of one step.
        scale: f32,
        /// The byte that stands for 0.
        zero: u8,
    },
}

impl Arithmetic {
    /// How it counts places.
    pub const fn places(&self) -> Places {
        match self {
            Self::Bytes => Places::Exact,
            Self::Values { .. } => Places::Single,
        }
    }
}

/// Bytes of the longest vectors, which lie in one line of the cache where their address is a multiple of that.
const VECTOR: usize = 64;

/// Added to a float of -255..=255 it leaves its nearest integer, ties to even, in the lowest byte.
const ROUND: f32 = 12_582_912.0;

/// Floats of scratch that rows of `pixels` by `channels` need.
pub const fn scratch(pixels: usize, channels: usize) -> usize {
    2 * pixels * channels + VECTOR / size_of::<f32>() - 1
}

/// Two source rows become one row of the result, at `share` of the way from the first to the second.
///
/// `rows` begin at their first pixel, pixels `in_stride` bytes apart; `columns` is [`doubled`] of their number of pixels; `out`
/// begins at the first pixel of the result, `out_stride` bytes apart. The first `channels` bytes of each pixel are read and
/// written. `floats` holds [`scratch`] of them. `isa` must be available.
///
/// # Panics
/// When a slice is too short.
#[allow(clippy::too_many_arguments, reason = "two rows in, one row out, and where between")]
pub fn resize_row(
    isa: Isa,
    arithmetic: Arithmetic,
    rows: [&[u8]; 2],
    in_stride: usize,
    share: f32,
    columns: &[Between],
    channels: usize,
    floats: &mut [f32],
    out: &mut [u8],
    out_stride: usize,
) {
    let row = columns.len() / 2 * channels;
    // Vectors are read fastest where none lies in two lines of the cache.
    let skipped = floats.as_ptr().align_offset(VECTOR).min(floats.len().saturating_sub(2 * row));
    let (above, below) = floats[skipped..][..2 * row].split_at_mut(row);
    match arithmetic {
        Arithmetic::Bytes => {
            bytes::between_rows(isa, rows, in_stride, share, channels, above);
            bytes::across(isa, above, columns, channels, out, out_stride);
        }
        Arithmetic::Values { scale, zero } => {
            values::widened(isa, rows[0], in_stride, scale, zero, channels, above);
            values::widened(isa, rows[1], in_stride, scale, zero, channels, below);
            let pair = values::Pair { rows: [above, below], share, scale, zero };
            values::across(isa, pair, columns, channels, out, out_stride);
        }
    }
}

#[cfg(test)]
mod tests;
