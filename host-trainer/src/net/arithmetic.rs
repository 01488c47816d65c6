//! Number format and memory layout of the activations.
//!
//! Gives the two casts that decide both for a whole network: the input's layout survives convolution, batch norm, ReLU,
//! pooling, up-sampling and concatenation, so it is set once; weights stay 32-bit floats and are cast where they are used.

use tch::{Device, Kind, TchError, Tensor};

use crate::device::PrecisionChoice;

/// How activations are held. Weights, running statistics, losses and heads are 32-bit floats in each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arithmetic {
    /// Whether activations are bfloat16.
    pub bf16: bool,
    /// Whether the channel is the fastest axis in memory.
    pub channels_last: bool,
}

impl Arithmetic {
    /// 32-bit floats in torch's own layout: the arithmetic of the original.
    pub const PLAIN: Self = Self { bf16: false, channels_last: false };

    /// What a choice means on a device: channels-last always, bfloat16 if asked for or where it is faster.
    pub fn choose(choice: PrecisionChoice, device: Device) -> Self {
        let bf16 = match choice {
            PrecisionChoice::F32 => false,
            PrecisionChoice::Bf16 => true,
            PrecisionChoice::Auto => device.is_cuda() || cpu_multiplies_bf16(),
        };
        Self { bf16, channels_last: true }
    }

    /// The word for it in reports: `f32` or `bf16`.
    pub fn name(self) -> &'static str {
        if self.bf16 { "bf16" } else { "f32" }
    }

    /// Type of the activations.
    pub(crate) fn kind(self) -> Kind {
        if self.bf16 { Kind::BFloat16 } else { Kind::Float }
    }

    /// Casts a network's input `[n, c, h, w]` to this type and layout.
    ///
    /// # Errors
    /// Whatever torch says, for instance that memory is exhausted.
    pub(crate) fn enter(self, input: &Tensor) -> Result<Tensor, TchError> {
        let input = input.f_to_kind(self.kind())?;
        if !self.channels_last {
            return input.f_contiguous();
        }
        input.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
    }

    /// Casts a weight to the activations' type; gradients flow back in 32-bit floats.
    pub(crate) fn weight(self, weight: &Tensor) -> Result<Tensor, TchError> {
        if self.bf16 { weight.f_to_kind(Kind::BFloat16) } else { Ok(weight.shallow_clone()) }
    }
}

/// Whether this CPU is faster in bfloat16: with units for matrices of it. Its dot products alone (AVX-512 BF16) can have half
/// the rate of 32-bit products, which Sapphire Rapids was measured to give them.
fn cpu_multiplies_bf16() -> bool {
    // Linux names it only where it lets programs use the units; elsewhere nobody has asked yet.
    let facts = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    facts.lines().find(|line| line.starts_with("flags")).is_some_and(|line| has_flag(line, "amx_bf16"))
}

/// Whether a line of flags, separated by spaces, has this one.
fn has_flag(line: &str, flag: &str) -> bool {
    line.split_whitespace().any(|word| word == flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_products_are_not_matrices() {
        let line = "flags\t\t: fpu vme avx512_bf16 amx_tile";
        assert!(!has_flag(line, "amx_bf16"));
        assert!(has_flag(&format!("{line} amx_bf16 amx_int8"), "amx_bf16"));
    }
}
