//! The reference: one product at a time. Any processor, no vector instructions of its own.

use super::pack::{Limits, Packed};
use super::{Conv, KERNEL};

pub fn bytes_row(conv: &Conv, rows: [&[u8]; KERNEL], width: usize, out: &mut [u8], out_stride: usize) {
    let packed = &conv.packed;
    for pixel in 0..width {
        for channel in 0..conv.outputs {
            let value = sum(packed, rows, pixel * conv.input_stride, channel) as f32 * packed.scales[channel];
            out[pixel * out_stride + channel] = byte(value, packed.limits);
        }
    }
}

pub fn floats_row(conv: &Conv, rows: [&[u8]; KERNEL], width: usize, out: &mut [f32]) {
    let packed = &conv.packed;
    for pixel in 0..width {
        for channel in 0..conv.outputs {
            let value = sum(packed, rows, pixel * conv.input_stride, channel) as f32 * packed.scales[channel];
            out[pixel * conv.outputs + channel] = value;
        }
    }
}

fn sum(packed: &Packed, rows: [&[u8]; KERNEL], start: usize, channel: usize) -> i32 {
    let run = packed.chunks * packed.shape.chunk;
    let weights = &packed.weights[channel * KERNEL * run..][..KERNEL * run];
    let products = |(row, weights): (&[u8], &[u8])| -> i32 {
        row[start..].iter().zip(weights).map(|(&x, &w)| i32::from(x) * i32::from(w.cast_signed())).sum()
    };
    packed.bias[channel] + rows.into_iter().zip(weights.chunks_exact(run)).map(products).sum::<i32>()
}

/// Clamped before it is rounded, which gives the same and cannot leave the range of an integer.
pub fn byte(value: f32, limits: Limits) -> u8 {
    (value.clamp(limits.low, limits.high).round_ties_even() as i32 + limits.zero) as u8
}
