//! What the processor could do at best: the kernels' own multiplications on registers alone.
//!
//! Does a known number of them; who calls it measures the time.

use crate::isa::Isa;

/// Chains of sums that do not wait for each other.
const CHAINS: usize = 12;

/// Multiplies and sums bytes `rounds` times in every chain, with the instruction of `isa`. Gives how many products that were, or `None`
/// where there is no vector instruction to measure.
pub fn multiply(isa: Isa, rounds: u64) -> Option<u64> {
    if !isa.available() {
        return None;
    }
    #[cfg(target_arch = "x86_64")]
    let products = match isa {
        // SAFETY: the processor has the instructions.
        Isa::Avx512Vnni => unsafe { x86::avx512(rounds) },
        // SAFETY: the processor has the instructions.
        Isa::AvxVnni => unsafe { x86::vnni(rounds) },
        // SAFETY: the processor has the instructions.
        Isa::Avx2 => unsafe { x86::avx2(rounds) },
        _ => return None,
    };
    #[cfg(target_arch = "aarch64")]
    let products = match isa {
        Isa::Scalar => return None,
        _ => crate::conv::aarch64::peak::multiply::<CHAINS>(isa, rounds),
    };
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let products = 0;
    Some(products * CHAINS as u64 * rounds)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    use super::CHAINS;

    #[target_feature(enable = "avx512f,avx512vnni")]
    pub fn avx512(rounds: u64) -> u64 {
        let (bytes, weights) = black_box((_mm512_set1_epi8(3), _mm512_set1_epi8(5)));
        let mut sums = black_box([_mm512_setzero_si512(); CHAINS]);
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, bytes, weights);
            }
        }
        black_box(sums);
        64
    }

    #[target_feature(enable = "avx2,avxvnni")]
    pub fn vnni(rounds: u64) -> u64 {
        let (bytes, weights) = black_box((_mm256_set1_epi8(3), _mm256_set1_epi8(5)));
        let mut sums = black_box([_mm256_setzero_si256(); CHAINS]);
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_dpbusd_avx_epi32(*sum, bytes, weights);
            }
        }
        black_box(sums);
        32
    }

    #[target_feature(enable = "avx2")]
    pub fn avx2(rounds: u64) -> u64 {
        let (bytes, weights) = black_box((_mm256_set1_epi16(3), _mm256_set1_epi16(5)));
        let mut sums = black_box([_mm256_setzero_si256(); CHAINS]);
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(bytes, weights));
            }
        }
        black_box(sums);
        16
    }
}
