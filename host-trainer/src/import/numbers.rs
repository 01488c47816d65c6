//! Little-endian bytes of any float type to 32-bit floats.

/// A type of floating-point number in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatType {
    /// IEEE half precision.
    F16,
    /// The upper half of a 32-bit float.
    Bf16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision; rounded to single.
    F64,
}

impl FloatType {
    /// Bytes of one number.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The number that `bytes` begin with; `None` if there are too few.
    pub fn read(self, bytes: &[u8]) -> Option<f32> {
        Some(match self {
            Self::F16 => half(u16::from_le_bytes(*bytes.first_chunk()?)),
            Self::Bf16 => f32::from_bits(u32::from(u16::from_le_bytes(*bytes.first_chunk()?)) << 16),
            Self::F32 => f32::from_le_bytes(*bytes.first_chunk()?),
            Self::F64 => f64::from_le_bytes(*bytes.first_chunk()?) as f32,
        })
    }
}

/// IEEE 754 half precision: sign, five bits of exponent with bias 15, ten of fraction.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 5.960_464_5e-8), (0x3555, 0.333_251_95)]
        {
            assert_eq!(half(bits), value, "{bits:#x}");
        }
        assert_eq!(FloatType::Bf16.read(&[0x80, 0x3f]), Some(1.0));
        assert_eq!(FloatType::F64.read(&0.5f64.to_le_bytes()), Some(0.5));
        assert_eq!(FloatType::F32.read(&[0; 3]), None);
    }
}
