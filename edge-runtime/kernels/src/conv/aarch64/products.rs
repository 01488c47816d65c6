//! The instructions that multiply bytes, which this Rust has no stable intrinsics for, and the ways to use them.
//!
//! Each switches its extension on for the assembler alone: that the processor has it is the caller's promise.

use std::arch::aarch64::*;
use std::arch::asm;

/// Turns the bytes 0..=255 into -128..=127.
#[inline(always)]
pub unsafe fn signed(bytes: uint8x16_t) -> int8x16_t {
    // SAFETY: NEON is part of every aarch64.
    unsafe { vreinterpretq_s8_u8(veorq_u8(bytes, vdupq_n_u8(0x80))) }
}

/// Adds to the sum of each of 4 channels the products of its 4 weights with the 4 bytes at `4 * PART`.
///
/// # Safety
/// The processor has dot product.
#[inline(always)]
pub unsafe fn dot_part<const PART: usize>(mut sums: int32x4_t, weights: int8x16_t, bytes: int8x16_t) -> int32x4_t {
    // SAFETY: as the caller promises; touches only its registers.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {sums:v}.4s, {weights:v}.16b, {bytes:v}.4b[{part}]",
            sums = inout(vreg) sums,
            weights = in(vreg) weights,
            bytes = in(vreg) bytes,
            part = const PART,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// Adds the products of 2 pixels' 8 bytes with 2 channels' 8 weights: first both channels of the first pixel.
///
/// # Safety
/// The processor has 8-bit matrix multiplication.
#[inline(always)]
pub unsafe fn matrix(mut sums: int32x4_t, bytes: uint8x16_t, weights: int8x16_t) -> int32x4_t {
    // SAFETY: as the caller promises; touches only its registers.
    unsafe {
        asm!(
            ".arch_extension i8mm",
            "usmmla {sums:v}.4s, {bytes:v}.16b, {weights:v}.16b",
            sums = inout(vreg) sums,
            bytes = in(vreg) bytes,
            weights = in(vreg) weights,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// A way to multiply 16 bytes of input with 16 weights of one channel.
pub trait Multiply {
    /// Bytes of input as the products take them.
    type Bytes: Copy;

    /// # Safety
    /// 16 bytes can be read.
    unsafe fn load(from: *const u8) -> Self::Bytes;

    /// Adds all products to the 4 lanes, in any order.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn add(sums: int32x4_t, bytes: Self::Bytes, weights: int8x16_t) -> int32x4_t;
}

/// Plain NEON, two products added up in 16 bits: they do not fit if both are -128 times -128.
pub struct Pairs;

impl Multiply for Pairs {
    type Bytes = int8x16_t;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> int8x16_t {
        // SAFETY: as the caller promises.
        unsafe { signed(vld1q_u8(from)) }
    }

    #[inline(always)]
    unsafe fn add(sums: int32x4_t, bytes: int8x16_t, weights: int8x16_t) -> int32x4_t {
        // SAFETY: NEON is part of every aarch64.
        unsafe {
            let products = vmull_s8(vget_low_s8(bytes), vget_low_s8(weights));
            vpadalq_s16(sums, vmlal_high_s8(products, bytes, weights))
        }
    }
}

/// Plain NEON for any weights.
pub struct Singles;

impl Multiply for Singles {
    type Bytes = int8x16_t;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> int8x16_t {
        // SAFETY: as the caller promises.
        unsafe { Pairs::load(from) }
    }

    #[inline(always)]
    unsafe fn add(sums: int32x4_t, bytes: int8x16_t, weights: int8x16_t) -> int32x4_t {
        // SAFETY: NEON is part of every aarch64.
        unsafe {
            let sums = vpadalq_s16(sums, vmull_s8(vget_low_s8(bytes), vget_low_s8(weights)));
            vpadalq_s16(sums, vmull_high_s8(bytes, weights))
        }
    }
}

/// Dot product.
pub struct Dot;

impl Multiply for Dot {
    type Bytes = int8x16_t;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> int8x16_t {
        // SAFETY: as the caller promises.
        unsafe { Pairs::load(from) }
    }

    #[inline(always)]
    unsafe fn add(mut sums: int32x4_t, bytes: int8x16_t, weights: int8x16_t) -> int32x4_t {
        // SAFETY: as the caller promises; touches only its registers.
        unsafe {
            asm!(
                ".arch_extension dotprod",
                "sdot {sums:v}.4s, {bytes:v}.16b, {weights:v}.16b",
                sums = inout(vreg) sums,
                bytes = in(vreg) bytes,
                weights = in(vreg) weights,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sums
    }
}

/// Dot product of unsigned with signed bytes, which comes with 8-bit matrix multiplication.
pub struct Mixed;

impl Multiply for Mixed {
    type Bytes = uint8x16_t;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> uint8x16_t {
        // SAFETY: as the caller promises.
        unsafe { vld1q_u8(from) }
    }

    #[inline(always)]
    unsafe fn add(mut sums: int32x4_t, bytes: uint8x16_t, weights: int8x16_t) -> int32x4_t {
        // SAFETY: as the caller promises; touches only its registers.
        unsafe {
            asm!(
                ".arch_extension i8mm",
                "usdot {sums:v}.4s, {bytes:v}.16b, {weights:v}.16b",
                sums = inout(vreg) sums,
                bytes = in(vreg) bytes,
                weights = in(vreg) weights,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sums
    }
}
