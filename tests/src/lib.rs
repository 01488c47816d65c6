//! The rig that the tests of this package share.

pub mod heatmaps;
pub mod small_bundle;
