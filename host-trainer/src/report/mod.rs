//! The report that a person looks at after training: one HTML file with everything in it.
//!
//! Takes figures, scores, pictures and heatmaps that others computed ([`ReportData`]); gives the page as a string. It asks
//! nothing of the network, runs no script, reads and writes no file, and computes no metric of its own.

mod charts;
mod data;
mod gallery;
mod markup;
mod page;
mod tables;

pub mod overlay;

pub use data::{Curve, ModelFigures, Part, ReportData};
pub use page::render;

#[cfg(test)]
mod tests;
