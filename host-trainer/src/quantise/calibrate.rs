//! Scales for every value, by the rule that changes the heatmaps least.
//!
//! Observes the float model on one part of the pictures, writes an integer model by each rule and with channels equalised more or
//! less, compares its heatmaps with the float model's on the other part, and keeps the best; where somebody fine-tunes, that is compared
//! in the same way. The pictures are good parts and simulated defects: without defects, what they cause would be clipped.

use rayon::prelude::*;
use serde::Serialize;
use thiserror::Error;

use super::equalise::{STRENGTHS, equalise};
use super::histogram::Histogram;
use super::observe::{largest_by_channel, observe};
use super::ranges::{PICTURE_SCALE, RangeRule, Scales};
use super::sharing::{Group, groups};
use crate::data::Picture;
use crate::export::fold_bn::FoldedNet;
use crate::export::graph::Layer;
use crate::export::onnx::{Form, WriteError, write};
use crate::export::reload::{ReloadError, Reloaded};

/// One rule and what it did to the heatmaps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// The rule.
    pub rule: RangeRule,
    /// How far channels were equalised, 0..=1.
    pub equalised: f32,
    /// Whether the weights were fine-tuned for the bytes.
    pub fine_tuned: bool,
    /// Root of the mean square difference of heatmap values from the float model's, 0..=1.
    pub difference: f64,
}

/// The integer model that was kept.
#[derive(Debug)]
pub struct Calibrated {
    /// Its ONNX file's bytes.
    pub onnx: Vec<u8>,
    /// The same model, ready to run.
    pub model: Reloaded,
    /// Every rule that was tried; the first is the one that was kept.
    pub trials: Vec<Trial>,
}

/// Why there is no integer model.
#[derive(Debug, Error)]
pub enum CalibrateError {
    /// There are no pictures to calibrate on.
    #[error("no picture to calibrate the integer model on: at least 2 are needed")]
    NoPictures,
    /// The model cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A model cannot be loaded or run.
    #[error(transparent)]
    Reload(#[from] ReloadError),
    /// Fine-tuning failed.
    #[error("fine-tuning for 8-bit integers: {reason}")]
    FineTune {
        /// In the words of whoever fine-tunes.
        reason: String,
    },
}

/// Moves a network's weights to suit the bytes of these scales, or says why it cannot.
pub type FineTune<'a> = dyn Fn(&FoldedNet, &Scales) -> Result<FoldedNet, String> + 'a;

/// An integer model that may be kept.
struct Candidate {
    trial: Trial,
    net: FoldedNet,
    scales: Scales,
    onnx: Vec<u8>,
    model: Reloaded,
}

/// Calibrates the network that `float` was written from. Every second picture sets the ranges, the others choose the rule. With `fine_tune`
/// the best of them is fine-tuned, and that is kept if it is better.
///
/// # Errors
/// [`CalibrateError`].
pub fn calibrate(
    net: &FoldedNet,
    (width, height): (usize, usize),
    float: &[u8],
    float_model: &Reloaded,
    pictures: &[Picture],
    fine_tune: Option<&FineTune<'_>>,
) -> Result<Calibrated, CalibrateError> {
    if pictures.len() < 2 {
        return Err(CalibrateError::NoPictures);
    }
    let list = net.layers();
    let every_second = |from: usize| pictures.iter().skip(from).step_by(2).cloned().collect::<Vec<_>>();
    let (to_observe, to_compare) = (every_second(0), every_second(1));
    let largest = largest_by_channel(float, &list, (width, height), &to_observe)?;
    let expected = heatmaps(float_model, &to_compare)?;
    let judge = |mut trial: Trial, net: FoldedNet, scales: Scales| -> Result<Candidate, CalibrateError> {
        let onnx = write(&net, width, height, Form::Int8(&scales))?;
        let model = Reloaded::load(&onnx, width, height)?;
        trial.difference = root_mean_square(&expected, &heatmaps(&model, &to_compare)?);
        Ok(Candidate { trial, net, scales, onnx, model })
    };
    let (mut trials, mut best): (Vec<Trial>, Option<Candidate>) = Default::default();
    let mut keep = |candidate: Candidate, best: &mut Option<Candidate>| {
        trials.push(candidate.trial);
        let better = |best: &Candidate| candidate.trial.difference.total_cmp(&best.trial.difference).is_lt();
        if best.as_ref().is_none_or(better) {
            *best = Some(candidate);
        }
    };
    for equalised in STRENGTHS {
        let net = equalise(net, &list, &largest, equalised);
        let float = write(&net, width, height, Form::Float)?;
        let observed = observe(&float, &list, (width, height), &to_observe)?;
        for rule in RangeRule::ALL {
            let trial = Trial { rule, equalised, fine_tuned: false, difference: f64::NAN };
            keep(judge(trial, net.clone(), scales(&list, &observed, rule))?, &mut best);
        }
    }
    if let (Some(fine_tune), Some(Candidate { trial, net, scales, .. })) = (fine_tune, &best) {
        let tuned = fine_tune(net, scales).map_err(|reason| CalibrateError::FineTune { reason })?;
        let trial = Trial { fine_tuned: true, ..*trial };
        keep(judge(trial, tuned, scales.clone())?, &mut best);
    }
    trials.sort_by(|a, b| a.difference.total_cmp(&b.difference));
    let Candidate { onnx, model, .. } = best.ok_or(CalibrateError::NoPictures)?;
    Ok(Calibrated { onnx, model, trials })
}

/// The scale of each layer's value by a rule, from a histogram for each layer.
pub fn scales(layers: &[Layer], observed: &[Histogram], rule: RangeRule) -> Scales {
    let (of, groups) = groups(layers);
    let scale = |group: &Group| match group {
        Group::Picture => Some(PICTURE_SCALE),
        Group::Float => None,
        Group::Observed(members) => {
            let mut all = Histogram::default();
            members.iter().for_each(|&member| all.merge(&observed[member]));
            Some(rule.scale(&all))
        }
    };
    let by_group: Vec<Option<f32>> = groups.iter().map(scale).collect();
    Scales(of.into_iter().map(|group| by_group[group]).collect())
}

fn heatmaps(model: &Reloaded, pictures: &[Picture]) -> Result<Vec<Vec<f32>>, ReloadError> {
    pictures.par_iter().map(|picture| model.heatmap(picture)).collect()
}

fn root_mean_square(expected: &[Vec<f32>], got: &[Vec<f32>]) -> f64 {
    let pairs = || expected.iter().flatten().zip(got.iter().flatten());
    let sum: f64 = pairs().map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (sum / pairs().count().max(1) as f64).sqrt()
}
