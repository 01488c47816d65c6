//! The one file that passes from trainer to station: its layout, and the one way to open it.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `DRAEMEDG` |
//! | 8 | 2 | format version, little-endian as all numbers here |
//! | 10 | 2 | zero |
//! | 12 | 8 | id of the signing key: the first bytes of the SHA-256 of the public key |
//! | 20 | 4 | length of the manifest, m |
//! | 24 | 4 | length of the model in float, n |
//! | 28 | 4 | length of the model in 8-bit integers, q |
//! | 32 | 4 | length of the parity inputs, p |
//! | 36 | m | manifest, postcard |
//! | 36 + m | n | model in float, ONNX |
//! | 36 + m + n | q | model in 8-bit integers, ONNX in QDQ form |
//! | 36 + m + n + q | p | parity inputs, u8 RGB, one after the other |
//! | 36 + m + n + q + p | 64 | ed25519 signature of [`signed_message`] over all bytes before it |
//!
//! Version rule: any change of this layout or of the manifest's is a new version; a reader refuses those that it does not
//! know. Format 4 is format 3 with one more score rule, format 5 is format 4 with models of ONNX `model_version` 1, format 6 is format 5 with
//! a manifest that says how parts are brought to one place, format 7 is format 6 with score rules that name their share: all five are read, 7
//! is written. Nothing after the signature.
//! Does not read files and does not run the model.

use core::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::limits::{MAX_MANIFEST_BYTES, MAX_MODEL_BYTES, MAX_PARITY_BYTES};
use crate::manifest::{DecodeError, Manifest, ManifestError, Precision, RawManifest};

/// The format that this program writes.
pub const FORMAT_VERSION: u16 = 7;
/// The oldest format that it reads.
pub const OLDEST_VERSION: u16 = 3;

/// Bytes before the manifest.
pub const HEADER_BYTES: usize = 36;

/// Bytes of the signature.
pub const SIGNATURE_BYTES: usize = 64;

/// Largest bundle that can be.
pub const MAX_BUNDLE_BYTES: usize =
    HEADER_BYTES + MAX_MANIFEST_BYTES + 2 * MAX_MODEL_BYTES + MAX_PARITY_BYTES + SIGNATURE_BYTES;

const MAGIC: [u8; 8] = *b"DRAEMEDG";

/// Keeps a signature over a bundle from being one over anything else.
const DOMAIN: [u8; 32] = *b"draem-edge bundle signature v1\0\0";

/// The first bytes of the SHA-256 of a public key: short enough to read out, long enough to tell keys apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 8]);

impl KeyId {
    /// The id of a public key.
    pub fn of(key: &VerifyingKey) -> Self {
        let mut id = [0; 8];
        id.copy_from_slice(&Sha256::digest(key.as_bytes())[..8]);
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A verified bundle. Borrows the bytes that it was opened from.
#[derive(Clone, Debug)]
pub struct Opened<'a> {
    /// The checked manifest.
    pub manifest: Manifest,
    /// The ONNX models, in the order of [`Precision::BOTH`]. The one in floats is empty where it was left out.
    pub models: [&'a [u8]; 2],
    /// Inputs of the parity vectors, one after the other, each `[row][column][RGB]`.
    pub parity: &'a [u8],
    /// Who signed it.
    pub signer: KeyId,
}

impl<'a> Opened<'a> {
    /// The model that the manifest is seen as that of.
    pub const fn model(&self) -> &'a [u8] {
        match self.manifest.precision() {
            Precision::Float32 => self.models[0],
            Precision::Int8 => self.models[1],
        }
    }
}

/// Why a bundle is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BundleError {
    /// Too short to be a bundle, or it begins with something else.
    NotABundle,
    /// A format that this program does not know.
    Version {
        /// What this program reads.
        expected: u16,
        /// What the file says.
        got: u16,
    },
    /// Header bytes that must be zero are not.
    Reserved,
    /// A section is larger than allowed.
    TooLarge {
        /// Which one.
        section: &'static str,
        /// Bytes allowed.
        limit: usize,
        /// Bytes claimed.
        got: usize,
    },
    /// The file is not as long as its sections.
    Length {
        /// Bytes that the header promises.
        expected: usize,
        /// Bytes that there are.
        got: usize,
    },
    /// Signed by nobody who is trusted here.
    UntrustedKey {
        /// Who signed.
        signer: KeyId,
    },
    /// The bytes are not those that were signed.
    Signature {
        /// Who is said to have signed.
        signer: KeyId,
    },
    /// A section is not the one that the manifest names.
    Hash {
        /// Which one.
        section: &'static str,
    },
    /// The manifest cannot be read.
    Decode(DecodeError),
    /// The manifest breaks a rule.
    Manifest(ManifestError),
    /// The parity inputs are not as many as the scores.
    ParityLength {
        /// Bytes that the manifest's scores need.
        expected: usize,
        /// Bytes that there are.
        got: usize,
    },
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotABundle => f.write_str("not a bundle: it does not begin as one"),
            Self::Version { expected, got } => {
                write!(
                    f,
                    "bundle format {got}, this program reads formats {OLDEST_VERSION} to {expected}: update the older of the two sides"
                )
            }
            Self::Reserved => f.write_str("header bytes 10 and 11 must be zero"),
            Self::TooLarge { section, limit, got } => {
                write!(f, "the {section} has {got} bytes, at most {limit} are allowed")
            }
            Self::Length { expected, got } => {
                write!(f, "{got} bytes long, its header promises {expected}: cut off or added to")
            }
            Self::UntrustedKey { signer } => write!(f, "signed by key {signer}, which is not trusted here"),
            Self::Signature { signer } => {
                write!(f, "the signature of key {signer} does not fit: damaged or changed after it was signed")
            }
            Self::Hash { section } => write!(f, "the {section} is not the one that the manifest names"),
            Self::Decode(error) => error.fmt(f),
            Self::Manifest(error) => error.fmt(f),
            Self::ParityLength { expected, got } => {
                write!(f, "{got} bytes of parity inputs, the manifest's scores need {expected}")
            }
        }
    }
}

impl core::error::Error for BundleError {}

/// The header of a bundle with sections of these lengths: manifest, the models in the order of [`Precision::BOTH`], parity
/// inputs.
///
/// # Errors
/// [`BundleError::TooLarge`].
pub fn header(signer: KeyId, lengths: [usize; SECTIONS.len()]) -> Result<[u8; HEADER_BYTES], BundleError> {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[12..20].copy_from_slice(&signer.0);
    for (at, ((section, limit), length)) in SECTIONS.into_iter().zip(lengths).enumerate() {
        let length = within(section, limit, length)? as u32;
        header[20 + 4 * at..][..4].copy_from_slice(&length.to_le_bytes());
    }
    Ok(header)
}

/// What is signed: a fixed prefix and the SHA-256 of every byte before the signature.
pub fn signed_message(before_signature: &[u8]) -> [u8; 64] {
    message(&Sha256::digest(before_signature).into())
}

fn message(sha256: &[u8; 32]) -> [u8; 64] {
    let mut message = [0; 64];
    message[..32].copy_from_slice(&DOMAIN);
    message[32..].copy_from_slice(sha256);
    message
}

/// What the first bytes of a bundle claim, for whoever takes it in piece by piece: nothing of it is proven before
/// [`Head::is_signed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    version: u16,
    signer: KeyId,
    /// In the order of [`SECTIONS`], each within its limit.
    lengths: [usize; SECTIONS.len()],
}

impl Head {
    /// Reads the first [`HEADER_BYTES`]; whatever follows them is not looked at.
    ///
    /// # Errors
    /// Form, version and lengths, in this order.
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        let (header, _) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(BundleError::NotABundle)?;
        if header[..8] != MAGIC {
            return Err(BundleError::NotABundle);
        }
        let version = u16::from_le_bytes([header[8], header[9]]);
        if !(OLDEST_VERSION..=FORMAT_VERSION).contains(&version) {
            return Err(BundleError::Version { expected: FORMAT_VERSION, got: version });
        }
        if header[10..12] != [0, 0] {
            return Err(BundleError::Reserved);
        }
        let mut signer = KeyId([0; 8]);
        signer.0.copy_from_slice(&header[12..20]);
        let mut lengths = [0; SECTIONS.len()];
        for (at, (section, limit)) in SECTIONS.into_iter().enumerate() {
            let field = &header[20 + 4 * at..][..4];
            let length = u32::from_le_bytes([field[0], field[1], field[2], field[3]]);
            lengths[at] = within(section, limit, length as usize)?;
        }
        Ok(Self { version, signer, lengths })
    }

    /// Its format's version, one of those that are read.
    pub const fn version(&self) -> u16 {
        self.version
    }

    /// Bytes of the whole file, [`MAX_BUNDLE_BYTES`] at most.
    pub fn total(&self) -> usize {
        HEADER_BYTES + self.lengths.iter().sum::<usize>() + SIGNATURE_BYTES
    }

    /// The key that it is said to be signed by.
    ///
    /// # Errors
    /// [`BundleError::UntrustedKey`].
    pub fn trusted<'a>(&self, trusted: &'a [VerifyingKey]) -> Result<&'a VerifyingKey, BundleError> {
        let signer = self.signer;
        trusted.iter().find(|key| KeyId::of(key) == signer).ok_or(BundleError::UntrustedKey { signer })
    }

    /// Whether one of these keys signed the file: `sha256` is that of every byte before the signature.
    ///
    /// # Errors
    /// [`BundleError::UntrustedKey`], [`BundleError::Signature`].
    pub fn is_signed(
        &self,
        sha256: &[u8; 32],
        signature: &[u8; SIGNATURE_BYTES],
        trusted: &[VerifyingKey],
    ) -> Result<(), BundleError> {
        let (key, signer) = (self.trusted(trusted)?, self.signer);
        let signed = key.verify_strict(&message(sha256), &Signature::from_bytes(signature));
        signed.map_err(|_| BundleError::Signature { signer })
    }
}

/// Opens a bundle: form, version, lengths, signature by one of the `trusted` keys, hashes, manifest, in this order.
///
/// # Errors
/// The first [`BundleError`]. No input makes it panic.
pub fn verify<'a>(bytes: &'a [u8], trusted: &[VerifyingKey]) -> Result<Opened<'a>, BundleError> {
    let head = Head::read(bytes)?;
    let ([manifest_bytes, float32_bytes, int8_bytes, _], expected) = (head.lengths, head.total());
    if bytes.len() != expected {
        return Err(BundleError::Length { expected, got: bytes.len() });
    }
    let signer = head.signer;
    // Before the whole file is hashed.
    head.trusted(trusted)?;
    let (before_signature, signature) = bytes.split_last_chunk::<SIGNATURE_BYTES>().ok_or(BundleError::NotABundle)?;
    head.is_signed(&Sha256::digest(before_signature).into(), signature, trusted)?;

    let (manifest, rest) = before_signature[HEADER_BYTES..].split_at(manifest_bytes);
    let (float32, rest) = rest.split_at(float32_bytes);
    let (int8, parity) = rest.split_at(int8_bytes);
    let raw = RawManifest::decode(manifest, head.version).map_err(BundleError::Decode)?;
    for ((section, bytes), precision) in [(FLOAT32, float32), (INT8, int8)].into_iter().zip(Precision::BOTH) {
        hash_is(section, bytes, &raw.model(precision).sha256)?;
    }
    let manifest = Manifest::check(raw).map_err(BundleError::Manifest)?;
    hash_is("parity inputs", parity, manifest.parity_sha256())?;
    let expected = manifest.parity_scores().len() * manifest.preprocess().input_bytes();
    if parity.len() != expected {
        return Err(BundleError::ParityLength { expected, got: parity.len() });
    }
    Ok(Opened { manifest, models: [float32, int8], parity, signer })
}

const FLOAT32: &str = "model in float";
const INT8: &str = "model in 8-bit integers";

/// Each section with its largest length, in the order of the file.
const SECTIONS: [(&str, usize); 4] = [
    ("manifest", MAX_MANIFEST_BYTES),
    (FLOAT32, MAX_MODEL_BYTES),
    (INT8, MAX_MODEL_BYTES),
    ("parity inputs", MAX_PARITY_BYTES),
];

fn within(section: &'static str, limit: usize, got: usize) -> Result<usize, BundleError> {
    if got <= limit { Ok(got) } else { Err(BundleError::TooLarge { section, limit, got }) }
}

fn hash_is(section: &'static str, bytes: &[u8], expected: &[u8; 32]) -> Result<(), BundleError> {
    if Sha256::digest(bytes)[..] == expected[..] { Ok(()) } else { Err(BundleError::Hash { section }) }
}
