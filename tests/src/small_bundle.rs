//! Small bundles to try things on: seeded, signed with keys that everyone may know.
//!
//! Gives manifests, bundles and folders of trusted keys. The models are untrained: their heatmaps mean nothing, but they
//! are the same every time.

use std::path::Path;

use ed25519_dalek::SigningKey;
use edge_runtime::bundle::TrustedKeys;
use host_trainer::export::{Reloaded, bundle, fold, onnx, untrained};
use shared::key_text::PublicKeyText;
use shared::manifest::{Parity, RawManifest, Threshold, Training, Weights};
use shared::preprocess::VERSION;
use shared::score::{Border, Rule, score};

/// Seed of every model and picture here.
pub const SEED: u64 = 33;

/// The signing key with this number.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// Trust in exactly one key, through a file as on a station.
pub fn trust(key: &SigningKey) -> TrustedKeys {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("one.pub");
    put_public(key, &file);
    TrustedKeys::load(&[file]).expect("a key just written can be read")
}

/// Writes the public half of a key as `keygen` does.
pub fn put_public(key: &SigningKey, file: &Path) {
    std::fs::write(file, PublicKeyText(key.verifying_key()).to_string()).expect("a temporary file can be written");
}

/// A picture of `width` by `height` pixels without meaning, `[row][column][RGB]`.
pub fn picture(width: usize, height: usize, number: u8) -> Vec<u8> {
    let byte = |at: usize| (at * 31 + at / 7 * usize::from(number) + usize::from(number) * 11) as u8;
    (0..width * height * 3).map(byte).collect()
}

/// An untrained model of base widths `widths`.
pub fn model(widths: (usize, usize), width: usize, height: usize, weights: Weights) -> Vec<u8> {
    let net = fold(&untrained(widths.0, widths.1, SEED)).expect("an untrained checkpoint is whole");
    onnx::write(&net, width, height, weights).expect("the sides are multiples of 32")
}

/// A manifest for one input size and these parity scores; the hashes are filled in when it is sealed.
pub fn manifest(width: usize, height: usize, scores: &[f32]) -> RawManifest {
    let text = "small".try_into().expect("the text fits");
    RawManifest {
        product: "washers".try_into().expect("the text fits"),
        created: 1_800_000_000,
        writer: "line-tests".try_into().expect("the text fits"),
        preprocess_version: VERSION,
        crop: None,
        frame_size: [width as u16, height as u16],
        input_size: [width as u16, height as u16],
        score_rule: Rule::for_input(width.min(height), Border::Covered),
        threshold: Threshold {
            value: 0.5,
            target_false_reject: 0.25,
            expected_false_reject: 0.25,
            upper_bound_95: 0.6,
        },
        good_scores: heapless::Vec::from_slice(&[0.1, 0.2, 0.3]).expect("three scores fit"),
        weights: Weights::Int8,
        model_sha256: [0; 32],
        parity_sha256: [0; 32],
        parity: Parity { scores: heapless::Vec::from_slice(scores).expect("few scores fit"), tolerance: 1e-4 },
        training: Training {
            preset: text,
            reconstructive_width: 4,
            discriminative_width: 3,
            seed: SEED,
            steps: 0,
            train_pictures: 0,
            dataset_sha256: [0; 32],
        },
    }
}

/// A bundle that a station runs: its own untrained model, two parity inputs, scores as the trainer's runtime gives them.
pub fn sealed(width: usize, height: usize, key: &SigningKey) -> Vec<u8> {
    let model = model((4, 3), width, height, Weights::Int8);
    let reloaded = Reloaded::load(&model, width, height).expect("the exported model loads");
    let inputs = [1, 2].map(|number| picture(width, height, number));
    let rule = Rule::for_input(width.min(height), Border::Covered);
    let scores = inputs.each_ref().map(|input| {
        let heatmap = reloaded.heatmap_of_rgb(input).expect("the exported model runs");
        score(&rule, &heatmap, width, &mut vec![0.0; width]).expect("the heatmap holds probabilities").get()
    });
    bundle::seal(manifest(width, height, &scores), &model, &inputs.concat(), key).expect("the parts are legal")
}
