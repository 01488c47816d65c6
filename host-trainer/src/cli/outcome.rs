//! The `--json` file: every metric by its name, and every picture's score.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use crate::assess::{Figures, Judged};
use crate::data::Skipped;
use crate::export::whole_file::{Access, Existing, write_whole};
use crate::quantise::Trial;

/// One judged picture.
#[derive(Debug, Serialize)]
pub struct PictureRow {
    /// File name below the data folder.
    pub file: String,
    /// `good`, or the kind of defect.
    pub kind: String,
    /// The score of the integer model, 0..=1.
    pub score: f32,
    /// `good` or `bad`, as the station says it.
    pub verdict: &'static str,
    /// The score of the float model, 0..=1.
    pub score_f32: f32,
    /// What a station says that runs the float model.
    pub verdict_f32: &'static str,
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
    /// Name of the base widths.
    pub preset: String,
    /// Name of the architecture.
    pub architecture: String,
    /// Width and height of the input in pixels.
    pub size: [usize; 2],
    /// What was learnt from, in words.
    pub recipe: String,
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
    /// Largest difference of a held-out score between the trained network and the exported float model.
    pub export_difference: Option<f32>,
    /// Largest difference of a held-out score between the float and the integer model.
    pub int8_difference: f32,
}

/// The whole file.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Name of the product.
    pub product: String,
    /// A part is bad when its score is greater: of the integer model, as the station runs it.
    pub threshold: f32,
    /// The same of the float model.
    pub threshold_f32: f32,
    /// Share of good parts that was allowed to be rejected.
    pub false_reject_target: f64,
    /// Share that will be rejected on average.
    pub false_reject_expected: f64,
    /// That share is smaller than this with 95 percent confidence.
    pub false_reject_upper_bound_95: f64,
    /// Good parts that the threshold comes from.
    pub good_held_out: usize,
    /// The test set's figures with the float model.
    #[serde(flatten)]
    pub figures: Figures,
    /// The same with the integer model; each name ends in `_int8`.
    #[serde(flatten, serialize_with = "with_suffix")]
    pub figures_int8: Figures,
    /// Share of test parts on which both models, each at its own threshold, agree.
    pub same_verdicts: Option<f64>,
    /// Rules tried for the integer model's ranges, the one that was kept first; empty where nothing was calibrated.
    pub range_rules: Vec<Trial>,
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

/// The figures under their names with `_int8` behind.
fn with_suffix<S: serde::Serializer>(figures: &Figures, serializer: S) -> Result<S::Ok, S::Error> {
    let value = serde_json::to_value(figures).map_err(serde::ser::Error::custom)?;
    let entries = value.as_object().into_iter().flatten();
    serializer.collect_map(entries.map(|(name, value)| (format!("{name}_int8"), value)))
}

/// The rows of pictures that both models judged, each at its threshold.
pub fn rows((int8, threshold): (&[Judged], f32), (float32, threshold_f32): (&[Judged], f32)) -> Vec<PictureRow> {
    let verdict = |score: f32, threshold: f32| if score > threshold { "bad" } else { "good" };
    let row = |(int8, float32): (&Judged, &Judged)| PictureRow {
        file: int8.name.clone(),
        kind: int8.kind.clone(),
        score: int8.score,
        verdict: verdict(int8.score, threshold),
        score_f32: float32.score,
        verdict_f32: verdict(float32.score, threshold_f32),
    };
    int8.iter().zip(float32).map(row).collect()
}

/// Share of pictures on which both models agree; `None` without pictures.
pub fn same_verdicts(rows: &[PictureRow]) -> Option<f64> {
    let same = rows.iter().filter(|row| row.verdict == row.verdict_f32).count();
    (!rows.is_empty()).then(|| same as f64 / rows.len() as f64)
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
    let (figures, int8) = (&outcome.figures, &outcome.figures_int8);
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
             {:16}int8     float\n\
             image AUROC     {}   {}\n\
             image AP        {}   {}\n\
             pixel AUROC     {}   {}\n\
             pixel AP        {}   {}\n\
             AUPRO           {}   {}\n\
             at threshold    {} of good parts rejected, {} of defective parts missed\n",
            int8.test_good,
            int8.test_defective,
            "",
            figure(int8.image_auroc),
            figure(figures.image_auroc),
            figure(int8.image_ap),
            figure(figures.image_ap),
            figure(int8.pixel_auroc),
            figure(figures.pixel_auroc),
            figure(int8.pixel_ap),
            figure(figures.pixel_ap),
            figure(int8.aupro),
            figure(figures.aupro),
            share(int8.false_reject),
            share(int8.escape),
        );
    }
    text
}
