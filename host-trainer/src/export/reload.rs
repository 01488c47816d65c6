//! Runs an exported model on the trainer's side, in the arithmetic that the station uses.
//!
//! Takes the bytes of an ONNX file and pictures, gives heatmaps; any number of threads may share one model. A model in integers is
//! computed in integers, to the bit as on every station; one in floats by tract. The bytes are the trainer's own, so nothing is
//! bounded here: the station's engine guards against strange files. Scores and thresholds are not computed here. Heatmaps are
//! `[row][column]`, 0..=1.

use std::sync::{Arc, Mutex, PoisonError};

use edge_kernels::Isa;
use edge_network::{Crew, Recognised, recognise, start};
use thiserror::Error;
use tract_onnx::prelude::*;

use crate::data::Picture;

/// A model ready to run.
#[derive(Clone)]
pub struct Reloaded {
    runtime: Runtime,
    width: usize,
    height: usize,
}

#[derive(Clone)]
enum Runtime {
    Floats(Arc<TypedRunnableModel>),
    Integers(Arc<Crews>),
}

/// A network in integers, and crews that wait for a picture: each thread that asks takes one, or starts one.
struct Crews {
    found: Recognised,
    idle: Mutex<Vec<Crew>>,
}

/// Why a model cannot be loaded or run.
#[derive(Debug, Error)]
pub enum ReloadError {
    /// The runtime refused the model.
    #[error("the exported model cannot be loaded: {reason}")]
    Load {
        /// The runtime's words.
        reason: String,
    },
    /// The runtime failed on an input.
    #[error("the exported model cannot be run: {reason}")]
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
    /// Loads the model for pictures of exactly `width` by `height` pixels, to run as stations do.
    ///
    /// # Errors
    /// The runtime refuses the bytes, or the output is not one channel of the input's size.
    pub fn load(onnx: &[u8], width: usize, height: usize) -> Result<Self, ReloadError> {
        let proto = tract_onnx::onnx().proto_model_for_read(&mut &*onnx);
        let proto = proto.map_err(|error| ReloadError::Load { reason: format!("{error:#}") })?;
        let found = recognise(&proto, width, height);
        if !found.is_whole() {
            return Self::load_floats(onnx, width, height);
        }
        let crews = Crews { found, idle: Mutex::default() };
        // What cannot be started is told now.
        crews.give(crews.take()?);
        Ok(Self { runtime: Runtime::Integers(Arc::new(crews)), width, height })
    }

    /// Loads the model for tract, which computes in floats whatever it is: the definition of a model in integers, to within what the
    /// rounding of sums does.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_floats(onnx: &[u8], width: usize, height: usize) -> Result<Self, ReloadError> {
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
        Ok(Self { runtime: Runtime::Floats(plan), width, height })
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
        match &self.runtime {
            Runtime::Floats(_) => self.heatmap_of_planes(&planes(rgb)),
            Runtime::Integers(crews) => {
                self.check_length(rgb.len())?;
                let mut heatmap = vec![0.0; self.width * self.height];
                let mut crew = crews.take()?;
                crew.infer(rgb, &mut heatmap, |_| {})
                    .map_err(|error| ReloadError::Run { reason: error.to_string() })?;
                crews.give(crew);
                Ok(heatmap)
            }
        }
    }

    /// The heatmap of `[RGB][row][column]` values in 0..=1. A model in integers sees each rounded to a byte.
    ///
    /// # Errors
    /// The number of values is wrong, or the runtime fails.
    pub fn heatmap_of_planes(&self, planes: &[f32]) -> Result<Vec<f32>, ReloadError> {
        let (width, height) = (self.width, self.height);
        self.check_length(planes.len())?;
        let plan = match &self.runtime {
            Runtime::Floats(plan) => plan,
            Runtime::Integers(_) => {
                let pixels = width * height;
                let byte = |at: usize| (planes[at % 3 * pixels + at / 3] * 255.0).round_ties_even() as u8;
                return self.heatmap_of_rgb(&(0..3 * pixels).map(byte).collect::<Vec<u8>>());
            }
        };
        let heatmap = Tensor::from_shape(&[1, 3, height, width], planes)
            .and_then(|input| plan.run(tvec!(input.into_tvalue())))
            .and_then(|outputs| Ok(outputs[0].try_as_plain_ram()?.as_slice::<f32>()?.to_vec()))
            .map_err(|error| ReloadError::Run { reason: format!("{error:#}") })?;
        match heatmap.iter().position(|p| !(0.0..=1.0).contains(p)) {
            None => Ok(heatmap),
            Some(index) => Err(ReloadError::NotAProbability { index, got: heatmap[index] }),
        }
    }

    fn check_length(&self, got: usize) -> Result<(), ReloadError> {
        let (width, height) = (self.width, self.height);
        let expected = 3 * width * height;
        if got == expected { Ok(()) } else { Err(ReloadError::Input { expected, got, width, height }) }
    }
}

impl std::fmt::Debug for Reloaded {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let numbers = match &self.runtime {
            Runtime::Floats(_) => "floats",
            Runtime::Integers(_) => "integers",
        };
        write!(out, "Reloaded {{ {} by {}, {numbers} }}", self.width, self.height)
    }
}

impl Crews {
    fn take(&self) -> Result<Crew, ReloadError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let started = || start(&self.found, Isa::best(), 1);
        idle.map_or_else(started, Ok).map_err(|error| ReloadError::Load { reason: error.to_string() })
    }

    fn give(&self, crew: Crew) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(crew);
    }
}

/// `[row][column][RGB]` bytes as `[RGB][row][column]` values in 0..=1.
pub(crate) fn planes(rgb: &[u8]) -> Vec<f32> {
    let planes = (0..3).flat_map(|channel| rgb.iter().skip(channel).step_by(3));
    planes.map(|&byte| f32::from(byte) / 255.0).collect()
}
