//! What the report shows of a training run.

use std::path::Path;

use super::outcome::TrainingFacts;
use super::train_and_export::Args;
use crate::assess::{Figures, Judged};
use crate::data::Prepared;
use crate::deliver::Delivered;
use crate::evaluate::{Rates, rates};
use crate::report::{Curve, ModelFigures, Part, ReportData};
use crate::train::Trained;

/// Gathers everything that the page shows.
pub fn collect<'a>(
    args: &Args,
    prepared: &'a Prepared,
    trained: &Trained,
    delivered: &'a Delivered,
    facts: &TrainingFacts,
) -> ReportData<'a> {
    let shipped = &delivered.int8;
    let scores: Vec<f32> = shipped.test.iter().map(|part| part.score).collect();
    let defective: Vec<bool> = shipped.test.iter().map(|part| part.defective).collect();
    let Rates { false_reject, escape } = rates(&scores, &defective, shipped.threshold.value);
    let models = vec![
        model("8-bit integers, as shipped", &shipped.figures),
        model("float, before quantisation", &delivered.float32.figures),
    ];
    ReportData {
        product: delivered.manifest.product.to_string(),
        threshold: shipped.threshold,
        false_reject,
        escape,
        models: if shipped.test.is_empty() { Vec::new() } else { models },
        facts: rows(args, prepared, facts),
        skipped: prepared.skipped.iter().map(|file| (file_name(&file.path), file.why.to_string())).collect(),
        curves: curves(trained),
        held_out: shipped.held_out.iter().map(part).collect(),
        test: shipped.test.iter().map(part).collect(),
    }
}

fn model(name: &str, figures: &Figures) -> ModelFigures {
    ModelFigures {
        name: name.into(),
        image_auroc: figures.image_auroc,
        image_ap: figures.image_ap,
        pixel_auroc: figures.pixel_auroc,
        pixel_ap: figures.pixel_ap,
        aupro: figures.aupro,
    }
}

fn part(judged: &Judged) -> Part<'_> {
    Part {
        name: &judged.name,
        kind: &judged.kind,
        defective: judged.defective,
        score: judged.score,
        picture: &judged.picture,
        heatmap: &judged.heatmap,
        mask: judged.mask.as_ref(),
    }
}

fn curves(trained: &Trained) -> Vec<Curve> {
    let curve = |name: &str, value: fn(&crate::train::CurveRow) -> f64| Curve {
        name: name.into(),
        points: trained.curve.iter().map(|row| (row.step, value(row))).collect(),
    };
    vec![
        curve("reconstruction (L2)", |row| row.l2),
        curve("structure (1 - SSIM)", |row| row.ssim),
        curve("segmentation (focal)", |row| row.focal),
    ]
}

fn rows(args: &Args, prepared: &Prepared, facts: &TrainingFacts) -> Vec<(String, String)> {
    let difference = facts.export_difference.map_or("-".into(), |difference| format!("{difference:.1e}"));
    [
        ("pictures", args.data.display().to_string()),
        ("good parts learnt from", facts.good_learnt.to_string()),
        ("good parts held out", prepared.held_out.len().to_string()),
        ("test pictures", prepared.test.len().to_string()),
        ("picture size", format!("{} × {} pixels", prepared.frame_size.0, prepared.frame_size.1)),
        ("input size", format!("{} × {} pixels", facts.size[0], facts.size[1])),
        ("learnt from", facts.recipe.clone()),
        ("network", format!("{}, {}", facts.preset, facts.architecture)),
        ("steps", format!("{} of {} pictures", facts.steps, facts.batch)),
        ("seed", facts.seed.to_string()),
        ("device", format!("{}, {}", facts.device, facts.precision)),
        ("training time", format!("{:.0} s, {:.1} pictures a second", facts.train_seconds, facts.images_per_second)),
        ("float export checked to", difference),
        ("scores moved by 8-bit integers", format!("at most {:.1e}", facts.int8_difference)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
