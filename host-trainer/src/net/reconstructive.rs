//! The reconstructive network: an auto-encoder that paints a picture as it would look without defects; without skips as in
//! the original, or with one bridge ([`Architecture::Bridged`]).
//!
//! Takes `[n, 3, h, w]` in 0..1, sides multiples of 16; gives `[n, 3, h, w]`, linear, so that values may lie outside 0..1. Both in
//! the type and layout of the activations. `ReconstructiveSubNetwork` of the original.

use tch::{TchError, Tensor};

use super::blocks::{Convolution, Double, Mode, Up, pool};
use super::weights::Weights;
use crate::architecture::{Architecture, BRIDGE_FROM, BRIDGE_TO};

/// The layers, in the order of data.
pub struct Reconstructive {
    encoder: [Double; 5],
    decoder: [(Up, Double); 4],
    head: Convolution,
    architecture: Architecture,
}

impl Reconstructive {
    /// The network over these weights' `recon.` tensors.
    pub fn new(weights: &Weights) -> Self {
        let block = |number: u8| Double::new(weights, &format!("recon.encoder.block{number}"));
        let stage = |number: u8| {
            let up = Up::new(weights, &format!("recon.decoder.up{number}"));
            (up, Double::new(weights, &format!("recon.decoder.db{number}")))
        };
        Self {
            encoder: [1, 2, 3, 4, 5].map(block),
            decoder: [1, 2, 3, 4].map(stage),
            head: Convolution::new(weights, "recon.decoder.fin_out.0"),
            architecture: weights.architecture(),
        }
    }

    /// The reconstruction.
    ///
    /// # Errors
    /// Whatever torch says, for instance that memory is exhausted.
    pub fn forward(&self, picture: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let mut x = picture.shallow_clone();
        let mut bridge = None;
        for (number, block) in (1..).zip(&self.encoder) {
            if number > 1 {
                x = pool(&x)?;
            }
            x = block.forward(&x, mode)?;
            if self.architecture == Architecture::Bridged && number == BRIDGE_FROM {
                bridge = Some(x.shallow_clone());
            }
        }
        for (number, (up, block)) in (1..).zip(&self.decoder) {
            let mut raised = up.forward(&x, mode)?;
            if let Some(from) = bridge.as_ref().filter(|_| number == BRIDGE_TO) {
                raised = Tensor::f_cat(&[&raised, from], 1)?;
            }
            x = block.forward(&raised, mode)?;
        }
        self.head.forward(&x, mode.arithmetic)
    }
}
