//! Dot product, four channels a vector: 16 bytes of a pixel are loaded once, and each four of them meet all channels.

use std::arch::aarch64::*;
use std::array::from_fn;

use super::products::{dot_part, signed};
use super::{KERNEL, Row, Sink};

/// Bytes of a vector of weights, and of input that are loaded at once.
const VECTOR: usize = 16;

/// # Safety
/// The row's pointers are good for what `Conv::input_bytes` says; the sink has room for the row; the processor has dot product.
pub unsafe fn row<S: Sink>(row: &Row<'_>, sink: &S) {
    let vectors = row.packed.vectors();
    for vector in (0..vectors).step_by(row.packed.shape.vectors) {
        let mut x = 0;
        // SAFETY: the blocks stay within the row, because each is no wider than what is left of it.
        unsafe {
            match vectors - vector {
                1 => {
                    blocks::<12, 1, S>(row, vector, &mut x, sink);
                    blocks::<4, 1, S>(row, vector, &mut x, sink);
                    blocks::<1, 1, S>(row, vector, &mut x, sink);
                }
                2 => {
                    blocks::<8, 2, S>(row, vector, &mut x, sink);
                    blocks::<4, 2, S>(row, vector, &mut x, sink);
                    blocks::<1, 2, S>(row, vector, &mut x, sink);
                }
                3 => {
                    blocks::<6, 3, S>(row, vector, &mut x, sink);
                    blocks::<2, 3, S>(row, vector, &mut x, sink);
                    blocks::<1, 3, S>(row, vector, &mut x, sink);
                }
                _ => {
                    blocks::<4, 4, S>(row, vector, &mut x, sink);
                    blocks::<1, 4, S>(row, vector, &mut x, sink);
                }
            }
        }
    }
}

/// Computes `P` pixels at a time from `x` on, as long as so many are left, for `V` vectors of channels.
///
/// # Safety
/// As [`row`].
#[inline(never)]
unsafe fn blocks<const P: usize, const V: usize, S: Sink>(row: &Row<'_>, vector: usize, x: &mut usize, sink: &S) {
    let packed = row.packed;
    let (chunks, stride) = (packed.chunks, row.stride);
    // SAFETY: vectors of this group lie behind each other; bias and scales are padded to whole vectors.
    unsafe {
        let weights = packed.weights.as_ptr().add(vector * KERNEL * chunks * VECTOR);
        let bias = packed.bias.as_ptr().add(4 * vector);
        let scales = packed.scales.as_ptr().add(4 * vector);
        while *x + P <= row.width {
            let start: [int32x4_t; V] = from_fn(|v| vld1q_s32(bias.add(4 * v)));
            let mut sums = [start; P];
            let mut weight = weights;
            for kernel_row in 0..KERNEL {
                let mut from = row.rows[kernel_row].add(*x * stride);
                for _ in 0..chunks / 4 {
                    let bytes = load(from, stride);
                    part::<P, V, 0>(&mut sums, &bytes, &mut weight);
                    part::<P, V, 1>(&mut sums, &bytes, &mut weight);
                    part::<P, V, 2>(&mut sums, &bytes, &mut weight);
                    part::<P, V, 3>(&mut sums, &bytes, &mut weight);
                    from = from.add(VECTOR);
                }
                let rest = chunks % 4;
                if rest > 0 {
                    // Beyond the run lies the next pixel or the slack; neither is multiplied.
                    let bytes = load(from, stride);
                    part::<P, V, 0>(&mut sums, &bytes, &mut weight);
                    if rest > 1 {
                        part::<P, V, 1>(&mut sums, &bytes, &mut weight);
                    }
                    if rest > 2 {
                        part::<P, V, 2>(&mut sums, &bytes, &mut weight);
                    }
                }
            }
            let scales: [float32x4_t; V] = from_fn(|v| vld1q_f32(scales.add(4 * v)));
            sink.put(sums, scales, *x, 4 * vector);
            *x += P;
        }
    }
}

/// The same place of `P` pixels.
///
/// # Safety
/// 16 bytes can be read from each.
#[inline(always)]
unsafe fn load<const P: usize>(from: *const u8, stride: usize) -> [int8x16_t; P] {
    // SAFETY: as the caller promises.
    from_fn(|p| unsafe { signed(vld1q_u8(from.add(p * stride))) })
}

/// One chunk of all pixels times all channels.
///
/// # Safety
/// A vector of weights for each `V` can be read; the processor has dot product.
#[inline(always)]
unsafe fn part<const P: usize, const V: usize, const PART: usize>(
    sums: &mut [[int32x4_t; V]; P],
    bytes: &[int8x16_t; P],
    weight: &mut *const u8,
) {
    for v in 0..V {
        // SAFETY: as the caller promises.
        unsafe {
            let weights = vld1q_s8(weight.cast());
            *weight = weight.add(VECTOR);
            for (sums, &bytes) in sums.iter_mut().zip(bytes) {
                sums[v] = dot_part::<PART>(sums[v], weights, bytes);
            }
        }
    }
}
