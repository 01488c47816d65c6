//! Which parts of a QDQ graph are layers of bytes.
//!
//! Takes an accepted ONNX model; gives the layers whose inputs and output are bytes: a convolution with the rounding before and
//! behind it, a pooling, an up-sampling, a concatenation, and the last convolution with its logistic curve. Whatever is not exactly
//! of these forms, or reads what is not, is named as unknown and stays what it was. Computes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use edge_kernels::conv::KERNEL;
use edge_kernels::resize::Arithmetic;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};

use crate::graph::{Graph, Word, says, says_only};

/// Bytes that stand for numbers: `(byte - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coding {
    /// Of one step.
    pub scale: f32,
    /// The byte that stands for 0.
    pub zero: u8,
}

/// The bytes of the camera go in as they are.
const PICTURE: Coding = Coding { scale: 1.0 / 255.0, zero: 0 };

/// A value in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Name of the bytes in the graph.
    pub name: String,
    /// Its channels.
    pub channels: usize,
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// What its bytes stand for.
    pub coding: Coding,
}

/// What a layer computes.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A convolution, 3 by 3.
    Conv {
        /// `[output][input][row][column]`.
        weights: Vec<i8>,
        /// One for each output.
        bias: Vec<i32>,
        /// One for each output: what the sum of products is multiplied with.
        scales: Vec<f32>,
        /// Whether values below 0 become 0.
        rectified: bool,
    },
    /// The largest of each 2 by 2.
    Pool,
    /// Bilinear, to twice the size, corners aligned.
    Upsample,
    /// The channels of one value behind those of the other.
    Concat,
}

/// A layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Name of its first node.
    pub name: String,
    /// What it computes.
    pub kind: Kind,
    /// Its values, by their places in the list of values.
    pub inputs: Vec<usize>,
    /// Its value, or the heatmap.
    pub output: Option<usize>,
}

/// What there is in a graph.
#[derive(Debug, Default)]
pub struct Recognised {
    /// Width and height of the picture.
    pub size: (usize, usize),
    /// Whether values between others are computed as onnxruntime does.
    pub as_onnxruntime: bool,
    /// All values in bytes; the first is the picture as the camera gives it.
    pub values: Vec<Value>,
    /// All layers, in an order in which they can be computed.
    pub layers: Vec<Layer>,
    /// Values that unknown nodes read, in ascending order, each with the names of its floats in the graph.
    pub read_elsewhere: BTreeMap<usize, BTreeSet<String>>,
    /// Nodes that are in no layer.
    pub unknown: Vec<String>,
}

impl Recognised {
    /// Whether there is nothing else in the graph, so that no other runtime is needed.
    pub fn is_whole(&self) -> bool {
        self.unknown.is_empty() && self.layers.last().is_some_and(|layer| layer.output.is_none())
    }

    /// How a value is up-sampled.
    pub fn arithmetic(&self, value: usize) -> Arithmetic {
        let Coding { scale, zero } = self.values[value].coding;
        if self.as_onnxruntime { Arithmetic::Values { scale, zero } } else { Arithmetic::Bytes }
    }
}

/// The newest `model_version` of an ONNX file that is known; files that name none are of version 0. Version 1 is up-sampled
/// as onnxruntime does, see [`Arithmetic`].
pub const MODEL_VERSION: i64 = 1;

/// Looks for layers in a model that takes a picture of `width` by `height` pixels.
pub fn recognise(model: &ModelProto, width: usize, height: usize) -> Recognised {
    let nothing = GraphProto::default();
    let as_onnxruntime = model.model_version >= 1;
    let mut search = Search {
        graph: Graph::new(model.graph.as_ref().unwrap_or(&nothing)),
        found: Recognised { size: (width, height), as_onnxruntime, ..Recognised::default() },
        bytes: HashMap::new(),
        used: HashSet::new(),
        head: None,
    };
    for (at, node) in search.graph.nodes().iter().enumerate() {
        match node.op_type.as_str() {
            "QuantizeLinear" => search.value(at, node, (width, height)),
            "Sigmoid" => search.head(at, node),
            _ => None,
        };
    }
    search.finish()
}

/// What has been looked at so far.
struct Search<'a> {
    graph: Graph<'a>,
    found: Recognised,
    /// Values by the names of their bytes.
    bytes: HashMap<&'a str, usize>,
    /// Nodes that are part of a layer, or stand between two.
    used: HashSet<usize>,
    /// Nodes of the last layer, of those.
    head: Option<Vec<usize>>,
}

impl<'a> Search<'a> {
    /// A value, by the node that rounds it. `None` for what no layer can read.
    fn value(&mut self, at: usize, node: &'a NodeProto, size: (usize, usize)) -> Option<()> {
        let [float, ..] = node.input.as_slice() else { return None };
        let coding = self.coding(node)?;
        let name = node.output.first()?;
        let mut nodes = vec![at];
        let value = if *float == self.graph.input() {
            let plain = self.found.values.is_empty() && coding == PICTURE;
            plain.then(|| Value { name: name.clone(), channels: 3, width: size.0, height: size.1, coding })?
        } else {
            let (layer, like) = self.layer(float, coding, &mut nodes)?;
            self.found.layers.push(Layer { output: Some(self.found.values.len()), ..layer });
            Value { name: name.clone(), coding, ..like }
        };
        self.bytes.insert(name, self.found.values.len());
        self.found.values.push(value);
        self.used.extend(nodes);
        Some(())
    }

    /// The layer that makes `float`, and a value of the shape of what it makes.
    fn layer(&self, float: &str, coding: Coding, nodes: &mut Vec<usize>) -> Option<(Layer, Value)> {
        let made = self.graph.maker(float)?;
        let node = &self.graph.nodes()[made];
        if !self.graph.read_once(float) {
            return None;
        }
        nodes.push(made);
        let layer = |kind, inputs| Layer { name: node.name.clone(), kind, inputs, output: None };
        let same = |input: usize| self.found.values[input].coding == coding;
        match node.op_type.as_str() {
            "Relu" => {
                let (conv, node) = self.graph.made_by(node.input.first()?, "Conv")?;
                nodes.push(conv);
                self.graph.read_once(node.output.first()?).then(|| self.conv(node, Some(coding), true, nodes))?
            }
            "Conv" => self.conv(node, Some(coding), false, nodes),
            "MaxPool" => {
                let input = self.input(node, 0, nodes)?;
                let value = &self.found.values[input];
                let two: &[i64] = &[2, 2];
                let plain = says_only(node, &[("kernel_shape", &[Word::Ints(two)]), ("strides", &[Word::Ints(two)])]);
                let even = value.width.is_multiple_of(2) && value.height.is_multiple_of(2);
                let like = Value { width: value.width / 2, height: value.height / 2, ..value.clone() };
                (plain && says(node, "strides") && even && same(input)).then(|| (layer(Kind::Pool, vec![input]), like))
            }
            "Resize" => {
                let input = self.input(node, 0, nodes)?;
                let value = &self.found.values[input];
                let words: &[(&str, &[Word<'_>])] = &[
                    ("coordinate_transformation_mode", &[Word::Text("align_corners")]),
                    ("mode", &[Word::Text("linear")]),
                ];
                let plain = says_only(node, words) && words.iter().all(|(name, _)| says(node, name));
                let twice = self.graph.floats(node.input.get(2)?)? == [1.0, 1.0, 2.0, 2.0];
                let like = Value { width: value.width * 2, height: value.height * 2, ..value.clone() };
                (plain && twice && same(input)).then(|| (layer(Kind::Upsample, vec![input]), like))
            }
            "Concat" => {
                let inputs: Vec<usize> = (0..2).map(|at| self.input(node, at, nodes)).collect::<Option<_>>()?;
                let [first, second] = [0, 1].map(|at| &self.found.values[inputs[at]]);
                let plain =
                    node.input.len() == 2 && says_only(node, &[("axis", &[Word::Int(1)])]) && says(node, "axis");
                let fit = (first.width, first.height) == (second.width, second.height);
                let like = Value { channels: first.channels + second.channels, ..first.clone() };
                let alike = inputs.iter().all(|&input| same(input)) && inputs[0] != inputs[1];
                (plain && fit && alike).then(|| (layer(Kind::Concat, inputs), like))
            }
            _ => None,
        }
    }

    /// A convolution of bytes, rounded to `output`'s steps or left as a float.
    fn conv(
        &self,
        node: &NodeProto,
        output: Option<Coding>,
        rectified: bool,
        nodes: &mut Vec<usize>,
    ) -> Option<(Layer, Value)> {
        let input = self.input(node, 0, nodes)?;
        let value = &self.found.values[input];
        let (three, ones): (&[i64], &[i64]) = (&[3, 3], &[1; 4]);
        let words: &[(&str, &[Word<'_>])] = &[
            ("kernel_shape", &[Word::Ints(three)]),
            ("pads", &[Word::Ints(ones)]),
            ("strides", &[Word::Ints(&ones[..2])]),
            ("dilations", &[Word::Ints(&ones[..2])]),
            ("group", &[Word::Int(1)]),
        ];
        let (weights, shape, weight_scales) = self.weights(node.input.get(1)?, nodes)?;
        let (bias, bias_scales) = self.bias(node.input.get(2)?, nodes)?;
        let outputs = bias.len();
        let kernel = KERNEL as i64;
        let products: Vec<f32> = weight_scales.iter().map(|scale| scale * value.coding.scale).collect();
        let fits = shape == [outputs as i64, value.channels as i64, kernel, kernel] && products == bias_scales;
        if node.input.len() != 3 || !fits || !says_only(node, words) || !says(node, "pads") {
            return None;
        }
        let divisor = output.map_or(1.0, |coding| f64::from(coding.scale));
        let scales = products.iter().map(|&scale| (f64::from(scale) / divisor) as f32).collect();
        let kind = Kind::Conv { weights, bias, scales, rectified };
        let layer = Layer { name: node.name.clone(), kind, inputs: vec![input], output: None };
        Some((layer, Value { channels: outputs, ..value.clone() }))
    }

    /// The last convolution, whose logits become the heatmap.
    fn head(&mut self, at: usize, node: &'a NodeProto) -> Option<()> {
        let logits = node.input.first()?;
        let (conv, conv_node) = self.graph.made_by(logits, "Conv")?;
        let mut nodes = vec![at, conv];
        let ends = node.output.first()? == self.graph.output() && node.attribute.is_empty();
        let (layer, value) = self.conv(conv_node, None, false, &mut nodes)?;
        if !ends || !self.graph.read_once(logits) || value.channels != 1 {
            return None;
        }
        self.found.layers.push(layer);
        // Those in front of it belong to it alone, or are in use already.
        nodes.retain(|&at| self.used.insert(at));
        self.head = Some(nodes);
        Some(())
    }

    /// The value in bytes behind a node's input, read with the coding that it was written with.
    fn input(&self, node: &NodeProto, index: usize, nodes: &mut Vec<usize>) -> Option<usize> {
        let (at, read) = self.graph.made_by(node.input.get(index)?, "DequantizeLinear")?;
        let value = *self.bytes.get(read.input.first()?.as_str())?;
        nodes.push(at);
        (self.coding(read)? == self.found.values[value].coding).then_some(value)
    }

    fn coding(&self, node: &NodeProto) -> Option<Coding> {
        let [_, scale, zero] = node.input.as_slice() else { return None };
        match (self.graph.floats(scale)?.as_slice(), self.graph.uint8s(zero)?) {
            (&[scale], &[zero]) if node.attribute.is_empty() => Some(Coding { scale, zero }),
            _ => None,
        }
    }

    /// Stored weights: values, shape, one scale for each output.
    fn weights(&self, name: &str, nodes: &mut Vec<usize>) -> Option<(Vec<i8>, &'a [i64], Vec<f32>)> {
        let (at, node) = self.graph.made_by(name, "DequantizeLinear")?;
        nodes.push(at);
        let [values, scales, zeros] = node.input.as_slice() else { return None };
        let ((values, shape), (zeros, _)) = (self.graph.int8s(values)?, self.graph.int8s(zeros)?);
        let plain = by_output(node) && zeros.iter().all(|&zero| zero == 0);
        plain.then_some((values, shape, self.graph.floats(scales)?))
    }

    /// Stored biases with their scales.
    fn bias(&self, name: &str, nodes: &mut Vec<usize>) -> Option<(Vec<i32>, Vec<f32>)> {
        let (at, node) = self.graph.made_by(name, "DequantizeLinear")?;
        nodes.push(at);
        let [values, scales, zeros] = node.input.as_slice() else { return None };
        let plain = by_output(node) && self.graph.int32s(zeros)?.iter().all(|&zero| zero == 0);
        plain.then_some((self.graph.int32s(values)?, self.graph.floats(scales)?))
    }

    fn finish(mut self) -> Recognised {
        let heads: Vec<usize> = self.head.take().unwrap_or_default();
        if self.graph.nodes().len() > self.used.len() && !heads.is_empty() {
            // The heatmap comes from one side: from here if all is known, else from the other.
            self.used.retain(|at| !heads.contains(at));
            self.found.layers.pop();
        }
        for (at, node) in self.graph.nodes().iter().enumerate() {
            if self.used.contains(&at) {
                continue;
            }
            self.found.unknown.push(format!("{} `{}`", node.op_type, node.name));
            for float in &node.input {
                let read = self.graph.made_by(float, "DequantizeLinear").and_then(|(_, read)| read.input.first());
                // The picture itself is as quickly rounded there.
                if let Some(&value) = read.and_then(|bytes| self.bytes.get(bytes.as_str())).filter(|value| **value > 0)
                {
                    self.found.read_elsewhere.entry(value).or_default().insert(float.clone());
                }
            }
        }
        self.found
    }
}

/// Whether a node reads stored integers with one scale for each output.
fn by_output(node: &NodeProto) -> bool {
    says_only(node, &[("axis", &[Word::Int(0)])]) && says(node, "axis")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_model_says_how_it_is_up_sampled() {
        let arithmetic = |model_version| {
            let mut found = recognise(&ModelProto { model_version, ..ModelProto::default() }, 32, 32);
            let coding = Coding { scale: 0.5, zero: 3 };
            found.values = vec![Value { name: "x".into(), channels: 8, width: 4, height: 4, coding }];
            found.arithmetic(0)
        };
        let values = Arithmetic::Values { scale: 0.5, zero: 3 };
        assert_eq!([0, MODEL_VERSION].map(arithmetic), [Arithmetic::Bytes, values]);
    }
}
