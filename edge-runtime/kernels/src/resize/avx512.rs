//! Between the pixels of rows, 64 bytes at a time.
//!
//! The same operations in the same order as in [`super::bytes`] and [`super::values`], but that four vectors of results are narrowed
//! to bytes together, for half the work. Covers rows of 8, 16, 32 and 64 channels; the caller does what is left behind the last 64
//! bytes.

use std::arch::x86_64::*;

use super::Between;
use super::values::Pair;
use crate::narrow::{narrowed, quarters, store_halves};

/// Of bytes: fills whole vectors of `out` from the floats of one row and gives how many columns these are; 0 where the channels do
/// not suit.
///
/// # Panics
/// When `row` lacks a pixel that a column names, or `out` a place for its result.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub fn bytes(row: &[f32], columns: &[Between], channels: usize, out: &mut [u8], out_stride: usize) -> usize {
    let columns = whole(&[row], columns, channels, out, out_stride);
    let (row, out) = (row.as_ptr(), out.as_mut_ptr());
    // SAFETY: `whole` has looked.
    unsafe {
        match channels {
            8 => of_bytes::<8>(row, columns, out, out_stride),
            16 => of_bytes::<16>(row, columns, out, out_stride),
            32 => of_bytes::<32>(row, columns, out, out_stride),
            _ => of_bytes::<64>(row, columns, out, out_stride),
        }
    }
    columns.len()
}

/// Of values: the same from a pair of rows.
///
/// # Panics
/// As [`bytes`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub fn values(pair: Pair<'_>, columns: &[Between], channels: usize, out: &mut [u8], out_stride: usize) -> usize {
    let columns = whole(&pair.rows, columns, channels, out, out_stride);
    let out = out.as_mut_ptr();
    // SAFETY: `whole` has looked.
    unsafe {
        match channels {
            8 => of_values::<8>(pair, columns, out, out_stride),
            16 => of_values::<16>(pair, columns, out, out_stride),
            32 => of_values::<32>(pair, columns, out, out_stride),
            _ => of_values::<64>(pair, columns, out, out_stride),
        }
    }
    columns.len()
}

/// The columns that fill whole vectors, none where the channels do not suit.
///
/// # Panics
/// When a row lacks a pixel that a column names, or `out` a place for its result.
fn whole<'a>(rows: &[&[f32]], columns: &'a [Between], channels: usize, out: &[u8], out_stride: usize) -> &'a [Between] {
    let at_once = match channels {
        8 | 16 | 32 | 64 => 64 / channels,
        _ => return &[],
    };
    let columns = &columns[..columns.len() - columns.len() % at_once];
    let Some(last) = columns.iter().map(|column| column.high.max(column.low)).max() else { return &[] };
    for row in rows {
        assert!((last + 1) * channels <= row.len(), "{last} is not among the {} floats of the row", row.len());
    }
    assert!((columns.len() - 1) * out_stride + channels <= out.len(), "an output row of {}", out.len());
    columns
}

/// # Safety
/// `row` has the pixels that `columns` name, `out` room for as many pixels as there are columns: a multiple of `64 / C`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn of_bytes<const C: usize>(row: *const f32, columns: &[Between], out: *mut u8, out_stride: usize) {
    for (quad, columns) in columns.chunks_exact(64 / C).enumerate() {
        let integers = |vector: usize| {
            let at = Vector::<C>::of(columns, vector);
            // SAFETY: as the caller promises.
            let (low, high) = unsafe { (at.low(row), at.high(row)) };
            _mm512_cvtps_epi32(_mm512_add_ps(low, _mm512_mul_ps(at.shares(), _mm512_sub_ps(high, low))))
        };
        let bytes = narrowed(integers(0), integers(1), integers(2), integers(3));
        // SAFETY: as the caller promises.
        unsafe { store::<C>(out.add(quad * (64 / C) * out_stride), out_stride, bytes) };
    }
}

/// # Safety
/// As [`of_bytes`], for both rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn of_values<const C: usize>(pair: Pair<'_>, columns: &[Between], out: *mut u8, out_stride: usize) {
    let [above, below] = pair.rows.map(<[f32]>::as_ptr);
    let [up, down, scale] = [1.0 - pair.share, pair.share, pair.scale].map(|value| _mm512_set1_ps(value));
    let zero = _mm512_set1_epi32(i32::from(pair.zero));
    for (quad, columns) in columns.chunks_exact(64 / C).enumerate() {
        let integers = |vector: usize| {
            let at = Vector::<C>::of(columns, vector);
            let right = at.shares();
            let left = _mm512_sub_ps(_mm512_set1_ps(1.0), right);
            // SAFETY: as the caller promises.
            let [a, b, c, d] = unsafe { [at.low(above), at.high(above), at.low(below), at.high(below)] };
            let sum = _mm512_mul_ps(_mm512_mul_ps(left, up), a);
            let sum = _mm512_add_ps(sum, _mm512_mul_ps(_mm512_mul_ps(right, up), b));
            let sum = _mm512_add_ps(sum, _mm512_mul_ps(_mm512_mul_ps(left, down), c));
            let sum = _mm512_add_ps(sum, _mm512_mul_ps(_mm512_mul_ps(right, down), d));
            _mm512_add_epi32(_mm512_cvtps_epi32(_mm512_div_ps(sum, scale)), zero)
        };
        let bytes = narrowed(integers(0), integers(1), integers(2), integers(3));
        // SAFETY: as the caller promises.
        unsafe { store::<C>(out.add(quad * (64 / C) * out_stride), out_stride, bytes) };
    }
}

/// Sixteen results: of one pixel, or of 8 channels of two.
struct Vector<'a, const C: usize> {
    pixels: [&'a Between; 2],
    channel: usize,
}

impl<'a, const C: usize> Vector<'a, C> {
    #[inline(always)]
    fn of(columns: &'a [Between], vector: usize) -> Self {
        if C == 8 {
            Self { pixels: [&columns[2 * vector], &columns[2 * vector + 1]], channel: 0 }
        } else {
            Self { pixels: [&columns[vector * 16 / C]; 2], channel: vector * 16 % C }
        }
    }

    /// # Safety
    /// `row` has the pixels.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn low(&self, row: *const f32) -> __m512 {
        // SAFETY: as the caller promises.
        unsafe { self.read(row, self.pixels.map(|pixel| pixel.low)) }
    }

    /// # Safety
    /// `row` has the pixels.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn high(&self, row: *const f32) -> __m512 {
        // SAFETY: as the caller promises.
        unsafe { self.read(row, self.pixels.map(|pixel| pixel.high)) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn read(&self, row: *const f32, [a, b]: [usize; 2]) -> __m512 {
        // SAFETY: as the caller promises.
        unsafe {
            if C == 8 {
                let a = _mm512_castps256_ps512(_mm256_loadu_ps(row.add(a * C)));
                let b = _mm256_castps_pd(_mm256_loadu_ps(row.add(b * C)));
                _mm512_castpd_ps(_mm512_insertf64x4(_mm512_castps_pd(a), b, 1))
            } else {
                _mm512_loadu_ps(row.add(a * C + self.channel))
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn shares(&self) -> __m512 {
        let [a, b] = self.pixels.map(|pixel| _mm512_set1_ps(pixel.share));
        if C == 8 { _mm512_mask_blend_ps(0xff00, a, b) } else { a }
    }
}

/// # Safety
/// `to` has room for `64 / C` pixels of `C` bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn store<const C: usize>(to: *mut u8, out_stride: usize, bytes: __m512i) {
    // SAFETY: as the caller promises.
    unsafe {
        if C == 64 || out_stride == C {
            _mm512_storeu_si512(to.cast(), bytes);
            return;
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
