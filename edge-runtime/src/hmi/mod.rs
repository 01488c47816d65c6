//! What people see: the panel's picture, and a part with its heatmap.

pub mod heatmap;
pub mod screen;
pub mod thumbnail;
