//! Convolution on x86-64: rows are handed to the kernels of the instruction set that the weights were packed for.

mod avx2;
mod avx512;

use std::arch::x86_64::{__m256i, __m512i};

use super::pack::{Limits, Packed};
use super::{Conv, KERNEL};
use crate::isa::Isa;

pub fn bytes_row(conv: &Conv, rows: [&[u8]; KERNEL], width: usize, out: &mut [u8], out_stride: usize) {
    let out = Out { start: out.as_mut_ptr(), stride: out_stride, channels: conv.outputs };
    // SAFETY: `Conv::bytes_row` has checked the lengths of rows and output, `Conv::new` that the processor has the instructions.
    unsafe { run(conv, rows, width, &ToBytes { out, limits: conv.packed.limits }) }
}

pub fn floats_row(conv: &Conv, rows: [&[u8]; KERNEL], width: usize, out: &mut [f32]) {
    let out = Out { start: out.as_mut_ptr(), stride: conv.outputs, channels: conv.outputs };
    // SAFETY: as above, by `Conv::floats_row`.
    unsafe { run(conv, rows, width, &ToFloats { out }) }
}

/// # Safety
/// Each row has `Conv::input_bytes(width)` bytes, the sink has room for `width` pixels, the processor has `conv.isa`.
unsafe fn run<S: Sink>(conv: &Conv, rows: [&[u8]; KERNEL], width: usize, sink: &S) {
    let row = Row { rows: rows.map(<[u8]>::as_ptr), stride: conv.input_stride, width, packed: &conv.packed };
    // SAFETY: as the caller promises.
    unsafe {
        match conv.isa {
            Isa::Avx512Vnni => avx512::row(&row, sink),
            Isa::AvxVnni => avx2::vnni::row(&row, sink),
            _ => avx2::widening::row(&row, sink),
        }
    }
}

/// One row of input with its weights.
struct Row<'a> {
    /// The border pixel on the left of each of the three rows.
    rows: [*const u8; KERNEL],
    stride: usize,
    width: usize,
    packed: &'a Packed,
}

/// Where a row of pixels goes.
struct Out<T> {
    start: *mut T,
    /// From pixel to pixel, in values.
    stride: usize,
    channels: usize,
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

struct ToBytes {
    out: Out<u8>,
    limits: Limits,
}

struct ToFloats {
    out: Out<f32>,
}

/// Where in a row a vector of sums belongs: `count` pixels from `pixel` on, one after the other, each with as many channels from
/// `channel` on as then fill `pixels` parts of the vector. `scales` points at the scales of these channels.
#[derive(Clone, Copy)]
struct Place {
    scales: *const f32,
    pixel: usize,
    pixels: usize,
    count: usize,
    channel: usize,
}

/// Takes sums in, a vector at a time.
trait Sink {
    /// # Safety
    /// The row has the place's pixels and the first of its channels; the processor has AVX-512 F, BW and VL.
    unsafe fn put16(&self, sums: __m512i, place: Place);

    /// Where bytes go, when all that a row gives up to channel `end` are whole vectors of bytes of 0..=255 with 0 standing for 0, and
    /// none of its scaled sums leaves 32 bits.
    fn wide(&self, end: usize) -> Option<&Out<u8>>;

    /// # Safety
    /// As [`Self::put16`], with AVX2.
    unsafe fn put8(&self, sums: __m256i, place: Place);
}

impl Sink for ToBytes {
    #[inline(always)]
    unsafe fn put16(&self, sums: __m512i, place: Place) {
        // SAFETY: as the caller promises.
        unsafe { avx512::put_bytes(self, sums, place) }
    }

    #[inline(always)]
    fn wide(&self, end: usize) -> Option<&Out<u8>> {
        (self.limits.whole() && self.limits.fits && end <= self.out.channels).then_some(&self.out)
    }

    #[inline(always)]
    unsafe fn put8(&self, sums: __m256i, place: Place) {
        // SAFETY: as the caller promises.
        unsafe { avx2::put_bytes(self, sums, place) }
    }
}

impl Sink for ToFloats {
    #[inline(always)]
    unsafe fn put16(&self, sums: __m512i, place: Place) {
        // SAFETY: as the caller promises.
        unsafe { avx512::put_floats(self, sums, place) }
    }

    #[inline(always)]
    fn wide(&self, _end: usize) -> Option<&Out<u8>> {
        None
    }

    #[inline(always)]
    unsafe fn put8(&self, sums: __m256i, place: Place) {
        // SAFETY: as the caller promises.
        unsafe { avx2::put_floats(self, sums, place) }
    }
}

impl ToFloats {
    /// Spreads a vector's values over their pixels.
    ///
    /// # Safety
    /// As [`Sink::put16`].
    unsafe fn put(&self, values: &[f32], place: Place) {
        let most = values.len() / place.pixels;
        for (p, values) in values.chunks_exact(most).take(place.count).enumerate() {
            // SAFETY: as the caller promises; only the channels that are there are written.
            unsafe {
                let (to, channels) = self.out.at(place.pixel + p, place.channel, most);
                std::ptr::copy_nonoverlapping(values.as_ptr(), to, channels);
            }
        }
    }
}
