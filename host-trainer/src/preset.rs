//! Named sizes of the two networks, and how long each is trained.

use std::fmt;
use std::str::FromStr;

use crate::architecture::{Architecture, Networks};

/// Optimisation steps where nobody says how many: for pictures of 128 by 128 on two cores of a server a quarter of an hour to twenty-five
/// minutes with small, somewhat less with nano, and much longer with the larger ones, which are for GPUs.
pub const USUAL_STEPS: u64 = 3500;

/// A named pair of base widths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// (8, 8): 0.72 million parameters.
    Nano,
    /// (16, 16): 2.86 million parameters.
    #[default]
    Small,
    /// (32, 16): 6.10 million parameters.
    Medium,
    /// (128, 64): 97.4 million parameters, the size of the original paper.
    Paper,
}

/// Someone asked for a preset that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("preset '{got}' does not exist; use nano, small, medium or paper")]
pub struct UnknownPreset {
    /// What was asked for.
    pub got: String,
}

impl Preset {
    /// Every preset, from small to large.
    pub const ALL: [Self; 4] = [Self::Nano, Self::Small, Self::Medium, Self::Paper];

    /// Networks of its base widths.
    pub const fn networks(self, architecture: Architecture) -> Networks {
        let (recon, seg) = match self {
            Self::Nano => (8, 8),
            Self::Small => (16, 16),
            Self::Medium => (32, 16),
            Self::Paper => (128, 64),
        };
        Networks { recon, seg, architecture }
    }

    /// The word that names it on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nano => "nano",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Paper => "paper",
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(text: &str) -> Result<Self, UnknownPreset> {
        Self::ALL.into_iter().find(|preset| preset.name() == text).ok_or_else(|| UnknownPreset { got: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for preset in Preset::ALL {
            assert_eq!(preset.name().parse(), Ok(preset));
        }
        let error = "huge".parse::<Preset>().unwrap_err().to_string();
        assert_eq!(error, "preset 'huge' does not exist; use nano, small, medium or paper");
    }
}
