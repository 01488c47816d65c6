//! Where, and in which arithmetic, the networks are trained: what a person asks for.
//!
//! Takes the words of the command line; gives a choice. Whether the machine can do it is found out in `train`, so that
//! the words read the same without torch.

use std::fmt;
use std::str::FromStr;

/// The processor that training runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first CUDA device, or the CPU where there is none.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device with this number, counted from 0.
    Cuda(usize),
}

/// The arithmetic of the activations in training. Weights, losses and exported networks are 32-bit floats in each case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrecisionChoice {
    /// bfloat16 on a GPU and where the processor is known to multiply it faster, else 32-bit floats.
    #[default]
    Auto,
    /// 32-bit floats.
    F32,
    /// bfloat16 activations: 8 bits of mantissa at half the memory traffic.
    Bf16,
}

/// A word that names no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("device '{got}' is not known; use auto, cpu, or cuda:N with N from 0")]
pub struct UnknownDevice {
    /// What was asked for.
    pub got: String,
}

/// A word that names no precision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("precision '{got}' is not known; use auto, f32 or bf16")]
pub struct UnknownPrecision {
    /// What was asked for.
    pub got: String,
}

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let number =
                    text.strip_prefix("cuda:").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
                let number = number.and_then(|digits| digits.parse::<u8>().ok());
                number
                    .map(|number| Self::Cuda(usize::from(number)))
                    .ok_or_else(|| UnknownDevice { got: text.to_owned() })
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => out.write_str("auto"),
            Self::Cpu => out.write_str("cpu"),
            Self::Cuda(number) => write!(out, "cuda:{number}"),
        }
    }
}

impl FromStr for PrecisionChoice {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, UnknownPrecision> {
        match text {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            _ => Err(UnknownPrecision { got: text.to_owned() }),
        }
    }
}

impl fmt::Display for PrecisionChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_choices_and_back() {
        for (text, choice) in [
            ("auto", DeviceChoice::Auto),
            ("cpu", DeviceChoice::Cpu),
            ("cuda:0", DeviceChoice::Cuda(0)),
            ("cuda:7", DeviceChoice::Cuda(7)),
        ] {
            assert_eq!(text.parse(), Ok(choice));
            assert_eq!(choice.to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for choice in [PrecisionChoice::Auto, PrecisionChoice::F32, PrecisionChoice::Bf16] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
    }

    #[test]
    fn other_words_are_refused_by_name() {
        for text in ["", "gpu", "cuda:", "cuda:-1", "cuda:+1", "cuda:999", "CPU"] {
            let error = text.parse::<DeviceChoice>().unwrap_err();
            assert_eq!(error.got, text);
        }
        assert!("fp16".parse::<PrecisionChoice>().unwrap_err().to_string().contains("fp16"));
    }
}
