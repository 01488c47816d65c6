//! The demonstration bundle, changed and signed again with a key that everyone may know.

use std::path::PathBuf;

use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use shared::bundle::{HEADER_BYTES, KeyId, SIGNATURE_BYTES, header, signed_message};
use shared::limits::MAX_MANIFEST_BYTES;
use shared::manifest::RawManifest;

/// A file of the demonstration bundle's folder.
pub fn demo(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../models/demo", name].iter().collect()
}

/// A signing key with this number.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// The demonstration bundle with another manifest, signed by this key.
pub fn resealed(key: &SigningKey, change: impl FnOnce(&mut RawManifest)) -> Vec<u8> {
    let bytes = std::fs::read(demo("cap-nano.draem")).unwrap();
    let length = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let lengths = [length(20), length(24), length(28), length(32)];
    let (old, rest) = bytes[HEADER_BYTES..bytes.len() - SIGNATURE_BYTES].split_at(lengths[0]);
    let mut manifest = RawManifest::decode(old, u16::from_le_bytes([bytes[8], bytes[9]])).unwrap();
    change(&mut manifest);
    let mut buffer = [0; MAX_MANIFEST_BYTES];
    let manifest = manifest.encode(&mut buffer).unwrap();
    let header = header(KeyId::of(&key.verifying_key()), [manifest.len(), lengths[1], lengths[2], lengths[3]]).unwrap();
    let mut sealed = [header.as_slice(), manifest, rest].concat();
    let signature = key.sign(&signed_message(&sealed));
    sealed.extend_from_slice(&signature.to_bytes());
    sealed
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
