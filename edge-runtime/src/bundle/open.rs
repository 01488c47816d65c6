//! From a file to a verified bundle.
//!
//! Takes a path and the trusted keys, gives manifest and model bytes. Every refusal names the file, its reason and what
//! would be right. The layout and the checks themselves are [`shared::bundle`]'s. Does not load the model into an engine.

use std::fs::File;
use std::io::{Error, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use shared::bundle::{BundleError, KeyId, MAX_BUNDLE_BYTES, SIGNATURE_BYTES, verify};
use shared::manifest::{Manifest, ManifestError, Precision, TargetError};
use shared::units::Score;
use thiserror::Error as ThisError;

use super::TrustedKeys;

/// A bundle that passed every check.
#[derive(Clone, Debug)]
pub struct OpenBundle {
    manifest: Manifest,
    signer: KeyId,
    bytes: Vec<u8>,
    /// In the order of [`Precision::BOTH`].
    models: [Range<usize>; 2],
    parity: Range<usize>,
}

/// What a line goes on needing of a bundle once its model is loaded: all but the bytes, which need not lie in memory twice.
#[derive(Clone, Debug)]
pub struct Identity {
    manifest: Manifest,
    sha256: [u8; 32],
}

impl Identity {
    /// The checked manifest.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of the whole file, signature included.
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}

/// Why a bundle is refused.
#[derive(Debug, ThisError)]
pub enum OpenError {
    /// The file cannot be read.
    #[error("cannot read bundle {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Error,
    },
    /// The path is no regular file.
    #[error("bundle {} is no regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Larger than any bundle.
    #[error("bundle {} refused: it has {got} bytes, at most {MAX_BUNDLE_BYTES} are read", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        got: u64,
    },
    /// One of the checks.
    #[error("bundle {} refused: {error}; {trusted}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Which check.
        error: BundleError,
        /// Which keys are trusted, in words.
        trusted: String,
    },
}

impl OpenBundle {
    /// Reads and verifies a file. Its length is checked before its bytes are read.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn read(path: &Path, trusted: &TrustedKeys) -> Result<Self, OpenError> {
        let unreadable = |source| OpenError::Read { path: path.to_owned(), source };
        // Looked at before it is opened: opening a pipe would wait for somebody to write into it.
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(OpenError::NotAFile { path: path.to_owned() });
        }
        let file = File::open(path).map_err(unreadable)?;
        let limit = MAX_BUNDLE_BYTES as u64;
        let too_large = |got| OpenError::TooLarge { path: path.to_owned(), got };
        let length = file.metadata().map_err(unreadable)?.len();
        if length > limit {
            return Err(too_large(length));
        }
        let mut bytes = Vec::with_capacity(length as usize);
        // The file may grow while it is read.
        let read = file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if read as u64 > limit {
            return Err(too_large(read as u64));
        }
        Self::verify(bytes, trusted).map_err(|error| OpenError::Refused {
            path: path.to_owned(),
            error,
            trusted: trusted.describe(),
        })
    }

    /// Verifies bytes.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(bytes: Vec<u8>, trusted: &TrustedKeys) -> Result<Self, BundleError> {
        let opened = verify(&bytes, &trusted.verifying())?;
        // The sections follow each other up to the signature.
        let parity_end = bytes.len() - SIGNATURE_BYTES;
        let parity = parity_end - opened.parity.len()..parity_end;
        let int8 = parity.start - opened.models[1].len()..parity.start;
        let float32 = int8.start - opened.models[0].len()..int8.start;
        let (manifest, signer) = (opened.manifest, opened.signer);
        Ok(Self { manifest, signer, models: [float32, int8], parity, bytes })
    }

    /// The same bundle with the other, or the same, of its models to be run. Opened it is that in integers.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { manifest: self.manifest.with_precision(precision), ..self }
    }

    /// The same bundle with its threshold moved to another false-reject rate.
    ///
    /// # Errors
    /// When its good parts cannot support that rate.
    pub fn with_false_reject(self, target: f64) -> Result<Self, TargetError> {
        Ok(Self { manifest: self.manifest.with_false_reject(target)?, ..self })
    }

    /// The same bundle with a threshold that somebody has set, or with its own again.
    ///
    /// # Errors
    /// [`ManifestError::ThresholdTooHigh`].
    pub fn with_threshold(self, set: Option<Score>) -> Result<Self, ManifestError> {
        Ok(Self { manifest: self.manifest.with_threshold(set)?, ..self })
    }

    /// The checked manifest.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The ONNX model that the manifest is seen as that of.
    pub fn model(&self) -> &[u8] {
        let [float32, int8] = &self.models;
        let range = match self.manifest.precision() {
            Precision::Float32 => float32,
            Precision::Int8 => int8,
        };
        &self.bytes[range.clone()]
    }

    /// Parity inputs, one after the other, each `[row][column][RGB]`.
    pub fn parity(&self) -> &[u8] {
        &self.bytes[self.parity.clone()]
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the whole file, signature included.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }

    /// What is kept of it by a line that has loaded its model.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity { manifest: self.manifest.clone(), sha256: self.sha256() }
    }

    /// Who signed it.
    pub const fn signer(&self) -> KeyId {
        self.signer
    }
}
