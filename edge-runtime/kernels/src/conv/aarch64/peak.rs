//! What the processor could do at best: each kernel's multiplications on registers alone.

use std::arch::aarch64::*;
use std::hint::black_box;

use super::products::{Multiply, Pairs, dot_part, matrix};
use crate::isa::Isa;

/// Multiplies and sums `rounds` times in each of `CHAINS` chains of sums, with the instructions of `isa`, which the processor must have.
/// Gives the products of one step of a chain.
pub fn multiply<const CHAINS: usize>(isa: Isa, rounds: u64) -> u64 {
    assert!(isa.available(), "{isa} on a processor without it");
    // SAFETY: the processor has the instructions.
    unsafe {
        match isa {
            Isa::NeonI8mm => {
                chains::<CHAINS>(rounds, |sum, bytes, weights| matrix(sum, vreinterpretq_u8_s8(bytes), weights));
                32
            }
            Isa::NeonDot => {
                chains::<CHAINS>(rounds, |sum, bytes, weights| dot_part::<0>(sum, weights, bytes));
                16
            }
            _ => {
                chains::<CHAINS>(rounds, |sum, bytes, weights| Pairs::add(sum, bytes, weights));
                16
            }
        }
    }
}

/// Steps of all chains, which do not wait for each other.
#[inline(always)]
fn chains<const CHAINS: usize>(rounds: u64, step: impl Fn(int32x4_t, int8x16_t, int8x16_t) -> int32x4_t) {
    // SAFETY: NEON is part of every aarch64.
    let (operands, zero) = unsafe { ((vdupq_n_s8(3), vdupq_n_s8(5)), vdupq_n_s32(0)) };
    let (mut bytes, weights) = black_box(operands);
    let mut sums = black_box([zero; CHAINS]);
    for _ in 0..rounds {
        for sum in &mut sums {
            // As if the bytes changed each time, without an instruction: else their products would be computed but once.
            // SAFETY: an empty text.
            unsafe { std::arch::asm!("/* {0:v} */", inout(vreg) bytes, options(nomem, nostack, preserves_flags)) };
            *sum = step(*sum, bytes, weights);
        }
    }
    black_box(sums);
}

#[cfg(test)]
mod tests {
    use super::multiply;
    use crate::isa::Isa;

    #[test]
    fn counts_the_products_of_each_instruction_set() {
        let products = [(Isa::Neon, 16), (Isa::NeonDot, 16), (Isa::NeonI8mm, 32)];
        for (isa, products) in products.into_iter().filter(|(isa, _)| isa.available()) {
            assert_eq!(multiply::<12>(isa, 3), products, "{isa}");
        }
    }
}
