//! Signing keys: made once, kept in a file that only its owner reads.
//!
//! | file | holds |
//! |---|---|
//! | `draem-edge/signing.key` | the secret, mode 0600: a header line and 64 hexadecimal digits |
//! | `draem-edge/trusted/<name>.pub` | its public key, in the form of [`shared::key_text`] |
//!
//! both below `$XDG_CONFIG_HOME`, or `~/.config`. A station on the same machine finds the public key there; for another
//! machine the `.pub` file is copied. Does not sign (see `bundle`) and never replaces a key unless it is told to.

use std::ffi::OsString;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use shared::key_text::{PublicKeyText, hex_32};
use thiserror::Error as ThisError;

use super::whole_file::{Access, Existing, write_whole};

/// First line of a secret key file.
const HEADER: &str = "draem-edge signing key v1";

/// A key file has under 200 bytes; what is longer is something else.
const MAX_KEY_FILE_BYTES: u64 = 4096;

/// Where a key pair lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPlaces {
    /// The secret key.
    pub secret: PathBuf,
    /// The public key.
    pub public: PathBuf,
}

/// Whether a key was there or had to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was read from its file.
    Found,
    /// It has just been made; the user should be told where it lies.
    Created,
}

/// Why there is no signing key.
#[derive(Debug, ThisError)]
pub enum KeyError {
    /// Neither `XDG_CONFIG_HOME` nor `HOME` is set to an absolute path.
    #[error("no place for keys: set XDG_CONFIG_HOME or HOME to an absolute path, or name the key file")]
    NoHome,
    /// The name would not make a file name.
    #[error("key name `{name}` cannot be used: 1 to 64 of the characters a-z A-Z 0-9 . _ - and no dot in front")]
    Name {
        /// The name.
        name: String,
    },
    /// A file cannot be read.
    #[error("cannot read key file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Error,
    },
    /// A file cannot be written.
    #[error("cannot write key file {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Error,
    },
    /// There is a key already.
    #[error("{} exists already: a new key would make every station refuse new bundles until it trusts it; \
             move the file away, or ask for it to be replaced", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the secret.
    #[error("{} may be read by others (mode {mode:04o}): run chmod 600 on it, or make a new key", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is no signing key.
    #[error("{} is no signing key: expected the line `{HEADER}` and a line of 64 hexadecimal digits", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no random numbers.
    #[error("the operating system gives no random numbers: {source}")]
    Random {
        /// What the system says.
        source: getrandom::Error,
    },
}

impl KeyPlaces {
    /// The default places of the key called `name`, which becomes the name of the public key's file.
    ///
    /// # Errors
    /// [`KeyError::NoHome`], [`KeyError::Name`].
    pub fn standard(name: &str) -> Result<Self, KeyError> {
        Self::below(std::env::var_os("XDG_CONFIG_HOME"), std::env::var_os("HOME"), name)
    }

    /// As [`KeyPlaces::standard`], with the values of the two environment variables.
    ///
    /// # Errors
    /// [`KeyError::NoHome`], [`KeyError::Name`].
    pub fn below(xdg_config_home: Option<OsString>, home: Option<OsString>, name: &str) -> Result<Self, KeyError> {
        let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
        let config = xdg_config_home
            .and_then(absolute)
            .or_else(|| home.and_then(absolute).map(|home| home.join(".config")))
            .ok_or(KeyError::NoHome)?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(legal) {
            return Err(KeyError::Name { name: name.to_owned() });
        }
        let folder = config.join("draem-edge");
        let public = folder.join("trusted").join(format!("{name}.pub"));
        Ok(Self { secret: folder.join("signing.key"), public })
    }
}

/// Makes a key pair and writes both files.
///
/// # Errors
/// [`KeyError::Exists`] unless `existing` says to replace; no randomness; a file that cannot be written.
pub fn generate(places: &KeyPlaces, existing: Existing) -> Result<SigningKey, KeyError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|source| KeyError::Random { source })?;
    let key = SigningKey::from_bytes(&secret);
    let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("{HEADER}\n{digits}\n");
    // The public half goes first: a crash in between then leaves a public key that nothing can sign for.
    let public = PublicKeyText(key.verifying_key()).to_string();
    if existing == Existing::Keep && places.secret.exists() {
        return Err(KeyError::Exists { path: places.secret.clone() });
    }
    write(&places.public, public.as_bytes(), Access::Public, existing)?;
    write(&places.secret, text.as_bytes(), Access::Owner, existing)?;
    Ok(key)
}

fn write(path: &Path, bytes: &[u8], access: Access, existing: Existing) -> Result<(), KeyError> {
    write_whole(path, bytes, access, existing).map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => KeyError::Exists { path: path.to_owned() },
        _ => KeyError::Write { path: path.to_owned(), source },
    })
}

/// Reads a secret key.
///
/// # Errors
/// The file is absent, readable by others, or no key.
pub fn load(secret: &Path) -> Result<SigningKey, KeyError> {
    let path = secret.to_owned();
    let metadata = std::fs::metadata(secret).map_err(|source| KeyError::Read { path: path.clone(), source })?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Open { path, mode });
    }
    if !metadata.is_file() || metadata.len() > MAX_KEY_FILE_BYTES {
        return Err(KeyError::Malformed { path });
    }
    let text = std::fs::read_to_string(secret).map_err(|source| KeyError::Read { path: path.clone(), source })?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next().and_then(hex_32), lines.next()) {
        (Some(HEADER), Some(bytes), None) => Ok(SigningKey::from_bytes(&bytes)),
        _ => Err(KeyError::Malformed { path }),
    }
}

/// Reads the key, or makes it where there is none.
///
/// # Errors
/// As [`load`] and [`generate`].
pub fn load_or_create(places: &KeyPlaces) -> Result<(SigningKey, Origin), KeyError> {
    match load(&places.secret) {
        Err(KeyError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Ok((generate(places, Existing::Keep)?, Origin::Created))
        }
        found => Ok((found?, Origin::Found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(folder: &Path) -> KeyPlaces {
        KeyPlaces::below(Some(folder.into()), None, "bench").unwrap()
    }

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path());
        let (made, origin) = load_or_create(&places).unwrap();
        assert_eq!(origin, Origin::Created);
        let (found, origin) = load_or_create(&places).unwrap();
        assert_eq!(origin, Origin::Found);
        assert_eq!(made.to_bytes(), found.to_bytes());
        let mode = std::fs::metadata(&places.secret).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let public = std::fs::read_to_string(&places.public).unwrap();
        assert_eq!(shared::key_text::parse(&public).unwrap(), made.verifying_key());
    }

    #[test]
    fn a_key_is_replaced_only_when_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path());
        let first = generate(&places, Existing::Keep).unwrap();
        assert!(matches!(generate(&places, Existing::Keep), Err(KeyError::Exists { .. })));
        assert_eq!(load(&places.secret).unwrap().to_bytes(), first.to_bytes());
        let second = generate(&places, Existing::Replace).unwrap();
        assert_ne!(second.to_bytes(), first.to_bytes());
        assert_eq!(load(&places.secret).unwrap().to_bytes(), second.to_bytes());
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path());
        generate(&places, Existing::Keep).unwrap();
        std::fs::set_permissions(&places.secret, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(load(&places.secret), Err(KeyError::Open { mode: 0o640, .. })));
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["", "..", "a/b", ".hidden", "ä"] {
            let refused = KeyPlaces::below(None, Some("/home/somebody".into()), name);
            assert!(matches!(refused, Err(KeyError::Name { .. })), "{name}");
        }
        assert!(matches!(KeyPlaces::below(None, Some("relative".into()), "a"), Err(KeyError::NoHome)));
    }
}
