//! The messages of an ONNX file, one function for each kind that the writer needs.
//!
//! Takes names and plain values, gives `tract_onnx::pb` messages. Knows nothing of the networks.

use tract_onnx::pb;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;

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
pub(super) fn floats(name: &str, shape: &[usize], values: &[f32]) -> pb::TensorProto {
    tensor(name, shape, DataType::Float, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

pub(super) fn int8s(name: &str, shape: &[usize], values: &[i8]) -> pb::TensorProto {
    tensor(name, shape, DataType::Int8, values.iter().map(|v| v.cast_unsigned()).collect())
}

/// Row-major.
pub(super) fn int32s(name: &str, shape: &[usize], values: &[i32]) -> pb::TensorProto {
    tensor(name, shape, DataType::Int32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// Row-major; no shape for a scalar.
pub(super) fn uint8s(name: &str, shape: &[usize], values: &[u8]) -> pb::TensorProto {
    tensor(name, shape, DataType::Uint8, values.to_vec())
}

fn attribute(name: &str, kind: AttributeType) -> pb::AttributeProto {
    pb::AttributeProto { name: name.to_owned(), r#type: kind as i32, ..Default::default() }
}

pub(super) fn int(name: &str, i: i64) -> pb::AttributeProto {
    pb::AttributeProto { i, ..attribute(name, AttributeType::Int) }
}

pub(super) fn ints(name: &str, values: &[i64]) -> pb::AttributeProto {
    pb::AttributeProto { ints: values.to_vec(), ..attribute(name, AttributeType::Ints) }
}

pub(super) fn string(name: &str, value: &str) -> pb::AttributeProto {
    pb::AttributeProto { s: value.as_bytes().to_vec(), ..attribute(name, AttributeType::String) }
}

pub(super) fn value_info(name: &str, shape: [usize; 4]) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension};
    let dim = |d: usize| Dimension { value: Some(dimension::Value::DimValue(d as i64)), ..Default::default() };
    let shape = pb::TensorShapeProto { dim: shape.into_iter().map(dim).collect() };
    let tensor = pb::type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(shape) };
    let kind = pb::TypeProto { value: Some(pb::type_proto::Value::TensorType(tensor)), ..Default::default() };
    pb::ValueInfoProto { name: name.to_owned(), r#type: Some(kind), ..Default::default() }
}
