//! What the report shows. Plain data, borrowed where it is large; what was not measured is `None` or empty.

use crate::data::{Mask, Picture};
use crate::evaluate::Rate;
use crate::threshold::Threshold;

/// Everything on the page.
#[derive(Clone, Debug)]
pub struct ReportData<'a> {
    /// Name of the product.
    pub product: String,
    /// The threshold and its promise.
    pub threshold: Threshold,
    /// Good test parts that were rejected; `None` without good test parts.
    pub false_reject: Option<Rate>,
    /// Defective test parts that passed; `None` without defective test parts.
    pub escape: Option<Rate>,
    /// Figures of the shipped model first, then of others to compare with, such as the one before quantisation.
    pub models: Vec<ModelFigures>,
    /// Facts of the run as name and value: seed, preset, size, steps, times, counts.
    pub facts: Vec<(String, String)>,
    /// Files that could not be used, with the reason.
    pub skipped: Vec<(String, String)>,
    /// Learning curves, one chart each; empty for an imported model.
    pub curves: Vec<Curve>,
    /// The held-out good parts that the threshold comes from.
    pub held_out: Vec<Part<'a>>,
    /// The test parts, good and defective; empty for a flat folder.
    pub test: Vec<Part<'a>>,
}

/// Figures of one form of the model on the test parts. `None` where the test parts cannot tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelFigures {
    /// What the reader knows the model by, for example `int8, as shipped`.
    pub name: String,
    /// Area under the receiver operating characteristic over parts, 0..=1.
    pub image_auroc: Option<f64>,
    /// Average precision over parts, 0..=1.
    pub image_ap: Option<f64>,
    /// Area under the receiver operating characteristic over pixels, 0..=1.
    pub pixel_auroc: Option<f64>,
    /// Average precision over pixels, 0..=1.
    pub pixel_ap: Option<f64>,
    /// Mean overlap with each defect's region over false-positive rates up to 0.3, 0..=1.
    pub aupro: Option<f64>,
}

/// One quantity against the training step.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What is drawn, for example `focal loss`.
    pub name: String,
    /// Step and value, steps rising.
    pub points: Vec<(u64, f64)>,
}

/// One part with what the model made of it.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// File name, shown as it is.
    pub name: &'a str,
    /// `good`, or the kind of defect.
    pub kind: &'a str,
    /// Whether the part is defective.
    pub defective: bool,
    /// The score; above the threshold the part is rejected.
    pub score: f32,
    /// The picture at the model's size.
    pub picture: &'a Picture,
    /// Probability of a defect, `[height][width]` of the picture.
    pub heatmap: &'a [f32],
    /// Where the defect is, if somebody drew it; of the picture's size.
    pub mask: Option<&'a Mask>,
}
