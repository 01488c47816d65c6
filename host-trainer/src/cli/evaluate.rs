//! `evaluate`: what a bundle's model makes of a folder of pictures.

use std::path::PathBuf;

use anyhow::Context;
use shared::bundle::{Opened, verify};
use shared::manifest::Precision;

use super::Exit;
use super::options::{TrustOption, check_folder_of};
use super::outcome::{Outcome, rows, same_verdicts, skipped_rows, summary, write_json};
use crate::assess::{Judged, figures, judge_good, judge_test};
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
    let steps = *opened.manifest.preprocess();
    let prepared = Prepared::load(&args.data, steps, Use::HoldOutAll)?;
    let float32 = ByModel::judge(&opened, Precision::Float32, &prepared)?;
    let int8 = ByModel::judge(&opened, Precision::Int8, &prepared)?;
    let manifest = &opened.manifest;
    let facts = manifest.threshold_facts();
    let images = rows((&int8.test, int8.threshold), (&float32.test, float32.threshold));
    let outcome = Outcome {
        product: manifest.product().to_owned(),
        threshold: int8.threshold,
        threshold_f32: float32.threshold,
        false_reject_target: facts.target_false_reject.into(),
        false_reject_expected: facts.expected_false_reject.into(),
        false_reject_upper_bound_95: facts.upper_bound_95.into(),
        good_held_out: manifest.good_scores().len(),
        figures: figures(&float32.test, float32.threshold),
        figures_int8: figures(&int8.test, int8.threshold),
        same_verdicts: same_verdicts(&images),
        images,
        range_rules: Vec::new(),
        training: None,
        held_out: rows((&int8.good, int8.threshold), (&float32.good, float32.threshold)),
        skipped: skipped_rows(&prepared.skipped),
    };
    print!("{}", summary(&outcome));
    args.json.as_deref().map_or(Ok(()), |path| write_json(path, &outcome))?;
    Ok(Exit::Done)
}

/// What one of a bundle's models makes of a folder.
struct ByModel {
    threshold: f32,
    /// The folder's good pictures. They may be those that the model learnt from: nothing is claimed of them.
    good: Vec<Judged>,
    test: Vec<Judged>,
}

impl ByModel {
    fn judge(opened: &Opened<'_>, precision: Precision, prepared: &Prepared) -> anyhow::Result<Self> {
        let opened = Opened { manifest: opened.manifest.clone().with_precision(precision), ..opened.clone() };
        let (steps, rule) = (opened.manifest.preprocess(), opened.manifest.score_rule());
        if opened.model().is_empty() {
            anyhow::bail!("the bundle was made with --int8-only: there is no model in floats to compare with");
        }
        let model = Reloaded::load(opened.model(), steps.width(), steps.height())?;
        Ok(Self {
            threshold: opened.manifest.threshold().get(),
            good: judge_good(&model, rule, &prepared.held_out)?,
            test: judge_test(&model, rule, &prepared.test)?,
        })
    }
}
