//! The `--json` file: every metric by its name, and every picture's score.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use crate::assess::{Figures, Judged};
use crate::data::Skipped;
use crate::export::whole_file::{Access, Existing, write_whole};

/// One judged picture.
#[derive(Debug, Serialize)]
pub struct PictureRow {
    /// File name below the data folder.
    pub file: String,
    /// `good`, or the kind of defect.
    pub kind: String,
    /// The score, 0..=1.
    pub score: f32,
    /// `good` or `bad`, as the station says it.
    pub verdict: &'static str,
}

/// A file that was left out.
#[derive(Debug, Serialize)]
pub struct SkippedRow {
    /// The file.
    pub file: String,
    /// Why.
    pub why: String,
}

/// Facts of a training run.
#[derive(Debug, Serialize)]
pub struct TrainingFacts {
    /// Name of the widths.
    pub preset: String,
    /// Width and height of the input in pixels.
    pub size: [usize; 2],
    /// Optimisation steps taken.
    pub steps: u64,
    /// Pictures in a step.
    pub batch: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Where it ran.
    pub device: String,
    /// Number format of activations.
    pub precision: String,
    /// Seconds spent in the training loop.
    pub train_seconds: f64,
    /// Pictures learnt from in a second.
    pub images_per_second: f64,
    /// Good parts learnt from.
    pub good_learnt: usize,
    /// Largest difference of a held-out score between the trained network and the exported model.
    pub export_difference: Option<f32>,
}

/// The whole file.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Name of the product.
    pub product: String,
    /// A part is bad when its score is greater.
    pub threshold: f32,
    /// Share of good parts that was allowed to be rejected.
    pub false_reject_target: f64,
    /// Share that will be rejected on average.
    pub false_reject_expected: f64,
    /// That share is smaller than this with 95 percent confidence.
    pub false_reject_upper_bound_95: f64,
    /// Good parts that the threshold comes from.
    pub good_held_out: usize,
    /// The test set's figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Facts of the training run, if there was one.
    #[serde(flatten)]
    pub training: Option<TrainingFacts>,
    /// Every test picture.
    pub images: Vec<PictureRow>,
    /// Every held-out good picture.
    pub held_out: Vec<PictureRow>,
    /// Files that were left out.
    pub skipped: Vec<SkippedRow>,
}

/// The rows of judged pictures at a threshold.
pub fn rows(judged: &[Judged], threshold: f32) -> Vec<PictureRow> {
    let row = |part: &Judged| PictureRow {
        file: part.name.clone(),
        kind: part.kind.clone(),
        score: part.score,
        verdict: if part.score > threshold { "bad" } else { "good" },
    };
    judged.iter().map(row).collect()
}

/// The rows of files that were left out, each also told to the user.
pub fn skipped_rows(skipped: &[Skipped]) -> Vec<SkippedRow> {
    for file in skipped {
        eprintln!("skipped {}: {}", file.path.display(), file.why);
    }
    if !skipped.is_empty() {
        eprintln!("{} files were skipped", skipped.len());
    }
    let row = |file: &Skipped| SkippedRow { file: file.path.display().to_string(), why: file.why.to_string() };
    skipped.iter().map(row).collect()
}

/// Writes the file, whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write_json(path: &Path, outcome: &impl Serialize) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(outcome)?;
    bytes.push(b'\n');
    write_whole(path, &bytes, Access::Public, Existing::Replace).with_context(|| path.display().to_string())
}

/// The figures in words, for standard output.
pub fn summary(outcome: &Outcome) -> String {
    let figure = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let share = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{:.1} %", 100.0 * value));
    let figures = &outcome.figures;
    let mut text = format!(
        "threshold       {:.4}, from {} held-out good parts\n\
         false rejects   {:.2} % expected, below {:.2} % with 95 % confidence\n",
        outcome.threshold,
        outcome.good_held_out,
        100.0 * outcome.false_reject_expected,
        100.0 * outcome.false_reject_upper_bound_95,
    );
    if figures.test_good + figures.test_defective > 0 {
        text += &format!(
            "test parts      {} good, {} defective\n\
             image AUROC     {}   AP {}\n\
             pixel AUROC     {}   AP {}   AUPRO {}\n\
             at threshold    {} of good parts rejected, {} of defective parts missed\n",
            figures.test_good,
            figures.test_defective,
            figure(figures.image_auroc),
            figure(figures.image_ap),
            figure(figures.pixel_auroc),
            figure(figures.pixel_ap),
            figure(figures.aupro),
            share(figures.false_reject),
            share(figures.escape),
        );
    }
    text
}
