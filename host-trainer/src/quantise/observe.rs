//! What passes between the layers of the float model.
//!
//! Runs a float model with every layer's value as an output, on any number of pictures and all cores, and counts
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
    size: (usize, usize),
    pictures: &[Picture],
) -> Result<Vec<Histogram>, ReloadError> {
    let count = |values: &[f32], _| {
        let mut histogram = Histogram::default();
        histogram.add(values);
        histogram
    };
    let mut all = vec![Histogram::default(); layers.len()];
    for (at, histogram) in each(onnx, layers, size, pictures, count)? {
        all[at].merge(&histogram);
    }
    Ok(all)
}

/// For each layer the largest value of each channel, as a mean over the pictures; nothing for layers that are not counted.
///
/// # Errors
/// As [`observe`].
pub fn largest_by_channel(
    onnx: &[u8],
    layers: &[Layer],
    size: (usize, usize),
    pictures: &[Picture],
) -> Result<Vec<Vec<f32>>, ReloadError> {
    let share = 1.0 / pictures.len().max(1) as f32;
    let largest = |values: &[f32], pixels: usize| -> Vec<f32> {
        values.chunks_exact(pixels).map(|plane| share * plane.iter().fold(0.0f32, |m, &v| m.max(v))).collect()
    };
    let mut all = vec![Vec::new(); layers.len()];
    for (at, picture) in each(onnx, layers, size, pictures, largest)? {
        let sums: &mut Vec<f32> = &mut all[at];
        sums.resize(picture.len(), 0.0);
        sums.iter_mut().zip(picture).for_each(|(sum, value)| *sum += value);
    }
    Ok(all)
}

/// What `look` makes of each counted layer's value, `[channel][row][column]` with so many pixels a channel, on each picture: with the
/// layer's place in the list.
fn each<T: Send>(
    onnx: &[u8],
    layers: &[Layer],
    (width, height): (usize, usize),
    pictures: &[Picture],
    look: impl Fn(&[f32], usize) -> T + Sync,
) -> Result<Vec<(usize, T)>, ReloadError> {
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
    let one = |picture: &Picture| -> TractResult<Vec<(usize, T)>> {
        let input = Tensor::from_shape(&[1, 3, height, width], &planes(&picture.rgb))?;
        let looked = |(value, &at): (&TValue, &usize)| -> TractResult<(usize, T)> {
            let pixels = value.shape()[2] * value.shape()[3];
            Ok((at, look(value.try_as_plain_ram()?.as_slice::<f32>()?, pixels)))
        };
        plan.run(tvec!(input.into_tvalue()))?.iter().zip(&counted).map(looked).collect()
    };
    let run = |error: TractError| ReloadError::Run { reason: format!("{error:#}") };
    let all: Vec<Vec<(usize, T)>> = pictures.par_iter().map(one).collect::<TractResult<_>>().map_err(run)?;
    Ok(all.into_iter().flatten().collect())
}
