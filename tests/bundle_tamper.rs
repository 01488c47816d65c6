//! A bundle that is not exactly what a trusted trainer signed is refused, with its reason and without a panic.
//!
//! Through the same opening that the station uses. The model in here is never run, so that the bundle is small enough to
//! try every byte.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::num::NonZeroU16;

use ed25519_dalek::Signer;
use edge_runtime::bundle::{OpenBundle, OpenError};
use host_trainer::export::bundle::{Models, seal};
use line_tests::small_bundle::{key, manifest, picture, sealed, trust};
use shared::bundle::{BundleError, FORMAT_VERSION, HEADER_BYTES, KeyId, SIGNATURE_BYTES, signed_message};
use shared::manifest::{Precision, RawManifest};
use shared::preprocess::{Exposure, Fixture};
use shared::score::Rule;

const SIDE: usize = 32;

const MODELS: Models<'_> = Models { float32: b"floats that nobody runs", int8: b"bytes that nobody runs" };

/// A bundle of under 4 KiB: real manifest, real parity inputs, some bytes for two models.
fn bundle() -> Vec<u8> {
    seal(manifest(SIDE, SIDE, [&[0.5]; 2]), MODELS, &picture(SIDE, SIDE, 1), &key(1)).unwrap()
}

/// Signs changed bytes again, as a careless or hostile owner of a trusted key could.
fn signed_again(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - SIGNATURE_BYTES;
    let signature = key(1).sign(&signed_message(&bytes[..end])).to_bytes();
    bytes[end..].copy_from_slice(&signature);
    bytes
}

#[test]
fn what_was_signed_opens() {
    let opened = OpenBundle::verify(bundle(), &trust(&key(1))).unwrap();
    assert_eq!(opened.model(), MODELS.int8);
    assert_eq!(opened.clone().with_precision(Precision::Float32).model(), MODELS.float32);
    assert_eq!(opened.parity(), picture(SIDE, SIDE, 1));
    assert_eq!(opened.manifest().product(), "washers");
    assert_eq!(opened.signer(), KeyId::of(&key(1).verifying_key()));
}

#[test]
fn the_light_is_treated_as_the_bundle_says_or_the_bundle_is_refused() {
    let sealed = |exposure: Exposure| {
        let manifest = RawManifest { preprocess_version: exposure.version(), ..manifest(SIDE, SIDE, [&[0.5]; 2]) };
        seal(manifest, MODELS, &picture(SIDE, SIDE, 1), &key(1)).unwrap()
    };
    let both = [Exposure::AsTaken, Exposure::Evened];
    for exposure in both {
        let opened = OpenBundle::verify(sealed(exposure), &trust(&key(1))).unwrap();
        assert_eq!(opened.manifest().preprocess().exposure(), exposure);
    }
    // No trainer seals what a station must refuse.
    let [taken, evened] = both.map(sealed);
    let version = (HEADER_BYTES..taken.len()).find(|&at| taken[at] != evened[at]).unwrap();
    for unknown in [0, 3, 99] {
        let mut bundle = taken.clone();
        bundle[version] = unknown;
        let error = OpenBundle::verify(signed_again(bundle), &trust(&key(1))).unwrap_err().to_string();
        assert!(error.contains(&format!("preprocess_version is {unknown}")) && error.contains("1 to 2"), "{error}");
    }
}

#[test]
fn parts_are_brought_to_the_place_that_the_bundle_says() {
    let sealed = |fixture: Option<Fixture>| {
        let manifest = RawManifest { fixture, ..manifest(SIDE, SIDE, [&[0.5]; 2]) };
        seal(manifest, MODELS, &picture(SIDE, SIDE, 1), &key(1))
    };
    let opened = |bundle: Vec<u8>| {
        let opened = OpenBundle::verify(bundle, &trust(&key(1)));
        opened.map(|bundle| bundle.manifest().preprocess().fixture())
    };
    let fixture = Fixture { width: 48, height: 40, turned: true, fewest: 10, most: 900 };
    for fixture in [None, Some(fixture)] {
        assert_eq!(opened(sealed(fixture).unwrap()), Ok(fixture));
    }
    assert!(sealed(Some(Fixture { width: 0, ..fixture })).is_err(), "no trainer seals what a station must refuse");
    // Formats before 6 have nothing there.
    let mut older = sealed(None).unwrap();
    older[8] = 5;
    let refused = opened(signed_again(older.clone())).unwrap_err();
    assert!(refused.to_string().contains("1 bytes follow the manifest"), "{refused}");
    let manifest = u32::from_le_bytes(older[20..24].try_into().unwrap());
    older[20..24].copy_from_slice(&(manifest - 1).to_le_bytes());
    assert_eq!(older.remove(HEADER_BYTES + manifest as usize - 1), 0);
    assert_eq!(opened(signed_again(older)), Ok(None));
}

#[test]
fn a_heatmap_is_scored_by_the_share_that_the_bundle_names() {
    let sealed = |of: u16| {
        let score_rule = Rule::Highest { of: NonZeroU16::new(of).unwrap() };
        seal(RawManifest { score_rule, ..manifest(SIDE, SIDE, [&[0.5]; 2]) }, MODELS, &picture(SIDE, SIDE, 1), &key(1))
    };
    for of in [64, 512, 1024, u16::MAX] {
        let opened = OpenBundle::verify(sealed(of).unwrap(), &trust(&key(1))).unwrap();
        assert_eq!(*opened.manifest().score_rule(), Rule::Highest { of: NonZeroU16::new(of).unwrap() });
    }
    let refused = sealed(63).unwrap_err().to_string();
    assert!(refused.contains("score_rule takes one heatmap value in 63"), "{refused}");
}

#[test]
fn every_changed_byte_is_refused() {
    let (bundle, trusted) = (bundle(), trust(&key(1)));
    for at in 0..bundle.len() {
        for change in [1 << (at % 8), 0xff] {
            let mut changed = bundle.clone();
            changed[at] ^= change;
            let opened = OpenBundle::verify(changed, &trusted);
            assert!(opened.is_err(), "byte {at} changed by {change:#04x} and accepted");
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    let (bundle, trusted) = (bundle(), trust(&key(1)));
    for length in 0..bundle.len() {
        let opened = OpenBundle::verify(bundle[..length].to_vec(), &trusted);
        assert!(opened.is_err(), "the first {length} bytes of {} accepted", bundle.len());
    }
}

/// A valid signature does not make the content legal: nothing behind it may panic either.
#[test]
fn every_changed_byte_signed_again_opens_or_is_refused() {
    let (bundle, trusted) = (bundle(), trust(&key(1)));
    let mut refused = 0;
    for at in 0..bundle.len() - SIGNATURE_BYTES {
        let mut changed = bundle.clone();
        changed[at] ^= 0xff;
        refused += usize::from(OpenBundle::verify(signed_again(changed), &trusted).is_err());
    }
    let sections = MODELS.float32.len() + MODELS.int8.len() + picture(SIDE, SIDE, 1).len();
    assert!(refused >= sections, "only {refused} refused: the hashes of {sections} bytes are not checked");
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut longer = bundle();
    longer.push(0);
    let refused = OpenBundle::verify(longer, &trust(&key(1))).unwrap_err();
    assert!(matches!(refused, BundleError::Length { expected, got } if got == expected + 1), "{refused}");
}

#[test]
fn a_newer_version_is_refused_as_such_even_when_signed() {
    let mut newer = bundle();
    newer[8] += 1;
    let refused = OpenBundle::verify(signed_again(newer), &trust(&key(1))).unwrap_err();
    assert_eq!(refused, BundleError::Version { expected: FORMAT_VERSION, got: FORMAT_VERSION + 1 });
}

#[test]
fn another_key_is_refused_and_both_keys_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("washers.draem");
    std::fs::write(&path, sealed(SIDE, SIDE, &key(2))).unwrap();
    let refused = OpenBundle::read(&path, &trust(&key(1))).unwrap_err();
    let [signer, trusted] = [2, 1].map(|number| KeyId::of(&key(number).verifying_key()));
    assert!(
        matches!(refused, OpenError::Refused { error: BundleError::UntrustedKey { signer: s }, .. } if s == signer)
    );
    let words = refused.to_string();
    assert!(words.contains(&signer.to_string()) && words.contains(&trusted.to_string()), "{words}");
}

/// The id in the header is only a hint: the signature must be of the key that is trusted under that id.
#[test]
fn another_key_under_a_trusted_id_is_refused() {
    let mut bytes = seal(manifest(SIDE, SIDE, [&[0.5]; 2]), MODELS, &picture(SIDE, SIDE, 1), &key(2)).unwrap();
    let trusted = KeyId::of(&key(1).verifying_key());
    bytes[12..20].copy_from_slice(&trusted.0);
    let end = bytes.len() - SIGNATURE_BYTES;
    let signature = key(2).sign(&signed_message(&bytes[..end])).to_bytes();
    bytes[end..].copy_from_slice(&signature);
    let refused = OpenBundle::verify(bytes, &trust(&key(1))).unwrap_err();
    assert_eq!(refused, BundleError::Signature { signer: trusted });
}

#[test]
fn what_is_no_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = trust(&key(1));
    let absent = folder.path().join("absent.draem");
    assert!(matches!(OpenBundle::read(&absent, &trusted), Err(OpenError::Read { path, .. }) if path == absent));
    assert!(matches!(OpenBundle::read(folder.path(), &trusted), Err(OpenError::NotAFile { .. })));
}
