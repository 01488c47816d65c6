//! Up-sampling of bytes in two turns: models of version 0.
//!
//! Between the rows, in plain Rust compiled for each width of vectors, then between the pixels; on AVX-512 the latter by hand.

#[cfg(target_arch = "x86_64")]
use super::avx512;
use super::{Between, ROUND};
use crate::isa::Isa;
use crate::versions::versions;

versions! {
    /// One row of floats between two of bytes.
    pub fn between_rows(rows: [&[u8]; 2], in_stride: usize, share: f32, channels: usize, between: &mut [f32]) {
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

/// Columns of the result between the pixels of `row`.
pub fn across(isa: Isa, row: &[f32], columns: &[Between], channels: usize, out: &mut [u8], out_stride: usize) {
    let done = match isa {
        // SAFETY: `between_rows` would have panicked without these instructions.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni => unsafe { avx512::bytes(row, columns, channels, out, out_stride) },
        _ => 0,
    };
    if done < columns.len() {
        between_pixels(isa, row, &columns[done..], channels, &mut out[done * out_stride..], out_stride);
    }
}

versions! {
    fn between_pixels(row: &[f32], columns: &[Between], channels: usize, out: &mut [u8], out_stride: usize) {
        match channels {
            8 => pieces::<8, 1>(row, columns, out, out_stride),
            16 => pieces::<16, 1>(row, columns, out, out_stride),
            32 => pieces::<16, 2>(row, columns, out, out_stride),
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
fn pieces<const C: usize, const N: usize>(row: &[f32], columns: &[Between], out: &mut [u8], out_stride: usize) {
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
