//! Writes the folded networks as one ONNX file.
//!
//! Gives a model that any ONNX runtime takes: input `image` f32 `[1, 3, height, width]` in 0..=1 (RGB), output `heatmap`
//! f32 `[1, 1, height, width]`, the probability of "anomalous". Standard operators of opset 13 only. Reads and writes no
//! file; the values come from `fold_bn`. With [`Weights::Int8`] each convolution reads its weight through a
//! `DequantizeLinear`; biases and all arithmetic are f32 in either case.

use prost::Message;
use shared::limits::{INPUT_MULTIPLE, MAX_INPUT_SIDE};
use shared::manifest::Weights;
use thiserror::Error;
use tract_onnx::pb;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;

use super::fold_bn::{Folded, FoldedNet, KERNEL};
use super::graph::{Layer, Op, POOLS, Source, layers};
use super::quantise::per_channel;

/// Name of the model's input.
pub const INPUT: &str = "image";
/// Name of the model's output.
pub const OUTPUT: &str = "heatmap";
/// The first operator set with a per-channel `DequantizeLinear`; old enough for every current runtime.
const OPSET: i64 = 13;
/// The file format version that came out with opset 13.
const IR_VERSION: i64 = 7;
/// Name of the scales that every up-sampling reads: batch, channel, row, column.
const UPSAMPLE_SCALES: &str = "upsample.scales";

/// Why a model cannot be written.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum WriteError {
    /// The input's side cannot be halved as often as the network does it.
    #[error("{side} of {got} pixels cannot be used, expected a multiple of {step} from {step} to {max}")]
    Size {
        /// `width` or `height`.
        side: &'static str,
        /// What was asked for.
        got: usize,
        /// The step of allowed sizes.
        step: usize,
        /// The largest allowed size.
        max: usize,
    },
    /// The folded networks lack a convolution.
    #[error("convolution `{name}` is missing from the folded networks")]
    Missing {
        /// Its name.
        name: String,
    },
}

/// The pools must not meet an odd side.
const _: () = assert!(INPUT_MULTIPLE == 1 << POOLS);

/// The model as the bytes of an ONNX file.
///
/// # Errors
/// A side that is no multiple of 32 or out of range, a convolution that `net` does not hold.
pub fn write(net: &FoldedNet, width: usize, height: usize, weights: Weights) -> Result<Vec<u8>, WriteError> {
    check_side("width", width)?;
    check_side("height", height)?;
    let mut graph = Graph { weights, nodes: Vec::new(), initializers: vec![upsample_scales()] };
    let mut values: Vec<String> = Vec::new();
    for layer in &layers() {
        let inputs = layer.inputs.iter().map(|source| match source {
            Source::Image => INPUT.to_owned(),
            Source::Layer(index) => values[*index].clone(),
        });
        let value = graph.layer(net, layer, inputs.collect())?;
        values.push(value);
    }
    let graph = pb::GraphProto {
        name: "draem".to_owned(),
        node: graph.nodes,
        initializer: graph.initializers,
        input: vec![value_info(INPUT, [1, 3, height, width])],
        output: vec![value_info(OUTPUT, [1, 1, height, width])],
        ..Default::default()
    };
    let model = pb::ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![pb::OperatorSetIdProto { domain: String::new(), version: OPSET }],
        producer_name: "draem-edge".to_owned(),
        graph: Some(graph),
        ..Default::default()
    };
    Ok(model.encode_to_vec())
}

fn check_side(side: &'static str, got: usize) -> Result<(), WriteError> {
    if got > 0 && got <= MAX_INPUT_SIDE && got.is_multiple_of(INPUT_MULTIPLE) {
        return Ok(());
    }
    Err(WriteError::Size { side, got, step: INPUT_MULTIPLE, max: MAX_INPUT_SIDE })
}

struct Graph {
    weights: Weights,
    nodes: Vec<pb::NodeProto>,
    initializers: Vec<pb::TensorProto>,
}

impl Graph {
    /// Adds the nodes of one layer; gives the name of the value that it computes.
    fn layer(&mut self, net: &FoldedNet, layer: &Layer, inputs: Vec<String>) -> Result<String, WriteError> {
        let name = layer.name.as_str();
        Ok(match &layer.op {
            Op::ConvNormRelu { norm } => {
                let conv = self.conv(net, name, inputs)?;
                // The ReLU is element 2 of its block, right after the batch norm.
                let (block, at) = norm.rsplit_once('.').unwrap_or((norm, "1"));
                let relu = format!("{block}.{}", at.parse::<usize>().unwrap_or(1) + 1);
                self.node("Relu", &relu, vec![conv], Vec::new())
            }
            Op::Conv => self.conv(net, name, inputs)?,
            Op::TwoClassHead => {
                let logit = self.conv(net, name, inputs)?;
                self.named_node("Sigmoid", "seg.sigmoid", OUTPUT, vec![logit], Vec::new())
            }
            Op::MaxPool => {
                let sizes = vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
                self.node("MaxPool", name, inputs, sizes)
            }
            Op::Upsample => {
                let mode = vec![string("coordinate_transformation_mode", "align_corners"), string("mode", "linear")];
                let inputs = inputs.into_iter().chain([String::new(), UPSAMPLE_SCALES.to_owned()]);
                self.node("Resize", name, inputs.collect(), mode)
            }
            Op::Concat => self.node("Concat", name, inputs, vec![int("axis", 1)]),
        })
    }

    fn conv(&mut self, net: &FoldedNet, name: &str, mut inputs: Vec<String>) -> Result<String, WriteError> {
        let conv = net.get(name).ok_or_else(|| WriteError::Missing { name: name.to_owned() })?;
        inputs.push(self.weight(name, conv));
        let bias = format!("{name}.bias");
        self.initializers.push(floats(&bias, &[conv.outputs], &conv.bias));
        inputs.push(bias);
        let kernel = KERNEL as i64;
        let attributes = vec![ints("kernel_shape", &[kernel, kernel]), ints("pads", &[1; 4]), ints("strides", &[1, 1])];
        Ok(self.node("Conv", name, inputs, attributes))
    }

    /// Stores the weight; gives the name of the value that the convolution reads.
    fn weight(&mut self, name: &str, conv: &Folded) -> String {
        let shape = [conv.outputs, conv.inputs, KERNEL, KERNEL];
        let weight = format!("{name}.weight");
        match self.weights {
            Weights::Float32 => {
                self.initializers.push(floats(&weight, &shape, &conv.weight));
                weight
            }
            Weights::Int8 => {
                let stored = per_channel(&conv.weight, conv.outputs);
                let [values, scale, zero] = ["quantized", "scale", "zero_point"].map(|part| format!("{weight}.{part}"));
                self.initializers.push(int8s(&values, &shape, &stored.values));
                self.initializers.push(floats(&scale, &[conv.outputs], &stored.scales));
                self.initializers.push(int8s(&zero, &[conv.outputs], &vec![0; conv.outputs]));
                self.node("DequantizeLinear", &weight, vec![values, scale, zero], vec![int("axis", 0)])
            }
        }
    }

    /// A node whose one output bears its own name.
    fn node(&mut self, op: &str, name: &str, input: Vec<String>, attribute: Vec<pb::AttributeProto>) -> String {
        self.named_node(op, name, name, input, attribute)
    }

    fn named_node(
        &mut self,
        op: &str,
        name: &str,
        output: &str,
        input: Vec<String>,
        attribute: Vec<pb::AttributeProto>,
    ) -> String {
        self.nodes.push(pb::NodeProto {
            name: name.to_owned(),
            op_type: op.to_owned(),
            input,
            output: vec![output.to_owned()],
            attribute,
            ..Default::default()
        });
        output.to_owned()
    }
}

fn upsample_scales() -> pb::TensorProto {
    floats(UPSAMPLE_SCALES, &[4], &[1.0, 1.0, 2.0, 2.0])
}

fn tensor(name: &str, shape: &[usize], data_type: DataType, raw_data: Vec<u8>) -> pb::TensorProto {
    pb::TensorProto {
        name: name.to_owned(),
        dims: shape.iter().map(|&d| d as i64).collect(),
        data_type: data_type as i32,
        raw_data,
        ..Default::default()
    }
}

/// ONNX stores raw values little-endian.
fn floats(name: &str, shape: &[usize], values: &[f32]) -> pb::TensorProto {
    tensor(name, shape, DataType::Float, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

fn int8s(name: &str, shape: &[usize], values: &[i8]) -> pb::TensorProto {
    tensor(name, shape, DataType::Int8, values.iter().map(|v| v.cast_unsigned()).collect())
}

fn attribute(name: &str, kind: AttributeType) -> pb::AttributeProto {
    pb::AttributeProto { name: name.to_owned(), r#type: kind as i32, ..Default::default() }
}

fn int(name: &str, i: i64) -> pb::AttributeProto {
    pb::AttributeProto { i, ..attribute(name, AttributeType::Int) }
}

fn ints(name: &str, values: &[i64]) -> pb::AttributeProto {
    pb::AttributeProto { ints: values.to_vec(), ..attribute(name, AttributeType::Ints) }
}

fn string(name: &str, value: &str) -> pb::AttributeProto {
    pb::AttributeProto { s: value.as_bytes().to_vec(), ..attribute(name, AttributeType::String) }
}

fn value_info(name: &str, shape: [usize; 4]) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension};
    let dim = |d: usize| Dimension { value: Some(dimension::Value::DimValue(d as i64)), ..Default::default() };
    let shape = pb::TensorShapeProto { dim: shape.into_iter().map(dim).collect() };
    let tensor = pb::type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(shape) };
    let kind = pb::TypeProto { value: Some(pb::type_proto::Value::TensorType(tensor)), ..Default::default() };
    pb::ValueInfoProto { name: name.to_owned(), r#type: Some(kind), ..Default::default() }
}
