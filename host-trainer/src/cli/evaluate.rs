//! `evaluate`: what a bundle's model makes of a folder of pictures.

use std::path::PathBuf;

use anyhow::Context;
use shared::bundle::verify;

use super::Exit;
use super::options::{TrustOption, check_folder_of};
use super::outcome::{Outcome, rows, skipped_rows, summary, write_json};
use crate::assess::{figures, judge_good, judge_test};
use crate::data::{Prepared, Use};
use crate::export::reload::Reloaded;

/// Judge the pictures of a folder with a bundle's model, and measure how well it does.
///
/// Example: host-trainer evaluate --bundle bottle.draem --data photos --json bottle.json
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The bundle.
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// Folder with test/good and `test/<kind of defect>`, masks in `ground_truth/<kind>`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Write every metric and every score here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustOption,
}

/// Prints the figures, and writes them if asked to.
///
/// # Errors
/// When bundle or pictures are refused, or the file cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    args.json.as_deref().map_or(Ok(()), check_folder_of)?;
    let bytes = std::fs::read(&args.bundle).with_context(|| args.bundle.display().to_string())?;
    let opened = verify(&bytes, &[args.trust.public_key()?]).with_context(|| args.bundle.display().to_string())?;
    let manifest = &opened.manifest;
    let steps = *manifest.preprocess();
    let prepared = Prepared::load(&args.data, steps, Use::HoldOutAll)?;
    let model = Reloaded::load(opened.model, steps.width(), steps.height())?;
    let threshold = manifest.threshold().get();
    // The folder's good pictures may be those that the model learnt from: they are judged, but nothing is claimed of them.
    let good = judge_good(&model, manifest.score_rule(), &prepared.held_out)?;
    let test = judge_test(&model, manifest.score_rule(), &prepared.test)?;
    let facts = manifest.threshold_facts();
    let outcome = Outcome {
        product: manifest.product().to_owned(),
        threshold,
        false_reject_target: facts.target_false_reject.into(),
        false_reject_expected: facts.expected_false_reject.into(),
        false_reject_upper_bound_95: facts.upper_bound_95.into(),
        good_held_out: manifest.good_scores().len(),
        figures: figures(&test, threshold),
        training: None,
        images: rows(&test, threshold),
        held_out: rows(&good, threshold),
        skipped: skipped_rows(&prepared.skipped),
    };
    print!("{}", summary(&outcome));
    args.json.as_deref().map_or(Ok(()), |path| write_json(path, &outcome))?;
    Ok(Exit::Done)
}
