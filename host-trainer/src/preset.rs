//! The sizes of the two networks, and the names and shapes of the tensors that follow from them.
//!
//! Takes the two base widths (channels of the first block); gives every tensor of a checkpoint with its shape, from the
//! layer tables of the original code (`model_unet.py`). Knows no torch: training, import and export agree through it.
//! Convolution weights have axes `[out, in, row, column]`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Rows and columns of every convolution kernel.
const KERNEL: usize = 3;

/// Both sides of the input are multiples of this: the discriminative network halves its input five times.
pub const SIDE_MULTIPLE: usize = 32;

/// The largest base width that is read or trained: four times the original's, so that a hostile file or a typing error
/// cannot ask for more memory than any machine has.
pub const MAX_WIDTH: usize = 512;

/// Channels of the first block of each network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widths {
    /// Reconstructive network, 1..=512.
    pub recon: usize,
    /// Discriminative network, 1..=512.
    pub seg: usize,
}

/// A named pair of widths.
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

    /// Its base widths.
    pub const fn widths(self) -> Widths {
        match self {
            Self::Nano => Widths { recon: 8, seg: 8 },
            Self::Small => Widths { recon: 16, seg: 16 },
            Self::Medium => Widths { recon: 32, seg: 16 },
            Self::Paper => Widths { recon: 128, seg: 64 },
        }
    }

    /// Optimisation steps where nobody says how many: for pictures of 128 by 128 on two cores of a server a quarter of
    /// an hour with small, somewhat less with nano, and much longer with the larger ones, which are for GPUs.
    pub const fn usual_steps(self) -> u64 {
        match self {
            Self::Nano => 3500,
            Self::Small | Self::Medium | Self::Paper => 2200,
        }
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

/// Blocks of two convolutions: name, input, middle and output channels. The encoder's and the bottleneck's multiples are
/// of the base width; an input of 0 stands for the network's own input.
type Blocks = [(&'static str, usize, usize, usize)];

const RECON_BLOCKS: &Blocks = &[
    ("encoder.block1", 0, 1, 1),
    ("encoder.block2", 1, 2, 2),
    ("encoder.block3", 2, 4, 4),
    ("encoder.block4", 4, 8, 8),
    ("encoder.block5", 8, 8, 8),
    ("decoder.db1", 8, 8, 4),
    ("decoder.db2", 4, 4, 2),
    ("decoder.db3", 2, 2, 1),
    ("decoder.db4", 1, 1, 1),
];

const SEG_BLOCKS: &Blocks = &[
    ("encoder_segment.block1", 0, 1, 1),
    ("encoder_segment.block2", 1, 2, 2),
    ("encoder_segment.block3", 2, 4, 4),
    ("encoder_segment.block4", 4, 8, 8),
    ("encoder_segment.block5", 8, 8, 8),
    ("encoder_segment.block6", 8, 8, 8),
    ("decoder_segment.db_b", 16, 8, 8),
    ("decoder_segment.db1", 12, 4, 4),
    ("decoder_segment.db2", 6, 2, 2),
    ("decoder_segment.db3", 3, 1, 1),
    ("decoder_segment.db4", 2, 1, 1),
];

/// The convolution behind each up-sampling: name, input and output channels in multiples of the base width.
type Ups = [(&'static str, usize, usize)];

const RECON_UPS: &Ups = &[("decoder.up1", 8, 8), ("decoder.up2", 4, 4), ("decoder.up3", 2, 2), ("decoder.up4", 1, 1)];

const SEG_UPS: &Ups = &[
    ("decoder_segment.up_b", 8, 8),
    ("decoder_segment.up1", 8, 4),
    ("decoder_segment.up2", 4, 2),
    ("decoder_segment.up3", 2, 1),
    ("decoder_segment.up4", 1, 1),
];

impl Widths {
    /// Name and shape of every tensor of a checkpoint of these widths, in the order of names.
    pub fn tensor_shapes(self) -> BTreeMap<String, Vec<usize>> {
        let mut shapes = BTreeMap::new();
        network(&mut shapes, "recon.", self.recon, 3, RECON_BLOCKS, RECON_UPS);
        convolution(&mut shapes, "recon.decoder.fin_out.0", self.recon, 3);
        network(&mut shapes, "seg.", self.seg, 6, SEG_BLOCKS, SEG_UPS);
        convolution(&mut shapes, "seg.decoder_segment.fin_out.0", self.seg, 2);
        shapes
    }

    /// Whether both lie in 1..=512.
    pub fn in_range(self) -> bool {
        (1..=MAX_WIDTH).contains(&self.recon) && (1..=MAX_WIDTH).contains(&self.seg)
    }
}

impl fmt::Display for Widths {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "({}, {})", self.recon, self.seg)
    }
}

fn network(
    shapes: &mut BTreeMap<String, Vec<usize>>,
    prefix: &str,
    width: usize,
    image_channels: usize,
    blocks: &Blocks,
    ups: &Ups,
) {
    for &(name, input, middle, output) in blocks {
        let input = if input == 0 { image_channels } else { input * width };
        convolution(shapes, &format!("{prefix}{name}.0"), input, middle * width);
        batch_norm(shapes, &format!("{prefix}{name}.1"), middle * width);
        convolution(shapes, &format!("{prefix}{name}.3"), middle * width, output * width);
        batch_norm(shapes, &format!("{prefix}{name}.4"), output * width);
    }
    for &(name, input, output) in ups {
        convolution(shapes, &format!("{prefix}{name}.1"), input * width, output * width);
        batch_norm(shapes, &format!("{prefix}{name}.2"), output * width);
    }
}

fn convolution(shapes: &mut BTreeMap<String, Vec<usize>>, name: &str, input: usize, output: usize) {
    shapes.insert(format!("{name}.weight"), vec![output, input, KERNEL, KERNEL]);
    shapes.insert(format!("{name}.bias"), vec![output]);
}

fn batch_norm(shapes: &mut BTreeMap<String, Vec<usize>>, name: &str, channels: usize) {
    for part in ["weight", "bias", "running_mean", "running_var"] {
        shapes.insert(format!("{name}.{part}"), vec![channels]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameters that training moves: everything but the running statistics.
    fn parameters(widths: Widths) -> usize {
        let shapes = widths.tensor_shapes();
        let trained = shapes.iter().filter(|(name, _)| !name.contains(".running_"));
        trained.map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }

    #[test]
    fn parameter_counts_are_those_of_the_original() {
        assert_eq!(parameters(Preset::Paper.widths()), 69_048_579 + 28_374_146);
        assert_eq!(parameters(Widths { recon: 4, seg: 4 }), 180_965);
    }

    #[test]
    fn names_read_back() {
        for preset in Preset::ALL {
            assert_eq!(preset.name().parse(), Ok(preset));
        }
        let error = "huge".parse::<Preset>().unwrap_err().to_string();
        assert_eq!(error, "preset 'huge' does not exist; use nano, small, medium or paper");
    }
}
