//! The network in tract, in float: the reference that any faster engine has to equal.
//!
//! Takes ONNX bytes once and pictures after that. Always optimised, always of one fixed input size. Neither random bytes
//! nor a hostile model make it panic or take memory without bound: see `accept` and the catching below. Does not verify
//! signatures: `bundle` does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::InferenceModel;

use super::accept::{MAX_VALUES_PER_PIXEL, MAX_VALUES_TOGETHER_PER_PIXEL, ModelError, accept};
use super::operators::reader;
use super::{Engine, EngineError};

/// A loaded and optimised model. Clones share it, so that each worker can have its own.
#[derive(Clone, Debug)]
pub struct TractEngine {
    plan: Arc<TypedRunnableModel>,
    width: usize,
    height: usize,
}

impl TractEngine {
    /// Loads an ONNX model for inputs of `width` by `height` pixels.
    ///
    /// # Errors
    /// Bytes that are no model, a model that [`accept`] refuses, one whose output is no heatmap of the input's size.
    pub fn load(model: &[u8], width: usize, height: usize) -> Result<Self, EngineError> {
        caught("loading", || Self::load_with(&decode(model)?, (width, height), |_| Ok(())))
    }

    /// The same with a change to the graph before it is optimised.
    pub(super) fn load_with(
        model: &ModelProto,
        (width, height): (usize, usize),
        change: impl FnOnce(&mut TypedModel) -> TractResult<()>,
    ) -> Result<Self, EngineError> {
        let plan = plan(model, width, height, change)?;
        Ok(Self { plan, width, height })
    }
}

impl Engine for TractEngine {
    fn infer(&mut self, input: &[u8], heatmap: &mut [f32]) -> Result<(), EngineError> {
        let pixels = self.width * self.height;
        length("input", pixels * 3, input.len())?;
        length("heatmap", pixels, heatmap.len())?;
        caught("running", || {
            let failed = |error: TractError| EngineError::Run { reason: format!("{error:#}") };
            let outputs = run(&self.plan, input, [self.height, self.width]).map_err(failed)?;
            let values = |output: &TValue| Ok(output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec());
            for logits in &outputs[1..] {
                first_not(&values(logits).map_err(failed)?, f32::is_finite)?;
            }
            heatmap.copy_from_slice(&values(&outputs[0]).map_err(failed)?);
            first_not(heatmap, |value| (0.0..=1.0).contains(&value))
        })
    }
}

/// The bytes of a file as ONNX messages.
pub(super) fn decode(bytes: &[u8]) -> Result<ModelProto, ModelError> {
    let decoded = reader().proto_model_for_read(&mut &*bytes);
    decoded.map_err(|error| ModelError::NotOnnx { reason: format!("{error:#}") })
}

fn plan(
    proto: &ModelProto,
    width: usize,
    height: usize,
    change: impl FnOnce(&mut TypedModel) -> TractResult<()>,
) -> Result<Arc<TypedRunnableModel>, EngineError> {
    let load = |error: TractError| EngineError::Load { reason: format!("{error:#}") };
    accept(proto, width, height)?;
    let fact = f32::fact([1, 3, height, width]);
    let mut model = reader()
        .model_for_proto_model(proto)
        .and_then(|model| model.with_input_fact(0, fact.clone().into()))
        .map_err(load)?;
    model.analyse(false).map_err(load)?;
    in_proportion(&model, width * height)?;
    show_logits(&mut model).map_err(load)?;
    let mut model = model.into_typed().map_err(load)?;
    change(&mut model).map_err(load)?;
    let model = model.into_optimized().map_err(load)?;

    let shape = |fact: &TypedFact| format!("{fact:?}");
    let expected = f32::fact([1, 1, height, width]);
    let got = model.output_fact(0).map_err(load)?;
    let same = |a: &TypedFact, b: &TypedFact| a.datum_type == b.datum_type && a.shape == b.shape;
    if !same(got, &expected) || !same(model.input_fact(0).map_err(load)?, &fact) {
        return Err(EngineError::OutputShape { expected: shape(&expected), got: shape(got) });
    }
    model.into_runnable().map_err(load)
}

/// Makes the logits a second output, because the runtime's sigmoid turns NaN and infinity into numbers that look sound.
fn show_logits(model: &mut InferenceModel) -> TractResult<()> {
    let heatmap = model.output_outlets()?[0];
    let node = model.node(heatmap.node);
    let logits = if node.op.name() == "Sigmoid" { node.inputs.first().copied() } else { None };
    let outputs: Vec<OutletId> = [heatmap].into_iter().chain(logits).collect();
    model.select_output_outlets(&outputs)
}

/// Refuses values between nodes that are larger than any network for this input needs, before anything is computed.
fn in_proportion(model: &InferenceModel, pixels: usize) -> Result<(), ModelError> {
    let limit = pixels * MAX_VALUES_PER_PIXEL;
    let (mut together, limit_together) = (0, pixels * MAX_VALUES_TOGETHER_PER_PIXEL);
    for node in model.nodes().iter().filter(|node| !node.inputs.is_empty()) {
        for output in &node.outputs {
            let dims = output.fact.shape.as_concrete_finite().ok().flatten();
            let got = dims.and_then(|dims| dims.iter().try_fold(1usize, |all, &dim| all.checked_mul(dim)));
            // Stored weights that are only converted are bounded by the file, whatever the picture's size.
            let constant = |input: &OutletId| model.node(input.node).op.name() == "Const";
            let stored = node.op.name() == "DequantizeLinear" && node.inputs.iter().all(constant);
            match got {
                _ if stored => {}
                Some(got) if got <= limit => {
                    together += got;
                    if together > limit_together {
                        let node = node.name.clone();
                        return Err(ModelError::Size { node, got: together, limit: limit_together });
                    }
                }
                got => {
                    let node = node.name.clone();
                    return Err(ModelError::Size { node, got: got.unwrap_or(usize::MAX), limit });
                }
            }
        }
    }
    Ok(())
}

/// An error about the first value that is not as it should be.
fn first_not(values: &[f32], right: impl Fn(f32) -> bool) -> Result<(), EngineError> {
    match values.iter().position(|&value| !right(value)) {
        None => Ok(()),
        Some(index) => Err(EngineError::NotProbability { index, value: values[index] }),
    }
}

fn run(plan: &Arc<TypedRunnableModel>, input: &[u8], [height, width]: [usize; 2]) -> TractResult<TVec<TValue>> {
    let pixels = width * height;
    let mut tensor = Tensor::zero::<f32>(&[1, 3, height, width])?;
    let mut view = tensor.try_as_plain_ram_mut()?;
    for (channel, plane) in view.as_slice_mut::<f32>()?.chunks_exact_mut(pixels).enumerate() {
        let bytes = input.as_chunks::<3>().0.iter().map(|pixel| pixel[channel]);
        plane.iter_mut().zip(bytes).for_each(|(value, byte)| *value = f32::from(byte) / 255.0);
    }
    plan.run(tvec!(tensor.into_tvalue()))
}

pub(super) fn length(buffer: &'static str, expected: usize, got: usize) -> Result<(), EngineError> {
    if got == expected { Ok(()) } else { Err(EngineError::Length { buffer, expected, got }) }
}

/// Turns a panic of the runtime into an error: a damaged model must not take the gate's process down, and tract asserts
/// where it should refuse. What the closure captured is dropped or only read afterwards, so nothing half-changed is used.
pub(super) fn caught<T>(during: &'static str, work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let reason = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(EngineError::Panicked { during, reason: reason.unwrap_or_else(|| "no message".to_owned()) })
    })
}
