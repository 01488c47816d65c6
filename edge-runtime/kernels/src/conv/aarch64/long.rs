//! One channel a vector, whose lanes are added up at the end: plain NEON, which cannot multiply with a part of a register of bytes,
//! and layers with fewer channels than a vector has lanes.

use std::arch::aarch64::*;
use std::array::from_fn;

use super::products::Multiply;
use super::{KERNEL, Row, Sink};

/// Bytes of a vector of weights, and of a chunk.
const VECTOR: usize = 16;

/// # Safety
/// The row's pointers are good for what `Conv::input_bytes` says; the sink has room for the row; the processor has what `M` needs.
pub unsafe fn row<M: Multiply, S: Sink>(row: &Row<'_>, sink: &S) {
    let channels = row.packed.vectors();
    for channel in (0..channels).step_by(row.packed.shape.vectors) {
        let mut x = 0;
        // SAFETY: the blocks stay within the row, because each is no wider than what is left of it.
        unsafe {
            match channels - channel {
                1 => {
                    blocks::<8, 1, M, S>(row, channel, &mut x, sink);
                    blocks::<1, 1, M, S>(row, channel, &mut x, sink);
                }
                2 => {
                    blocks::<8, 2, M, S>(row, channel, &mut x, sink);
                    blocks::<1, 2, M, S>(row, channel, &mut x, sink);
                }
                3 => {
                    blocks::<4, 3, M, S>(row, channel, &mut x, sink);
                    blocks::<1, 3, M, S>(row, channel, &mut x, sink);
                }
                _ => {
                    blocks::<4, 4, M, S>(row, channel, &mut x, sink);
                    blocks::<1, 4, M, S>(row, channel, &mut x, sink);
                }
            }
        }
    }
}

/// Computes `P` pixels at a time from `x` on, as long as so many are left, for `C` channels.
///
/// # Safety
/// As [`row`].
#[inline(never)]
unsafe fn blocks<const P: usize, const C: usize, M: Multiply, S: Sink>(
    row: &Row<'_>,
    channel: usize,
    x: &mut usize,
    sink: &S,
) {
    let packed = row.packed;
    let (chunks, stride) = (packed.chunks, row.stride);
    // SAFETY: vectors of this group lie behind each other; there is a bias and a scale for each channel.
    unsafe {
        let weights = packed.weights.as_ptr().add(channel * KERNEL * chunks * VECTOR);
        let bias: [i32; 4] = from_fn(|c| if c < C { packed.bias[channel + c] } else { 0 });
        let scales: [f32; 4] = from_fn(|c| if c < C { packed.scales[channel + c] } else { 1.0 });
        while *x + P <= row.width {
            let mut sums = [[vdupq_n_s32(0); C]; P];
            let mut weight = weights;
            for kernel_row in 0..KERNEL {
                let mut from = row.rows[kernel_row].add(*x * stride);
                for _ in 0..chunks {
                    let bytes: [M::Bytes; P] = from_fn(|p| M::load(from.add(p * stride)));
                    for c in 0..C {
                        let weights = vld1q_s8(weight.cast());
                        weight = weight.add(VECTOR);
                        for (sums, &bytes) in sums.iter_mut().zip(&bytes) {
                            sums[c] = M::add(sums[c], bytes, weights);
                        }
                    }
                    from = from.add(VECTOR);
                }
            }
            let mut pixels = [[vld1q_s32(bias.as_ptr())]; P];
            for (pixel, sums) in pixels.iter_mut().zip(&sums) {
                let lanes = |c: usize| if c < C { sums[c] } else { vdupq_n_s32(0) };
                let sum = vpaddq_s32(vpaddq_s32(lanes(0), lanes(1)), vpaddq_s32(lanes(2), lanes(3)));
                pixel[0] = vaddq_s32(pixel[0], sum);
            }
            sink.put(pixels, [vld1q_f32(scales.as_ptr())], *x, channel);
            *x += P;
        }
    }
}
