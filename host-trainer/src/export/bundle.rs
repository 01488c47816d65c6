//! Model, manifest, parity vectors and signature become the one file that a station takes.
//!
//! Takes the parts and a signing key, gives bytes, and writes them whole or not at all. Layout: [`shared::bundle`]. What
//! it seals it opens again as a station would, so that no bundle is written that a station must refuse. Does not run the
//! model: `reload` does.

use std::path::Path;

use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use shared::bundle::{BundleError, KeyId, header, signed_message, verify};
use shared::limits::MAX_MANIFEST_BYTES;
use shared::manifest::RawManifest;
use thiserror::Error;

use super::whole_file::{Access, Existing, write_whole};

/// Why there is no bundle.
#[derive(Debug, Error)]
pub enum SealError {
    /// The manifest has more bytes than a bundle may hold.
    #[error("the manifest does not fit into {MAX_MANIFEST_BYTES} bytes: fewer scores of good parts are needed")]
    ManifestTooLarge,
    /// A station would refuse it.
    #[error("a station would refuse the bundle: {0}")]
    Refused(BundleError),
    /// The file cannot be written.
    #[error("cannot write bundle {}: {source}", path.display())]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// The two ONNX files of a bundle.
#[derive(Clone, Copy, Debug)]
pub struct Models<'a> {
    /// The one in floats.
    pub float32: &'a [u8],
    /// The one in 8-bit integers.
    pub int8: &'a [u8],
}

/// The bytes of a signed bundle. The manifest's hashes are computed here, whatever they were before; `parity` holds as many
/// inputs, `[row][column][RGB]`, as the manifest has parity scores.
///
/// # Errors
/// A manifest, model or parity section that a station would refuse.
pub fn seal(
    mut manifest: RawManifest,
    models: Models<'_>,
    parity: &[u8],
    key: &SigningKey,
) -> Result<Vec<u8>, SealError> {
    manifest.float32.sha256 = Sha256::digest(models.float32).into();
    manifest.int8.sha256 = Sha256::digest(models.int8).into();
    manifest.parity_sha256 = Sha256::digest(parity).into();
    let mut buffer = [0; MAX_MANIFEST_BYTES];
    let manifest = manifest.encode(&mut buffer).ok_or(SealError::ManifestTooLarge)?;
    let public = key.verifying_key();
    let sections = [manifest, models.float32, models.int8, parity];
    let header = header(KeyId::of(&public), sections.map(<[u8]>::len)).map_err(SealError::Refused)?;
    let mut bytes = [&header, sections.concat().as_slice()].concat();
    let signature = key.sign(&signed_message(&bytes));
    bytes.extend_from_slice(&signature.to_bytes());
    verify(&bytes, &[public]).map_err(SealError::Refused)?;
    Ok(bytes)
}

/// Seals a bundle and writes it to `path`, replacing an older one.
///
/// # Errors
/// As [`seal`], or the file cannot be written; the older file is then untouched.
pub fn write(
    path: &Path,
    manifest: RawManifest,
    models: Models<'_>,
    parity: &[u8],
    key: &SigningKey,
) -> Result<(), SealError> {
    let bytes = seal(manifest, models, parity, key)?;
    write_whole(path, &bytes, Access::Public, Existing::Replace)
        .map_err(|source| SealError::Write { path: path.to_owned(), source })
}
