//! A checkpoint that nobody trained: the right names and shapes, seeded values.
//!
//! Lets export, bundle and station be tried and tested without training and without torch. The values keep the
//! activations of every layer in a usable range, but the heatmap means nothing.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fold_bn::KERNEL;
use super::graph::{Layer, Op, Source, layers};
use super::tensors::{Array, TensorMap};
use crate::architecture::Networks;

/// Weights for these networks (base widths at least 1); the same seed gives the same values.
pub fn untrained(networks: Networks, seed: u64) -> TensorMap {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut tensors = TensorMap::new();
    let list = layers(networks.architecture);
    let mut channels: Vec<usize> = Vec::with_capacity(list.len());
    for layer in &list {
        let reads = |source: &Source| match source {
            Source::Image => 3,
            Source::Layer(index) => channels[*index],
        };
        let inputs: usize = layer.inputs.iter().map(reads).sum();
        let base = if layer.name.starts_with("recon.") { networks.recon } else { networks.seg };
        channels.push(match layer.op {
            Op::MaxPool | Op::Upsample | Op::Concat => inputs,
            _ => {
                let outputs = outputs(layer, base);
                convolution(&mut tensors, &mut chance, layer, inputs, outputs);
                outputs
            }
        });
    }
    tensors
}

/// Output channels of a convolution: a multiple of the base width by block, or what the head needs.
fn outputs(layer: &Layer, base: usize) -> usize {
    let block = layer.name.split('.').nth(2).unwrap_or_default();
    let last = layer.name.ends_with(".3");
    base * match (layer.op.clone(), layer.name.starts_with("recon."), block) {
        (Op::Conv, ..) => return 3,
        (Op::TwoClassHead, ..) => return 2,
        (_, _, "block1") => 1,
        (_, _, "block2") => 2,
        (_, _, "block3") => 4,
        (_, _, "block4" | "block5" | "block6") => 8,
        (_, true, "up1") => 8,
        (_, true, "db1") => {
            if last {
                4
            } else {
                8
            }
        }
        (_, true, "up2") => 4,
        (_, true, "db2") => {
            if last {
                2
            } else {
                4
            }
        }
        (_, true, "up3") => 2,
        (_, true, "db3") => {
            if last {
                1
            } else {
                2
            }
        }
        (_, false, "up_b" | "db_b") => 8,
        (_, false, "up1" | "db1") => 4,
        (_, false, "up2" | "db2") => 2,
        _ => 1,
    }
}

fn convolution(tensors: &mut TensorMap, chance: &mut ChaCha8Rng, layer: &Layer, inputs: usize, outputs: usize) {
    let taps = inputs * KERNEL * KERNEL;
    let bound = (6.0 / taps as f32).sqrt();
    let mut put = |name: String, shape: Vec<usize>, from: f32, to: f32| {
        let len = shape.iter().product();
        let values = (0..len).map(|_| chance.random_range(from..to)).collect();
        tensors.insert(name, Array { shape, values });
    };
    put(format!("{}.weight", layer.name), vec![outputs, inputs, KERNEL, KERNEL], -bound, bound);
    put(format!("{}.bias", layer.name), vec![outputs], -0.1, 0.1);
    if let Op::ConvNormRelu { norm } = &layer.op {
        put(format!("{norm}.weight"), vec![outputs], 0.8, 1.2);
        put(format!("{norm}.bias"), vec![outputs], -0.2, 0.2);
        put(format!("{norm}.running_mean"), vec![outputs], -0.2, 0.2);
        put(format!("{norm}.running_var"), vec![outputs], 0.5, 1.5);
    }
}
