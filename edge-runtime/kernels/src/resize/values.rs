//! Up-sampling of what bytes stand for, as onnxruntime computes it: models of version 1.
//!
//! Plain Rust compiled for each width of vectors; on AVX-512 four pixels at a time by hand.

#[cfg(target_arch = "x86_64")]
use super::avx512;
use super::{Between, ROUND};
use crate::isa::Isa;
use crate::versions::versions;

/// Two rows of values, and what lies between them.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    pub rows: [&'a [f32]; 2],
    /// How far from the first to the second, 0..1.
    pub share: f32,
    /// Of one step of the result's bytes.
    pub scale: f32,
    /// The byte that stands for 0.
    pub zero: u8,
}

versions! {
    /// What the bytes of a row stand for.
    pub fn widened(row: &[u8], in_stride: usize, scale: f32, zero: u8, channels: usize, values: &mut [f32]) {
        if in_stride == channels {
            value_of(&row[..values.len()], scale, zero, values);
        } else {
            for (pixel, values) in row.chunks(in_stride).zip(values.chunks_exact_mut(channels)) {
                value_of(&pixel[..channels], scale, zero, values);
            }
        }
    }
}

/// Columns of the result between the pixels of a pair of rows.
pub fn across(isa: Isa, pair: Pair<'_>, columns: &[Between], channels: usize, out: &mut [u8], out_stride: usize) {
    let done = match isa {
        // SAFETY: `widened` would have panicked without these instructions.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni => unsafe { avx512::values(pair, columns, channels, out, out_stride) },
        _ => 0,
    };
    if done < columns.len() {
        between_pixels(isa, pair, &columns[done..], channels, &mut out[done * out_stride..], out_stride);
    }
}

versions! {
    fn between_pixels(pair: Pair<'_>, columns: &[Between], channels: usize, out: &mut [u8], out_stride: usize) {
        match channels {
            8 => pieces::<8, 1>(pair, columns, out, out_stride),
            16 => pieces::<16, 1>(pair, columns, out, out_stride),
            32 => pieces::<16, 2>(pair, columns, out, out_stride),
            _ => {
                for (column, out) in columns.iter().zip(out.chunks_mut(out_stride)) {
                    let shares = shares(column.share, pair.share);
                    let pixel = |row: usize, at: usize| &pair.rows[row][at * channels..][..channels];
                    let above = pixel(0, column.low).iter().zip(pixel(0, column.high));
                    let below = pixel(1, column.low).iter().zip(pixel(1, column.high));
                    for ((out, above), below) in out[..channels].iter_mut().zip(above).zip(below) {
                        *out = between([*above.0, *above.1, *below.0, *below.1], shares, pair.scale, pair.zero);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn value_of(bytes: &[u8], scale: f32, zero: u8, values: &mut [f32]) {
    for (value, &byte) in values.iter_mut().zip(bytes) {
        *value = (f32::from(byte) - f32::from(zero)) * scale;
    }
}

/// Of `N` times `C` channels: numbers that the compiler knows, so that it keeps them in registers.
#[inline(always)]
fn pieces<const C: usize, const N: usize>(pair: Pair<'_>, columns: &[Between], out: &mut [u8], out_stride: usize) {
    let pixels = pair.rows.map(|row| row.as_chunks::<C>().0.as_chunks::<N>().0);
    for (column, out) in columns.iter().zip(out.chunks_mut(out_stride)) {
        let shares = shares(column.share, pair.share);
        for (piece, out) in out[..C * N].as_chunks_mut::<C>().0.iter_mut().enumerate() {
            let [above, below] = pixels.map(|row| [&row[column.low][piece], &row[column.high][piece]]);
            *out = std::array::from_fn(|at| {
                between([above[0][at], above[1][at], below[0][at], below[1][at]], shares, pair.scale, pair.zero)
            });
        }
    }
}

/// Of the two neighbours above and the two below.
#[inline(always)]
fn shares(across: f32, down: f32) -> [f32; 4] {
    let (left, up) = (1.0 - across, 1.0 - down);
    [left * up, across * up, left * down, across * down]
}

#[inline(always)]
fn between(values: [f32; 4], shares: [f32; 4], scale: f32, zero: u8) -> u8 {
    let [a, b, c, d] = std::array::from_fn(|at| shares[at] * values[at]);
    ((a + b + c + d) / scale + ROUND).to_bits().wrapping_add(u32::from(zero)) as u8
}
