//! Files with secrets: their owner's alone, short, and never printed.

use std::fmt;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use thiserror::Error;

/// Bytes of the file of a secret that is typed or sent, at most.
const MOST_BYTES: u64 = 1024;

/// Characters of a secret that is sent over a network, at the least: nobody guesses it.
pub const LEAST_SENT: usize = 16;

/// Why there is no secret.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others can read it.
    #[error("{path} has mode {mode:03o}: only its owner may read it, so chmod 600")]
    Open {
        /// The file.
        path: String,
        /// Its rights.
        mode: u32,
    },
    /// It holds no secret.
    #[error("{path}: {expected}")]
    Unfit {
        /// The file.
        path: String,
        /// What would be right.
        expected: String,
    },
}

/// What is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text of a file that only its owner can read, less than `most` bytes.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn whole(path: &Path, most: u64) -> Result<Self, SecretError> {
        let shown = path.display().to_string();
        let failed = |source| SecretError::Read { path: shown.clone(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if about.mode() & 0o077 != 0 {
            return Err(SecretError::Open { path: shown, mode: about.mode() & 0o777 });
        }
        let mut text = String::new();
        file.take(most).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 == most {
            return Err(SecretError::Unfit { path: shown, expected: format!("less than {most} bytes are expected") });
        }
        Ok(Self(text))
    }

    /// Its first line, of so many characters at the least.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn first_line(path: &Path, least: usize) -> Result<Self, SecretError> {
        let text = Self::whole(path, MOST_BYTES)?;
        let line = text.expose().lines().next().unwrap_or_default();
        if line.chars().count() < least {
            let expected = format!("its first line must have {least} characters or more");
            return Err(SecretError::Unfit { path: path.display().to_string(), expected });
        }
        Ok(Self::new(line))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
