//! How well scores and heatmaps tell defects from good parts: areas under curves, and rates at a threshold.
//!
//! Pure: arrays in, numbers out. Higher scores mean more defective. Figures that the data cannot support are `None`, never a
//! made-up number. Chooses no threshold (see `threshold`), reads no files, prints nothing.

mod aupro;
mod auroc;
mod average_precision;
mod rank;
mod rates;

pub use aupro::{HeatmapView, aupro};
pub use auroc::auroc;
pub use average_precision::average_precision;
pub use rates::{Rate, Rates, clopper_pearson, rates};
