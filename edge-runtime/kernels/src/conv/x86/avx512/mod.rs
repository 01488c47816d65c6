//! AVX-512 VNNI: 64 products an instruction.
//!
//! A vector of sums holds 16 channels of one pixel. With 8 channels or fewer a channel has 2 or 4 neighbouring lanes, whose sums
//! are added at the end; 2 or 4 pixels then share a vector.

mod sink;

use std::arch::x86_64::*;

use super::{KERNEL, Place, Row, Sink};
use sink::{added, put_wide};
pub use sink::{put_bytes, put_floats};

/// # Safety
/// The row's pointers are good for what [`super::super::Conv::input_bytes`] says; the sink has room for the row.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub unsafe fn row<S: Sink>(row: &Row<'_>, sink: &S) {
    // With a stride that the compiler knows, pixels need no pointers of their own: sixteen of those do not fit into registers.
    // SAFETY: as the caller promises.
    unsafe {
        match row.stride {
            4 => strided::<4, S>(row, sink),
            8 => strided::<8, S>(row, sink),
            16 => strided::<16, S>(row, sink),
            24 => strided::<24, S>(row, sink),
            32 => strided::<32, S>(row, sink),
            48 => strided::<48, S>(row, sink),
            64 => strided::<64, S>(row, sink),
            96 => strided::<96, S>(row, sink),
            128 => strided::<128, S>(row, sink),
            _ => strided::<0, S>(row, sink),
        }
    }
}

/// A row whose pixels lie `STRIDE` bytes apart, or as the row says where that is 0.
///
/// # Safety
/// As [`row`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn strided<const STRIDE: usize, S: Sink>(row: &Row<'_>, sink: &S) {
    let vectors = row.packed.vectors();
    let mut x = 0;
    // SAFETY: the blocks stay within the row, because each is no wider than what is left of it.
    unsafe {
        match row.packed.shape.channels {
            16 => {
                for vector in (0..vectors).step_by(2) {
                    x = 0;
                    if vectors - vector >= 2 {
                        blocks::<8, 2, 1, STRIDE, S>(row, vector, &mut x, sink);
                        blocks::<4, 2, 1, STRIDE, S>(row, vector, &mut x, sink);
                        blocks::<1, 2, 1, STRIDE, S>(row, vector, &mut x, sink);
                    } else {
                        blocks::<16, 1, 1, STRIDE, S>(row, vector, &mut x, sink);
                        blocks::<1, 1, 1, STRIDE, S>(row, vector, &mut x, sink);
                    }
                }
            }
            8 => {
                blocks::<16, 1, 2, STRIDE, S>(row, 0, &mut x, sink);
                blocks::<1, 1, 2, STRIDE, S>(row, 0, &mut x, sink);
            }
            1 => {
                blocks::<16, 1, 16, STRIDE, S>(row, 0, &mut x, sink);
                blocks::<1, 1, 16, STRIDE, S>(row, 0, &mut x, sink);
            }
            _ => {
                blocks::<16, 1, 4, STRIDE, S>(row, 0, &mut x, sink);
                blocks::<1, 1, 4, STRIDE, S>(row, 0, &mut x, sink);
            }
        }
    }
}

/// Computes `P` pixels at a time from `x` on, as long as so many are left, for `V` vectors of channels with `L` lanes a channel.
///
/// # Safety
/// As [`row`].
#[allow(clippy::needless_range_loop, reason = "pixels and vectors of the block, each of two arrays")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn blocks<const P: usize, const V: usize, const L: usize, const STRIDE: usize, S: Sink>(
    row: &Row<'_>,
    vector: usize,
    x: &mut usize,
    sink: &S,
) {
    let packed = row.packed;
    let (chunks, channels) = (packed.chunks, 16 / L);
    let stride = if STRIDE == 0 { row.stride } else { STRIDE };
    // SAFETY: vectors of this group lie behind each other; bias and scales are padded to whole vectors.
    unsafe {
        let weights = packed.weights.as_ptr().add(vector * KERNEL * chunks * 64);
        let bias = packed.bias.as_ptr().add(vector * channels);
        let scales = packed.scales.as_ptr().add(vector * channels);
        while *x + P <= row.width {
            let mut sums = [[_mm512_setzero_si512(); V]; P];
            for v in 0..V {
                let start = spread::<L>(bias.add(v * channels));
                for pixel in &mut sums {
                    pixel[v] = start;
                }
            }
            for (r, from) in row.rows.into_iter().enumerate() {
                let from = from.add(*x * stride);
                let weights = weights.add(r * chunks * V * 64);
                if STRIDE == 4 * L && L <= 2 {
                    slide::<P, V, L>(from, weights, &mut sums);
                } else {
                    step::<P, V, L>(from, stride, weights, chunks, &mut sums);
                }
            }
            // A copy, so that the sums themselves are never indexed by a variable and stay in registers.
            let done = sums;
            match sink.wide((vector + V) * channels) {
                Some(out) if P > L && L <= 2 => put_wide::<P, V, L>(out, &done, scales, *x, vector * channels),
                _ => {
                    for p in (0..P).step_by(L) {
                        for v in 0..V {
                            let (scales, channel) = (scales.add(v * channels), (vector + v) * channels);
                            let place = Place { scales, pixel: *x + p, pixels: L, count: L.min(P), channel };
                            sink.put16(added::<P, V, L>(&done, p, v), place);
                        }
                    }
                }
            }
            *x += P;
        }
    }
}

/// Adds one of a kernel's rows, chunk after chunk of the run under it.
///
/// # Safety
/// As [`row`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn step<const P: usize, const V: usize, const L: usize>(
    mut from: *const u8,
    stride: usize,
    mut weights: *const u8,
    chunks: usize,
    sums: &mut [[__m512i; V]; P],
) {
    for _ in 0..chunks {
        // SAFETY: as the caller promises.
        unsafe {
            let mut w = [_mm512_setzero_si512(); V];
            for (v, w) in w.iter_mut().enumerate() {
                *w = _mm512_load_si512(weights.add(v * 64).cast());
            }
            weights = weights.add(V * 64);
            for (p, sums) in sums.iter_mut().enumerate() {
                let bytes = everywhere::<L>(from.add(p * stride));
                for (sum, &w) in sums.iter_mut().zip(&w) {
                    *sum = _mm512_dpbusd_epi32(*sum, bytes, w);
                }
            }
            from = from.add(4 * L);
        }
    }
}

/// Adds one of a kernel's rows where a pixel is one chunk: each is read once, for the up to three pixels under whose kernel it lies.
///
/// # Safety
/// As [`row`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn slide<const P: usize, const V: usize, const L: usize>(
    from: *const u8,
    weights: *const u8,
    sums: &mut [[__m512i; V]; P],
) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut w = [[_mm512_setzero_si512(); V]; KERNEL];
        for (at, w) in w.as_flattened_mut().iter_mut().enumerate() {
            *w = _mm512_load_si512(weights.add(at * 64).cast());
        }
        let (mut left, mut middle) = (everywhere::<L>(from), everywhere::<L>(from.add(4 * L)));
        for (p, sums) in sums.iter_mut().enumerate() {
            let right = everywhere::<L>(from.add((p + 2) * 4 * L));
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = _mm512_dpbusd_epi32(*sum, left, w[0][v]);
                *sum = _mm512_dpbusd_epi32(*sum, middle, w[1][v]);
                *sum = _mm512_dpbusd_epi32(*sum, right, w[2][v]);
            }
            (left, middle) = (middle, right);
        }
    }
}

/// The same `4 * L` bytes in every channel's lanes.
///
/// # Safety
/// So many bytes can be read.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn everywhere<const L: usize>(bytes: *const u8) -> __m512i {
    // SAFETY: as the caller promises.
    unsafe {
        match L {
            1 => _mm512_set1_epi32(bytes.cast::<i32>().read_unaligned()),
            2 => _mm512_set1_epi64(bytes.cast::<i64>().read_unaligned()),
            16 => _mm512_loadu_si512(bytes.cast()),
            _ => _mm512_broadcast_i32x4(_mm_loadu_si128(bytes.cast())),
        }
    }
}

/// `16 / L` values, each in the first of its channel's lanes; the others are 0.
///
/// # Safety
/// So many values can be read.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
unsafe fn spread<const L: usize>(values: *const i32) -> __m512i {
    // SAFETY: as the caller promises.
    unsafe {
        match L {
            1 => _mm512_loadu_si512(values.cast()),
            2 => _mm512_cvtepu32_epi64(_mm256_loadu_si256(values.cast())),
            16 => _mm512_maskz_set1_epi32(1, values.read()),
            _ => {
                let places = _mm512_set_epi32(0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0);
                let values = _mm512_castsi128_si512(_mm_loadu_si128(values.cast()));
                _mm512_maskz_permutexvar_epi32(0x1111, places, values)
            }
        }
    }
}
