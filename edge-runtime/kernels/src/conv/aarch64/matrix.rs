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
                    blocks::<4, 1, S>(row, vector, &mut x, sink);
                    blocks::<1, 1, S>(row, vector, &mut x, sink);
                }
                2 => {
                    blocks::<4, 2, S>(row, vector, &mut x, sink);
                    blocks::<1, 2, S>(row, vector, &mut x, sink);
                }
                3 => {
                    blocks::<4, 3, S>(row, vector, &mut x, sink);
                    blocks::<1, 3, S>(row, vector, &mut x, sink);
                }
                _ => {
                    blocks::<3, 4, S>(row, vector, &mut x, sink);
                    blocks::<2, 4, S>(row, vector, &mut x, sink);
                    blocks::<1, 4, S>(row, vector, &mut x, sink);
                }
            }
        }
    }
}

/// Computes `Q` pairs of pixels at a time from `x` on, as long as so many are left, for `V` vectors of channels. With one pair also
/// the row's last pixel if it has no partner.
///
/// # Safety
/// As [`row`].
#[inline(never)]
unsafe fn blocks<const Q: usize, const V: usize, S: Sink>(row: &Row<'_>, vector: usize, x: &mut usize, sink: &S) {
    let packed = row.packed;
    let (chunks, stride) = (packed.chunks, row.stride);
    // SAFETY: vectors of this group lie behind each other; bias and scales are padded to whole vectors.
    unsafe {
        let weights = packed.weights.as_ptr().add(vector * KERNEL * chunks * VECTOR);
        let bias = packed.bias.as_ptr().add(4 * vector);
        let scales = packed.scales.as_ptr().add(4 * vector);
        loop {
            let left = row.width - *x;
            if left < 2 * Q && (Q > 1 || left == 0) {
                return;
            }
            // A pixel alone is its own partner.
            let partner = if left == 1 { 0 } else { stride };
            let start: [[int32x4_t; 2]; V] = from_fn(|v| {
                let four = vreinterpretq_s64_s32(vld1q_s32(bias.add(4 * v)));
                [vdupq_laneq_s64::<0>(four), vdupq_laneq_s64::<1>(four)].map(|two| vreinterpretq_s32_s64(two))
            });
            let mut sums = [start; Q];
            let mut weight = weights;
            for from in row.rows {
                let mut from = from.add(*x * stride);
                for _ in 0..chunks / 2 {
                    let bytes: [[uint64x2_t; 2]; Q] = from_fn(|q| {
                        let from = from.add(2 * q * stride);
                        let [a, b] = [from, from.add(partner)].map(|from| vreinterpretq_u64_u8(vld1q_u8(from)));
                        [vzip1q_u64(a, b), vzip2q_u64(a, b)]
                    });
                    chunk(&mut sums, bytes.map(|[low, _]| low), &mut weight);
                    chunk(&mut sums, bytes.map(|[_, high]| high), &mut weight);
                    from = from.add(16);
                }
                if chunks % 2 == 1 {
                    let bytes = from_fn(|q| {
                        let from = from.add(2 * q * stride);
                        let [a, b] = [from, from.add(partner)].map(|from| vreinterpret_u64_u8(vld1_u8(from)));
                        vcombine_u64(a, b)
                    });
                    chunk(&mut sums, bytes, &mut weight);
                }
            }
            let scales: [float32x4_t; V] = from_fn(|v| vld1q_f32(scales.add(4 * v)));
            for (q, sums) in sums.into_iter().enumerate() {
                let sums = sums.map(|two| two.map(|sums| vreinterpretq_s64_s32(sums)));
                let first = sums.map(|[a, b]| vreinterpretq_s32_s64(vzip1q_s64(a, b)));
                sink.put(first, scales, *x + 2 * q, 4 * vector);
                if partner != 0 {
                    let second = sums.map(|[a, b]| vreinterpretq_s32_s64(vzip2q_s64(a, b)));
                    sink.put(second, scales, *x + 2 * q + 1, 4 * vector);
                }
            }
            *x += left.min(2 * Q);
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
    bytes: [uint64x2_t; Q],
    weight: &mut *const u8,
) {
    for v in 0..V {
        for half in 0..2 {
            // SAFETY: as the caller promises.
            unsafe {
                let weights = vld1q_s8(weight.cast());
                *weight = weight.add(VECTOR / 2);
                for (sums, bytes) in sums.iter_mut().zip(bytes) {
                    sums[v][half] = matrix(sums[v][half], vreinterpretq_u8_u64(bytes), weights);
                }
            }
        }
    }
}
