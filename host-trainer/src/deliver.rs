//! From weights to the one signed file, with every check in between.
//!
//! Fold and write the model, load it back, see that it computes what the weights did, choose the threshold on held-out
//! good parts, judge the test parts, seal. Nothing is written unless all of it holds. Knows nothing of torch.

use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use shared::limits::{MAX_GOOD_SCORES, MAX_PARITY_VECTORS};
use shared::manifest::{Parity, RawManifest, Threshold as ManifestThreshold, Training, Weights};
use shared::preprocess::{self, Crop, Preprocess};
use shared::score::{Border, Rule};
use thiserror::Error;

use crate::assess::{AssessError, Figures, Judged, figures, judge, judge_good, judge_test};
use crate::data::{Picture, Prepared};
use crate::export::fold_bn::{FoldError, fold};
use crate::export::onnx::{WriteError, write as write_onnx};
use crate::export::reload::{ReloadError, Reloaded};
use crate::export::{SealError, TensorMap, bundle};
use crate::simulate::{Recipe, Textures, simulate};
use crate::threshold::{Threshold, ThresholdError, choose};

/// Largest difference of a score between the trainer's float network and the exported model. Accumulated rounding of
/// fifty convolutions stays a hundred times below it; a wrong graph does not.
pub const EXPORT_TOLERANCE: f32 = 1e-3;

/// Largest difference of a score that storing weights as 8-bit integers may make. The threshold is chosen on the stored model,
/// so that this guards against a broken model, not against a shifted score.
pub const INT8_TOLERANCE: f32 = 0.15;

/// Largest difference of a score between two machines that run the same model in float.
pub const PARITY_TOLERANCE: f32 = 1e-4;

/// Parity vectors in a bundle: half good parts, half with a simulated defect, so that both ends of the scale are checked.
pub const PARITY_VECTORS: usize = 4;

/// How the product is photographed, judged and stored.
#[derive(Clone, Debug)]
pub struct Plan {
    /// From a frame to the network's input.
    pub steps: Preprocess,
    /// Region of interest, as in `steps`.
    pub crop: Option<Crop>,
    /// How a heatmap becomes a score.
    pub rule: Rule,
    /// Target false-reject rate, within 0..1.
    pub target: f64,
    /// How the model stores its weights.
    pub weights: Weights,
    /// Seconds since 1970.
    pub created: u64,
    /// Name of the product; the data folder's if absent.
    pub product: Option<String>,
}

impl Plan {
    /// The score rule that the product uses at this input size.
    pub fn rule_for(steps: &Preprocess) -> Rule {
        Rule::for_input(steps.width().min(steps.height()), Border::Covered)
    }
}

/// How the weights came to be, for the manifest.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Name of the widths.
    pub preset: String,
    /// Base widths of the reconstructive and the discriminative network.
    pub widths: (usize, usize),
    /// Seed of everything random.
    pub seed: u64,
    /// Optimisation steps taken.
    pub steps: u64,
}

/// A model that passed every check, with what is known of it.
#[derive(Debug)]
pub struct Delivered {
    /// The ONNX file's bytes.
    pub onnx: Vec<u8>,
    /// What goes into the bundle beside it.
    pub manifest: RawManifest,
    /// Parity inputs, one after the other.
    pub parity: Vec<u8>,
    /// Where the line lies.
    pub threshold: Threshold,
    /// The held-out good parts.
    pub held_out: Vec<Judged>,
    /// The test parts.
    pub test: Vec<Judged>,
    /// The figures of the test parts.
    pub figures: Figures,
    /// Largest difference of a held-out score between the trained network and its float export, or where weights are stored
    /// as integers, between the float export and the stored model. `None` for imported float weights, which have no reference.
    pub export_difference: Option<f32>,
}

/// Why no bundle is made.
#[derive(Debug, Error)]
pub enum DeliverError {
    /// The checkpoint is not one of these networks.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The model cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The written model cannot be loaded.
    #[error(transparent)]
    Reload(#[from] ReloadError),
    /// The model cannot judge a picture.
    #[error(transparent)]
    Assess(#[from] AssessError),
    /// The exported model does not compute what the weights did.
    #[error("the exported model scores {name} as {exported}, expected was {trained}: not signed")]
    Differs {
        /// The picture.
        name: String,
        /// Score of the trained network, or of the float export for weights stored as integers.
        trained: f32,
        /// Score of the exported model.
        exported: f32,
    },
    /// No threshold can be chosen.
    #[error(transparent)]
    Threshold(#[from] ThresholdError),
    /// A name is too long for the manifest.
    #[error("the {field} \"{value}\" is longer than {limit} bytes")]
    TooLong {
        /// Which one.
        field: &'static str,
        /// The name.
        value: String,
        /// Bytes allowed.
        limit: usize,
    },
    /// The bundle cannot be sealed or written.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The trained network's own heatmap of a picture, `[row][column]`.
pub type Reference<'a> = dyn Fn(&Picture) -> Vec<f32> + 'a;

/// Takes weights through every check. `reference` gives the trained network's own heatmap of a picture, where there is one.
///
/// # Errors
/// The first [`DeliverError`].
pub fn deliver(
    weights: &TensorMap,
    prepared: &Prepared,
    plan: &Plan,
    origin: &Origin,
    reference: Option<&Reference<'_>>,
) -> Result<Delivered, DeliverError> {
    let (width, height) = (plan.steps.width(), plan.steps.height());
    let folded = fold(weights)?;
    let float = write_onnx(&folded, width, height, Weights::Float32)?;
    let float_model = Reloaded::load(&float, width, height)?;
    let float_judged = judge_good(&float_model, &plan.rule, &prepared.held_out)?;
    let mut export_difference = match reference {
        Some(reference) => Some(compare(&float_judged, &trained(&float_judged, plan, reference)?, EXPORT_TOLERANCE)?),
        None => None,
    };
    let (onnx, model, held_out) = match plan.weights {
        Weights::Float32 => (float, float_model, float_judged),
        stored => {
            let onnx = write_onnx(&folded, width, height, stored)?;
            let model = Reloaded::load(&onnx, width, height)?;
            let judged = judge_good(&model, &plan.rule, &prepared.held_out)?;
            let expected: Vec<f32> = float_judged.iter().map(|part| part.score).collect();
            export_difference = Some(compare(&judged, &expected, INT8_TOLERANCE)?);
            (onnx, model, judged)
        }
    };
    let scores: Vec<f32> = held_out.iter().map(|part| part.score).collect();
    let threshold = choose(&scores, plan.target)?;
    let test = judge_test(&model, &plan.rule, &prepared.test)?;
    let figures = figures(&test, threshold.value);
    let (parity, parity_scores) = parity(&model, &plan.rule, prepared, origin.seed)?;
    let manifest = manifest(prepared, plan, origin, &threshold, &scores, &parity_scores)?;
    Ok(Delivered { onnx, manifest, parity, threshold, held_out, test, figures, export_difference })
}

impl Delivered {
    /// Seals the bundle with a key and writes it, whole or not at all.
    ///
    /// # Errors
    /// [`DeliverError::Seal`].
    pub fn write(&self, path: &Path, key: &ed25519_dalek::SigningKey) -> Result<(), DeliverError> {
        Ok(bundle::write(path, self.manifest.clone(), &self.onnx, &self.parity, key)?)
    }
}

/// Scores of the trained network itself.
fn trained(judged: &[Judged], plan: &Plan, reference: &Reference<'_>) -> Result<Vec<f32>, DeliverError> {
    let one = |part: &Judged| {
        let (heatmap, width) = (reference(&part.picture), part.picture.width);
        let score = shared::score::score(&plan.rule, &heatmap, width, &mut vec![0.0; width])
            .map_err(|source| AssessError::Score { name: part.name.clone(), source })?;
        Ok(score.get())
    };
    judged.iter().map(one).collect()
}

/// The largest difference from the expected scores, if none is beyond the tolerance.
fn compare(judged: &[Judged], expected: &[f32], tolerance: f32) -> Result<f32, DeliverError> {
    let mut largest = 0.0f32;
    for (part, &trained) in judged.iter().zip(expected) {
        let difference = (trained - part.score).abs();
        if difference > tolerance {
            return Err(DeliverError::Differs { name: part.name.clone(), trained, exported: part.score });
        }
        largest = largest.max(difference);
    }
    Ok(largest)
}

fn parity(model: &Reloaded, rule: &Rule, prepared: &Prepared, seed: u64) -> Result<(Vec<u8>, Vec<f32>), DeliverError> {
    const { assert!(PARITY_VECTORS <= MAX_PARITY_VECTORS) };
    let others: Vec<Picture> = prepared.held_out.iter().map(|named| named.picture.clone()).collect();
    let recipe = Recipe { anomaly_probability: 1.0, ..Recipe::default() };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut inputs, mut scores) = (Vec::new(), Vec::new());
    for at in 0..PARITY_VECTORS {
        let good = &others[at % others.len()];
        let picture = match at % 2 {
            0 => good.clone(),
            _ => simulate(good, &others, &Textures::procedural(), &recipe, &mut rng).augmented,
        };
        scores.push(judge(model, rule, "parity vector", &picture)?.1);
        inputs.extend_from_slice(&picture.rgb);
    }
    Ok((inputs, scores))
}

fn manifest(
    prepared: &Prepared,
    plan: &Plan,
    origin: &Origin,
    threshold: &Threshold,
    scores: &[f32],
    parity_scores: &[f32],
) -> Result<RawManifest, DeliverError> {
    let pixels = |side: usize| u16::try_from(side).unwrap_or(u16::MAX);
    let product = plan.product.clone().unwrap_or_else(|| prepared.product.clone());
    Ok(RawManifest {
        product: text("product name", &product)?,
        created: plan.created,
        writer: text("version", concat!("host-trainer ", env!("CARGO_PKG_VERSION")))?,
        preprocess_version: preprocess::VERSION,
        crop: plan.crop,
        frame_size: [pixels(prepared.frame_size.0), pixels(prepared.frame_size.1)],
        input_size: [pixels(plan.steps.width()), pixels(plan.steps.height())],
        score_rule: plan.rule,
        threshold: ManifestThreshold {
            value: threshold.value,
            target_false_reject: threshold.target as f32,
            expected_false_reject: threshold.expected as f32,
            upper_bound_95: threshold.upper_bound_95 as f32,
        },
        good_scores: stored_scores(scores),
        weights: plan.weights,
        // Sealing fills in the hashes of what it seals.
        model_sha256: [0; 32],
        parity_sha256: [0; 32],
        parity: Parity { scores: parity_scores.iter().copied().collect(), tolerance: PARITY_TOLERANCE },
        training: Training {
            preset: text("preset", &origin.preset)?,
            reconstructive_width: pixels(origin.widths.0),
            discriminative_width: pixels(origin.widths.1),
            seed: origin.seed,
            steps: origin.steps,
            train_pictures: prepared.learn.len() as u32,
            dataset_sha256: prepared.sha256,
        },
    })
}

/// The scores ascending. Where there are more than a manifest holds, the largest are kept: the threshold lies among them.
fn stored_scores(scores: &[f32]) -> heapless::Vec<f32, MAX_GOOD_SCORES> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted[sorted.len().saturating_sub(MAX_GOOD_SCORES)..].iter().copied().collect()
}

fn text<const N: usize>(field: &'static str, value: &str) -> Result<heapless::String<N>, DeliverError> {
    heapless::String::try_from(value).map_err(|_| DeliverError::TooLong { field, value: value.to_owned(), limit: N })
}
