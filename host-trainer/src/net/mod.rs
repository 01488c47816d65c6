//! The two networks of DRAEM in torch: weights, layers, and the forward pass.
//!
//! Layers and names are those of the original `model_unet.py`; `preset` holds their table. Axes of every activation:
//! `[picture, channel, row, column]`.

pub mod arithmetic;
pub mod blocks;
pub mod discriminative;
pub mod draem;
pub mod initial;
pub mod reconstructive;
pub mod weights;

pub use arithmetic::Arithmetic;
pub use draem::{Draem, forward_heatmap};
pub use initial::initial;
pub use weights::{NetError, Weights};
