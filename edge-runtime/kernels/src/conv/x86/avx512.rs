//! AVX-512 VNNI: 64 products an instruction.
//!
//! A vector of sums holds 16 channels of one pixel. With 8 channels or fewer a channel has 2 or 4 neighbouring lanes, whose sums
//! are added at the end; 2 or 4 pixels then share a vector.

use std::arch::x86_64::*;

use super::{KERNEL, Place, Row, Sink, ToBytes, ToFloats};

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
            let mut weight = weights;
            for from in row.rows {
                let mut from = from.add(*x * stride);
                for _ in 0..chunks {
                    let mut w = [_mm512_setzero_si512(); V];
                    for (v, w) in w.iter_mut().enumerate() {
                        *w = _mm512_load_si512(weight.add(v * 64).cast());
                    }
                    weight = weight.add(V * 64);
                    for (p, sums) in sums.iter_mut().enumerate() {
                        let bytes = everywhere::<L>(from.add(p * stride));
                        for (sum, &w) in sums.iter_mut().zip(&w) {
                            *sum = _mm512_dpbusd_epi32(*sum, bytes, w);
                        }
                    }
                    from = from.add(4 * L);
                }
            }
            // A copy, so that the sums themselves are never indexed by a variable and stay in registers.
            let done = sums;
            for p in (0..P).step_by(L) {
                for v in 0..V {
                    // A pixel alone is added up with itself.
                    let sum = |lane: usize| done[(p + lane).min(P - 1)][v];
                    let sum = match L {
                        1 => sum(0),
                        2 => pairs(sum(0), sum(1)),
                        16 => {
                            let four = |lane: usize| {
                                let two = |lane: usize| pairs(sum(lane), sum(lane + 1));
                                pairs(two(lane), two(lane + 2))
                            };
                            pairs(pairs(four(0), four(4)), pairs(four(8), four(12)))
                        }
                        _ => pairs(pairs(sum(0), sum(1)), pairs(sum(2), sum(3))),
                    };
                    let (scales, channel) = (scales.add(v * channels), (vector + v) * channels);
                    sink.put16(sum, Place { scales, pixel: *x + p, pixels: L, count: L.min(P), channel });
                }
            }
            *x += P;
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

/// The sums of neighbouring lanes: those of `a`, then those of `b`.
#[inline]
#[target_feature(enable = "avx512f")]
fn pairs(a: __m512i, b: __m512i) -> __m512i {
    let even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    let odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    _mm512_add_epi32(_mm512_permutex2var_epi32(a, even, b), _mm512_permutex2var_epi32(a, odd, b))
}

/// Sums times the scales of their channels, which repeat for each of the place's pixels.
///
/// # Safety
/// As [`super::Sink::put16`].
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn scaled(sums: __m512i, Place { scales, pixels, .. }: Place) -> __m512 {
    // SAFETY: scales are padded to whole vectors.
    let scales = unsafe {
        match pixels {
            1 => _mm512_loadu_ps(scales),
            2 => _mm512_castpd_ps(_mm512_broadcast_f64x4(_mm256_castps_pd(_mm256_loadu_ps(scales)))),
            16 => _mm512_set1_ps(scales.read()),
            _ => _mm512_broadcast_f32x4(_mm_loadu_ps(scales)),
        }
    };
    _mm512_mul_ps(_mm512_cvtepi32_ps(sums), scales)
}

/// # Safety
/// As [`super::Sink::put16`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub unsafe fn put_bytes(sink: &ToBytes, sums: __m512i, place: Place) {
    let (out, limits) = (&sink.out, sink.limits);
    let most = 16 / place.pixels;
    // SAFETY: only the channels that are there are written.
    unsafe {
        let value = _mm512_max_ps(scaled(sums, place), _mm512_set1_ps(limits.low));
        let bytes = if limits.whole() {
            // Narrowing clamps to 255 by itself, also what is too large for an integer and reads as 2^31.
            _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(value))
        } else {
            let value = _mm512_min_ps(value, _mm512_set1_ps(limits.high));
            _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_cvtps_epi32(value), _mm512_set1_epi32(limits.zero)))
        };
        let (to, channels) = out.at(place.pixel, place.channel, most);
        if channels == most && (place.pixels == 1 || out.stride == most && place.count == place.pixels) {
            _mm_storeu_si128(to.cast(), bytes);
            return;
        }
        if most == 1 {
            let mut each = [0u8; 16];
            _mm_storeu_si128(each.as_mut_ptr().cast(), bytes);
            for (pixel, byte) in each.into_iter().take(place.count).enumerate() {
                to.add(pixel * out.stride).write(byte);
            }
            return;
        }
        let mask = ((1u32 << channels) - 1) as u16;
        let store = |pixel: usize, bytes| _mm_mask_storeu_epi8(to.add(pixel * out.stride).cast(), mask, bytes);
        store(0, bytes);
        match (place.pixels, place.count) {
            (2, 2) => store(1, _mm_srli_si128(bytes, 8)),
            (4, 4) => {
                store(1, _mm_srli_si128(bytes, 4));
                store(2, _mm_srli_si128(bytes, 8));
                store(3, _mm_srli_si128(bytes, 12));
            }
            _ => {}
        }
    }
}

/// # Safety
/// As [`super::Sink::put16`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub unsafe fn put_floats(sink: &ToFloats, sums: __m512i, place: Place) {
    // SAFETY: as the caller promises.
    unsafe {
        let scaled = scaled(sums, place);
        // A heatmap: one channel, pixel after pixel.
        if place.pixels == 16 && place.count == 16 {
            _mm512_storeu_ps(sink.out.at(place.pixel, 0, 1).0, scaled);
            return;
        }
        let mut values = [0.0f32; 16];
        _mm512_storeu_ps(values.as_mut_ptr(), scaled);
        sink.put(&values, place);
    }
}
