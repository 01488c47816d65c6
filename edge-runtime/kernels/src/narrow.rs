//! AVX-512: four vectors of integers become one of bytes, with half the work of narrowing each.

use std::arch::x86_64::*;

/// The integers of `a`, `b`, `c` and `d`, one behind the other, each clamped to 0..=255.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub fn narrowed(a: __m512i, b: __m512i, c: __m512i, d: __m512i) -> __m512i {
    let bytes = _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
    // Packing leaves the quarters of the four vectors in turn.
    let turns = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    _mm512_permutexvar_epi32(turns, bytes)
}

/// The bytes of each of the four.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn quarters(bytes: __m512i) -> [__m128i; 4] {
    [
        _mm512_castsi512_si128(bytes),
        _mm512_extracti32x4_epi32(bytes, 1),
        _mm512_extracti32x4_epi32(bytes, 2),
        _mm512_extracti32x4_epi32(bytes, 3),
    ]
}

/// Writes 8 bytes to each of two places.
///
/// # Safety
/// Both have room for them.
#[inline]
#[target_feature(enable = "avx512f")]
pub unsafe fn store_halves(first: *mut u8, second: *mut u8, bytes: __m128i) {
    // SAFETY: as the caller promises.
    unsafe {
        _mm_storel_epi64(first.cast(), bytes);
        _mm_storeh_pd(second.cast(), _mm_castsi128_pd(bytes));
    }
}
