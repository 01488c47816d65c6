//! Channels of one value brought to one size, so that one scale suits them all.
//!
//! A ReLU gives twice as much for twice as much, and pooling, up-sampling and concatenation keep that: a channel may be multiplied by
//! any positive number if whoever reads it multiplies its weights by the inverse (Nagel et al. 2019, "Data-free quantization through
//! weight equalization and bias correction", section 4.1). Here by powers of two, which change no bit of the float network's
//! heatmap. Takes and gives folded networks; computes no scale of bytes.

use super::sharing::{Group, groups};
use crate::export::fold_bn::{Folded, FoldedNet, KERNEL};
use crate::export::graph::{Layer, Op, Source};

/// How far channels are brought together: 0 leaves them, 1 makes their largest values alike to within a factor
/// of 2, but for those that would be enlarged beyond the limit.
pub const STRENGTHS: [f32; 4] = [0.0, 0.5, 0.75, 1.0];

/// The most that a channel is enlarged by, as a power of two: one that is nearly always 0 would drown in its own noise.
const MOST: f32 = 6.0;

/// The same network with other sizes of its inner values. `largest` holds for each layer the largest value of each channel, or
/// nothing where it was not observed.
pub fn equalise(net: &FoldedNet, layers: &[Layer], largest: &[Vec<f32>], strength: f32) -> FoldedNet {
    let (group_of, groups) = groups(layers);
    let group_largest = |at: usize| match &groups[group_of[at]] {
        Group::Observed(members) => members.iter().flat_map(|&member| &largest[member]).fold(0.0f32, |m, &v| m.max(v)),
        Group::Picture | Group::Float => 0.0,
    };
    // What each channel of each layer's value is divided by.
    let mut divisors: Vec<Vec<f32>> = Vec::with_capacity(layers.len());
    let mut equalised = net.clone();
    for (at, layer) in layers.iter().enumerate() {
        let read = layer.inputs.iter().flat_map(|source| match source {
            Source::Image => vec![1.0; 3],
            Source::Layer(index) => divisors[*index].clone(),
        });
        let read: Vec<f32> = read.collect();
        let Some(conv) = equalised.convolutions.get_mut(&layer.name) else {
            divisors.push(read);
            continue;
        };
        let written: Vec<f32> = match &layer.op {
            Op::ConvNormRelu { .. } => {
                let whole = group_largest(at);
                largest[at].iter().map(|&channel| divisor(channel, whole, strength)).collect()
            }
            _ => vec![1.0; conv.outputs],
        };
        rescale(conv, &read, &written);
        divisors.push(written);
    }
    equalised
}

/// A power of two of at most 1.
fn divisor(channel: f32, whole: f32, strength: f32) -> f32 {
    if channel > 0.0 && whole > 0.0 {
        ((channel / whole).log2() * strength).round().clamp(-MOST, 0.0).exp2()
    } else {
        1.0
    }
}

fn rescale(conv: &mut Folded, read: &[f32], written: &[f32]) {
    let taps = KERNEL * KERNEL;
    for (output, weights) in conv.weight.chunks_exact_mut(conv.inputs * taps).enumerate() {
        for (weights, factor) in weights.chunks_exact_mut(taps).zip(read) {
            weights.iter_mut().for_each(|weight| *weight *= factor / written[output]);
        }
        conv.bias[output] /= written[output];
    }
}

#[cfg(test)]
mod tests {
    use super::divisor;

    #[test]
    fn small_channels_are_enlarged_up_to_a_limit() {
        assert_eq!(
            [8.0, 4.0, 1.0, 0.01, 0.0].map(|channel| divisor(channel, 8.0, 1.0)),
            [1.0, 0.5, 0.125, 1.0 / 64.0, 1.0]
        );
        assert_eq!([8.0, 2.0, 0.5].map(|channel| divisor(channel, 8.0, 0.5)), [1.0, 0.5, 0.25]);
        assert_eq!(divisor(1.0, 8.0, 0.0), 1.0);
    }
}
