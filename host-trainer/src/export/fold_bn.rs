//! Folds each batch norm into the convolution in front of it, and the two-class softmax into one logit.
//!
//! Takes a checkpoint by tensor names, gives plain convolutions by name. Computes in f64 and rounds once, at the end.
//! Does not read files, does not quantise, does not know the width of the networks: it follows from the shapes, and
//! shapes that do not fit each other are an error. Convolution weights have axes `[out, in, row, column]`.

use std::collections::BTreeMap;

use thiserror::Error;

use super::graph::{Layer, Op, Source, layers};
use super::tensors::{Array, TensorMap};
use crate::architecture::Architecture;

/// Added to the variance before the root; the default of the framework that the networks come from.
const EPSILON: f64 = 1e-5;

/// Rows and columns of every convolution.
pub const KERNEL: usize = 3;

/// A convolution with its batch norm folded in.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// Output channels.
    pub outputs: usize,
    /// Input channels.
    pub inputs: usize,
    /// `[outputs][inputs][3][3]`.
    pub weight: Vec<f32>,
    /// One per output channel.
    pub bias: Vec<f32>,
}

/// Both networks with their batch norms folded in.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldedNet {
    /// How the layers are connected.
    pub architecture: Architecture,
    /// Each convolution by the name of its tensors; the head has one output, the logit of "anomalous".
    pub convolutions: BTreeMap<String, Folded>,
}

impl FoldedNet {
    /// The layers in the order of data.
    pub fn layers(&self) -> Vec<Layer> {
        layers(self.architecture)
    }
}

/// Why a checkpoint is not one of these networks.
#[derive(Debug, Error, PartialEq)]
pub enum FoldError {
    /// A tensor is absent.
    #[error("tensor `{name}` is missing from the checkpoint")]
    Missing {
        /// Full name of the tensor.
        name: String,
    },
    /// A tensor's shape does not fit its neighbours.
    #[error("tensor `{name}` has shape {got:?}, expected {expected}")]
    Shape {
        /// Full name of the tensor.
        name: String,
        /// What would fit, in words.
        expected: String,
        /// What is there.
        got: Vec<usize>,
    },
    /// A value is infinite or not a number, or a variance is negative.
    #[error("tensor `{name}` holds {got} at index {index}, expected {expected}")]
    Value {
        /// Full name of the tensor.
        name: String,
        /// Row-major index of the first such value.
        index: usize,
        /// The value.
        got: f32,
        /// What would be right, in words.
        expected: &'static str,
    },
}

/// Folds a whole checkpoint.
///
/// With `k = gamma / sqrt(variance + 1e-5)` per output channel, the weight becomes `w * k` and the bias
/// `(b - mean) * k + beta`. The head's two rows become one, `w1 - w0` and `b1 - b0`, because
/// `softmax(z)[1] = sigmoid(z1 - z0)`.
///
/// # Errors
/// A missing tensor, a shape that does not fit, a value that is not finite, a negative variance.
pub fn fold(tensors: &TensorMap) -> Result<FoldedNet, FoldError> {
    let architecture = Architecture::of_tensors(tensors);
    let list = layers(architecture);
    let mut channels: Vec<usize> = Vec::with_capacity(list.len());
    let mut convolutions = BTreeMap::new();
    for layer in &list {
        let reads = |source: &Source| match source {
            Source::Image => 3,
            Source::Layer(index) => channels[*index],
        };
        let inputs = layer.inputs.iter().map(reads).sum();
        let outputs = match &layer.op {
            Op::MaxPool | Op::Upsample | Op::Concat => inputs,
            Op::ConvNormRelu { .. } | Op::Conv | Op::TwoClassHead => {
                let folded = fold_layer(tensors, layer, inputs)?;
                let outputs = folded.outputs;
                convolutions.insert(layer.name.clone(), folded);
                outputs
            }
        };
        channels.push(outputs);
    }
    Ok(FoldedNet { architecture, convolutions })
}

fn fold_layer(tensors: &TensorMap, layer: &Layer, inputs: usize) -> Result<Folded, FoldError> {
    let weight_name = format!("{}.weight", layer.name);
    let weight = find(tensors, &weight_name)?;
    let outputs = match (&layer.op, weight.shape.as_slice()) {
        (op, &[out, i, KERNEL, KERNEL]) if i == inputs && out > 0 && fits(op, out) => out,
        _ => {
            let out = match layer.op {
                Op::Conv => "3",
                Op::TwoClassHead => "2",
                _ => "outputs",
            };
            return Err(FoldError::Shape {
                name: weight_name,
                expected: format!("[{out}, {inputs}, 3, 3]"),
                got: weight.shape.clone(),
            });
        }
    };
    finite(&weight_name, weight)?;
    let bias = vector(tensors, format!("{}.bias", layer.name), outputs)?;
    let taps = inputs * KERNEL * KERNEL;
    match &layer.op {
        Op::ConvNormRelu { norm } => {
            let norm = Norm::read(tensors, norm, outputs)?;
            let row = |o: usize| {
                let k = norm.factor(o);
                weight.values[o * taps..][..taps].iter().map(move |&w| (f64::from(w) * k) as f32)
            };
            Ok(Folded {
                outputs,
                inputs,
                weight: (0..outputs).flat_map(row).collect(),
                bias: (0..outputs).map(|o| norm.shift(o, f64::from(bias[o])) as f32).collect(),
            })
        }
        Op::TwoClassHead => {
            let (normal, anomalous) = weight.values.split_at(taps);
            Ok(Folded {
                outputs: 1,
                inputs,
                weight: normal.iter().zip(anomalous).map(|(n, a)| a - n).collect(),
                bias: vec![bias[1] - bias[0]],
            })
        }
        _ => Ok(Folded { outputs, inputs, weight: weight.values.clone(), bias: bias.to_vec() }),
    }
}

fn fits(op: &Op, outputs: usize) -> bool {
    match op {
        Op::Conv => outputs == 3,
        Op::TwoClassHead => outputs == 2,
        _ => true,
    }
}

struct Norm<'a> {
    gamma: &'a [f32],
    beta: &'a [f32],
    mean: &'a [f32],
    variance: &'a [f32],
}

impl<'a> Norm<'a> {
    fn read(tensors: &'a TensorMap, name: &str, channels: usize) -> Result<Self, FoldError> {
        let variance_name = format!("{name}.running_var");
        let variance = vector(tensors, variance_name.clone(), channels)?;
        if let Some(index) = variance.iter().position(|&v| v < 0.0) {
            let expected = "a variance of at least 0";
            return Err(FoldError::Value { name: variance_name, index, got: variance[index], expected });
        }
        Ok(Self {
            gamma: vector(tensors, format!("{name}.weight"), channels)?,
            beta: vector(tensors, format!("{name}.bias"), channels)?,
            mean: vector(tensors, format!("{name}.running_mean"), channels)?,
            variance,
        })
    }

    fn factor(&self, channel: usize) -> f64 {
        f64::from(self.gamma[channel]) / (f64::from(self.variance[channel]) + EPSILON).sqrt()
    }

    fn shift(&self, channel: usize, bias: f64) -> f64 {
        (bias - f64::from(self.mean[channel])) * self.factor(channel) + f64::from(self.beta[channel])
    }
}

fn find<'a>(tensors: &'a TensorMap, name: &str) -> Result<&'a Array, FoldError> {
    tensors.get(name).ok_or_else(|| FoldError::Missing { name: name.to_owned() })
}

fn vector(tensors: &TensorMap, name: String, len: usize) -> Result<&[f32], FoldError> {
    let array = find(tensors, &name)?;
    if array.shape != [len] || array.values.len() != len {
        let (expected, got) = (format!("[{len}]"), array.shape.clone());
        return Err(FoldError::Shape { name, expected, got });
    }
    finite(&name, array)?;
    Ok(&array.values)
}

fn finite(name: &str, array: &Array) -> Result<(), FoldError> {
    if array.values.len() != array.shape.iter().product::<usize>() {
        let expected = format!("a shape of {} values in all", array.values.len());
        return Err(FoldError::Shape { name: name.to_owned(), expected, got: array.shape.clone() });
    }
    match array.values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(FoldError::Value {
            name: name.to_owned(),
            index,
            got: array.values[index],
            expected: "a finite number",
        }),
    }
}
