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

    /// What a choice means on a device: channels-last always, bfloat16 if asked for or supported in hardware.
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

/// Whether this CPU has bfloat16 dot products.
fn cpu_multiplies_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::is_x86_feature_detected!("avx512bf16")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}
