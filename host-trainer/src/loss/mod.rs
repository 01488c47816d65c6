//! The three losses of DRAEM, each with its formula; their plain sum is what training minimises.

pub mod focal;
pub mod l2;
pub mod plain;
mod slopes;
pub mod ssim;
pub mod total;

pub use total::{Criterion, Losses};
