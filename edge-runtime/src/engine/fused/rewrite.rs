//! Fused layers within a graph that is tract's otherwise.
//!
//! Takes a typed tract graph, puts one operator in the place of all layers that were recognised, and lets the other nodes read from
//! it. The operator takes the picture in floats and gives in floats what the others read. Slower than a network that is fused as a
//! whole, which needs no tract at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use edge_network::Crew;
use edge_network::recognise::{Coding, Value};
use tract_onnx::tract_hir::internal::*;

/// Replaces what `crew` computes. `values` and `read_elsewhere` are those that it was planned from.
pub fn apply(
    graph: &mut TypedModel,
    crew: Crew,
    values: &[Value],
    read_elsewhere: &BTreeMap<usize, BTreeSet<String>>,
) -> TractResult<()> {
    if read_elsewhere.is_empty() {
        return Ok(());
    }
    let picture = graph.input_outlets()?[0];
    let codings = read_elsewhere.keys().map(|&value| values[value].coding).collect();
    let crew = Arc::new(Mutex::new(crew));
    let mut patch = TypedModelPatch::new("layers of bytes");
    let tap = patch.tap_model(graph, picture)?;
    let fused = patch.wire_node("fused", FusedLayers { crew, codings }, &[tap])?;
    for (floats, &by) in read_elsewhere.values().zip(&fused) {
        for float in floats {
            let outlet = outlet(graph, float).with_context(|| format!("value `{float}`"))?;
            patch.shunt_outside(graph, outlet, by)?;
        }
    }
    patch.apply(graph)?;
    graph.compact()
}

fn outlet(graph: &TypedModel, name: &str) -> TractResult<OutletId> {
    graph
        .find_outlet_label(name)
        .or_else(|| graph.node_by_name(name).ok().map(|node| node.id.into()))
        .context("not there")
}

/// All recognised layers.
#[derive(Clone)]
struct FusedLayers {
    crew: Arc<Mutex<Crew>>,
    /// What each output's bytes stand for.
    codings: Vec<Coding>,
}

impl fmt::Debug for FusedLayers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FusedLayers").field("codings", &self.codings).finish_non_exhaustive()
    }
}

impl PartialEq for FusedLayers {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.crew, &other.crew)
    }
}

impl Eq for FusedLayers {}

impl FusedLayers {
    fn crew(&self) -> std::sync::MutexGuard<'_, Crew> {
        self.crew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shape(&self, output: usize) -> TVec<usize> {
        let [channels, rows, columns] = self.crew().machine().output_shape(output);
        tvec!(1, channels, rows, columns)
    }
}

impl Op for FusedLayers {
    fn name(&self) -> StaticName {
        "FusedLayers".into()
    }

    op_as_typed_op!();
}

impl EvalOp for FusedLayers {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let picture = inputs[0].try_as_plain_ram()?.as_slice::<f32>()?;
        let pixels = picture.len() / 3;
        let byte = |at: usize| (picture[at % 3 * pixels + at / 3] * 255.0).round_ties_even() as u8;
        let bytes: Vec<u8> = (0..3 * pixels).map(byte).collect();
        let mut crew = self.crew();
        crew.machine().put(&bytes);
        crew.run(|_| {})?;
        let outputs = self.codings.iter().enumerate().map(|(output, coding)| {
            let [channels, rows, columns] = crew.machine().output_shape(output);
            let mut bytes = vec![0; channels * rows * columns];
            crew.machine().take_output(output, &mut bytes);
            let float = |byte: &u8| (f32::from(*byte) - f32::from(coding.zero)) * coding.scale;
            let floats: Vec<f32> = bytes.iter().map(float).collect();
            Ok(Tensor::from_shape(&[1, channels, rows, columns], &floats)?.into_tvalue())
        });
        outputs.collect()
    }
}

impl TypedOp for FusedLayers {
    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok((0..self.codings.len()).map(|output| f32::fact(self.shape(output))).collect())
    }

    as_op!();
}
