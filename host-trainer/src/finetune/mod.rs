//! Quantisation-aware fine-tuning: what rounding to bytes spoils, learnt back.
//!
//! Takes a folded network, the scales of its bytes and samples; gives the same network with weights moved by a few of their own steps, so
//! that what is computed in integers comes nearer to what the network computes in floats. The float network is the teacher: no
//! mask of a defect is looked at, and nothing is learnt that it does not know. Rounding is passed by the gradient as if it were not there
//! (Bengio et al. 2013; Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only inference").
//!
//! [`rounded`] runs a folded network in torch, [`fit`] moves it. Chooses no scale and writes no file.

pub mod fit;
pub mod rounded;

pub use fit::{finetune, steps};

#[cfg(test)]
mod tests;
