//! Vectors of 256 bits: AVX-VNNI with 32 products an instruction; AVX2, which widens bytes to 16 bits first, because its product of
//! bytes saturates.
//!
//! A channel has 1, 2 or 4 neighbouring lanes (2 with AVX2), whose sums are added at the end; as many pixels then share a vector.

use std::arch::x86_64::*;

use super::{KERNEL, Place, Row, Sink, ToBytes, ToFloats};

/// The loops round one way of multiplying. `WEIGHTS` are the bytes of a vector of weights; `load` reads one, `everywhere` puts the same
/// bytes of input into every channel's lanes, `dot` adds the products of the two.
macro_rules! loops {
    ($features:literal) => {
        /// # Safety
        /// The row's pointers are good for what `Conv::input_bytes` says; the sink has room for the row.
        #[target_feature(enable = $features)]
        pub unsafe fn row<S: Sink>(row: &Row<'_>, sink: &S) {
            let vectors = row.packed.vectors();
            for vector in (0..vectors).step_by(2) {
                let mut x = 0;
                // SAFETY: the blocks stay within the row, because each is no wider than what is left of it.
                unsafe {
                    match (8 / row.packed.shape.channels, vectors - vector) {
                        (1, 1) => {
                            blocks::<8, 1, 1, S>(row, vector, &mut x, sink);
                            blocks::<1, 1, 1, S>(row, vector, &mut x, sink);
                        }
                        (1, _) => {
                            blocks::<4, 2, 1, S>(row, vector, &mut x, sink);
                            blocks::<1, 2, 1, S>(row, vector, &mut x, sink);
                        }
                        (2, 1) => {
                            blocks::<8, 1, 2, S>(row, vector, &mut x, sink);
                            blocks::<1, 1, 2, S>(row, vector, &mut x, sink);
                        }
                        (2, _) => {
                            blocks::<4, 2, 2, S>(row, vector, &mut x, sink);
                            blocks::<1, 2, 2, S>(row, vector, &mut x, sink);
                        }
                        _ => {
                            blocks::<8, 1, 4, S>(row, vector, &mut x, sink);
                            blocks::<1, 1, 4, S>(row, vector, &mut x, sink);
                        }
                    }
                }
            }
        }

        /// Computes `P` pixels at a time from `x` on, as long as so many are left, for `V` vectors of channels with `L` lanes a channel.
        ///
        /// # Safety
        /// As [`row`].
        #[allow(clippy::needless_range_loop, reason = "pixels and vectors of the block, each of two arrays")]
        #[target_feature(enable = $features)]
        unsafe fn blocks<const P: usize, const V: usize, const L: usize, S: Sink>(
            row: &Row<'_>,
            vector: usize,
            x: &mut usize,
            sink: &S,
        ) {
            let packed = row.packed;
            let (chunks, chunk, stride, channels) = (packed.chunks, packed.shape.chunk, row.stride, 8 / L);
            // SAFETY: vectors of this group lie behind each other; bias and scales are padded to whole vectors.
            unsafe {
                let weights = packed.weights.as_ptr().add(vector * KERNEL * chunks * WEIGHTS);
                let bias = packed.bias.as_ptr().add(vector * channels);
                let scales = packed.scales.as_ptr().add(vector * channels);
                while *x + P <= row.width {
                    let mut sums = [[_mm256_setzero_si256(); V]; P];
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
                            let mut w = [_mm256_setzero_si256(); V];
                            for (v, w) in w.iter_mut().enumerate() {
                                *w = load(weight.add(v * WEIGHTS));
                            }
                            weight = weight.add(V * WEIGHTS);
                            for (p, sums) in sums.iter_mut().enumerate() {
                                let bytes = everywhere::<L>(from.add(p * stride));
                                for (sum, &w) in sums.iter_mut().zip(&w) {
                                    *sum = dot(*sum, bytes, w);
                                }
                            }
                            from = from.add(chunk);
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
                                _ => fours([sum(0), sum(1), sum(2), sum(3)]),
                            };
                            let (scales, channel) = (scales.add(v * channels), (vector + v) * channels);
                            sink.put8(sum, Place { scales, pixel: *x + p, pixels: L, count: L.min(P), channel });
                        }
                    }
                    *x += P;
                }
            }
        }
    };
}

/// AVX-VNNI.
pub mod vnni {
    use super::*;

    const WEIGHTS: usize = 32;

    loops!("avx2,avxvnni");

    /// # Safety
    /// `WEIGHTS` bytes can be read, from a multiple of `WEIGHTS`.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load(weights: *const u8) -> __m256i {
        // SAFETY: as the caller promises.
        unsafe { _mm256_load_si256(weights.cast()) }
    }

    /// # Safety
    /// `4 * L` bytes can be read.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn everywhere<const L: usize>(bytes: *const u8) -> __m256i {
        // SAFETY: as the caller promises.
        unsafe {
            match L {
                1 => _mm256_set1_epi32(bytes.cast::<i32>().read_unaligned()),
                2 => _mm256_set1_epi64x(bytes.cast::<i64>().read_unaligned()),
                _ => _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.cast())),
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,avxvnni")]
    fn dot(sum: __m256i, bytes: __m256i, weights: __m256i) -> __m256i {
        _mm256_dpbusd_avx_epi32(sum, bytes, weights)
    }
}

/// AVX2: four channels a vector, four bytes of each.
pub mod widening {
    use super::*;

    const WEIGHTS: usize = 16;

    loops!("avx2");

    /// # Safety
    /// `WEIGHTS` bytes can be read.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load(weights: *const u8) -> __m256i {
        // SAFETY: as the caller promises.
        _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(weights.cast()) })
    }

    /// # Safety
    /// Four bytes can be read.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn everywhere<const L: usize>(bytes: *const u8) -> __m256i {
        // SAFETY: as the caller promises.
        _mm256_cvtepu8_epi16(_mm_set1_epi32(unsafe { bytes.cast::<i32>().read_unaligned() }))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn dot(sum: __m256i, bytes: __m256i, weights: __m256i) -> __m256i {
        _mm256_add_epi32(sum, _mm256_madd_epi16(bytes, weights))
    }
}

/// `8 / L` values, each in the first of its channel's lanes; the others are 0.
///
/// # Safety
/// So many values can be read.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn spread<const L: usize>(values: *const i32) -> __m256i {
    // SAFETY: as the caller promises.
    unsafe {
        match L {
            1 => _mm256_loadu_si256(values.cast()),
            2 => _mm256_cvtepu32_epi64(_mm_loadu_si128(values.cast())),
            _ => _mm256_set_epi32(0, 0, 0, values.add(1).read(), 0, 0, 0, values.read()),
        }
    }
}

/// The sums of neighbouring lanes: those of `a`, then those of `b`.
#[inline]
#[target_feature(enable = "avx2")]
fn pairs(a: __m256i, b: __m256i) -> __m256i {
    // Within each half of 128 bits first, so that the quarters have to change places.
    _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(a, b))
}

/// The sums of four neighbouring lanes: both of the first vector, then both of the second, and so on.
#[inline]
#[target_feature(enable = "avx2")]
fn fours([a, b, c, d]: [__m256i; 4]) -> __m256i {
    let sums = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    _mm256_permutevar8x32_epi32(sums, _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0))
}

/// Sums times the scales of their channels, which repeat for each of the place's pixels.
///
/// # Safety
/// As [`Sink::put8`].
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn scaled(sums: __m256i, Place { scales, pixels, .. }: Place) -> __m256 {
    // SAFETY: scales are padded to whole vectors.
    let scales = unsafe {
        match pixels {
            1 => _mm256_loadu_ps(scales),
            2 => _mm256_broadcast_ps(&_mm_loadu_ps(scales)),
            _ => _mm256_castpd_ps(_mm256_set1_pd(scales.cast::<f64>().read_unaligned())),
        }
    };
    _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scales)
}

/// # Safety
/// As [`Sink::put8`].
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn put_bytes(sink: &ToBytes, sums: __m256i, place: Place) {
    let (out, limits) = (&sink.out, sink.limits);
    let most = 8 / place.pixels;
    // SAFETY: only the channels that are there are written.
    unsafe {
        let value = _mm256_max_ps(scaled(sums, place), _mm256_set1_ps(limits.low));
        let value = _mm256_min_ps(value, _mm256_set1_ps(limits.high));
        let value = _mm256_add_epi32(_mm256_cvtps_epi32(value), _mm256_set1_epi32(limits.zero));
        // The lowest byte of each lane, in the lowest half of each half.
        let low = _mm256_set1_epi64x(0x8080_8080_0c08_0400u64.cast_signed());
        let halves = _mm256_shuffle_epi8(value, low);
        let bytes = _mm_unpacklo_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves));
        let bytes = _mm_cvtsi128_si64(bytes).to_le_bytes();
        let (to, channels) = out.at(place.pixel, place.channel, most);
        if channels == most && (place.pixels == 1 || out.stride == most && place.count == place.pixels) {
            to.cast::<[u8; 8]>().write_unaligned(bytes);
            return;
        }
        for (pixel, bytes) in bytes.chunks_exact(most).take(place.count).enumerate() {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.add(pixel * out.stride), channels);
        }
    }
}

/// # Safety
/// As [`Sink::put8`].
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn put_floats(sink: &ToFloats, sums: __m256i, place: Place) {
    let mut values = [0.0f32; 8];
    // SAFETY: as the caller promises.
    unsafe {
        _mm256_storeu_ps(values.as_mut_ptr(), scaled(sums, place));
        sink.put(&values, place);
    }
}
