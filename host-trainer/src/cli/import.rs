//! `import`: a bundle from a checkpoint of the original DRAEM code.

use std::path::PathBuf;

use anyhow::Context;
use shared::preprocess::{Crop, Preprocess};

use super::Exit;
use super::options::{KeyOption, check_folder_of, parse_crop, parse_share, parse_size};
use super::outcome::{Outcome, rows, same_verdicts, skipped_rows, summary, write_json};
use crate::clock::unix_seconds;
use crate::data::{Prepared, Use};
use crate::deliver::{Delivered, Origin, Plan, deliver};
use crate::import::checkpoint::{Imported, load_pair};

/// Make a bundle from a checkpoint of the original DRAEM code (.pckl) or from .safetensors.
///
/// The threshold comes from DIR's good pictures (train/good, or a flat folder): its promise holds only if the networks were not
/// trained on them.
///
/// Example: host-trainer import --recon m.pckl --seg m_seg.pckl --data photos --out m.draem
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Checkpoint of the reconstructive network.
    #[arg(long, value_name = "FILE")]
    recon: PathBuf,
    /// Checkpoint of the discriminative network.
    #[arg(long, value_name = "FILE")]
    seg: PathBuf,
    /// Folder of good pictures, and of test pictures if there are any.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The bundle to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Input size in pixels, a multiple of 32: that of the training.
    #[arg(long, default_value = "256", value_parser = parse_size, value_name = "N|WxH")]
    size: (usize, usize),
    /// Region of interest in the camera's frame: x,y,width,height.
    #[arg(long, value_parser = parse_crop, value_name = "X,Y,W,H")]
    crop: Option<Crop>,
    /// Share of good parts that may be rejected.
    #[arg(long, default_value = "0.05", value_parser = parse_share, value_name = "SHARE")]
    false_reject: f64,
    /// Write every metric and every score here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    key: KeyOption,
}

/// Imports, checks, chooses the threshold and writes the bundle.
///
/// # Errors
/// When checkpoint, pictures or key are refused, or a file cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    check_folder_of(&args.out)?;
    args.json.as_deref().map_or(Ok(()), check_folder_of)?;
    let key = args.key.signing_key()?;
    let Imported { tensors, networks } = load_pair(&args.recon, &args.seg)
        .with_context(|| format!("--recon {}, --seg {}", args.recon.display(), args.seg.display()))?;
    let steps = Preprocess::new(args.crop, args.size.0, args.size.1)?;
    let prepared = Prepared::load(&args.data, steps, Use::HoldOutAll)?;
    let skipped = skipped_rows(&prepared.skipped);
    eprintln!(
        "note: the threshold comes from {} good pictures; its promise does not hold if the networks were trained on them",
        prepared.held_out.len()
    );
    let plan = Plan { steps, crop: args.crop, target: args.false_reject, created: unix_seconds(), product: None };
    let origin = Origin { preset: "imported".into(), networks, seed: 0, steps: 0 };
    let delivered = deliver(&tensors, &prepared, &plan, &origin, None)?;
    delivered.write(&args.out, &key, true)?;
    let outcome = outcome(&prepared.product, delivered, skipped);
    println!("{}bundle          {}", summary(&outcome), args.out.display());
    args.json.as_deref().map_or(Ok(()), |path| write_json(path, &outcome))?;
    Ok(Exit::Done)
}

/// What the JSON file says of a delivered model.
pub fn outcome(product: &str, delivered: Delivered, skipped: Vec<super::outcome::SkippedRow>) -> Outcome {
    let Delivered { int8, float32, trials, .. } = delivered;
    let threshold = int8.threshold;
    let at = |int8_parts, float32_parts| rows((int8_parts, threshold.value), (float32_parts, float32.threshold.value));
    let images = at(&int8.test, &float32.test);
    Outcome {
        product: product.to_owned(),
        threshold: threshold.value,
        threshold_f32: float32.threshold.value,
        false_reject_target: threshold.target,
        false_reject_expected: threshold.expected,
        false_reject_upper_bound_95: threshold.upper_bound_95,
        good_held_out: int8.held_out.len(),
        held_out: at(&int8.held_out, &float32.held_out),
        figures: float32.figures,
        figures_int8: int8.figures,
        same_verdicts: same_verdicts(&images),
        images,
        range_rules: trials,
        training: None,
        skipped,
    }
}
