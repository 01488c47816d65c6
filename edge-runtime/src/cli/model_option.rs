//! `--precision` and `--false-reject`: which of a bundle's two models is run, and where its threshold lies.

use shared::manifest::{Precision, TargetError};

use crate::bundle::OpenBundle;

/// Which of the bundle's models runs.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct ModelOption {
    /// The model in 8-bit integers, or the one in floats to compare with. Each has its own threshold.
    #[arg(long, default_value_t = Choice::Int8, value_enum)]
    precision: Choice,
    /// Moves the threshold to this share of good parts that may be rejected, such as 0.02. The good parts that the trainer
    /// held out must support it. Default: the bundle's own.
    #[arg(long, value_name = "SHARE")]
    false_reject: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Choice {
    #[default]
    Int8,
    F32,
}

impl ModelOption {
    /// The bundle as these options want it. Without `--false-reject`, `usual` moves the threshold, if it is given.
    ///
    /// # Errors
    /// When the bundle's good parts cannot support the share.
    pub fn apply(self, bundle: OpenBundle, usual: Option<f64>) -> Result<OpenBundle, TargetError> {
        let bundle = bundle.with_precision(match self.precision {
            Choice::Int8 => Precision::Int8,
            Choice::F32 => Precision::Float32,
        });
        match self.false_reject.or(usual) {
            Some(target) => bundle.with_false_reject(target),
            None => Ok(bundle),
        }
    }
}
