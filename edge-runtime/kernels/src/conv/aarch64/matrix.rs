//! 8-bit matrix multiplication: two pixels' eight bytes times two channels' eight weights.
//!
//! A vector holds four channels and so has two registers, of weights as of sums; a register of sums holds two channels of two pixels.

use std::arch::aarch64::*;
use std::array::from_fn;

use super::products::matrix;
use super::{KERNEL, Row, Sink};

/// Bytes of a vector of weights.
const VECTOR: usize = 32;

/// # Safety
/// The row's pointers are good for what `Conv::input_bytes` says; the sink has room for the row; the processor has 8-bit matrix
/// multiplication.
pub unsafe fn row<S: Sink>(row: &Row<'_>, sink: &S) {
    let vectors = row.packed.vectors();
    for vector in (0..vectors).step_by(row.packed.shape.vectors) {
        let mut x = 0;
        // SAFETY: the blocks stay within the row, because each is no wider than what is left of it.
        unsafe {
            match vectors - vector {
                1 => {
                    blocks::<8, 4, 1, S>(row, vector, &mut x, sink);
                    blocks::<2, 1, 1, S>(row, vector, &mut x, sink);
                    blocks::<1, 1, 1, S>(row, vector, &mut x, sink);
                }
                2 => {
                    blocks::<8, 4, 2, S>(row, vector, &mut x, sink);
                    blocks::<2, 1, 2, S>(row, vector, &mut x, sink);
                    blocks::<1, 1, 2, S>(row, vector, &mut x, sink);
                }
                3 => {
                    blocks::<4, 2, 3, S>(row, vector, &mut x, sink);
                    blocks::<2, 1, 3, S>(row, vector, &mut x, sink);
                    blocks::<1, 1, 3, S>(row, vector, &mut x, sink);
                }
                _ => {
                    blocks::<4, 2, 4, S>(row, vector, &mut x, sink);
                    blocks::<2, 1, 4, S>(row, vector, &mut x, sink);
                    blocks::<1, 1, 4, S>(row, vector, &mut x, sink);
                }
            }
        }
    }
}

/// Computes `P` pixels at a time from `x` on, as long as so many are left, for `V` vectors of channels. They make `Q` pairs; a pixel
/// alone is its own partner.
///
/// # Safety
/// As [`row`].
#[inline(never)]
unsafe fn blocks<const P: usize, const Q: usize, const V: usize, S: Sink>(
    row: &Row<'_>,
    vector: usize,
    x: &mut usize,
    sink: &S,
) {
    const { assert!(P.div_ceil(2) == Q) };
    let packed = row.packed;
    let (chunks, stride) = (packed.chunks, row.stride);
    // SAFETY: vectors of this group lie behind each other; bias and scales are padded to whole vectors.
    unsafe {
        let weights = packed.weights.as_ptr().add(vector * KERNEL * chunks * VECTOR);
        let bias = packed.bias.as_ptr().add(4 * vector);
        let scales = packed.scales.as_ptr().add(4 * vector);
        while *x + P <= row.width {
            let mut start = [[vdupq_n_s32(0); 2]; V];
            for (v, start) in start.iter_mut().enumerate() {
                let four = vreinterpretq_s64_s32(vld1q_s32(bias.add(4 * v)));
                start[0] = vreinterpretq_s32_s64(vdupq_laneq_s64::<0>(four));
                start[1] = vreinterpretq_s32_s64(vdupq_laneq_s64::<1>(four));
            }
            let mut sums = [start; Q];
            let mut weight = weights;
            for kernel_row in 0..KERNEL {
                let mut from = row.rows[kernel_row].add(*x * stride);
                for _ in 0..chunks / 2 {
                    let (mut low, mut high) = ([vdupq_n_u64(0); Q], [vdupq_n_u64(0); Q]);
                    for q in 0..Q {
                        let a = vreinterpretq_u64_u8(vld1q_u8(from.add(2 * q * stride)));
                        let b = vreinterpretq_u64_u8(vld1q_u8(from.add((2 * q + 1).min(P - 1) * stride)));
                        low[q] = vzip1q_u64(a, b);
                        high[q] = vzip2q_u64(a, b);
                    }
                    chunk(&mut sums, &low, &mut weight);
                    chunk(&mut sums, &high, &mut weight);
                    from = from.add(16);
                }
                if chunks % 2 == 1 {
                    let mut bytes = [vdupq_n_u64(0); Q];
                    for (q, bytes) in bytes.iter_mut().enumerate() {
                        let a = vreinterpret_u64_u8(vld1_u8(from.add(2 * q * stride)));
                        let b = vreinterpret_u64_u8(vld1_u8(from.add((2 * q + 1).min(P - 1) * stride)));
                        *bytes = vcombine_u64(a, b);
                    }
                    chunk(&mut sums, &bytes, &mut weight);
                }
            }
            let scales: [float32x4_t; V] = from_fn(|v| vld1q_f32(scales.add(4 * v)));
            let mut pixels = [[vdupq_n_s32(0); V]; P];
            for (p, pixel) in pixels.iter_mut().enumerate() {
                for (v, pixel) in pixel.iter_mut().enumerate() {
                    let [a, b] = sums[p / 2][v];
                    let (a, b) = (vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b));
                    *pixel = vreinterpretq_s32_s64(if p % 2 == 0 { vzip1q_s64(a, b) } else { vzip2q_s64(a, b) });
                }
            }
            sink.put(pixels, scales, *x, 4 * vector);
            *x += P;
        }
    }
}

/// One chunk of all pairs times all channels.
///
/// # Safety
/// A vector of weights for each `V` can be read; the processor has 8-bit matrix multiplication.
#[inline(always)]
unsafe fn chunk<const Q: usize, const V: usize>(
    sums: &mut [[[int32x4_t; 2]; V]; Q],
    bytes: &[uint64x2_t; Q],
    weight: &mut *const u8,
) {
    for v in 0..V {
        for half in 0..2 {
            // SAFETY: as the caller promises.
            unsafe {
                let weights = vld1q_s8(weight.cast());
                *weight = weight.add(VECTOR / 2);
                for (sums, &bytes) in sums.iter_mut().zip(bytes) {
                    sums[v][half] = matrix(sums[v][half], vreinterpretq_u8_u64(bytes), weights);
                }
            }
        }
    }
}
