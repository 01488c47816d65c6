//! From a frame to a verdict: preprocessing, engine, score and threshold in their one order.
//!
//! Takes frames and an engine, gives verdict and heatmap. Everything that decides comes from the manifest. Keeps its
//! buffers from frame to frame; reads no clock, so that a caller who wants times calls the two halves apart.

use shared::frame::Frame;
use shared::manifest::Manifest;
use shared::preprocess::{PreprocessError, Scratch};
use shared::score::{ScoreError, score};
use shared::units::Score;
use shared::verdict::{Reason, Verdict};
use thiserror::Error;

use super::{Engine, EngineError};

/// Why a frame has no score.
#[derive(Debug, Error, PartialEq)]
pub enum InspectError {
    /// The frame does not fit the manifest.
    #[error("{0}")]
    Preprocess(PreprocessError),
    /// The network failed.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// The heatmap has no score.
    #[error("{0}")]
    Score(ScoreError),
}

impl InspectError {
    /// The row of the failure table.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Preprocess(_) => Reason::BadPicture,
            Self::Engine(_) | Self::Score(_) => Reason::ModelFault,
        }
    }
}

/// An engine with its manifest and buffers.
pub struct Inspector {
    manifest: Manifest,
    engine: Box<dyn Engine>,
    scratch: Box<Scratch>,
    memory: Vec<u8>,
    input: Vec<u8>,
    heatmap: Vec<f32>,
    sums: Vec<f64>,
}

impl Inspector {
    /// Puts an engine to work under a manifest.
    pub fn new(manifest: Manifest, engine: Box<dyn Engine>) -> Self {
        let steps = manifest.preprocess();
        let (width, height) = (steps.width(), steps.height());
        Self {
            engine,
            scratch: Box::new(Scratch::new()),
            memory: vec![0; steps.memory_bytes()],
            input: vec![0; steps.input_bytes()],
            heatmap: vec![0.0; width * height],
            sums: vec![0.0; manifest.score_rule().scratch(width, height)],
            manifest,
        }
    }

    /// The first half: the frame becomes the network's input.
    ///
    /// # Errors
    /// [`InspectError::Preprocess`].
    pub fn prepare(&mut self, frame: &Frame<'_>) -> Result<(), InspectError> {
        let steps = self.manifest.preprocess();
        steps.run(frame, &mut self.scratch, &mut self.memory, &mut self.input).map_err(InspectError::Preprocess)
    }

    /// Takes an input that is prepared already, `[row][column][RGB]`.
    ///
    /// # Errors
    /// [`EngineError::Length`] where it has not the input's size.
    pub fn prepared(&mut self, input: &[u8]) -> Result<(), InspectError> {
        let (expected, got) = (self.input.len(), input.len());
        if expected != got {
            return Err(EngineError::Length { buffer: "input", expected, got }.into());
        }
        self.input.copy_from_slice(input);
        Ok(())
    }

    /// The second half: the prepared input becomes a score.
    ///
    /// # Errors
    /// [`InspectError::Engine`], [`InspectError::Score`].
    pub fn score(&mut self) -> Result<Score, InspectError> {
        self.engine.infer(&self.input, &mut self.heatmap)?;
        let width = self.manifest.preprocess().width();
        score(self.manifest.score_rule(), &self.heatmap, width, &mut self.sums).map_err(InspectError::Score)
    }

    /// Both halves and the threshold.
    ///
    /// # Errors
    /// [`InspectError`]; the part is then uninspected for [`InspectError::reason`].
    pub fn inspect(&mut self, frame: &Frame<'_>) -> Result<Verdict, InspectError> {
        self.inspect_by(frame, None)
    }

    /// Both halves and a threshold; without one, the manifest's.
    ///
    /// # Errors
    /// As [`Inspector::inspect`].
    pub fn inspect_by(&mut self, frame: &Frame<'_>, threshold: Option<Score>) -> Result<Verdict, InspectError> {
        self.prepare(frame)?;
        Ok(Verdict::of(self.score()?, threshold.unwrap_or(self.manifest.threshold())))
    }

    /// The manifest.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The last input, `[row][column][RGB]`.
    pub fn input(&self) -> &[u8] {
        &self.input
    }

    /// The last heatmap, `[row][column]`, 0..=1.
    pub fn heatmap(&self) -> &[f32] {
        &self.heatmap
    }
}
