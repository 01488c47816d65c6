//! `--precision`, `--false-reject`, `--engine`, `--threads`: which of a bundle's two models is run, where its threshold lies, and what
//! computes it. Where the threshold lies on a line, the last word is the command line's, then that of whoever set it on the station, then the
//! configuration's, then the bundle's.

use std::path::{Path, PathBuf};

use shared::manifest::{ManifestError, Precision, TargetError};

use thiserror::Error;

use crate::bundle::settings::{Settings, SettingsError};
use crate::bundle::{OpenBundle, TrustedKeys};
use crate::config::Config;
use crate::engine::choice::EngineChoice;
use crate::engine::fused::MAX_THREADS;

/// Why a bundle cannot be had as a line wants it.
#[derive(Debug, Error)]
pub enum WishError {
    /// Its good parts do not support the share of false rejects.
    #[error("{0}")]
    Target(TargetError),
    /// The threshold that was set is not known.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// The threshold that was set is none.
    #[error("{0}")]
    Manifest(ManifestError),
}

/// Which of the bundle's models runs.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct ModelOption {
    /// Which of the bundle's two models runs. Each has its own threshold.
    #[arg(long, default_value_t = Choice::Int8, value_enum)]
    precision: Choice,
    /// Moves the threshold to this share of good parts that may be rejected, such as 0.02. The good parts that the trainer
    /// held out must support it. Default: the bundle's own.
    #[arg(long, value_name = "SHARE")]
    false_reject: Option<f64>,
    /// What computes the model in integers.
    #[arg(long, default_value_t = EngineName::Fused, value_enum)]
    engine: EngineName,
    /// Threads that compute one picture together.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = threads)]
    threads: usize,
}

impl Default for ModelOption {
    fn default() -> Self {
        Self { precision: Choice::Int8, false_reject: None, engine: EngineName::Fused, threads: 1 }
    }
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads) if (1..=MAX_THREADS).contains(&threads) => Ok(threads),
        _ => Err(format!("expected a number from 1 to {MAX_THREADS}")),
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum EngineName {
    /// Fused layers, with the processor's best instructions.
    Fused,
    /// The same layers without vector instructions.
    Scalar,
    /// tract, in floats, to compare with.
    Tract,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Choice {
    /// 8-bit integers.
    Int8,
    /// Floats, to compare with.
    F32,
}

impl ModelOption {
    /// The engine that these options want.
    pub fn engine(self) -> EngineChoice {
        match self.engine {
            EngineName::Fused => EngineChoice::Fused,
            EngineName::Scalar => EngineChoice::Scalar,
            EngineName::Tract => EngineChoice::Tract,
        }
    }

    /// Threads that compute one picture together, 1..=[`MAX_THREADS`].
    pub const fn threads(self) -> usize {
        self.threads
    }

    /// Opens a bundle with these keys, or the usual ones where there are none, as these options want it.
    ///
    /// # Errors
    /// A key that cannot be read, a bundle that is refused, a share that its good parts cannot support.
    pub fn open(self, bundle: &Path, trust: &[PathBuf]) -> anyhow::Result<OpenBundle> {
        Ok(self.apply(OpenBundle::read(bundle, &TrustedKeys::load(trust)?)?, None)?)
    }

    /// The bundle as these options want it. Without `--false-reject`, `usual` moves the threshold, if it is given.
    ///
    /// # Errors
    /// When the bundle's good parts cannot support the share.
    pub fn apply(self, bundle: OpenBundle, usual: Option<f64>) -> Result<OpenBundle, TargetError> {
        let bundle = bundle.with_precision(self.precision());
        match self.false_reject.or(usual) {
            Some(target) => bundle.with_false_reject(target),
            None => Ok(bundle),
        }
    }

    /// The bundle as a line of this configuration judges with it: with the threshold that was set for it on the station, where one was.
    ///
    /// # Errors
    /// [`WishError`].
    pub fn on_line(self, bundle: OpenBundle, config: &Config) -> Result<OpenBundle, WishError> {
        let bundle = self.apply(bundle, config.false_reject()).map_err(WishError::Target)?;
        if self.is_fixed() {
            return Ok(bundle);
        }
        let set = Settings::beside(config.audit().dir()).get(&bundle.sha256(), self.precision())?;
        bundle.with_threshold(set).map_err(WishError::Manifest)
    }

    /// Which of the bundle's models runs.
    pub const fn precision(self) -> Precision {
        match self.precision {
            Choice::Int8 => Precision::Int8,
            Choice::F32 => Precision::Float32,
        }
    }

    /// Whether the command line says what the threshold is, so that nobody may set another.
    pub const fn is_fixed(self) -> bool {
        self.false_reject.is_some()
    }
}
