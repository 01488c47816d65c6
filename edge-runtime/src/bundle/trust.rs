//! Which signing keys this station trusts.
//!
//! Takes key files that a person names, or the standard folders; gives public keys with the files that they came from.
//! Text form: [`shared::key_text`]. Verifies no signature. A damaged file in a folder is an error, not skipped: a station
//! that silently trusts fewer keys than its folder shows would puzzle everyone.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Error, ErrorKind, Read as _};
use std::path::PathBuf;

use ed25519_dalek::VerifyingKey;
use shared::bundle::KeyId;
use shared::key_text::{self, KeyTextError};
use thiserror::Error as ThisError;

/// A key file has under 200 bytes; what is longer is something else.
const MAX_KEY_FILE_BYTES: u64 = 4096;

/// One trusted key.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// The key.
    pub key: VerifyingKey,
    /// Its id.
    pub id: KeyId,
    /// The file that it was read from.
    pub path: PathBuf,
}

/// All keys that are trusted.
#[derive(Clone, Debug)]
pub struct TrustedKeys {
    keys: Vec<TrustedKey>,
    places: Vec<PathBuf>,
}

/// Why the trusted keys cannot be read.
#[derive(Debug, ThisError)]
pub enum TrustError {
    /// A file or folder cannot be read.
    #[error("cannot read trusted key {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: Error,
    },
    /// A file is no public key.
    #[error("{} is no trusted public key: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyTextError,
    },
    /// A file is far too long.
    #[error("{} is no trusted public key: {got} bytes or more, at most {MAX_KEY_FILE_BYTES} are read", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length.
        got: u64,
    },
}

impl TrustedKeys {
    /// The named files, or, if there are none, every `*.pub` in the standard folders.
    ///
    /// # Errors
    /// The first [`TrustError`]. A standard folder that is absent is none.
    pub fn load(files: &[PathBuf]) -> Result<Self, TrustError> {
        if files.is_empty() {
            Self::from_folders(standard_folders(std::env::var_os("XDG_CONFIG_HOME"), std::env::var_os("HOME")))
        } else {
            Self::from_files(files.to_vec(), files.to_vec())
        }
    }

    /// Every `*.pub` in these folders, in the order of names.
    ///
    /// # Errors
    /// The first [`TrustError`]. A folder that is absent is none.
    pub fn from_folders(folders: Vec<PathBuf>) -> Result<Self, TrustError> {
        let mut files = Vec::new();
        for folder in &folders {
            let unreadable = |source| TrustError::Read { path: folder.clone(), source };
            let entries = match std::fs::read_dir(folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries.map_err(unreadable)?,
            };
            let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
            let mut paths = paths.map_err(unreadable)?;
            paths.retain(|path| path.extension().is_some_and(|extension| extension == "pub"));
            paths.sort();
            files.append(&mut paths);
        }
        Self::from_files(files, folders)
    }

    fn from_files(files: Vec<PathBuf>, places: Vec<PathBuf>) -> Result<Self, TrustError> {
        let keys = files.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { keys, places })
    }

    /// The keys, in the order in which they were found.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// The keys alone, as verification takes them.
    pub fn verifying(&self) -> Vec<VerifyingKey> {
        self.keys.iter().map(|trusted| trusted.key).collect()
    }

    /// Which keys are trusted, or where keys were looked for, as the end of a sentence.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        // The results are dropped because writing into a string cannot fail.
        if self.keys.is_empty() {
            let places: Vec<String> = self.places.iter().map(|place| place.display().to_string()).collect();
            let _ = write!(text, "no key is trusted (looked for *.pub in {})", places.join(" and "));
        } else {
            text.push_str("trusted are");
            for (index, trusted) in self.keys.iter().enumerate() {
                let comma = if index == 0 { "" } else { "," };
                let _ = write!(text, "{comma} {} ({})", trusted.id, trusted.path.display());
            }
        }
        text
    }
}

/// The user's folder, where there is a home, and the machine's.
fn standard_folders(xdg_config_home: Option<OsString>, home: Option<OsString>) -> Vec<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let config = xdg_config_home.and_then(absolute).or_else(|| home.and_then(absolute).map(|h| h.join(".config")));
    let user = config.map(|config| config.join("draem-edge/trusted"));
    user.into_iter().chain([PathBuf::from("/etc/draem-edge/trusted")]).collect()
}

fn read(path: PathBuf) -> Result<TrustedKey, TrustError> {
    let text = (|| {
        // A device's length is 0, so what is read is bounded too.
        let mut bytes = Vec::new();
        let got = File::open(&path)?.take(MAX_KEY_FILE_BYTES + 1).read_to_end(&mut bytes)? as u64;
        Ok(if got > MAX_KEY_FILE_BYTES { Err(got) } else { Ok(bytes) })
    })();
    let bytes = match text {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(got)) => return Err(TrustError::TooLong { path, got }),
        Err(source) => return Err(TrustError::Read { path, source }),
    };
    // Bytes that are no text become characters that no key contains.
    match key_text::parse(&String::from_utf8_lossy(&bytes)) {
        Ok(key) => Ok(TrustedKey { id: KeyId::of(&key), key, path }),
        Err(source) => Err(TrustError::Malformed { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ed25519_dalek::SigningKey;
    use shared::key_text::PublicKeyText;

    use super::*;

    fn put(folder: &Path, name: &str, seed: u8) -> KeyId {
        let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
        std::fs::write(folder.join(name), PublicKeyText(key).to_string()).unwrap();
        KeyId::of(&key)
    }

    #[test]
    fn folders_are_read_in_order_and_other_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (second, first) = (put(folder.path(), "b.pub", 1), put(folder.path(), "a.pub", 2));
        std::fs::write(folder.path().join("notes.txt"), "not a key").unwrap();
        let folders = vec![folder.path().join("absent"), folder.path().to_owned()];
        let trusted = TrustedKeys::from_folders(folders).unwrap();
        let ids: Vec<KeyId> = trusted.keys().iter().map(|key| key.id).collect();
        assert_eq!(ids, [first, second]);
        assert!(trusted.describe().contains(&first.to_string()), "{}", trusted.describe());
    }

    #[test]
    fn a_damaged_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("broken.pub"), [0xff; 40]).unwrap();
        let refused = TrustedKeys::from_folders(vec![folder.path().to_owned()]).unwrap_err();
        assert!(matches!(refused, TrustError::Malformed { source: KeyTextError::Header, .. }));
        assert!(refused.to_string().contains("broken.pub"), "{refused}");
    }

    #[test]
    fn without_any_key_the_places_are_named() {
        let places = standard_folders(None, Some("/home/somebody".into()));
        let none = TrustedKeys { keys: Vec::new(), places };
        assert!(none.describe().contains("/home/somebody/.config/draem-edge/trusted"), "{}", none.describe());
    }
}
