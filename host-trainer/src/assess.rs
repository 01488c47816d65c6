//! What the exported model makes of pictures: scores, heatmaps and the figures drawn from them.
//!
//! Always through the ONNX that ships, never through torch, so that the figures are those of the product. Pixel figures
//! are taken at the model's input size.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;
use shared::score::{Rule, ScoreError, score};
use shared::units::Score;
use thiserror::Error;

use crate::data::{Mask, Named, Picture, TestPicture};
use crate::evaluate::{self, HeatmapView, Rates, rates};
use crate::export::reload::{ReloadError, Reloaded};

/// Highest false-positive rate that AUPRO looks at, as MVTec define it.
pub const AUPRO_LIMIT: f64 = 0.3;

/// A picture beside what the model made of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// File name below the data folder.
    pub name: String,
    /// `good`, or the kind of defect.
    pub kind: String,
    /// Whether the part is defective.
    pub defective: bool,
    /// The picture.
    pub picture: Picture,
    /// Where the defect is, if that is known.
    pub mask: Option<Mask>,
    /// Probability of a defect, `[row][column]`.
    pub heatmap: Vec<f32>,
    /// The score.
    pub score: f32,
}

/// The figures of one model on one test set. `None` where the set cannot tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// How well scores separate good from defective parts.
    pub image_auroc: Option<f64>,
    /// Average precision of the same.
    pub image_ap: Option<f64>,
    /// How well heatmap values separate good from defective pixels.
    pub pixel_auroc: Option<f64>,
    /// Average precision of the same.
    pub pixel_ap: Option<f64>,
    /// Mean overlap with each defect's region over false-positive rates up to [`AUPRO_LIMIT`].
    pub aupro: Option<f64>,
    /// Share of good test parts above the threshold.
    pub false_reject: Option<f64>,
    /// Share of defective test parts not above the threshold.
    pub escape: Option<f64>,
    /// Good test parts.
    pub test_good: usize,
    /// Defective test parts.
    pub test_defective: usize,
    /// Found and all parts of each kind of defect.
    pub found_by_kind: BTreeMap<String, [usize; 2]>,
}

/// Why a picture has no score.
#[derive(Debug, Error)]
pub enum AssessError {
    /// The model failed.
    #[error("{name}: {source}")]
    Model {
        /// The picture.
        name: String,
        /// What tract says.
        source: ReloadError,
    },
    /// The heatmap is none.
    #[error("{name}: {source}")]
    Score {
        /// The picture.
        name: String,
        /// What is wrong with it.
        source: ScoreError,
    },
}

/// Heatmap and score of one picture.
///
/// # Errors
/// [`AssessError`] with the picture's name.
pub fn judge(model: &Reloaded, rule: &Rule, name: &str, picture: &Picture) -> Result<(Vec<f32>, f32), AssessError> {
    let heatmap = model.heatmap(picture).map_err(|source| AssessError::Model { name: name.to_owned(), source })?;
    let score = score_of(rule, name, picture, &heatmap)?;
    Ok((heatmap, score))
}

/// The score of a picture's heatmap, `[row][column]`.
///
/// # Errors
/// [`AssessError::Score`] with the picture's name.
pub fn score_of(rule: &Rule, name: &str, picture: &Picture, heatmap: &[f32]) -> Result<f32, AssessError> {
    let scratch = &mut vec![0.0; rule.scratch(picture.width, picture.height)];
    let score = score(rule, heatmap, picture.width, scratch);
    score.map(Score::get).map_err(|source| AssessError::Score { name: name.to_owned(), source })
}

/// All held-out good parts, judged on all cores.
///
/// # Errors
/// The first [`AssessError`].
pub fn judge_good(model: &Reloaded, rule: &Rule, pictures: &[Named]) -> Result<Vec<Judged>, AssessError> {
    let one = |named: &Named| {
        let (heatmap, score) = judge(model, rule, &named.name, &named.picture)?;
        let (name, picture) = (named.name.clone(), named.picture.clone());
        Ok(Judged { name, kind: "good".into(), defective: false, picture, mask: None, heatmap, score })
    };
    pictures.par_iter().map(one).collect()
}

/// All test parts, judged on all cores.
///
/// # Errors
/// The first [`AssessError`].
pub fn judge_test(model: &Reloaded, rule: &Rule, pictures: &[TestPicture]) -> Result<Vec<Judged>, AssessError> {
    let one = |test: &TestPicture| {
        let (heatmap, score) = judge(model, rule, &test.name, &test.picture)?;
        let TestPicture { name, kind, defective, picture, mask } = test.clone();
        Ok(Judged { name, kind, defective, picture, mask, heatmap, score })
    };
    pictures.par_iter().map(one).collect()
}

/// The figures of judged test parts at a threshold. Pixel figures leave out defective parts that nobody drew a mask for.
pub fn figures(judged: &[Judged], threshold: f32) -> Figures {
    let scores: Vec<f32> = judged.iter().map(|part| part.score).collect();
    let defective: Vec<bool> = judged.iter().map(|part| part.defective).collect();
    let Rates { false_reject, escape } = rates(&scores, &defective, threshold);

    let drawn: Vec<(&Judged, &Mask)> =
        judged.iter().filter_map(|part| part.mask.as_ref().map(|mask| (part, mask))).collect();
    let values: Vec<f32> = drawn.iter().flat_map(|(part, _)| part.heatmap.iter().copied()).collect();
    let pixels: Vec<bool> = drawn.iter().flat_map(|(_, mask)| mask.pixels.iter().map(|&pixel| pixel != 0)).collect();
    let views: Vec<HeatmapView<'_>> = drawn
        .iter()
        .map(|(part, mask)| HeatmapView { width: mask.width, height: mask.height, values: &part.heatmap })
        .collect();
    let masks: Vec<&Mask> = drawn.iter().map(|(_, mask)| *mask).collect();

    let mut found_by_kind = BTreeMap::new();
    for part in judged.iter().filter(|part| part.defective) {
        let [found, all] = found_by_kind.entry(part.kind.clone()).or_insert([0; 2]);
        *found += usize::from(part.score > threshold);
        *all += 1;
    }
    Figures {
        image_auroc: evaluate::auroc(&scores, &defective),
        image_ap: evaluate::average_precision(&scores, &defective),
        pixel_auroc: evaluate::auroc(&values, &pixels),
        pixel_ap: evaluate::average_precision(&values, &pixels),
        aupro: evaluate::aupro(&views, &masks, AUPRO_LIMIT),
        false_reject: false_reject.map(|rate| rate.rate),
        escape: escape.map(|rate| rate.rate),
        test_good: false_reject.map_or(0, |rate| rate.of),
        test_defective: escape.map_or(0, |rate| rate.of),
        found_by_kind,
    }
}
