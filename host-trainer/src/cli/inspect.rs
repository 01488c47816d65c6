//! `inspect`: what is in a bundle.

use std::path::PathBuf;

use anyhow::Context;
use shared::bundle::verify;
use shared::manifest::{Manifest, Precision};

use super::Exit;
use super::options::TrustOption;

/// Show what is in a bundle, after checking that it is whole and signed.
///
/// Example: host-trainer inspect bottle.draem
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The bundle.
    bundle: PathBuf,
    #[command(flatten)]
    trust: TrustOption,
}

/// Prints the manifest as a table.
///
/// # Errors
/// When the bundle is refused.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let bytes = std::fs::read(&args.bundle).with_context(|| args.bundle.display().to_string())?;
    let opened = verify(&bytes, &[args.trust.public_key()?]).with_context(|| args.bundle.display().to_string())?;
    let manifest = &opened.manifest;
    let training = manifest.training();
    let rows = [
        ("product", manifest.product().to_owned()),
        ("made", format!("{} s after 1970, by {}", manifest.created(), manifest.writer())),
        ("signed by", opened.signer.to_string()),
        ("input", format!("{} x {} pixels", manifest.preprocess().width(), manifest.preprocess().height())),
        ("parts", manifest.preprocess().placing().to_string()),
        ("light", manifest.preprocess().exposure().to_string()),
        ("crop", manifest.preprocess().crop().map_or("whole frame".into(), |crop| format!("{crop:?}"))),
        ("frames", format!("{} x {} pixels in training", manifest.frame_size()[0], manifest.frame_size()[1])),
        (
            "network",
            format!("{} ({}, {})", training.preset, training.reconstructive_width, training.discriminative_width),
        ),
        (
            "training",
            format!("{} steps on {} pictures, seed {}", training.steps, training.train_pictures, training.seed),
        ),
        ("pictures", format!("SHA-256 {}", hex(&training.dataset_sha256))),
    ];
    let models = Precision::BOTH
        .into_iter()
        .zip(opened.models)
        .flat_map(|(precision, onnx)| of_model(&manifest.clone().with_precision(precision), onnx));
    rows.into_iter().chain(models).for_each(|(name, value)| println!("{name:<14}{value}"));
    Ok(Exit::Done)
}

/// What is known of one of the two models.
fn of_model(manifest: &Manifest, onnx: &[u8]) -> [(&'static str, String); 4] {
    let threshold = manifest.threshold_facts();
    let name = match manifest.precision() {
        Precision::Float32 => "float model",
        Precision::Int8 => "int8 model",
    };
    let promise = format!(
        "{:.2} % asked for, {:.2} % expected, below {:.2} % with 95 % confidence, from {} good parts",
        100.0 * threshold.target_false_reject,
        100.0 * threshold.expected_false_reject,
        100.0 * threshold.upper_bound_95,
        manifest.good_scores().len()
    );
    [
        (name, format!("{} bytes, SHA-256 {}", onnx.len(), hex(manifest.model_sha256()))),
        ("  threshold", format!("{} on a scale of 0 to 1", threshold.value)),
        ("  rejects", promise),
        ("  parity", format!("{} vectors, tolerance {}", manifest.parity_scores().len(), manifest.parity_tolerance())),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
