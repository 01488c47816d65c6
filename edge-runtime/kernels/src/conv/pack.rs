//! Weights in the order in which a kernel reads them.
//!
//! A *vector* of weights holds some output channels times a *chunk*: neighbouring bytes of the input's row. Where a layer has fewer
//! output channels than a vector has lanes, the chunk is longer, so that no lane idles, and a channel's lanes are added up at the
//! end. A *group* is what one pass of the kernel computes: one or two vectors of channels. Order:
//! `[group][kernel row][chunk][vector of the group][channel][byte of the chunk]`.

use super::{KERNEL, Output, Spec};
use crate::bytes::Bytes;
use crate::isa::Isa;

/// How an instruction set wants its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Output channels in a vector.
    pub channels: usize,
    /// Bytes of a chunk: a multiple of 4.
    pub chunk: usize,
    /// Vectors in the largest group.
    pub vectors: usize,
    /// What is taken off every input byte before the product.
    pub shift: i32,
}

/// Packed weights and what is done to their sums.
#[derive(Clone)]
pub struct Packed {
    pub shape: Shape,
    /// Chunks in a kernel's row.
    pub chunks: usize,
    pub weights: Bytes,
    /// Added to each sum, with the zero of the input and the shift worked in; one a channel, 0 up to whole groups.
    pub bias: Vec<i32>,
    /// One a channel, 1 up to whole groups.
    pub scales: Vec<f32>,
    pub limits: Limits,
    /// Whether some weight is -128, whose products with two bytes may not fit into 16 bits.
    #[cfg(target_arch = "aarch64")]
    pub full_range: bool,
}

/// The last steps from a scaled sum to a byte.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Least scaled sum, as a distance from the zero.
    pub low: f32,
    /// Largest scaled sum, as a distance from the zero.
    pub high: f32,
    pub zero: i32,
    /// Whether no scaled sum can leave 32 bits.
    #[cfg(target_arch = "x86_64")]
    pub fits: bool,
}

impl Limits {
    /// Whether the bytes are all of 0..=255 with 0 standing for 0, as behind every ReLU of the trainer's models.
    #[inline(always)]
    #[cfg(target_arch = "x86_64")]
    pub fn whole(self) -> bool {
        self.zero == 0 && self.low == 0.0
    }

    fn of(spec: &Spec<'_>) -> Self {
        let (zero, lowest) = match spec.output {
            Output::Byte { zero, lowest } => (zero, lowest),
            Output::Float => (0, 0),
        };
        Self {
            low: f32::from(lowest) - f32::from(zero),
            high: 255.0 - f32::from(zero),
            zero: i32::from(zero),
            // A sum of at most 2^31 - 1 may become 2^31 as a float.
            #[cfg(target_arch = "x86_64")]
            fits: spec.scales.iter().all(|&scale| scale <= 0.5),
        }
    }
}

impl Shape {
    /// The shape for a layer of `outputs` channels.
    pub const fn of(isa: Isa, outputs: usize) -> Self {
        let signed = 128;
        match isa {
            Isa::Scalar => Self { channels: 1, chunk: 4, vectors: 1, shift: 0 },
            // A heatmap: a vector of weights is a run of the input's row.
            Isa::Avx512Vnni if outputs == 1 => Self { channels: 1, chunk: 64, vectors: 1, shift: 0 },
            Isa::Avx512Vnni => {
                let channels = narrow(16, outputs);
                Self { channels, chunk: 64 / channels, vectors: 2, shift: 0 }
            }
            Isa::AvxVnni => {
                let channels = narrow(8, outputs);
                Self { channels, chunk: 32 / channels, vectors: 2, shift: 0 }
            }
            // Widened to 16 bits, half as many fit.
            Isa::Avx2 => Self { channels: 4, chunk: 4, vectors: 2, shift: 0 },
            Isa::NeonI8mm if outputs == 1 => Self { channels: 1, chunk: 16, vectors: 1, shift: 0 },
            Isa::NeonI8mm => Self { channels: 4, chunk: 8, vectors: 4, shift: 0 },
            Isa::NeonDot if outputs >= 3 => Self { channels: 4, chunk: 4, vectors: 4, shift: signed },
            Isa::NeonDot | Isa::Neon => Self { channels: 1, chunk: 16, vectors: 4, shift: signed },
        }
    }

    const fn vector_bytes(self) -> usize {
        self.channels * self.chunk
    }
}

/// The least number of channels a vector of `lanes` is cut into that still holds all outputs, down to a quarter of the lanes.
const fn narrow(lanes: usize, outputs: usize) -> usize {
    if outputs * 4 <= lanes {
        lanes / 4
    } else if outputs * 2 <= lanes {
        lanes / 2
    } else {
        lanes
    }
}

impl Packed {
    /// Packs a checked convolution.
    pub fn new(isa: Isa, spec: &Spec<'_>) -> Self {
        let shape = Shape::of(isa, spec.outputs);
        let chunks = (KERNEL * spec.input_stride).div_ceil(shape.chunk);
        let vectors = spec.outputs.div_ceil(shape.channels);
        let mut weights = Bytes::zeroed(vectors * KERNEL * chunks * shape.vector_bytes());
        for output in 0..spec.outputs {
            let (vector, channel) = (output / shape.channels, output % shape.channels);
            // All groups before this vector's are whole; within its own, vectors take turns.
            let (group, within) = (vector / shape.vectors, vector % shape.vectors);
            let in_group = shape.vectors.min(vectors - group * shape.vectors);
            let start = group * shape.vectors * KERNEL * chunks * shape.vector_bytes();
            for input in 0..spec.inputs {
                for row in 0..KERNEL {
                    for column in 0..KERNEL {
                        let byte = column * spec.input_stride + spec.input_offset + input;
                        let (chunk, byte) = (byte / shape.chunk, byte % shape.chunk);
                        let at =
                            (((row * chunks + chunk) * in_group + within) * shape.channels + channel) * shape.chunk;
                        let weight = spec.weights[((output * spec.inputs + input) * KERNEL + row) * KERNEL + column];
                        weights[start + at + byte] = weight.cast_unsigned();
                    }
                }
            }
        }
        let padded = vectors * shape.channels;
        let taps = spec.inputs * KERNEL * KERNEL;
        // Σ (x - zero) w = Σ (x - shift) w + (shift - zero) Σ w.
        let moved = shape.shift - i32::from(spec.input_zero);
        let bias = |(bias, weights): (&i32, &[i8])| bias + moved * weights.iter().map(|&w| i32::from(w)).sum::<i32>();
        let mut bias: Vec<i32> = spec.bias.iter().zip(spec.weights.chunks_exact(taps)).map(bias).collect();
        bias.resize(padded, 0);
        let mut scales = spec.scales.to_vec();
        scales.resize(padded, 1.0);
        Self {
            shape,
            chunks,
            weights,
            bias,
            scales,
            limits: Limits::of(spec),
            #[cfg(target_arch = "aarch64")]
            full_range: spec.weights.contains(&i8::MIN),
        }
    }

    /// Vectors of channels.
    pub fn vectors(&self) -> usize {
        self.bias.len() / self.shape.channels
    }
}
