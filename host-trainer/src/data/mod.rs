//! From folders of photographs to pictures and masks at the model's size.

pub mod picture;

pub use picture::{Mask, Picture};
