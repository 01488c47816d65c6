//! Writes the folded networks as one ONNX file.
//!
//! Gives a model that any ONNX runtime takes: input `image` f32 `[1, 3, height, width]` in 0..=1 (RGB), output `heatmap`
//! f32 `[1, 1, height, width]`, the probability of "anomalous". Standard operators of opset 13 only. Reads and writes no
//! file; the values come from `fold_bn`, the scales of [`Form::Int8`] from `quantise`.
//!
//! The integer form is QDQ: every value between layers passes a `QuantizeLinear` and a `DequantizeLinear`, every weight
//! and bias a `DequantizeLinear`. A runtime that knows the pattern computes in integers, any other the same in float.

use edge_network::recognise::MODEL_VERSION;
use prost::Message;
use shared::limits::{INPUT_MULTIPLE, MAX_INPUT_SIDE};
use thiserror::Error;
use tract_onnx::pb;

use super::fold_bn::{Folded, FoldedNet, KERNEL};
use super::graph::{Layer, Op, POOLS, Source};
use super::proto::{floats, int, int8s, int32s, ints, string, uint8s, value_info};
use crate::quantise::ranges::PICTURE_SCALE;
use crate::quantise::{Scales, weights};

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

/// In which numbers the model computes.
#[derive(Clone, Copy, Debug)]
pub enum Form<'a> {
    /// 32-bit floats.
    Float,
    /// 8-bit integers with these scales of the values between layers.
    Int8(&'a Scales),
}

/// Ends of the names of what belongs to a value in integers.
const QUANTIZED: &str = "quantized";
const DEQUANTIZED: &str = "dequantized";
const SCALE: &str = "scale";
const ZERO_POINT: &str = "zero_point";

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
pub fn write(net: &FoldedNet, width: usize, height: usize, form: Form<'_>) -> Result<Vec<u8>, WriteError> {
    check_side("width", width)?;
    check_side("height", height)?;
    let mut graph = Graph { form, nodes: Vec::new(), initializers: vec![upsample_scales()] };
    let picture = Value { scale: graph.picture_scale(), name: INPUT.to_owned() };
    let picture = graph.through_bytes(picture);
    let mut values: Vec<Value> = Vec::new();
    for (at, layer) in net.layers().iter().enumerate() {
        let inputs = layer.inputs.iter().map(|source| match source {
            Source::Image => picture.clone(),
            Source::Layer(index) => values[*index].clone(),
        });
        let name = graph.layer(net, layer, inputs.collect())?;
        let scale = match form {
            Form::Float => None,
            Form::Int8(scales) => scales.0.get(at).copied().flatten(),
        };
        values.push(graph.through_bytes(Value { name, scale }));
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
        model_version: MODEL_VERSION,
        graph: Some(graph),
        ..Default::default()
    };
    Ok(model.encode_to_vec())
}

/// Name of the value that a layer computes in a model of [`Form::Float`].
pub fn value_name(layer: &Layer) -> String {
    match &layer.op {
        // The ReLU is element 2 of its block, right after the batch norm.
        Op::ConvNormRelu { norm } => {
            let (block, at) = norm.rsplit_once('.').unwrap_or((norm, "1"));
            format!("{block}.{}", at.parse::<usize>().unwrap_or(1) + 1)
        }
        Op::TwoClassHead => OUTPUT.to_owned(),
        Op::Conv | Op::MaxPool | Op::Upsample | Op::Concat => layer.name.clone(),
    }
}

fn check_side(side: &'static str, got: usize) -> Result<(), WriteError> {
    if got > 0 && got <= MAX_INPUT_SIDE && got.is_multiple_of(INPUT_MULTIPLE) {
        return Ok(());
    }
    Err(WriteError::Size { side, got, step: INPUT_MULTIPLE, max: MAX_INPUT_SIDE })
}

/// A value between layers.
#[derive(Clone)]
struct Value {
    name: String,
    /// Scale of the byte that holds it, unless it is a float.
    scale: Option<f32>,
}

struct Graph<'a> {
    form: Form<'a>,
    nodes: Vec<pb::NodeProto>,
    initializers: Vec<pb::TensorProto>,
}

impl Graph<'_> {
    fn picture_scale(&self) -> Option<f32> {
        match self.form {
            Form::Float => None,
            Form::Int8(_) => Some(PICTURE_SCALE),
        }
    }

    /// Adds the nodes of one layer; gives the name of the value that it computes.
    fn layer(&mut self, net: &FoldedNet, layer: &Layer, inputs: Vec<Value>) -> Result<String, WriteError> {
        let name = layer.name.as_str();
        let names = || inputs.iter().map(|value| value.name.clone()).collect();
        Ok(match &layer.op {
            Op::ConvNormRelu { .. } => {
                let conv = self.conv(net, name, &inputs[0])?;
                self.node("Relu", &value_name(layer), vec![conv], Vec::new())
            }
            Op::Conv => self.conv(net, name, &inputs[0])?,
            Op::TwoClassHead => {
                let logit = self.conv(net, name, &inputs[0])?;
                self.named_node("Sigmoid", "seg.sigmoid", OUTPUT, vec![logit], Vec::new())
            }
            Op::MaxPool => {
                let sizes = vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
                self.node("MaxPool", name, names(), sizes)
            }
            Op::Upsample => {
                let mode = vec![string("coordinate_transformation_mode", "align_corners"), string("mode", "linear")];
                let read = vec![inputs[0].name.clone(), String::new(), UPSAMPLE_SCALES.to_owned()];
                self.node("Resize", name, read, mode)
            }
            Op::Concat => self.node("Concat", name, names(), vec![int("axis", 1)]),
        })
    }

    fn conv(&mut self, net: &FoldedNet, name: &str, input: &Value) -> Result<String, WriteError> {
        let conv = net.convolutions.get(name).ok_or_else(|| WriteError::Missing { name: name.to_owned() })?;
        let [weight, bias] = match input.scale {
            None => self.floats(name, conv),
            Some(scale) => self.integers(name, conv, scale),
        };
        let kernel = KERNEL as i64;
        let attributes = vec![ints("kernel_shape", &[kernel, kernel]), ints("pads", &[1; 4]), ints("strides", &[1, 1])];
        Ok(self.node("Conv", name, vec![input.name.clone(), weight, bias], attributes))
    }

    /// Stores weight and bias as floats; gives their names.
    fn floats(&mut self, name: &str, conv: &Folded) -> [String; 2] {
        let [weight, bias] = ["weight", "bias"].map(|part| format!("{name}.{part}"));
        self.initializers.push(floats(&weight, &weight_shape(conv), &conv.weight));
        self.initializers.push(floats(&bias, &[conv.outputs], &conv.bias));
        [weight, bias]
    }

    /// Stores weight and bias as integers; gives the names of the values that the convolution reads.
    fn integers(&mut self, name: &str, conv: &Folded, input_scale: f32) -> [String; 2] {
        let stored = weights::store(conv, input_scale);
        let [weight, bias] = ["weight", "bias"].map(|part| format!("{name}.{part}"));
        let (each, zeros) = ([conv.outputs], vec![0; conv.outputs]);
        let values = int8s(&part(&weight, QUANTIZED), &weight_shape(conv), &stored.values);
        self.per_channel(&weight, values, &stored.scales, int8s(&part(&weight, ZERO_POINT), &each, &zeros));
        let scales: Vec<f32> = stored.scales.iter().map(|scale| scale * input_scale).collect();
        let (values, zeros) = (int32s(&part(&bias, QUANTIZED), &each, &stored.bias), vec![0; conv.outputs]);
        self.per_channel(&bias, values, &scales, int32s(&part(&bias, ZERO_POINT), &each, &zeros));
        [weight, bias]
    }

    /// Integers that are read through one scale per output channel, under `name`.
    fn per_channel(&mut self, name: &str, values: pb::TensorProto, scales: &[f32], zeros: pb::TensorProto) {
        let scales = floats(&part(name, SCALE), &[scales.len()], scales);
        let read = [&values, &scales, &zeros].map(|tensor| tensor.name.clone()).to_vec();
        self.initializers.extend([values, scales, zeros]);
        self.node("DequantizeLinear", name, read, vec![int("axis", 0)]);
    }

    /// Passes a value through a byte, if it has a scale: what reads it from here on sees the byte's steps.
    fn through_bytes(&mut self, value: Value) -> Value {
        let Some(scale) = value.scale else { return value };
        let [scale_name, zero] = [SCALE, ZERO_POINT].map(|what| part(&value.name, what));
        self.initializers.push(floats(&scale_name, &[], &[scale]));
        self.initializers.push(uint8s(&zero, &[], &[0]));
        let with = |first: String| vec![first, scale_name.clone(), zero.clone()];
        let byte = self.node("QuantizeLinear", &part(&value.name, QUANTIZED), with(value.name.clone()), Vec::new());
        let name = self.node("DequantizeLinear", &part(&value.name, DEQUANTIZED), with(byte), Vec::new());
        Value { name, ..value }
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

fn part(name: &str, what: &str) -> String {
    format!("{name}.{what}")
}

fn weight_shape(conv: &Folded) -> [usize; 4] {
    [conv.outputs, conv.inputs, KERNEL, KERNEL]
}

fn upsample_scales() -> pb::TensorProto {
    floats(UPSAMPLE_SCALES, &[4], &[1.0, 1.0, 2.0, 2.0])
}
