//! `verify-bundle`: says whether this station would run a bundle, and what is in it.
//!
//! Takes a bundle file; prints the manifest's facts as a table, then runs the stored parity inputs. Touches no device.

use std::path::PathBuf;

use anyhow::Result;
use shared::manifest::Manifest;
use shared::score::{Border, Rule};

use super::exit::Exit;
use super::model_option::ModelOption;
use super::sentence::sentence;
use crate::bundle::parity;
use crate::engine::{Inspector, choice};

/// Verifies a bundle, prints its facts and proves that this machine computes what the trainer's did.
///
/// Example: edge-runtime verify-bundle bottle.draem
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The bundle.
    pub file: PathBuf,
    /// A trusted public key; may be given more than once. Default: every *.pub in ~/.config/draem-edge/trusted and
    /// /etc/draem-edge/trusted.
    #[arg(long, value_name = "FILE")]
    pub trust: Vec<PathBuf>,
    /// Which of the bundle's models runs, and its threshold.
    #[command(flatten)]
    pub model: ModelOption,
}

/// Prints and tests. [`Exit::BundleRefused`] with the reason on standard error when the station would not run it,
/// [`Exit::Engine`] when it is genuine but this machine cannot compute it.
///
/// # Errors
/// None.
pub fn run(args: &Args) -> Result<Exit> {
    let bundle = match args.model.open(&args.file, &args.trust) {
        Ok(bundle) => bundle,
        Err(error) => {
            eprintln!("error: {}", sentence(&error));
            return Ok(Exit::BundleRefused);
        }
    };
    for (fact, value) in facts(bundle.manifest()) {
        println!("{fact:<22}{value}");
    }
    println!("{:<22}{}", "signed by", bundle.signer());
    println!("{:<22}{} bytes, SHA-256 {}", "model", bundle.model().len(), hex(bundle.manifest().model_sha256()));
    let tested = choice::load(&bundle, args.model.engine(), args.model.threads())
        .map_err(anyhow::Error::from)
        .and_then(|engine| {
            let emulated = engine.emulates(&bundle);
            let mut inspector = Inspector::new(bundle.manifest().clone(), Box::new(engine));
            Ok(parity::check(&bundle, &mut inspector, emulated)?)
        });
    match tested {
        Ok(report) => {
            let (inputs, worst, tolerance) = (report.scores.len(), report.worst, report.tolerance);
            println!("{:<22}{inputs} inputs, largest difference {worst:.2e}, allowed {tolerance:.0e}", "parity");
            println!("{:<22}this station runs it", "verdict");
            Ok(Exit::Done)
        }
        Err(error) => {
            eprintln!("error: {}", sentence(&error));
            Ok(Exit::Engine)
        }
    }
}

/// What a person asks about a bundle, in reading order.
fn facts(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let steps = manifest.preprocess();
    let found = manifest.threshold_facts();
    let training = manifest.training();
    let percent = |share: f32| format!("{:.2} %", 100.0 * share);
    let crop = match steps.crop() {
        None => "whole frame".to_owned(),
        Some(crop) => format!("x {} y {}, {} x {} pixels", crop.x, crop.y, crop.width, crop.height),
    };
    let [frame_width, frame_height] = manifest.frame_size();
    let score = match *manifest.score_rule() {
        Rule::Highest { of } => format!("mean of the highest {of}th of the heatmap"),
        Rule::Window { radius, border } => {
            let (window, divisor) = (2 * usize::from(radius) + 1, divisor(border));
            format!("largest {window} x {window} mean, divided by {divisor}")
        }
    };
    vec![
        ("product", manifest.product().to_owned()),
        ("written by", manifest.writer().to_owned()),
        ("created", format!("{} s since 1970", manifest.created())),
        ("frame", format!("{frame_width} x {frame_height} pixels")),
        ("crop", crop),
        ("input", format!("{} x {} pixels", steps.width(), steps.height())),
        ("parts", steps.placing().to_string()),
        ("light", steps.exposure().to_string()),
        ("score", score),
        ("threshold", format!("{}", manifest.threshold().get())),
        ("target false reject", percent(found.target_false_reject)),
        ("expected false reject", percent(found.expected_false_reject)),
        ("with 95 % confidence", format!("below {}", percent(found.upper_bound_95))),
        ("held-out good parts", manifest.good_scores().len().to_string()),
        ("numbers", manifest.precision().to_string()),
        ("preset", training.preset.to_string()),
        ("base widths", format!("{}, {}", training.reconstructive_width, training.discriminative_width)),
        ("training", format!("{} steps, {} pictures, seed {}", training.steps, training.train_pictures, training.seed)),
        ("dataset SHA-256", hex(&training.dataset_sha256)),
    ]
}

const fn divisor(border: Border) -> &'static str {
    match border {
        Border::Covered => "covered pixels",
        Border::Reference => "whole window, as the original code",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
