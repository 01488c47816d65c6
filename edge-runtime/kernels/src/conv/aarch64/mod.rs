//! Convolution on aarch64: rows are handed to the kernel that fits the instruction set and the number of channels.
//!
//! Bytes are signed for the kernels without 8-bit matrix multiplication, which know no product of unsigned with signed bytes: the
//! highest bit is turned over, which takes 128 off.

mod dot;
mod long;
mod matrix;
pub mod peak;
mod products;
mod sink;

use super::pack::Packed;
use super::{Conv, KERNEL};
use crate::isa::Isa;
use products::{Dot, Mixed, Pairs, Singles};
use sink::{Out, Sink, ToBytes, ToFloats};

pub fn bytes_row(conv: &Conv, rows: [&[u8]; KERNEL], width: usize, out: &mut [u8], out_stride: usize) {
    let out = Out { start: out.as_mut_ptr(), stride: out_stride, channels: conv.outputs };
    // SAFETY: `Conv::bytes_row` has checked the lengths of rows and output, `Conv::new` that the processor has the instructions.
    unsafe { run(conv, rows, width, &ToBytes::new(out, conv.output)) }
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
        match (conv.isa, conv.packed.shape.channels) {
            (Isa::NeonI8mm, 1) => long::row::<Mixed, S>(&row, sink),
            (Isa::NeonI8mm, _) => matrix::row(&row, sink),
            (Isa::NeonDot, 1) => long::row::<Dot, S>(&row, sink),
            (Isa::NeonDot, _) => dot::row(&row, sink),
            _ if conv.packed.full_range => long::row::<Singles, S>(&row, sink),
            _ => long::row::<Pairs, S>(&row, sink),
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
