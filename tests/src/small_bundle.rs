//! Small bundles to try things on: seeded, signed with keys that everyone may know.
//!
//! Gives manifests, bundles and folders of trusted keys. The models are untrained: their heatmaps mean nothing, but they
//! are the same every time.

use std::path::Path;

use ed25519_dalek::SigningKey;
use edge_runtime::bundle::TrustedKeys;
use host_trainer::architecture::Networks;
use host_trainer::data::Picture;
use host_trainer::export::bundle::{Models, seal};
use host_trainer::export::{Form, Reloaded, fold, onnx, untrained};
use host_trainer::quantise::calibrate;
use shared::drift::Usual;
use shared::key_text::PublicKeyText;
use shared::manifest::{Parity, Precision, RawManifest, RawModel, Threshold, Training};
use shared::preprocess::{Exposure, Fixture};
use shared::score::{Rule, score};

/// Seed of every model and picture here.
pub const SEED: u64 = 33;

/// How these bundles score.
const RULE: Rule = Rule::HIGHEST;

/// Networks that are small enough to be run in every test.
const SMALL: Networks = Networks::original(4, 3);

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

/// An untrained model of these networks.
pub fn model(networks: Networks, width: usize, height: usize, precision: Precision) -> Vec<u8> {
    let net = fold(&untrained(networks, SEED)).expect("an untrained checkpoint is whole");
    let float = onnx::write(&net, width, height, Form::Float).expect("the sides are multiples of 32");
    match precision {
        Precision::Float32 => float,
        Precision::Int8 => {
            let loaded = Reloaded::load(&float, width, height).expect("the exported model loads");
            let pictures: Vec<Picture> =
                (10..14).map(|number| Picture { width, height, rgb: picture(width, height, number) }).collect();
            calibrate(&net, (width, height), &float, &loaded, &pictures, None).expect("the float model runs").onnx
        }
    }
}

/// A manifest for one input size and these parity scores of both models; the hashes are filled in when it is sealed.
pub fn manifest(width: usize, height: usize, [float32, int8]: [&[f32]; 2]) -> RawManifest {
    let model = |scores: &[f32]| RawModel {
        sha256: [0; 32],
        threshold: Threshold {
            value: 0.5,
            target_false_reject: 0.25,
            expected_false_reject: 0.25,
            upper_bound_95: 0.6,
        },
        good_scores: heapless::Vec::from_slice(&[0.1, 0.2, 0.3]).expect("three scores fit"),
        good_parts: Default::default(),
        parity: Parity { scores: heapless::Vec::from_slice(scores).expect("few scores fit"), tolerance: 1e-4 },
    };
    RawManifest {
        product: "washers".try_into().expect("the text fits"),
        created: 1_800_000_000,
        writer: "line-tests".try_into().expect("the text fits"),
        preprocess_version: Exposure::AsTaken.version(),
        crop: None,
        frame_size: [width as u16, height as u16],
        input_size: [width as u16, height as u16],
        usual: Usual { pictures: 3, ..Usual::default() },
        score_rule: RULE,
        float32: model(float32),
        int8: model(int8),
        parity_sha256: [0; 32],
        trained_scores: heapless::Vec::new(),
        training: Training {
            preset: "untrained".try_into().expect("the text fits"),
            reconstructive_width: SMALL.recon as u16,
            discriminative_width: SMALL.seg as u16,
            seed: SEED,
            steps: 0,
            train_pictures: 0,
            dataset_sha256: [0; 32],
        },
        fixture: None,
    }
}

/// A bundle that a station runs: its own small untrained models, two parity inputs, scores as the trainer's runtime gives them.
pub fn sealed(width: usize, height: usize, key: &SigningKey) -> Vec<u8> {
    sealed_of(SMALL, width, height, key)
}

/// As [`sealed`], with models of these networks.
pub fn sealed_of(networks: Networks, width: usize, height: usize, key: &SigningKey) -> Vec<u8> {
    sealed_with(networks, width, height, key, None)
}

/// As [`sealed`], for parts that are brought to one place.
pub fn sealed_fixed(width: usize, height: usize, key: &SigningKey, fixture: Fixture) -> Vec<u8> {
    sealed_with(SMALL, width, height, key, Some(fixture))
}

fn sealed_with(networks: Networks, width: usize, height: usize, key: &SigningKey, fixture: Option<Fixture>) -> Vec<u8> {
    let models = Precision::BOTH.map(|precision| model(networks, width, height, precision));
    let inputs = [1, 2].map(|number| picture(width, height, number));
    let scores = models.each_ref().map(|model| {
        let reloaded = Reloaded::load(model, width, height).expect("the exported model loads");
        inputs.each_ref().map(|input| {
            let heatmap = reloaded.heatmap_of_rgb(input).expect("the exported model runs");
            score(&RULE, &heatmap, width, &mut vec![0.0; RULE.scratch(width, height)])
                .expect("the heatmap holds probabilities")
                .get()
        })
    });
    let mut manifest = manifest(width, height, scores.each_ref().map(<[f32; 2]>::as_slice));
    (manifest.training.reconstructive_width, manifest.training.discriminative_width) =
        (networks.recon as u16, networks.seg as u16);
    manifest.fixture = fixture;
    let models = Models { float32: &models[0], int8: &models[1] };
    seal(manifest, models, &inputs.concat(), key).expect("the parts are legal")
}
