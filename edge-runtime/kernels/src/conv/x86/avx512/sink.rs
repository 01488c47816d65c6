//! What becomes of sums: lanes added up, scaled, narrowed, written.

use std::arch::x86_64::*;

use super::super::{Out, Place, ToBytes, ToFloats};
use crate::narrow::{narrowed, quarters, store_halves};

/// The sums of `L` pixels from `p` on, each channel's lanes added up; a pixel alone is added up with itself.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn added<const P: usize, const V: usize, const L: usize>(sums: &[[__m512i; V]; P], p: usize, v: usize) -> __m512i {
    let lane = |p: usize| sums[p.min(P - 1)][v];
    let two = |p: usize| pairs(lane(p), lane(p + 1));
    let four = |p: usize| pairs(two(p), two(p + 2));
    match L {
        1 => lane(p),
        2 => two(p),
        16 => pairs(pairs(four(p), four(p + 4)), pairs(four(p + 8), four(p + 12))),
        _ => four(p),
    }
}

/// Writes `P` pixels from `pixel` on, `V` whole vectors of channels each from `channel` on, four vectors at a time: narrowed together
/// they take half the work, and where nothing lies between them one store.
///
/// # Safety
/// As [`super::super::Sink::put16`], and all bytes are what [`super::super::Sink::wide`] asks for.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub unsafe fn put_wide<const P: usize, const V: usize, const L: usize>(
    out: &Out<u8>,
    sums: &[[__m512i; V]; P],
    scales: *const f32,
    pixel: usize,
    channel: usize,
) {
    let (channels, stride) = (16 / L, out.stride);
    // SAFETY: as the caller promises.
    unsafe {
        let mut quads = [_mm512_setzero_si512(); P];
        for p in (0..P).step_by(4 * L / V) {
            let integers = |vector: usize| {
                let (p, v) = (p + vector / V * L, vector % V);
                _mm512_cvtps_epi32(scaled(added::<P, V, L>(sums, p, v), scales.add(v * channels), L))
            };
            quads[p] = narrowed(integers(0), integers(1), integers(2), integers(3));
        }
        let to = out.start.add(pixel * stride + channel);
        if stride == V * channels {
            for p in (0..P).step_by(4 * L / V) {
                _mm512_storeu_si512(to.add(p * stride).cast(), quads[p]);
            }
            return;
        }
        for p in (0..P).step_by(4 * L / V) {
            for (vector, quarter) in quarters(quads[p]).into_iter().enumerate() {
                let to = to.add((p + vector / V * L) * stride + vector % V * channels);
                if L == 1 {
                    _mm_storeu_si128(to.cast(), quarter);
                } else {
                    store_halves(to, to.add(stride), quarter);
                }
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

/// Sums times the scales of their channels, which repeat for each of the vector's pixels.
///
/// # Safety
/// Scales are padded to whole vectors.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn scaled(sums: __m512i, scales: *const f32, pixels: usize) -> __m512 {
    // SAFETY: as the caller promises.
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
/// As [`super::super::Sink::put16`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub unsafe fn put_bytes(sink: &ToBytes, sums: __m512i, place: Place) {
    let (out, limits) = (&sink.out, sink.limits);
    let most = 16 / place.pixels;
    // SAFETY: only the channels that are there are written.
    unsafe {
        let value = _mm512_max_ps(scaled(sums, place.scales, place.pixels), _mm512_set1_ps(limits.low));
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
/// As [`super::super::Sink::put16`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub unsafe fn put_floats(sink: &ToFloats, sums: __m512i, place: Place) {
    // SAFETY: as the caller promises.
    unsafe {
        let scaled = scaled(sums, place.scales, place.pixels);
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
