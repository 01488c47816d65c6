//! How the layers of the two networks are connected, how wide they are, and the names and shapes of the tensors that follow.
//!
//! Takes the two base widths (channels of the first block) and the architecture; gives every tensor of a checkpoint with its
//! shape, from the layer tables of the original code (`model_unet.py`). Knows no torch: training, import and export agree
//! through it. Convolution weights have axes `[out, in, row, column]`.

use std::collections::BTreeMap;
use std::fmt;

use crate::export::TensorMap;

/// Rows and columns of every convolution kernel.
const KERNEL: usize = 3;

/// Both sides of the input are multiples of this: the discriminative network halves its input five times.
pub const SIDE_MULTIPLE: usize = 32;

/// The largest base width that is read or trained: four times the original's, so that a hostile file or a typing error
/// cannot ask for more memory than any machine has.
pub const MAX_WIDTH: usize = 512;

/// How the layers are connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Architecture {
    /// As in the paper: everything that the reconstruction knows of a picture passes its bottleneck, a sixteenth of the
    /// picture's sides.
    #[default]
    Original,
    /// With one bridge: the reconstruction's second decoder block also reads what the encoder's third block gives, at a quarter
    /// of the picture's sides. For patterns, whose period is smaller than the places of the bottleneck.
    Bridged,
}

impl Architecture {
    /// The architecture that these tensors belong to, by the shape of the convolution at which a bridge ends; the original if
    /// there is none.
    pub fn of_tensors(tensors: &TensorMap) -> Self {
        match tensors.get(&format!("{BRIDGED}.weight")).map_or(&[][..], |array| &array.shape) {
            [middle, inputs, ..] if *inputs == 2 * middle => Self::Bridged,
            _ => Self::Original,
        }
    }

    /// The word that names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Bridged => "bridged",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Both networks: channels of the first block of each, and how their layers are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Networks {
    /// Base width of the reconstructive network, 1..=512.
    pub recon: usize,
    /// Base width of the discriminative network, 1..=512.
    pub seg: usize,
    /// How the layers are connected.
    pub architecture: Architecture,
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

/// The block of the reconstruction's encoder from which a bridge leads, counted from 1.
pub const BRIDGE_FROM: usize = 3;
/// The block of its decoder to which it leads, counted from 1.
pub const BRIDGE_TO: usize = 2;
/// The convolution at which a bridge ends.
const BRIDGED: &str = "recon.decoder.db2.0";
/// Its input and output channels then, in multiples of the base width: half of the input comes over the bridge.
const BRIDGED_CHANNELS: (usize, usize) = (8, 4);

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

impl Networks {
    /// Networks of these base widths as in the paper.
    pub const fn original(recon: usize, seg: usize) -> Self {
        Self { recon, seg, architecture: Architecture::Original }
    }

    /// The same base widths with the reconstruction's bridge.
    pub const fn bridged(recon: usize, seg: usize) -> Self {
        Self { recon, seg, architecture: Architecture::Bridged }
    }

    /// Name and shape of every tensor of a checkpoint of these networks, in the order of names.
    pub fn tensor_shapes(self) -> BTreeMap<String, Vec<usize>> {
        let mut shapes = BTreeMap::new();
        network(&mut shapes, "recon.", self.recon, 3, RECON_BLOCKS, RECON_UPS);
        if self.architecture == Architecture::Bridged {
            let (inputs, middle) = BRIDGED_CHANNELS;
            convolution(&mut shapes, BRIDGED, inputs * self.recon, middle * self.recon);
        }
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

impl fmt::Display for Networks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({}, {})", self.architecture, self.recon, self.seg)
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
    fn parameters(networks: Networks) -> usize {
        let shapes = networks.tensor_shapes();
        let trained = shapes.iter().filter(|(name, _)| !name.contains(".running_"));
        trained.map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }

    #[test]
    fn parameter_counts_are_those_of_the_original() {
        assert_eq!(parameters(Networks::original(128, 64)), 69_048_579 + 28_374_146);
        assert_eq!(parameters(Networks::original(4, 4)), 180_965);
    }

    #[test]
    fn a_bridge_widens_one_convolution_and_changes_nothing_else() {
        let (original, bridged) = (Networks::original(4, 3).tensor_shapes(), Networks::bridged(4, 3).tensor_shapes());
        let differing: Vec<&String> =
            original.iter().filter(|(name, shape)| bridged[*name] != **shape).map(|(name, _)| name).collect();
        assert_eq!(differing, ["recon.decoder.db2.0.weight"]);
        assert_eq!(original.len(), bridged.len());
        assert_eq!((&original[differing[0]], &bridged[differing[0]]), (&vec![16, 16, 3, 3], &vec![16, 32, 3, 3]));
    }
}
