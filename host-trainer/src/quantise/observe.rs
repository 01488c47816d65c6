//! What passes between the layers of the float model.
//!
//! Runs the exported float model with every layer's value as an output, on any number of pictures and all cores, and counts
//! the values of each convolution behind its ReLU. Chooses nothing.

use rayon::prelude::*;
use tract_onnx::prelude::*;

use super::histogram::Histogram;
use crate::data::Picture;
use crate::export::graph::{Layer, Op};
use crate::export::onnx::value_name;
use crate::export::reload::{ReloadError, planes};

/// A histogram for each layer, empty for those that are not counted.
///
/// # Errors
/// The runtime refuses the model or fails on a picture. All pictures are `width` by `height` pixels.
pub fn observe(
    onnx: &[u8],
    layers: &[Layer],
    (width, height): (usize, usize),
    pictures: &[Picture],
) -> Result<Vec<Histogram>, ReloadError> {
    let counted: Vec<usize> =
        (0..layers.len()).filter(|&at| matches!(layers[at].op, Op::ConvNormRelu { .. })).collect();
    let names: Vec<String> = counted.iter().map(|&at| value_name(&layers[at])).collect();
    let load = |error: TractError| ReloadError::Load { reason: format!("{error:#}") };
    let plan = tract_onnx::onnx()
        .model_for_read(&mut &*onnx)
        .and_then(|model| model.with_input_fact(0, f32::fact([1, 3, height, width]).into()))
        .and_then(|model| model.with_outputs_by_name(&names))
        .and_then(|model| model.into_optimized()?.into_runnable())
        .map_err(load)?;
    let one = |picture: &Picture| -> TractResult<Vec<Histogram>> {
        let input = Tensor::from_shape(&[1, 3, height, width], &planes(&picture.rgb))?;
        let count = |value: &TValue| -> TractResult<Histogram> {
            let mut histogram = Histogram::default();
            histogram.add(value.try_as_plain_ram()?.as_slice::<f32>()?);
            Ok(histogram)
        };
        plan.run(tvec!(input.into_tvalue()))?.iter().map(count).collect()
    };
    let run = |error: TractError| ReloadError::Run { reason: format!("{error:#}") };
    let each: Vec<Vec<Histogram>> = pictures.par_iter().map(one).collect::<TractResult<_>>().map_err(run)?;
    let mut all = vec![Histogram::default(); layers.len()];
    for histograms in each {
        for (&at, histogram) in counted.iter().zip(&histograms) {
            all[at].merge(histogram);
        }
    }
    Ok(all)
}
