//! Convolution of bytes: 3 by 3, stride 1, one pixel of border, channels last.
//!
//! [`Conv::new`] checks and packs weights for one instruction set, once; [`Conv::bytes_row`] and [`Conv::floats_row`] compute
//! one row of pixels from three rows of input. Direct: the three pixels under a kernel's row lie side by side in memory, so that
//! a convolution is three runs of bytes times three runs of weights, and nothing is rearranged beforehand.
//!
//! # Arithmetic
//!
//! Per output channel, with input bytes `x` and stored weights `w`, in 32-bit integers that cannot overflow (checked when the
//! weights are packed): `sum = bias + Σ (x - input_zero) · w`. Then in 32-bit floats, each operation rounded to nearest, ties to
//! even: `sum · scale`, for a byte rounded to the nearest integer, ties to even, plus `zero`, clamped to `lowest..=255`, as ONNX's
//! `QuantizeLinear` has it.

#[cfg(target_arch = "aarch64")]
pub(crate) mod aarch64;
mod pack;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

use thiserror::Error;

use crate::isa::Isa;
use pack::Packed;

/// Rows and columns of a kernel.
pub const KERNEL: usize = 3;

/// Bytes that a kernel may read behind the last pixel of a row of input; what they hold does not matter.
pub const SLACK: usize = 64;

/// What a sum becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A byte.
    Byte {
        /// The byte that stands for 0.
        zero: u8,
        /// The least byte given: `zero` behind a ReLU, else 0.
        lowest: u8,
    },
    /// A 32-bit float.
    Float,
}

/// One convolution in integers.
#[derive(Clone, Copy, Debug)]
pub struct Spec<'a> {
    /// Input channels that are read, at least 1.
    pub inputs: usize,
    /// Bytes from one pixel of the input to the next, a multiple of 4.
    pub input_stride: usize,
    /// Where the first channel lies within a pixel's bytes.
    pub input_offset: usize,
    /// The input's byte that stands for 0; the border around the picture holds it.
    pub input_zero: u8,
    /// Output channels, at least 1.
    pub outputs: usize,
    /// `[output][input][row][column]`.
    pub weights: &'a [i8],
    /// One for each output channel, at the scale of the products.
    pub bias: &'a [i32],
    /// One for each output channel, finite and positive: what a sum is multiplied with.
    pub scales: &'a [f32],
    /// What becomes of that.
    pub output: Output,
}

/// Why a convolution cannot be computed here.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ConvError {
    /// A list has not the length that the channels demand.
    #[error("the {list} has {got} entries, expected {expected}")]
    Length {
        /// Which list.
        list: &'static str,
        /// Entries needed.
        expected: usize,
        /// Entries given.
        got: usize,
    },
    /// The channels do not fit between one pixel and the next.
    #[error(
        "{inputs} channels from byte {offset} do not fit into pixels of {stride} bytes, which must be a multiple of 4"
    )]
    Stride {
        /// Channels that are read.
        inputs: usize,
        /// Where they begin.
        offset: usize,
        /// Bytes from pixel to pixel.
        stride: usize,
    },
    /// The sums of a channel might not fit into 32 bits.
    #[error("sums of output channel {channel} may reach {largest}, which 32 bits do not hold")]
    Overflow {
        /// The channel.
        channel: usize,
        /// The largest magnitude that a sum could have.
        largest: i64,
    },
    /// A scale is not a positive finite number.
    #[error("scale {value} of output channel {channel} is not positive and finite")]
    Scale {
        /// The channel.
        channel: usize,
        /// The scale.
        value: f32,
    },
}

/// A convolution, ready for one instruction set.
#[derive(Clone)]
pub struct Conv {
    isa: Isa,
    input_stride: usize,
    outputs: usize,
    output: Output,
    packed: Packed,
}

impl Conv {
    /// Packs a convolution.
    ///
    /// # Errors
    /// [`ConvError`]. An instruction set that this processor lacks is replaced by [`Isa::Scalar`].
    pub fn new(isa: Isa, spec: &Spec<'_>) -> Result<Self, ConvError> {
        let isa = if isa.available() { isa } else { Isa::Scalar };
        check(spec)?;
        let packed = Packed::new(isa, spec);
        Ok(Self { isa, input_stride: spec.input_stride, outputs: spec.outputs, output: spec.output, packed })
    }

    /// Output channels.
    pub const fn outputs(&self) -> usize {
        self.outputs
    }

    /// Bytes of input that a row of `width` pixels reads, from the border pixel on its left.
    pub const fn input_bytes(&self, width: usize) -> usize {
        (width + KERNEL - 1) * self.input_stride + SLACK
    }

    /// Computes one row of `width` pixels into bytes.
    ///
    /// `rows` are the rows above, at and below it, each from the border pixel on its left, [`Self::input_bytes`] long.
    /// `out` begins at the row's first pixel; each pixel's bytes lie `out_stride` apart, others stay as they are.
    ///
    /// # Panics
    /// When a slice is too short, or this convolution gives floats: errors of the program, not of its input.
    pub fn bytes_row(&self, rows: [&[u8]; KERNEL], width: usize, out: &mut [u8], out_stride: usize) {
        assert!(matches!(self.output, Output::Byte { .. }), "this convolution gives floats");
        self.check_rows(rows, width);
        assert!(width == 0 || out.len() >= (width - 1) * out_stride + self.outputs, "output row of {}", out.len());
        assert!(out_stride >= self.outputs, "pixels of {out_stride} bytes");
        match self.isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::AvxVnni | Isa::Avx512Vnni => x86::bytes_row(self, rows, width, out, out_stride),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon | Isa::NeonDot | Isa::NeonI8mm => aarch64::bytes_row(self, rows, width, out, out_stride),
            _ => scalar::bytes_row(self, rows, width, out, out_stride),
        }
    }

    /// Computes one row of `width` pixels into floats, `[pixel][channel]`.
    ///
    /// # Panics
    /// As [`Self::bytes_row`].
    pub fn floats_row(&self, rows: [&[u8]; KERNEL], width: usize, out: &mut [f32]) {
        assert!(self.output == Output::Float, "this convolution gives bytes");
        self.check_rows(rows, width);
        assert_eq!(out.len(), width * self.outputs, "output row");
        match self.isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::AvxVnni | Isa::Avx512Vnni => x86::floats_row(self, rows, width, out),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon | Isa::NeonDot | Isa::NeonI8mm => aarch64::floats_row(self, rows, width, out),
            _ => scalar::floats_row(self, rows, width, out),
        }
    }

    fn check_rows(&self, rows: [&[u8]; KERNEL], width: usize) {
        let needed = self.input_bytes(width);
        assert!(
            rows.iter().all(|row| row.len() >= needed),
            "input rows of {:?}, {needed} needed",
            rows.map(<[u8]>::len)
        );
    }
}

fn check(spec: &Spec<'_>) -> Result<(), ConvError> {
    let &Spec { inputs, input_stride: stride, input_offset: offset, outputs, .. } = spec;
    if inputs == 0 || !stride.is_multiple_of(4) || offset + inputs > stride {
        return Err(ConvError::Stride { inputs, offset, stride });
    }
    let taps = inputs * KERNEL * KERNEL;
    let lists = [
        ("weights", spec.weights.len(), outputs * taps),
        ("bias", spec.bias.len(), outputs),
        ("scales", spec.scales.len(), outputs),
    ];
    for (list, got, expected) in lists {
        if got != expected || expected == 0 {
            return Err(ConvError::Length { list, expected, got });
        }
    }
    for (channel, (weights, &bias)) in spec.weights.chunks_exact(taps).zip(spec.bias).enumerate() {
        // Every kernel's order of summing stays below this, also those that shift the bytes by 128 or by the zero.
        let largest = i64::from(bias).abs() + weights.iter().map(|&w| i64::from(w).abs() * 512).sum::<i64>();
        if largest > i64::from(i32::MAX) {
            return Err(ConvError::Overflow { channel, largest });
        }
        let value = spec.scales[channel];
        if !(value > 0.0 && value.is_finite()) {
            return Err(ConvError::Scale { channel, value });
        }
    }
    Ok(())
}
