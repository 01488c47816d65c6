//! Thresholds that somebody has set on the station, one file for each model of each bundle, beside the records.
//!
//! Takes a bundle's hash and which of its models judges; gives the threshold that was set for it, which a restart keeps and no other bundle
//! inherits. A file appears whole or not at all. One that cannot be understood is an error and not nothing: a line must not go back by itself
//! from a threshold that somebody has lowered. Decides nothing about a part.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use shared::manifest::Precision;
use shared::units::Score;
use thiserror::Error as ThisError;

use crate::store::durable;

/// Name of the folder within that of the records.
const FOLDER: &str = "thresholds";

/// Bytes of the longest file that is read: one line, and room for a comment.
const MOST_BYTES: u64 = 4096;

/// Why a threshold is not known, or not kept.
#[derive(Debug, ThisError)]
pub enum SettingsError {
    /// The disk.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Error,
    },
    /// A file holds something else.
    #[error(
        "{}: {why}; expected is a line such as `threshold = 0.25`, 0 or more and less than 1; without the file the bundle's own holds",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// The file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    threshold: f64,
}

/// A folder of thresholds.
#[derive(Debug, Clone)]
pub struct Settings {
    folder: PathBuf,
}

impl Settings {
    /// Beside the records in this folder. Opens nothing.
    #[must_use]
    pub fn beside(records: &Path) -> Self {
        Self { folder: records.join(FOLDER) }
    }

    fn name(sha256: &[u8; 32], precision: Precision) -> String {
        let hex: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}-{precision}.toml")
    }

    /// The threshold that was set, below 1; `None` where none was.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn get(&self, sha256: &[u8; 32], precision: Precision) -> Result<Option<Score>, SettingsError> {
        let path = self.folder.join(Self::name(sha256, precision));
        let failed = |source| SettingsError::File { path: path.clone(), source };
        let malformed = |why: String| SettingsError::Malformed { path: path.clone(), why };
        let length = match std::fs::metadata(&path) {
            // That the folder is none is told by whoever has to write there.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            found => found.map_err(failed)?.len(),
        };
        if length > MOST_BYTES {
            return Err(malformed(format!("it has {length} bytes")));
        }
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        let Raw { threshold } = toml::from_str(&text).map_err(|error| malformed(error.message().to_owned()))?;
        let set = Score::new(threshold as f32).filter(|set| set.get() < 1.0);
        set.map(Some).ok_or_else(|| malformed(format!("threshold is {threshold}")))
    }

    /// Keeps a threshold, or forgets the one that was set. When this is done it is on the disk.
    ///
    /// # Errors
    /// [`SettingsError::File`]; what was set before holds.
    pub fn set(&self, sha256: &[u8; 32], precision: Precision, set: Option<Score>) -> Result<(), SettingsError> {
        let name = Self::name(sha256, precision);
        let failed = |source| SettingsError::File { path: self.folder.join(&name), source };
        durable::folder(&self.folder).map_err(failed)?;
        match set {
            // Read back as the same number: the shortest text of a number of 32 bits is that of no other.
            Some(set) => {
                let text = format!("threshold = {:?}\n", set.get());
                durable::files(&self.folder, &[(&name, text.as_bytes())]).map_err(failed)
            }
            None => durable::remove(&self.folder, &name).map_err(failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPS: [u8; 32] = [0xa0; 32];

    #[test]
    fn what_is_set_is_read_back_to_the_bit_and_holds_for_one_model_of_one_bundle() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::beside(folder.path());
        assert_eq!(settings.get(&CAPS, Precision::Int8).unwrap(), None);
        for set in [0.0, f32::MIN_POSITIVE, 1e-7, 0.1, 0.333_333_34, 1.0 - f32::EPSILON / 2.0] {
            let set = Score::new(set);
            settings.set(&CAPS, Precision::Int8, set).unwrap();
            assert_eq!(settings.get(&CAPS, Precision::Int8).unwrap(), set);
        }
        assert_eq!(settings.get(&CAPS, Precision::Float32).unwrap(), None, "another model");
        assert_eq!(settings.get(&[0xa1; 32], Precision::Int8).unwrap(), None, "another bundle");
        for _ in 0..2 {
            settings.set(&CAPS, Precision::Int8, None).unwrap();
            assert_eq!(settings.get(&CAPS, Precision::Int8).unwrap(), None);
        }
    }

    #[test]
    fn what_cannot_be_understood_is_no_threshold_and_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::beside(folder.path());
        settings.set(&CAPS, Precision::Int8, Score::new(0.5)).unwrap();
        let path = folder.path().join(FOLDER).join(Settings::name(&CAPS, Precision::Int8));
        let long = format!("threshold = 0.5 #{}", " ".repeat(5_000));
        for text in ["", "threshold = 1.0", "threshold = nan", "threshold = -0.1", "treshold = 0.5", "\u{0}", &long] {
            std::fs::write(&path, text).unwrap();
            let error = settings.get(&CAPS, Precision::Int8).unwrap_err();
            assert!(matches!(error, SettingsError::Malformed { .. }), "{text}");
            assert!(error.to_string().contains("-int8.toml"), "{error}");
        }
        std::fs::remove_dir_all(folder.path().join(FOLDER)).unwrap();
        std::fs::write(folder.path().join(FOLDER), "in the way").unwrap();
        assert!(matches!(settings.set(&CAPS, Precision::Int8, None), Err(SettingsError::File { .. })));
    }
}
