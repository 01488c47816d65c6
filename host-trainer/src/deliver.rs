//! From weights to the one signed file, with every check in between.
//!
//! Fold and write the model in floats, load it back, see that it computes what the weights did; calibrate and write it in
//! 8-bit integers; for each of the two choose the threshold on held-out good parts and judge the test parts; seal. Nothing
//! is written unless all of it holds. Knows nothing of torch.

use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use shared::drift::{Look, Usual};
use shared::frame::Frame;
use shared::limits::MAX_PARITY_VECTORS;
use shared::manifest::{Parity, Precision, RawManifest, RawModel, Threshold as ManifestThreshold, Training};
use shared::preprocess::{Crop, Preprocess};
use shared::quality::Gauge;
use shared::score::Rule;
use thiserror::Error;

use crate::architecture::{Architecture, Networks};
use crate::assess::{AssessError, Figures, Judged, figures, judge, judge_good, judge_test, score_of};
use crate::data::{Picture, Prepared};
use crate::export::bundle::Models;
use crate::export::fold_bn::{FoldError, fold};
use crate::export::onnx::{Form, WriteError, write as write_onnx};
use crate::export::reload::{ReloadError, Reloaded};
use crate::export::{SealError, TensorMap, bundle};
use crate::quantise::{CalibrateError, Calibrated, FineTune, Trial, calibrate};
use crate::simulate::{Recipe, Textures, simulate};
use crate::threshold::{Sorted, Threshold, ThresholdError};

/// Largest difference of a score between the trainer's float network and the exported model. Accumulated rounding of
/// fifty convolutions stays a hundred times below it; a wrong graph does not.
pub const EXPORT_TOLERANCE: f32 = 1e-3;

/// Largest difference of a held-out score that 8-bit integers may make. The threshold is chosen on the integer model, so
/// that this guards against a broken model, not against a shifted score.
pub const INT8_TOLERANCE: f32 = 0.15;

/// Largest difference of a score between two machines that run the same model, by the model's numbers: in float sums are
/// rounded in another order; integers are the same on every machine, up to the last float operations of the score.
pub const fn parity_tolerance(precision: Precision) -> f32 {
    match precision {
        Precision::Float32 => 1e-4,
        Precision::Int8 => 1e-6,
    }
}

/// Parity vectors in a bundle: half good parts, half with a simulated defect, so that both ends of the scale are checked.
pub const PARITY_VECTORS: usize = 4;

/// Pictures that the integer model is calibrated on: half good parts, half with a simulated defect.
pub const CALIBRATION_PICTURES: usize = 48;

/// Kept apart from the generators of training samples and parity vectors, which start from the same seed.
const CALIBRATION_STREAM: u64 = 1 << 62;

/// How heatmaps are scored.
pub const SCORE_RULE: Rule = Rule::HIGHEST;

/// How the product is photographed, judged and stored.
#[derive(Clone, Debug)]
pub struct Plan {
    /// From a frame to the network's input.
    pub steps: Preprocess,
    /// Region of interest, as in `steps`.
    pub crop: Option<Crop>,
    /// Target false-reject rate, within 0..1.
    pub target: f64,
    /// Seconds since 1970.
    pub created: u64,
    /// Name of the product; the data folder's if absent.
    pub product: Option<String>,
}

/// How the weights came to be, for the manifest.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Name of the base widths.
    pub preset: String,
    /// The networks.
    pub networks: Networks,
    /// Seed of everything random.
    pub seed: u64,
    /// Optimisation steps taken.
    pub steps: u64,
}

impl Origin {
    /// The preset and, where it is not the original's, the architecture.
    fn named(&self) -> String {
        match self.networks.architecture {
            Architecture::Original => self.preset.clone(),
            Architecture::Bridged => format!("{}, {}", self.preset, self.networks.architecture),
        }
    }
}

/// One of the two models, with what it makes of the pictures.
#[derive(Debug)]
pub struct Shipped {
    /// The ONNX file's bytes.
    pub onnx: Vec<u8>,
    /// Where the line lies.
    pub threshold: Threshold,
    /// The scores that it comes from.
    pub sorted: Sorted,
    /// The held-out good parts.
    pub held_out: Vec<Judged>,
    /// The test parts.
    pub test: Vec<Judged>,
    /// The figures of the test parts.
    pub figures: Figures,
}

/// What passed every check, with what is known of it.
#[derive(Debug)]
pub struct Delivered {
    /// The model in floats.
    pub float32: Shipped,
    /// The model in integers, which a station runs unless told otherwise.
    pub int8: Shipped,
    /// What goes into the bundle beside them.
    pub manifest: RawManifest,
    /// Parity inputs, one after the other.
    pub parity: Vec<u8>,
    /// Largest difference of a held-out score between the trained network and its float export; `None` for imported weights,
    /// which have no reference.
    pub export_difference: Option<f32>,
    /// Largest difference of a held-out score between the float and the integer model.
    pub int8_difference: f32,
    /// The rules that were tried for the integer model's ranges; the first was kept.
    pub trials: Vec<Trial>,
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
    /// There is no integer model.
    #[error(transparent)]
    Calibrate(#[from] CalibrateError),
    /// The model cannot judge a picture.
    #[error(transparent)]
    Assess(#[from] AssessError),
    /// The exported model does not compute what the weights did.
    #[error("the exported model scores {name} as {exported}, expected was {trained}: not signed")]
    Differs {
        /// The picture.
        name: String,
        /// Score of the trained network, or of the float export for the integer model.
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

/// What only whoever trained the network can do with it.
pub struct Trainer<'a> {
    /// The trained network itself, to compare the export with.
    pub reference: &'a Reference<'a>,
    /// Fine-tuning for 8-bit integers.
    pub fine_tune: &'a FineTune<'a>,
}

/// Takes weights through every check; those that were trained here are compared with the network that they came from, and fine-tuned.
///
/// # Errors
/// The first [`DeliverError`].
pub fn deliver(
    weights: &TensorMap,
    prepared: &Prepared,
    plan: &Plan,
    origin: &Origin,
    trainer: Option<&Trainer<'_>>,
) -> Result<Delivered, DeliverError> {
    let size @ (width, height) = (plan.steps.width(), plan.steps.height());
    let folded = fold(weights)?;
    let onnx = write_onnx(&folded, width, height, Form::Float)?;
    let float_model = Reloaded::load(&onnx, width, height)?;
    let held_out = judge_good(&float_model, &SCORE_RULE, &prepared.held_out)?;
    let export_difference = match trainer {
        Some(Trainer { reference, .. }) => Some(compare(&held_out, &trained(&held_out, reference)?, EXPORT_TOLERANCE)?),
        None => None,
    };
    let pictures = calibration_pictures(prepared, origin.seed);
    let fine_tune = trainer.map(|trainer| trainer.fine_tune);
    let calibrated = calibrate(&folded, size, &onnx, &float_model, &pictures, fine_tune)?;
    let float32 = shipped(onnx, &float_model, held_out, prepared, plan)?;

    let Calibrated { onnx, model: int8_model, trials } = calibrated;
    let held_out = judge_good(&int8_model, &SCORE_RULE, &prepared.held_out)?;
    let expected: Vec<f32> = float32.held_out.iter().map(|part| part.score).collect();
    let int8_difference = compare(&held_out, &expected, INT8_TOLERANCE)?;
    let int8 = shipped(onnx, &int8_model, held_out, prepared, plan)?;

    let inputs = parity_inputs(prepared, origin.seed);
    let models = [
        of_model(&float32, &float_model, &inputs, Precision::Float32)?,
        of_model(&int8, &int8_model, &inputs, Precision::Int8)?,
    ];
    let trained_scores = match trainer {
        Some(Trainer { reference, .. }) => {
            let own = |input| score_of(&SCORE_RULE, "parity vector", input, &reference(input));
            inputs.iter().map(own).collect::<Result<_, _>>()?
        }
        None => heapless::Vec::new(),
    };
    let manifest = manifest(prepared, plan, origin, models, trained_scores)?;
    let parity = inputs.into_iter().flat_map(|input| input.rgb).collect();
    Ok(Delivered { float32, int8, manifest, parity, export_difference, int8_difference, trials })
}

impl Delivered {
    /// Seals the bundle with a key and writes it, whole or not at all. `with_float` says whether the model in floats goes into it.
    ///
    /// # Errors
    /// [`DeliverError::Seal`].
    pub fn write(&self, path: &Path, key: &ed25519_dalek::SigningKey, with_float: bool) -> Result<(), DeliverError> {
        let float32 = if with_float { self.float32.onnx.as_slice() } else { &[] };
        let models = Models { float32, int8: &self.int8.onnx };
        Ok(bundle::write(path, self.manifest.clone(), models, &self.parity, key)?)
    }
}

/// Chooses a model's threshold and judges the test parts with it.
fn shipped(
    onnx: Vec<u8>,
    model: &Reloaded,
    held_out: Vec<Judged>,
    prepared: &Prepared,
    plan: &Plan,
) -> Result<Shipped, DeliverError> {
    let sorted =
        Sorted::new(held_out.iter().zip(&prepared.held_out).map(|(at, named)| (at.score, named.part)).collect());
    let threshold = sorted.choose(plan.target)?;
    let test = judge_test(model, &SCORE_RULE, &prepared.test)?;
    let figures = figures(&test, threshold.value);
    Ok(Shipped { onnx, threshold, sorted, held_out, test, figures })
}

/// Good parts, and others with a simulated defect, of those that were learnt from, so that the held-out ones stay unseen; an
/// import has none but those.
fn calibration_pictures(prepared: &Prepared, seed: u64) -> Vec<Picture> {
    let held_out = || prepared.held_out.iter().map(|named| named.picture.clone()).collect();
    let good: Vec<Picture> = if prepared.learn.is_empty() { held_out() } else { prepared.learn.clone() };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(CALIBRATION_STREAM);
    let recipe = always_defective();
    // In pairs of a kind, because calibration gives every second picture another use and both need both kinds.
    (0..CALIBRATION_PICTURES)
        .map(|at| match (at / 2 % 2, &good[at * good.len() / CALIBRATION_PICTURES]) {
            (0, picture) => picture.clone(),
            (_, picture) => simulate(picture, &good, &Textures::procedural(), &recipe, &mut rng).augmented,
        })
        .collect()
}

fn always_defective() -> Recipe {
    Recipe { anomaly_probability: 1.0, ..Recipe::default() }
}

/// Scores of the trained network itself.
fn trained(judged: &[Judged], reference: &Reference<'_>) -> Result<Vec<f32>, AssessError> {
    let own = |part: &Judged| score_of(&SCORE_RULE, &part.name, &part.picture, &reference(&part.picture));
    judged.iter().map(own).collect()
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

fn parity_inputs(prepared: &Prepared, seed: u64) -> Vec<Picture> {
    const { assert!(PARITY_VECTORS <= MAX_PARITY_VECTORS) };
    let others: Vec<Picture> = prepared.held_out.iter().map(|named| named.picture.clone()).collect();
    let recipe = always_defective();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..PARITY_VECTORS)
        .map(|at| match (at % 2, &others[at % others.len()]) {
            (0, good) => good.clone(),
            (_, good) => simulate(good, &others, &Textures::procedural(), &recipe, &mut rng).augmented,
        })
        .collect()
}

/// What the manifest says of one model.
fn of_model(
    shipped: &Shipped,
    model: &Reloaded,
    parity: &[Picture],
    precision: Precision,
) -> Result<RawModel, DeliverError> {
    let scored = |input| Ok(judge(model, &SCORE_RULE, "parity vector", input)?.1);
    Ok(RawModel {
        // Sealing fills in the hashes of what it seals.
        sha256: [0; 32],
        threshold: ManifestThreshold::of(&shipped.threshold),
        good_scores: shipped.sorted.scores.iter().copied().collect(),
        good_parts: shipped.sorted.parts.iter().copied().collect(),
        parity: Parity {
            scores: parity.iter().map(scored).collect::<Result<_, DeliverError>>()?,
            tolerance: parity_tolerance(precision),
        },
    })
}

fn manifest(
    prepared: &Prepared,
    plan: &Plan,
    origin: &Origin,
    [float32, int8]: [RawModel; 2],
    trained_scores: heapless::Vec<f32, MAX_PARITY_VECTORS>,
) -> Result<RawManifest, DeliverError> {
    let pixels = |side: usize| u16::try_from(side).unwrap_or(u16::MAX);
    let good = prepared.learn.iter().chain(prepared.held_out.iter().map(|named| &named.picture));
    let product = plan.product.clone().unwrap_or_else(|| prepared.product.clone());
    Ok(RawManifest {
        product: text("product name", &product)?,
        created: plan.created,
        writer: text("version", concat!("host-trainer ", env!("CARGO_PKG_VERSION")))?,
        preprocess_version: plan.steps.exposure().version(),
        crop: plan.crop,
        frame_size: [pixels(prepared.frame_size.0), pixels(prepared.frame_size.1)],
        input_size: [pixels(plan.steps.width()), pixels(plan.steps.height())],
        usual: usual(good),
        score_rule: SCORE_RULE,
        float32,
        int8,
        parity_sha256: [0; 32],
        trained_scores,
        training: Training {
            preset: text("preset", &origin.named())?,
            reconstructive_width: pixels(origin.networks.recon),
            discriminative_width: pixels(origin.networks.seg),
            seed: origin.seed,
            steps: origin.steps,
            train_pictures: prepared.learn.len() as u32,
            dataset_sha256: prepared.sha256,
        },
        fixture: plan.steps.fixture(),
    })
}

/// What pictures of good parts are usually like, at the model's size.
fn usual<'a>(pictures: impl Iterator<Item = &'a Picture>) -> Usual {
    let mut gauge = Box::new(Gauge::new());
    // A picture has pixels, and a crop has been taken already: there is nothing that cannot be measured.
    Usual::of(pictures.filter_map(|Picture { width, height, rgb }| {
        let quality = gauge.measure(&Frame::rgb(*width, *height, rgb).ok()?, None).ok()?;
        Some(Look::of(&quality))
    }))
}

fn text<const N: usize>(field: &'static str, value: &str) -> Result<heapless::String<N>, DeliverError> {
    heapless::String::try_from(value).map_err(|_| DeliverError::TooLong { field, value: value.to_owned(), limit: N })
}
