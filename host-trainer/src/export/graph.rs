//! The two networks as a list of layers: what is computed in which order, without any numbers.
//!
//! Takes the architecture; gives the layers that fold, quantise and the ONNX writer walk through. Widths are not stated here:
//! they follow from the shapes of the tensors. Reads no file and computes nothing. Source: the original `model_unet.py`; all convolutions
//! are 3 by 3, stride 1, zero padding 1.

use crate::architecture::{Architecture, BRIDGE_FROM, BRIDGE_TO};

/// Where a layer's input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The picture, three channels in 0..=1.
    Image,
    /// The output of an earlier layer, by its index in the list.
    Layer(usize),
}

/// What a layer does to its inputs. Axes are `[1, channel, row, column]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Convolution named by the layer; the tensor `norm` names its batch norm, which is followed by a ReLU.
    ConvNormRelu {
        /// Name of the batch norm that belongs to the convolution.
        norm: String,
    },
    /// Convolution without batch norm and without activation: the head of the reconstruction.
    Conv,
    /// Convolution to the two logits normal and anomalous, then the softmax's second channel.
    TwoClassHead,
    /// Maximum of 2 by 2, stride 2.
    MaxPool,
    /// Bilinear, twice as wide and high, corners aligned.
    Upsample,
    /// Channels of the first input, then those of the second.
    Concat,
}

/// One layer and what it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// For a convolution the name of its tensors without `.weight` and `.bias`; else a name of the same style.
    pub name: String,
    /// What is computed.
    pub op: Op,
    /// One input, or two for a concatenation.
    pub inputs: Vec<Source>,
}

/// The largest number of times that the input is halved; its sides must be divisible by 2 to this power.
pub const POOLS: u32 = 5;

/// Both networks from the picture to the heatmap; the last layer gives the result.
pub fn layers(architecture: Architecture) -> Vec<Layer> {
    let mut list = List(Vec::new());
    let reconstruction = reconstructive(&mut list, architecture);
    discriminative(&mut list, reconstruction);
    list.0
}

struct List(Vec<Layer>);

impl List {
    fn push(&mut self, name: String, op: Op, inputs: Vec<Source>) -> Source {
        self.0.push(Layer { name, op, inputs });
        Source::Layer(self.0.len() - 1)
    }

    /// One convolution of a sequential block: convolution at `at`, batch norm right after it.
    fn conv(&mut self, block: &str, at: usize, input: Source) -> Source {
        let norm = format!("{block}.{}", at + 1);
        self.push(format!("{block}.{at}"), Op::ConvNormRelu { norm }, vec![input])
    }

    /// Two convolutions, as in every encoder and decoder block.
    fn pair(&mut self, block: &str, input: Source) -> Source {
        let first = self.conv(block, 0, input);
        self.conv(block, 3, first)
    }

    fn pool(&mut self, block: &str, input: Source) -> Source {
        self.push(format!("{block}.pool"), Op::MaxPool, vec![input])
    }

    /// Up-sampling is element 0 of its block, the convolution element 1.
    fn up(&mut self, block: &str, input: Source) -> Source {
        let up = self.push(format!("{block}.0"), Op::Upsample, vec![input]);
        self.conv(block, 1, up)
    }

    fn concat(&mut self, name: &str, first: Source, second: Source) -> Source {
        self.push(name.to_owned(), Op::Concat, vec![first, second])
    }
}

fn reconstructive(list: &mut List, architecture: Architecture) -> Source {
    let mut at = Source::Image;
    let mut bridge = None;
    for block in 1..=4 {
        let name = format!("recon.encoder.block{block}");
        at = list.pair(&name, at);
        if architecture == Architecture::Bridged && block == BRIDGE_FROM {
            bridge = Some(at);
        }
        at = list.pool(&name, at);
    }
    at = list.pair("recon.encoder.block5", at);
    for block in 1..=4 {
        at = list.up(&format!("recon.decoder.up{block}"), at);
        if let Some(from) = bridge.filter(|_| block == BRIDGE_TO) {
            at = list.concat("recon.decoder.bridge", at, from);
        }
        at = list.pair(&format!("recon.decoder.db{block}"), at);
    }
    list.push("recon.decoder.fin_out.0".to_owned(), Op::Conv, vec![at])
}

fn discriminative(list: &mut List, reconstruction: Source) {
    let mut at = list.concat("seg.input", reconstruction, Source::Image);
    let mut skips = Vec::new();
    for block in 1..=5 {
        let name = format!("seg.encoder_segment.block{block}");
        at = list.pair(&name, at);
        skips.push(at);
        at = list.pool(&name, at);
    }
    at = list.pair("seg.encoder_segment.block6", at);
    for (stage, skip) in ["_b", "1", "2", "3", "4"].into_iter().zip(skips.into_iter().rev()) {
        at = list.up(&format!("seg.decoder_segment.up{stage}"), at);
        at = list.concat(&format!("seg.decoder_segment.cat{stage}"), at, skip);
        at = list.pair(&format!("seg.decoder_segment.db{stage}"), at);
    }
    list.push("seg.decoder_segment.fin_out.0".to_owned(), Op::TwoClassHead, vec![at]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(is: impl Fn(&Op) -> bool) -> usize {
        layers(Architecture::Original).iter().filter(|layer| is(&layer.op)).count()
    }

    #[test]
    fn layer_counts_are_those_of_the_original() {
        assert_eq!(count(|op| matches!(op, Op::ConvNormRelu { .. })), 22 + 27);
        assert_eq!(count(|op| matches!(op, Op::Conv | Op::TwoClassHead)), 2);
        assert_eq!(count(|op| *op == Op::MaxPool), 4 + 5);
        assert_eq!(count(|op| *op == Op::Upsample), 4 + 5);
        assert_eq!(count(|op| *op == Op::Concat), 6);
    }

    #[test]
    fn names_are_unique_and_every_input_stands_before_its_reader() {
        for all in [Architecture::Original, Architecture::Bridged].map(layers) {
            let names: std::collections::BTreeSet<_> = all.iter().map(|layer| &layer.name).collect();
            assert_eq!(names.len(), all.len());
            for (index, layer) in all.iter().enumerate() {
                for input in &layer.inputs {
                    assert!(!matches!(input, Source::Layer(before) if *before >= index), "{}", layer.name);
                }
            }
        }
    }

    #[test]
    fn a_bridge_is_one_concatenation_of_values_of_one_size() {
        let (original, bridged) = (layers(Architecture::Original), layers(Architecture::Bridged));
        assert_eq!(bridged.len(), original.len() + 1);
        let bridge = bridged.iter().find(|layer| layer.name == "recon.decoder.bridge").unwrap();
        let read: Vec<&str> = bridge
            .inputs
            .iter()
            .map(|source| match source {
                Source::Image => "",
                Source::Layer(index) => &bridged[*index].name,
            })
            .collect();
        assert_eq!((&bridge.op, &read[..]), (&Op::Concat, &["recon.decoder.up2.1", "recon.encoder.block3.3"][..]));
    }
}
