//! Between the pixels of a row, 64 bytes at a time.
//!
//! The same operations in the same order as [`super::between`], but that four vectors of results are narrowed to bytes together,
//! for half the work. Covers rows of 8, 16, 32 and 64 channels; the caller does what is left behind the last 64 bytes.

use std::arch::x86_64::*;

use super::Between;
use crate::narrow::{narrowed, quarters, store_halves};

/// Fills whole vectors of `out` and gives how many columns these are; 0 where the channels do not suit.
///
/// # Panics
/// When `row` lacks a pixel that a column names, or `out` a place for its result.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub fn across(row: &[f32], columns: &[Between], channels: usize, out: &mut [u8], out_stride: usize) -> usize {
    let at_once = match channels {
        8 | 16 | 32 | 64 => 64 / channels,
        _ => return 0,
    };
    let whole = columns.len() - columns.len() % at_once;
    let Some(last) = columns.iter().map(|column| column.high.max(column.low)).max() else { return 0 };
    assert!((last + 1) * channels <= row.len(), "{last} is not among the {} floats of the row", row.len());
    assert!(whole == 0 || (whole - 1) * out_stride + channels <= out.len(), "an output row of {}", out.len());
    let (row, out) = (row.as_ptr(), out.as_mut_ptr());
    // SAFETY: the assertions.
    unsafe {
        match channels {
            8 => quads::<8>(row, &columns[..whole], out, out_stride),
            16 => quads::<16>(row, &columns[..whole], out, out_stride),
            32 => quads::<32>(row, &columns[..whole], out, out_stride),
            _ => quads::<64>(row, &columns[..whole], out, out_stride),
        }
    }
    whole
}

/// # Safety
/// `row` has the pixels that `columns` name, `out` room for as many pixels as there are columns: a multiple of `64 / C`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn quads<const C: usize>(row: *const f32, columns: &[Between], out: *mut u8, out_stride: usize) {
    for (quad, columns) in columns.chunks_exact(64 / C).enumerate() {
        // SAFETY: as the caller promises.
        unsafe {
            let integers = |vector: usize| {
                let value = if C == 8 {
                    let [a, b] = [&columns[2 * vector], &columns[2 * vector + 1]];
                    let pair = |a: usize, b: usize| {
                        let a = _mm512_castps256_ps512(_mm256_loadu_ps(row.add(a * C)));
                        let b = _mm256_castps_pd(_mm256_loadu_ps(row.add(b * C)));
                        _mm512_castpd_ps(_mm512_insertf64x4(_mm512_castps_pd(a), b, 1))
                    };
                    let share = _mm512_mask_blend_ps(0xff00, _mm512_set1_ps(a.share), _mm512_set1_ps(b.share));
                    between(pair(a.low, b.low), pair(a.high, b.high), share)
                } else {
                    let (column, channel) = (&columns[vector * 16 / C], vector * 16 % C);
                    let pixel = |at: usize| _mm512_loadu_ps(row.add(at * C + channel));
                    between(pixel(column.low), pixel(column.high), _mm512_set1_ps(column.share))
                };
                _mm512_cvtps_epi32(value)
            };
            let bytes = narrowed(integers(0), integers(1), integers(2), integers(3));
            let to = out.add(quad * (64 / C) * out_stride);
            if C == 64 || out_stride == C {
                _mm512_storeu_si512(to.cast(), bytes);
                continue;
            }
            for (vector, quarter) in quarters(bytes).into_iter().enumerate() {
                if C == 8 {
                    let to = to.add(2 * vector * out_stride);
                    store_halves(to, to.add(out_stride), quarter);
                } else {
                    let (pixel, channel) = (vector * 16 / C, vector * 16 % C);
                    _mm_storeu_si128(to.add(pixel * out_stride + channel).cast(), quarter);
                }
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn between(low: __m512, high: __m512, share: __m512) -> __m512 {
    _mm512_add_ps(low, _mm512_mul_ps(share, _mm512_sub_ps(high, low)))
}
