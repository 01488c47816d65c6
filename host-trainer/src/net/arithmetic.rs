//! Number format and memory layout of the activations.
//!
//! Gives the two casts that decide both for a whole network: the input's layout survives convolution, batch norm, ReLU,
//! pooling, up-sampling and concatenation, so it is set once; weights stay 32-bit floats and are cast where they are used.

use tch::{Device, Kind, TchError, Tensor};

use crate::device::PrecisionChoice;

/// How activations are held. Weights, running statistics and losses are 32-bit floats in each case.
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

/// Whether this CPU is faster in bfloat16.
fn cpu_multiplies_bf16() -> bool {
    // Linux names a flag only where it lets programs use what it stands for; elsewhere nobody has asked yet.
    std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|facts| multiplies_bf16(&facts))
}

/// Whether a processor that Linux describes like this multiplies bfloat16 faster than 32-bit floats: by units for matrices of it
/// (AMX), or by dot products (AVX-512 BF16) of AMD, which measured twice the rate of 32-bit products on Zen 4. Those of Sapphire
/// Rapids measured half of it. Asked for by name and not timed, so that a training goes on in the arithmetic it began in.
fn multiplies_bf16(facts: &str) -> bool {
    let words = |name: &str| {
        let line = facts.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().skip(1).collect::<Vec<_>>()
    };
    let flags = words("flags");
    flags.contains(&"amx_bf16") || flags.contains(&"avx512_bf16") && words("vendor_id") == ["AuthenticAMD"]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_products_pay_where_they_were_measured_to() {
        let processor = |vendor: &str, flags: &str| {
            multiplies_bf16(&format!(
                "processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu vme {flags}\nvmx flags\t: amx_bf16\n"
            ))
        };
        assert!(processor("AuthenticAMD", "avx512_bf16 avx2"));
        assert!(!processor("AuthenticAMD", "avx2"));
        assert!(!processor("GenuineIntel", "avx512_bf16 amx_tile"));
        assert!(processor("GenuineIntel", "avx512_bf16 amx_tile amx_bf16 amx_int8"));
        assert!(!multiplies_bf16(""));
    }
}
