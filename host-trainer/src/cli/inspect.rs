//! `inspect`: what is in a bundle.

use std::path::PathBuf;

use anyhow::Context;
use shared::bundle::verify;
use shared::manifest::Weights;

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
    let (threshold, training) = (manifest.threshold_facts(), manifest.training());
    let weights = match manifest.weights() {
        Weights::Float32 => "32-bit float",
        Weights::Int8 => "8-bit integer, computed in float",
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let rows = [
        ("product", manifest.product().to_owned()),
        ("made", format!("{} s after 1970, by {}", manifest.created(), manifest.writer())),
        ("signed by", opened.signer.to_string()),
        ("input", format!("{} x {} pixels", manifest.preprocess().width(), manifest.preprocess().height())),
        ("crop", manifest.preprocess().crop().map_or("whole frame".into(), |crop| format!("{crop:?}"))),
        ("frames", format!("{} x {} pixels in training", manifest.frame_size()[0], manifest.frame_size()[1])),
        (
            "network",
            format!("{} ({}, {})", training.preset, training.reconstructive_width, training.discriminative_width),
        ),
        ("weights", weights.to_owned()),
        ("model", format!("{} bytes, SHA-256 {}", opened.model.len(), hex(manifest.model_sha256()))),
        ("threshold", format!("{} on a scale of 0 to 1", threshold.value)),
        (
            "false rejects",
            format!(
                "{:.2} % asked for, {:.2} % expected, below {:.2} % with 95 % confidence, from {} good parts",
                100.0 * threshold.target_false_reject,
                100.0 * threshold.expected_false_reject,
                100.0 * threshold.upper_bound_95,
                manifest.good_scores().len()
            ),
        ),
        (
            "training",
            format!("{} steps on {} pictures, seed {}", training.steps, training.train_pictures, training.seed),
        ),
        ("pictures", format!("SHA-256 {}", hex(&training.dataset_sha256))),
        ("parity", format!("{} vectors, tolerance {}", manifest.parity_scores().len(), manifest.parity_tolerance())),
    ];
    rows.iter().for_each(|(name, value)| println!("{name:<14}{value}"));
    Ok(Exit::Done)
}
