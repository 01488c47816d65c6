//! Changes of a decoded graph: one at a time, each legal as a file.

use prost::Message;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

/// The same model with one change, if its bytes are one and it has what the change needs.
pub fn changed(bytes: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut model = ModelProto::decode(bytes).ok()?;
    one(model.graph.as_mut()?, &mut ChaCha8Rng::seed_from_u64(seed.into()))?;
    Some(model.encode_to_vec())
}

fn one(graph: &mut GraphProto, chance: &mut ChaCha8Rng) -> Option<()> {
    match chance.random_range(0..12) {
        0 => {
            let at = some(&graph.node, chance)?;
            graph.node.remove(at);
        }
        1 => {
            let node = graph.node[some(&graph.node, chance)?].clone();
            graph.node.insert(chance.random_range(0..=graph.node.len()), node);
        }
        2 => {
            let (a, b) = (some(&graph.node, chance)?, some(&graph.node, chance)?);
            graph.node.swap(a, b);
        }
        3 => {
            let operator = graph.node[some(&graph.node, chance)?].op_type.clone();
            node(graph, chance)?.op_type = operator;
        }
        // A value from elsewhere in the graph.
        4 | 5 => {
            let name = value(graph, chance)?;
            let inputs = &mut node(graph, chance)?.input;
            let at = some(inputs, chance)?;
            inputs[at] = name;
        }
        6 => {
            let name = value(graph, chance)?;
            let inputs = &mut node(graph, chance)?.input;
            if chance.random() {
                inputs.push(name);
            } else {
                inputs.pop()?;
            }
        }
        7 => {
            let name = value(graph, chance)?;
            let output = graph.output.first_mut()?;
            output.name = name;
        }
        8 => attribute(node(graph, chance)?, chance)?,
        9 => dims(tensor(graph, chance)?, chance)?,
        10 => bytes(tensor(graph, chance)?, chance)?,
        _ => float(tensor(graph, chance)?, chance)?,
    }
    Some(())
}

fn some<T>(list: &[T], chance: &mut ChaCha8Rng) -> Option<usize> {
    (!list.is_empty()).then(|| chance.random_range(0..list.len()))
}

fn node<'a>(graph: &'a mut GraphProto, chance: &mut ChaCha8Rng) -> Option<&'a mut NodeProto> {
    let at = some(&graph.node, chance)?;
    Some(&mut graph.node[at])
}

fn tensor<'a>(graph: &'a mut GraphProto, chance: &mut ChaCha8Rng) -> Option<&'a mut TensorProto> {
    let at = some(&graph.initializer, chance)?;
    Some(&mut graph.initializer[at])
}

/// The name of something that is computed or stored.
fn value(graph: &GraphProto, chance: &mut ChaCha8Rng) -> Option<String> {
    if chance.random_range(0..3) == 0 {
        return Some(graph.initializer[some(&graph.initializer, chance)?].name.clone());
    }
    graph.node[some(&graph.node, chance)?].output.first().cloned()
}

fn attribute(node: &mut NodeProto, chance: &mut ChaCha8Rng) -> Option<()> {
    let at = some(&node.attribute, chance)?;
    if chance.random_range(0..6) == 0 {
        node.attribute.remove(at);
        return Some(());
    }
    let attribute = &mut node.attribute[at];
    let number = *[-17, -16, -1, 0, 1, 2, 3, 16, 17, i64::MAX].get(chance.random_range(0..10))?;
    match chance.random_range(0..4) {
        0 => attribute.i = number,
        1 => attribute.ints.push(number),
        2 => {
            attribute.ints.pop()?;
        }
        _ => {
            let at = some(&attribute.ints, chance)?;
            attribute.ints[at] = number;
        }
    }
    Some(())
}

/// A shape for the same number of bytes, or nearly.
fn dims(tensor: &mut TensorProto, chance: &mut ChaCha8Rng) -> Option<()> {
    let (a, b) = (some(&tensor.dims, chance)?, some(&tensor.dims, chance)?);
    match chance.random_range(0..4) {
        0 => tensor.dims.swap(a, b),
        1 => tensor.dims.push(1),
        2 => {
            tensor.dims.remove(a);
        }
        _ => {
            let row = tensor.raw_data.len() / usize::try_from(tensor.dims[a]).ok().filter(|&dim| dim > 0)?;
            tensor.dims[a] += 1;
            tensor.raw_data.extend(std::iter::repeat_n(1, row));
        }
    }
    Some(())
}

fn bytes(tensor: &mut TensorProto, chance: &mut ChaCha8Rng) -> Option<()> {
    let at = some(&tensor.raw_data, chance)?;
    tensor.raw_data[at] = chance.random();
    Some(())
}

/// A float at the borders of what is accepted, where there are floats.
fn float(tensor: &mut TensorProto, chance: &mut ChaCha8Rng) -> Option<()> {
    let floats = tensor.raw_data.as_chunks_mut::<4>().0;
    let at = some(floats, chance)?;
    let border = [0.0, -0.0, 1.0, 2.0, 4.0, 1.0 / 255.0, f32::MIN_POSITIVE, 1e-45, f32::MAX / 256.0, f32::NAN, -1.0];
    floats[at] = border[chance.random_range(0..border.len())].to_le_bytes();
    Some(())
}
