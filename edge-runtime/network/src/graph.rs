//! An ONNX graph with its names looked up: who makes a value, who reads it, what is stored.
//!
//! Takes a decoded file, copies nothing of it. Knows what a node says, not what it means: see [`crate::recognise`].

use std::collections::HashMap;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// A graph and its indices.
pub struct Graph<'a> {
    proto: &'a GraphProto,
    makers: HashMap<&'a str, usize>,
    readers: HashMap<&'a str, usize>,
    stored: HashMap<&'a str, &'a TensorProto>,
}

impl<'a> Graph<'a> {
    /// Looks all names up.
    pub fn new(proto: &'a GraphProto) -> Self {
        let mut makers = HashMap::new();
        let mut readers = HashMap::new();
        for (at, node) in proto.node.iter().enumerate() {
            makers.extend(node.output.iter().map(|name| (name.as_str(), at)));
            node.input.iter().for_each(|name| *readers.entry(name.as_str()).or_insert(0) += 1);
        }
        for output in &proto.output {
            *readers.entry(output.name.as_str()).or_insert(0) += 1;
        }
        let stored = proto.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        Self { proto, makers, readers, stored }
    }

    /// All nodes, in the file's order.
    pub fn nodes(&self) -> &'a [NodeProto] {
        &self.proto.node
    }

    /// Name of the graph's one input.
    pub fn input(&self) -> &'a str {
        self.proto.input.first().map_or("", |input| &input.name)
    }

    /// Name of the graph's one output.
    pub fn output(&self) -> &'a str {
        self.proto.output.first().map_or("", |output| &output.name)
    }

    /// The node that makes a value, by its place.
    pub fn maker(&self, name: &str) -> Option<usize> {
        self.makers.get(name).copied()
    }

    /// The node that makes a value, if it is of this operator.
    pub fn made_by(&self, name: &str, operator: &str) -> Option<(usize, &'a NodeProto)> {
        let at = self.maker(name)?;
        Some((at, &self.proto.node[at])).filter(|(_, node)| node.op_type == operator)
    }

    /// Whether exactly one node, or the graph's output, reads a value.
    pub fn read_once(&self, name: &str) -> bool {
        self.readers.get(name) == Some(&1)
    }

    /// Signed bytes that are stored, with their shape.
    pub fn int8s(&self, name: &str) -> Option<(Vec<i8>, &'a [i64])> {
        let tensor = self.of(name, DataType::Int8)?;
        Some((tensor.raw_data.iter().map(|byte| byte.cast_signed()).collect(), &tensor.dims))
    }

    /// Unsigned bytes that are stored.
    pub fn uint8s(&self, name: &str) -> Option<&'a [u8]> {
        Some(&self.of(name, DataType::Uint8)?.raw_data)
    }

    /// 32-bit integers that are stored.
    pub fn int32s(&self, name: &str) -> Option<Vec<i32>> {
        let tensor = self.of(name, DataType::Int32)?;
        Some(tensor.raw_data.as_chunks::<4>().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
    }

    /// Floats that are stored.
    pub fn floats(&self, name: &str) -> Option<Vec<f32>> {
        let tensor = self.of(name, DataType::Float)?;
        Some(tensor.raw_data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn of(&self, name: &str, kind: DataType) -> Option<&'a TensorProto> {
        self.stored.get(name).copied().filter(|tensor| tensor.data_type == kind as i32)
    }
}

/// Whether a node's attributes are all among these, each with one of the values given for it.
pub fn says_only(node: &NodeProto, allowed: &[(&str, &[Word<'_>])]) -> bool {
    node.attribute.iter().all(|attribute| {
        allowed.iter().any(|(name, words)| attribute.name == *name && words.iter().any(|word| word.is(attribute)))
    })
}

/// Whether a node has an attribute of this name; without it the standard's default holds.
pub fn says(node: &NodeProto, name: &str) -> bool {
    node.attribute.iter().any(|attribute| attribute.name == name)
}

/// What an attribute says.
#[derive(Clone, Copy, Debug)]
pub enum Word<'a> {
    /// One integer.
    Int(i64),
    /// A list of integers.
    Ints(&'a [i64]),
    /// A text.
    Text(&'a str),
}

impl Word<'_> {
    fn is(self, attribute: &AttributeProto) -> bool {
        match self {
            Self::Int(value) => attribute.i == value,
            Self::Ints(values) => attribute.ints == values,
            Self::Text(text) => attribute.s == text.as_bytes(),
        }
    }
}
