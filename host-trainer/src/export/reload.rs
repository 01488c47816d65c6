//! Runs an exported model on the trainer's side, in the runtime that the station uses.
//!
//! Takes the bytes of an ONNX file and pictures, gives heatmaps; any number of threads may share one model. The bytes are
//! the trainer's own, so nothing is bounded here: the station's engine guards against strange files. Scores and
//! thresholds are not computed here. Heatmaps are `[row][column]`, 0..=1.

use std::sync::Arc;

use thiserror::Error;
use tract_onnx::prelude::*;

use crate::data::Picture;

/// A model ready to run.
#[derive(Clone, Debug)]
pub struct Reloaded {
    plan: Arc<TypedRunnableModel>,
    width: usize,
    height: usize,
}

/// Why a model cannot be loaded or run.
#[derive(Debug, Error)]
pub enum ReloadError {
    /// The runtime refused the model.
    #[error("tract cannot load the exported model: {reason}")]
    Load {
        /// The runtime's words.
        reason: String,
    },
    /// The runtime failed on an input.
    #[error("tract cannot run the exported model: {reason}")]
    Run {
        /// The runtime's words.
        reason: String,
    },
    /// The output is not a heatmap of the input's size.
    #[error("the exported model gives shape {got:?}, expected {expected:?}")]
    Output {
        /// `[1, 1, height, width]`.
        expected: Vec<usize>,
        /// What came out.
        got: Vec<usize>,
    },
    /// The input has the wrong number of values.
    #[error("the input has {got} values, expected {expected} (three channels of {width} by {height} pixels)")]
    Input {
        /// Values expected.
        expected: usize,
        /// Values given.
        got: usize,
        /// The model's width in pixels.
        width: usize,
        /// The model's height in pixels.
        height: usize,
    },
    /// A heatmap holds a value that is no probability.
    #[error("the heatmap holds {got} at index {index}, expected 0 to 1")]
    NotAProbability {
        /// Row-major index.
        index: usize,
        /// The value.
        got: f32,
    },
}

impl Reloaded {
    /// Loads and optimises the model for pictures of exactly `width` by `height` pixels.
    ///
    /// # Errors
    /// The runtime refuses the bytes, or the output is not one channel of the input's size.
    pub fn load(onnx: &[u8], width: usize, height: usize) -> Result<Self, ReloadError> {
        let reason = |error: TractError| ReloadError::Load { reason: format!("{error:#}") };
        let fact = f32::fact([1, 3, height, width]);
        let model = tract_onnx::onnx()
            .model_for_read(&mut &*onnx)
            .and_then(|model| model.with_input_fact(0, fact.into()))
            .and_then(|model| model.into_optimized())
            .map_err(reason)?;
        let expected = vec![1, 1, height, width];
        let got = model.output_fact(0).map_err(reason)?.shape.as_concrete().map(<[usize]>::to_vec);
        match got {
            Some(got) if got == expected => {}
            got => return Err(ReloadError::Output { expected, got: got.unwrap_or_default() }),
        }
        let plan = model.into_runnable().map_err(reason)?;
        Ok(Self { plan, width, height })
    }

    /// The heatmap of a picture at the model's size.
    ///
    /// # Errors
    /// The picture has another size, or the runtime fails.
    pub fn heatmap(&self, picture: &Picture) -> Result<Vec<f32>, ReloadError> {
        self.heatmap_of_rgb(&picture.rgb)
    }

    /// The heatmap of `[row][column][RGB]` bytes.
    ///
    /// # Errors
    /// The number of bytes is wrong, or the runtime fails.
    pub fn heatmap_of_rgb(&self, rgb: &[u8]) -> Result<Vec<f32>, ReloadError> {
        self.heatmap_of_planes(&planes(rgb))
    }

    /// The heatmap of `[RGB][row][column]` values in 0..=1.
    ///
    /// # Errors
    /// The number of values is wrong, or the runtime fails.
    pub fn heatmap_of_planes(&self, planes: &[f32]) -> Result<Vec<f32>, ReloadError> {
        let (width, height) = (self.width, self.height);
        if planes.len() != 3 * width * height {
            let (expected, got) = (3 * width * height, planes.len());
            return Err(ReloadError::Input { expected, got, width, height });
        }
        let heatmap = Tensor::from_shape(&[1, 3, height, width], planes)
            .and_then(|input| self.plan.run(tvec!(input.into_tvalue())))
            .and_then(|outputs| Ok(outputs[0].try_as_plain_ram()?.as_slice::<f32>()?.to_vec()))
            .map_err(|error| ReloadError::Run { reason: format!("{error:#}") })?;
        match heatmap.iter().position(|p| !(0.0..=1.0).contains(p)) {
            None => Ok(heatmap),
            Some(index) => Err(ReloadError::NotAProbability { index, got: heatmap[index] }),
        }
    }
}

/// `[row][column][RGB]` bytes as `[RGB][row][column]` values in 0..=1.
pub(crate) fn planes(rgb: &[u8]) -> Vec<f32> {
    let planes = (0..3).flat_map(|channel| rgb.iter().skip(channel).step_by(3));
    planes.map(|&byte| f32::from(byte) / 255.0).collect()
}
