//! Bytes that claim to be a bundle, or a public key.
//!
//! They are opened as they come. Then, since nobody finds a signature by trying, their sections are signed with a trusted key, and
//! once more with the hashes and the parity inputs that their manifest asks for: what is behind each check is reached.

#![no_main]

use std::sync::LazyLock;

use ed25519_dalek::{Signer, SigningKey};
use edge_runtime::bundle::{OpenBundle, TrustedKeys};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use shared::bundle::{
    BundleError, FORMAT_VERSION, HEADER_BYTES, KeyId, SIGNATURE_BYTES, header, signed_message, verify,
};
use shared::key_text::{self, PublicKeyText};
use shared::limits::MAX_MANIFEST_BYTES;
use shared::manifest::{Manifest, Precision, RawManifest};

/// Larger parity inputs are not made: hashing them would be all that is done.
const MAX_PARITY_BYTES: usize = 64 * 1024;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[1; 32]));

static TRUSTED: LazyLock<TrustedKeys> = LazyLock::new(|| {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), PublicKeyText(KEY.verifying_key()).to_string()).expect("it can be written");
    TrustedKeys::load(&[file.path().to_owned()]).expect("a key just written can be read")
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(key) = key_text::parse(&String::from_utf8_lossy(bytes)) {
        assert_eq!(key_text::parse(&PublicKeyText(key).to_string()), Ok(key), "a key is read as it is written");
    }
    if verify(bytes, &[KEY.verifying_key()]).is_ok() {
        works(bytes);
    }
    let Some(sections) = Sections::of(bytes) else { return };
    let signed = sections.signed();
    match verify(&signed, &[KEY.verifying_key()]) {
        Ok(_) => works(&signed),
        Err(BundleError::Decode(_)) => return,
        Err(BundleError::Hash { .. } | BundleError::Manifest(_) | BundleError::ParityLength { .. }) => {}
        Err(error) => panic!("a bundle with a true header and signature: {error}"),
    }
    let raw = RawManifest::decode(sections.manifest, FORMAT_VERSION).expect("it was decoded a moment ago");
    let mended = sections.mended(raw.clone());
    let opened = verify(&mended, &[KEY.verifying_key()]);
    match (Manifest::check(raw), &opened) {
        (Ok(_), Ok(_)) => works(&mended),
        // Where they would be too many bytes there are none.
        (Ok(_), Err(BundleError::ParityLength { expected, got: 0 })) => assert!(*expected > MAX_PARITY_BYTES),
        (Err(rule), Err(BundleError::Manifest(error))) => assert_eq!(rule.to_string(), error.to_string()),
        (checked, opened) => panic!("the manifest: {checked:?}; its bundle: {opened:?}"),
    }
});

/// What a bundle holds, wherever its header puts the borders.
struct Sections<'a> {
    manifest: &'a [u8],
    models: [&'a [u8]; 2],
    parity: &'a [u8],
}

impl<'a> Sections<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER_BYTES)?;
        let mut rest = &rest[..rest.len().saturating_sub(SIGNATURE_BYTES)];
        let mut section = |at: usize| {
            let claimed = u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize;
            let (section, behind) = rest.split_at(claimed.min(rest.len()));
            rest = behind;
            section
        };
        let (manifest, float32, int8) = (section(20), section(24), section(28));
        (manifest.len() <= MAX_MANIFEST_BYTES).then_some(Self { manifest, models: [float32, int8], parity: rest })
    }

    fn signed(&self) -> Vec<u8> {
        sealed([self.manifest, self.models[0], self.models[1], self.parity])
    }

    /// With a manifest that fits the rest, and parity inputs that fit the manifest.
    fn mended(&self, mut raw: RawManifest) -> Vec<u8> {
        let [width, height] = raw.input_size.map(usize::from);
        let parity = width.saturating_mul(height).saturating_mul(3 * raw.int8.parity.scores.len());
        let parity = vec![0; if parity <= MAX_PARITY_BYTES { parity } else { 0 }];
        (raw.float32.sha256, raw.int8.sha256) =
            (Sha256::digest(self.models[0]).into(), Sha256::digest(self.models[1]).into());
        raw.parity_sha256 = Sha256::digest(&parity).into();
        let (mut first, mut second) = ([0; MAX_MANIFEST_BYTES], [0; MAX_MANIFEST_BYTES]);
        let manifest = raw.encode(&mut first).expect("every manifest fits");
        let again = RawManifest::decode(manifest, FORMAT_VERSION).expect("what is written is read");
        assert_eq!(again.encode(&mut second).expect("every manifest fits"), manifest, "as it was written");
        sealed([manifest, self.models[0], self.models[1], &parity])
    }
}

fn sealed(sections: [&[u8]; 4]) -> Vec<u8> {
    let header = header(KeyId::of(&KEY.verifying_key()), sections.map(<[u8]>::len)).expect("the sections are small");
    let mut bytes = [&header[..], &sections.concat()].concat();
    let signature = KEY.sign(&signed_message(&bytes));
    bytes.extend(signature.to_bytes());
    bytes
}

/// A bundle that `shared` opens is one for the station too, and keeps what a manifest promises.
fn works(bytes: &[u8]) {
    let bundle = OpenBundle::verify(bytes.to_vec(), &TRUSTED).expect("shared opened it");
    for precision in Precision::BOTH {
        let bundle = bundle.clone().with_precision(precision);
        let manifest = bundle.manifest();
        assert_eq!(
            Sha256::digest(bundle.model())[..],
            manifest.model_sha256()[..],
            "{precision}: the model is the one named"
        );
        let inputs = manifest.parity_scores().len();
        assert_eq!(bundle.parity().len(), inputs * manifest.preprocess().input_bytes(), "{precision}");
        assert!(manifest.threshold().get() < 1.0, "{precision}: a part can be bad");
        assert_eq!(manifest.threshold().get(), manifest.threshold_facts().value, "{precision}");
        for target in [0.001, 0.02, 0.3, 0.999] {
            let Ok(moved) = bundle.clone().with_false_reject(target) else { continue };
            let facts = moved.manifest().threshold_facts();
            assert!(moved.manifest().threshold().get() < 1.0, "{precision}, {target}: a part can be bad");
            assert!(f64::from(facts.expected_false_reject) <= target + 1e-6, "{precision}, {target}: {facts:?}");
            assert!((0.0..=1.0).contains(&facts.upper_bound_95), "{precision}, {target}: {facts:?}");
        }
    }
}
