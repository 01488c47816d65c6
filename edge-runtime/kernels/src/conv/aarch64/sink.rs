//! From sums to what the row becomes: bytes or floats, with as many channels of a pixel as its row has.

use std::arch::aarch64::*;

use super::super::Output;

/// Where a row of pixels goes.
pub struct Out<T> {
    pub start: *mut T,
    /// From pixel to pixel, in values.
    pub stride: usize,
    pub channels: usize,
}

impl<T> Out<T> {
    /// Where `channel` of `pixel` lies, and how many of at most `most` channels are left from there.
    ///
    /// # Safety
    /// The row has that pixel and that channel.
    #[inline(always)]
    unsafe fn at(&self, pixel: usize, channel: usize, most: usize) -> (*mut T, usize) {
        // SAFETY: as the caller promises.
        (unsafe { self.start.add(pixel * self.stride + channel) }, most.min(self.channels - channel))
    }
}

/// Takes sums in, `4 * V` channels of `P` pixels at a time.
pub trait Sink {
    /// # Safety
    /// The row has those pixels, of which `pixel` is the first, and `channel`, which is the first of these.
    unsafe fn put<const P: usize, const V: usize>(
        &self,
        sums: [[int32x4_t; V]; P],
        scales: [float32x4_t; V],
        pixel: usize,
        channel: usize,
    );
}

pub struct ToBytes {
    out: Out<u8>,
    zero: i16,
    lowest: u8,
}

impl ToBytes {
    pub const fn new(out: Out<u8>, output: Output) -> Self {
        match output {
            Output::Byte { zero, lowest } => Self { out, zero: zero as i16, lowest },
            Output::Float => Self { out, zero: 0, lowest: 0 },
        }
    }

    /// The bytes of one pixel's sums.
    #[inline(always)]
    unsafe fn bytes<const V: usize>(&self, sums: &[int32x4_t; V], scales: [float32x4_t; V]) -> uint8x16_t {
        // SAFETY: NEON is part of every aarch64.
        unsafe {
            let rounded = |v: usize| match v < V {
                true => vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(sums[v]), scales[v])),
                false => vdupq_n_s32(0),
            };
            // Each step saturates, which gives the same as a clamp at the end: no limit lies within a byte's range of the zero.
            let zero = vdupq_n_s16(self.zero);
            let half = |v: usize| vqaddq_s16(vqmovn_high_s32(vqmovn_s32(rounded(v)), rounded(v + 1)), zero);
            let low = vqmovun_s16(half(0));
            let bytes = if V > 2 { vqmovun_high_s16(low, half(2)) } else { vcombine_u8(low, vdup_n_u8(0)) };
            vmaxq_u8(bytes, vdupq_n_u8(self.lowest))
        }
    }
}

impl Sink for ToBytes {
    #[inline(always)]
    unsafe fn put<const P: usize, const V: usize>(
        &self,
        sums: [[int32x4_t; V]; P],
        scales: [float32x4_t; V],
        pixel: usize,
        channel: usize,
    ) {
        // SAFETY: NEON is part of every aarch64; only the channels that are there are written.
        unsafe {
            let mut bytes = [vdupq_n_u8(0); P];
            for (bytes, sums) in bytes.iter_mut().zip(&sums) {
                *bytes = self.bytes(sums, scales);
            }
            let (mut to, channels) = self.out.at(pixel, channel, 4 * V);
            if V == 1 && channels < 4 {
                for &bytes in &bytes {
                    if channels > 1 {
                        to.cast::<u16>().write_unaligned(vgetq_lane_u16::<0>(vreinterpretq_u16_u8(bytes)));
                    }
                    match channels {
                        1 => to.write(vgetq_lane_u8::<0>(bytes)),
                        3 => to.add(2).write(vgetq_lane_u8::<2>(bytes)),
                        _ => {}
                    }
                    to = to.add(self.out.stride);
                }
                return;
            }
            if channels < 4 * V {
                // Apart from the loop below, so that the sums need no memory there.
                return some(&bytes, channels, to, self.out.stride);
            }
            for &bytes in &bytes {
                match V {
                    1 => to.cast::<u32>().write_unaligned(vgetq_lane_u32::<0>(vreinterpretq_u32_u8(bytes))),
                    2 | 3 => vst1_u8(to, vget_low_u8(bytes)),
                    _ => vst1q_u8(to, bytes),
                }
                if V == 3 {
                    to.add(8).cast::<u32>().write_unaligned(vgetq_lane_u32::<2>(vreinterpretq_u32_u8(bytes)));
                }
                to = to.add(self.out.stride);
            }
        }
    }
}

/// Writes the first `channels` bytes, fewer than 16, of each pixel.
///
/// # Safety
/// So many bytes can be written from `to` on, and again after each `stride`.
#[inline(never)]
unsafe fn some(pixels: &[uint8x16_t], channels: usize, to: *mut u8, stride: usize) {
    for (pixel, &bytes) in pixels.iter().enumerate() {
        // SAFETY: as the caller promises.
        unsafe {
            let (mut to, mut bytes) = (to.add(pixel * stride), bytes);
            if channels & 8 != 0 {
                vst1_u8(to, vget_low_u8(bytes));
                bytes = vextq_u8::<8>(bytes, bytes);
                to = to.add(8);
            }
            if channels & 4 != 0 {
                to.cast::<u32>().write_unaligned(vgetq_lane_u32::<0>(vreinterpretq_u32_u8(bytes)));
                bytes = vextq_u8::<4>(bytes, bytes);
                to = to.add(4);
            }
            if channels & 2 != 0 {
                to.cast::<u16>().write_unaligned(vgetq_lane_u16::<0>(vreinterpretq_u16_u8(bytes)));
                bytes = vextq_u8::<2>(bytes, bytes);
                to = to.add(2);
            }
            if channels & 1 != 0 {
                to.write(vgetq_lane_u8::<0>(bytes));
            }
        }
    }
}

pub struct ToFloats {
    pub out: Out<f32>,
}

impl Sink for ToFloats {
    #[inline(always)]
    unsafe fn put<const P: usize, const V: usize>(
        &self,
        sums: [[int32x4_t; V]; P],
        scales: [float32x4_t; V],
        pixel: usize,
        channel: usize,
    ) {
        // SAFETY: NEON is part of every aarch64; only the channels that are there are written.
        unsafe {
            let (mut to, channels) = self.out.at(pixel, channel, 4 * V);
            for sums in &sums {
                for v in 0..V {
                    let value = vmulq_f32(vcvtq_f32_s32(sums[v]), scales[v]);
                    let to = to.add(4 * v);
                    match channels - 4 * v {
                        1 => to.write(vgetq_lane_f32::<0>(value)),
                        2 => vst1_f32(to, vget_low_f32(value)),
                        3 => {
                            vst1_f32(to, vget_low_f32(value));
                            to.add(2).write(vgetq_lane_f32::<2>(value));
                        }
                        _ => vst1q_f32(to, value),
                    }
                }
                to = to.add(self.out.stride);
            }
        }
    }
}
