//! What a training run is told, and whether it can be done.

use std::path::PathBuf;

use super::error::TrainError;
use super::lesson::{Lesson, SMALLEST_BATCH, lesson};
use crate::architecture::{Architecture, Networks, SIDE_MULTIPLE};
use crate::device::{DeviceChoice, PrecisionChoice};
use crate::preset::Preset;

/// Everything about a run but its samples.
#[derive(Clone, Debug)]
pub struct TrainConfig {
    /// The networks.
    pub networks: Networks,
    /// Width and height of the pictures in pixels, each a multiple of 32.
    pub size: (usize, usize),
    /// Width and height of the windows that all but the last steps learn from; whole pictures throughout if absent. No larger than
    /// `size`, each a multiple of 32. Belongs to what `samples` describes.
    pub windows: Option<(usize, usize)>,
    /// Optimisation steps in all, those before a resumption included.
    pub steps: u64,
    /// Samples in a step, at least 2: batch norm needs more than one value in its deepest layer.
    pub batch: usize,
    /// Seed of the first weights. The samples have their own.
    pub seed: u64,
    /// The highest learning rate, above 0.
    pub learning_rate: f64,
    /// The processor.
    pub device: DeviceChoice,
    /// The arithmetic of the activations.
    pub precision: PrecisionChoice,
    /// Where the checkpoint is kept; without it there is none.
    pub work_dir: Option<PathBuf>,
    /// What the samples are made of, in any words; a checkpoint made of others is not gone on from.
    pub samples: String,
    /// Whether to go on from the checkpoint in `work_dir`.
    pub resume: bool,
    /// Steps between checkpoints, at least 1; one more is written at the end and at a stop.
    pub checkpoint_every: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            networks: Preset::default().networks(Architecture::default()),
            size: (128, 128),
            windows: None,
            steps: 2000,
            batch: 8,
            seed: 0,
            learning_rate: 2e-3,
            device: DeviceChoice::default(),
            precision: PrecisionChoice::default(),
            work_dir: None,
            samples: String::new(),
            resume: false,
            checkpoint_every: 200,
        }
    }
}

impl TrainConfig {
    /// What this step, counted from 0, learns from.
    pub fn lesson(&self, step: u64) -> Lesson {
        lesson(step, self.steps, self.size, self.windows, self.batch)
    }

    /// Checks every range before anything is started.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the first value that cannot be.
    pub fn check(&self) -> Result<(), TrainError> {
        let (width, height) = self.size;
        let side = |side: usize| side > 0 && side.is_multiple_of(SIDE_MULTIPLE);
        let windows = self.windows.unwrap_or(self.size);
        let rules = [
            (self.networks.in_range(), "networks", self.networks.to_string(), "both widths 1 to 512"),
            (side(width) && side(height), "size", format!("{width} by {height}"), "both sides multiples of 32"),
            (
                side(windows.0) && side(windows.1) && windows.0 <= width && windows.1 <= height,
                "windows",
                format!("{} by {}", windows.0, windows.1),
                "no larger than the size, both sides multiples of 32",
            ),
            (self.steps > 0, "steps", self.steps.to_string(), "at least 1"),
            (self.batch >= SMALLEST_BATCH, "batch", self.batch.to_string(), "at least 2"),
            (
                self.learning_rate > 0.0 && self.learning_rate.is_finite(),
                "learning_rate",
                self.learning_rate.to_string(),
                "above 0, usually 1e-4 to 1e-2",
            ),
            (self.checkpoint_every > 0, "checkpoint_every", self.checkpoint_every.to_string(), "at least 1"),
            (!self.resume || self.work_dir.is_some(), "resume", "true".to_owned(), "a work folder to go with it"),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, field, got, right)) => Err(TrainError::Setting { field, got, right }),
            None => Ok(()),
        }
    }
}
