//! Why a training run does not start or does not go on.

use std::path::PathBuf;

use tch::TchError;

use super::checkpoint::CheckpointError;
use crate::net::NetError;

/// Why a training run does not start or does not go on. The last checkpoint, if any, is untouched in each case.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting out of range.
    #[error("{field} is {got}; it must be: {right}")]
    Setting {
        /// Name of the setting.
        field: &'static str,
        /// Its value.
        got: String,
        /// What is allowed.
        right: &'static str,
    },
    /// A CUDA device was asked for that is not there.
    #[error("device cuda:{asked} was asked for, but this libtorch sees {found} CUDA devices; use --device cpu or auto")]
    NoCuda {
        /// The device's number.
        asked: usize,
        /// How many there are.
        found: usize,
    },
    /// A sample of the wrong size.
    #[error("sample {index}: {what} is {got_width} by {got_height} pixels, the run needs {width} by {height}")]
    Sample {
        /// Its index.
        index: u64,
        /// Which of its pictures.
        what: &'static str,
        /// Its width in pixels.
        got_width: usize,
        /// Its height in pixels.
        got_height: usize,
        /// The run's width in pixels.
        width: usize,
        /// The run's height in pixels.
        height: usize,
    },
    /// The samples ended before the run did.
    #[error("no more samples came at step {step}: preparing them failed")]
    NoSamples {
        /// The step that went without.
        step: u64,
    },
    /// The loss became infinite or undefined.
    #[error(
        "the loss is not finite any more after step {step} (L2 {l2}, SSIM {ssim}, focal {focal}); the last checkpoint \
         is kept. Try a learning rate below {learning_rate}, or --precision f32"
    )]
    NotFinite {
        /// The step after which it was seen.
        step: u64,
        /// Mean squared error since the last look.
        l2: f64,
        /// Structural dissimilarity since the last look.
        ssim: f64,
        /// Focal loss since the last look.
        focal: f64,
        /// The learning rate then.
        learning_rate: f64,
    },
    /// The checkpoint belongs to another run.
    #[error(
        "{path}: the checkpoint was written with {field} {saved}, this run has {asked}; use the same, or another work folder"
    )]
    Differs {
        /// The checkpoint.
        path: PathBuf,
        /// The setting that differs.
        field: &'static str,
        /// Its value in the checkpoint.
        saved: String,
        /// Its value now.
        asked: String,
    },
    /// A checkpoint could not be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The networks refused their weights.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Torch refused, most often for want of memory.
    #[error("torch: {0}")]
    Torch(#[from] TchError),
}
