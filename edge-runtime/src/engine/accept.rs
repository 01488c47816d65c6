//! Which ONNX models run here: only graphs of the kind that the trainer writes.
//!
//! A signature says who made a model, not that it is harmless. Before the runtime sees a graph, everything is refused that
//! could make it read other files, compute at load time, or take memory out of proportion to picture and file. Reads no
//! file and runs nothing.

use edge_network::recognise::MODEL_VERSION;
use thiserror::Error;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};

/// Operators of the networks; none of them has a subgraph or reads a file.
const OPERATORS: [&str; 8] =
    ["Conv", "Relu", "Sigmoid", "MaxPool", "Resize", "Concat", "QuantizeLinear", "DequantizeLinear"];

/// The networks in QDQ form have 358 nodes.
const MAX_NODES: usize = 512;

/// The largest attribute in use is a kernel of 3; a large padding, stride or kernel multiplies memory and time.
const MAX_ATTRIBUTE: i64 = 16;

/// The largest factor of one up-sampling, per axis.
const MAX_SCALE: f32 = 4.0;

/// The largest stored number: a byte times it is still finite.
const MAX_STORED: f32 = f32::MAX / 256.0;

/// Values of one tensor per pixel of the input: the paper's widest layer at full resolution has 128 channels.
pub const MAX_VALUES_PER_PIXEL: usize = 256;

/// Values of all tensors together, per pixel of the input. The paper's networks in QDQ form stay below it.
pub const MAX_VALUES_TOGETHER_PER_PIXEL: usize = 16_384;

/// Why a model is refused.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ModelError {
    /// The bytes are no ONNX file.
    #[error("not an ONNX model: {reason}")]
    NotOnnx {
        /// The decoder's words.
        reason: String,
    },
    /// Something that no model from the trainer holds.
    #[error("the model holds {what}, which no model for this station has")]
    Foreign {
        /// What it is.
        what: &'static str,
    },
    /// Made to be computed in a way that this program does not know.
    #[error("the model is of version {got}, this program knows versions 0 to {MODEL_VERSION}: update the station")]
    Version {
        /// ONNX's `model_version`.
        got: i64,
    },
    /// Not one picture in and one heatmap out.
    #[error("the model has {inputs} inputs and {outputs} outputs, expected one of each")]
    Ends {
        /// Inputs of the graph.
        inputs: usize,
        /// Outputs of the graph.
        outputs: usize,
    },
    /// Made for another input than the manifest names.
    #[error("the model takes inputs of shape {got:?}, the manifest says {expected:?} (batch, channel, row, column)")]
    InputShape {
        /// What the manifest says.
        expected: [i64; 4],
        /// What the model declares; -1 for a side that it leaves open.
        got: Vec<i64>,
    },
    /// A stored number that is not a number, or so large that a byte times it is infinite. Rectifiers turn NaN into 0, and
    /// a part would look good.
    #[error("stored tensor `{tensor}` holds {value} at index {index}, expected a finite number below {MAX_STORED:e}")]
    NotFinite {
        /// The tensor's name.
        tensor: String,
        /// Row-major index of the first such value.
        index: usize,
        /// The value.
        value: f32,
    },
    /// Too many nodes.
    #[error("the model has {got} nodes, at most {MAX_NODES} are allowed")]
    Nodes {
        /// How many.
        got: usize,
    },
    /// An operator that is not used by the networks.
    #[error("node `{node}` is a `{operator}`; allowed are {OPERATORS:?}")]
    Operator {
        /// The node's name.
        node: String,
        /// Its operator.
        operator: String,
    },
    /// An attribute out of range, or of a kind that holds tensors or graphs.
    #[error("attribute `{attribute}` of node `{node}` is out of range or of a foreign kind")]
    Attribute {
        /// The node's name.
        node: String,
        /// The attribute's name.
        attribute: String,
    },
    /// A stored tensor whose bytes are not in the file, or not as many as its shape needs.
    #[error("stored tensor `{tensor}` with shape {shape:?} has {got} bytes, or is of a foreign kind")]
    Stored {
        /// The tensor's name.
        tensor: String,
        /// Its shape.
        shape: Vec<i64>,
        /// Bytes in the file.
        got: usize,
    },
    /// A node computes on stored values alone, or scales a picture up too far.
    #[error("input {index} of node `{node}` cannot be used: {expected} is expected")]
    Input {
        /// The node's name.
        node: String,
        /// Which input.
        index: usize,
        /// What would be right.
        expected: &'static str,
    },
    /// A value between two nodes is out of proportion, or all of them up to this node together are.
    #[error("the output of node `{node}` brings the model to {got} values, at most {limit} are allowed for this input")]
    Size {
        /// The node's name.
        node: String,
        /// How many values; the largest number where they cannot be counted.
        got: usize,
        /// How many are allowed.
        limit: usize,
    },
}

/// Checks a decoded model against the input size that the manifest names, in pixels.
///
/// # Errors
/// The first [`ModelError`].
pub fn accept(model: &ModelProto, width: usize, height: usize) -> Result<(), ModelError> {
    let foreign = |what| Err(ModelError::Foreign { what });
    let Some(graph) = &model.graph else { return foreign("no graph") };
    if !model.functions.is_empty() || !model.training_info.is_empty() {
        return foreign("functions or training graphs");
    }
    if !graph.sparse_initializer.is_empty() {
        return foreign("sparse tensors");
    }
    if !(0..=MODEL_VERSION).contains(&model.model_version) {
        return Err(ModelError::Version { got: model.model_version });
    }
    if graph.input.len() != 1 || graph.output.len() != 1 {
        return Err(ModelError::Ends { inputs: graph.input.len(), outputs: graph.output.len() });
    }
    if graph.node.len() > MAX_NODES || graph.initializer.len() > 4 * MAX_NODES {
        return Err(ModelError::Nodes { got: graph.node.len().max(graph.initializer.len()) });
    }
    let (expected, got) = ([1, 3, height as i64, width as i64], declared(&graph.input[0]));
    if got != expected {
        return Err(ModelError::InputShape { expected, got });
    }
    graph.initializer.iter().try_for_each(stored)?;
    graph.node.iter().try_for_each(|node| self::node(graph, node))
}

/// The shape in a graph's list of inputs.
fn declared(input: &ValueInfoProto) -> Vec<i64> {
    let Some(Value::TensorType(tensor)) = input.r#type.as_ref().and_then(|kind| kind.value.as_ref()) else {
        return Vec::new();
    };
    let side = |dimension: &Dimension| match dimension.value {
        Some(dimension::Value::DimValue(side)) => side,
        _ => -1,
    };
    tensor.shape.as_ref().map(|shape| shape.dim.iter().map(side).collect()).unwrap_or_default()
}

fn stored(tensor: &TensorProto) -> Result<(), ModelError> {
    let size = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Float | DataType::Int32) => 4,
        Ok(DataType::Int8 | DataType::Uint8) => 1,
        _ => 0,
    };
    let bytes = tensor.dims.iter().try_fold(size, |bytes: usize, &dim| bytes.checked_mul(usize::try_from(dim).ok()?));
    let external = tensor.data_location() == DataLocation::External || !tensor.external_data.is_empty();
    if size == 0 || external || bytes != Some(tensor.raw_data.len()) || tensor.raw_data.is_empty() {
        let (shape, got) = (tensor.dims.clone(), tensor.raw_data.len());
        return Err(ModelError::Stored { tensor: tensor.name.clone(), shape, got });
    }
    if tensor.data_type == DataType::Float as i32 {
        let mut values = tensor.raw_data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).enumerate();
        if let Some((index, value)) = values.find(|(_, value)| value.is_nan() || value.abs() > MAX_STORED) {
            return Err(ModelError::NotFinite { tensor: tensor.name.clone(), index, value });
        }
    }
    Ok(())
}

fn node(graph: &GraphProto, node: &NodeProto) -> Result<(), ModelError> {
    let operator = node.op_type.as_str();
    if !OPERATORS.contains(&operator) || !matches!(node.domain.as_str(), "" | "ai.onnx") {
        return Err(ModelError::Operator { node: node.name.clone(), operator: operator.to_owned() });
    }
    for attribute in &node.attribute {
        let small = |value: &i64| (-MAX_ATTRIBUTE..=MAX_ATTRIBUTE).contains(value);
        let plain = attribute.t.is_none() && attribute.g.is_none() && attribute.sparse_tensor.is_none();
        let lists = attribute.tensors.len() + attribute.graphs.len() + attribute.sparse_tensors.len();
        if !plain || lists > 0 || !small(&attribute.i) || !attribute.ints.iter().all(small) || attribute.ints.len() > 8
        {
            return Err(ModelError::Attribute { node: node.name.clone(), attribute: attribute.name.clone() });
        }
    }
    let find = |index: usize| {
        node.input.get(index).and_then(|name| graph.initializer.iter().find(|tensor| tensor.name == *name))
    };
    let wrong = |index, expected| Err(ModelError::Input { node: node.name.clone(), index, expected });
    match operator {
        // The networks' kernels. The working space of a convolution grows with its kernel, which no file size bounds.
        "Conv" if node.attribute.iter().any(|attribute| attribute.name == "group" && attribute.i != 1) => {
            return Err(ModelError::Attribute { node: node.name.clone(), attribute: "group".into() });
        }
        "QuantizeLinear" | "DequantizeLinear" => {
            let positive = |scales: &TensorProto| {
                let float = scales.data_type == DataType::Float as i32;
                float && scales.raw_data.as_chunks::<4>().0.iter().all(|scale| f32::from_le_bytes(*scale) > 0.0)
            };
            if node.input.len() != 3 || find(2).is_none() || !find(1).is_some_and(positive) {
                return wrong(1, "a stored scale above 0 with a stored zero point");
            }
        }
        "Resize" => {
            let scales = find(2).filter(|scales| scales.data_type == DataType::Float as i32 && scales.dims == [4]);
            let fits = |bytes: &[u8; 4]| (1.0..=MAX_SCALE).contains(&f32::from_le_bytes(*bytes));
            if node.input.len() != 3 || !scales.is_some_and(|s| s.raw_data.as_chunks::<4>().0.iter().all(fits)) {
                return wrong(2, "a stored list of four scales from 1 to 4, and no sizes,");
            }
        }
        _ => {}
    }
    let data = match operator {
        // Stored weights, or a value in bytes.
        "DequantizeLinear" => 0,
        "Concat" => node.input.len(),
        _ => 1,
    };
    match (0..data).find(|&index| find(index).is_some()) {
        Some(index) => wrong(index, "a value that depends on the picture"),
        None => Ok(()),
    }
}
