//! The reconstructive network: an auto-encoder without skips that paints a picture as it would look without defects.
//!
//! Takes `[n, 3, h, w]` in 0..1, sides multiples of 16; gives `[n, 3, h, w]` in 32-bit floats, linear, so that values may
//! lie outside 0..1. `ReconstructiveSubNetwork` of the original.

use tch::{TchError, Tensor};

use super::blocks::{Convolution, Double, Mode, Up, pool};
use super::weights::Weights;

/// The layers, in the order of data.
pub struct Reconstructive {
    encoder: [Double; 5],
    decoder: [(Up, Double); 4],
    head: Convolution,
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
        }
    }

    /// The reconstruction.
    ///
    /// # Errors
    /// Whatever torch says, for instance that memory is exhausted.
    pub fn forward(&self, picture: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let mut x = mode.arithmetic.enter(picture)?;
        for (index, block) in self.encoder.iter().enumerate() {
            if index > 0 {
                x = pool(&x)?;
            }
            x = block.forward(&x, mode)?;
        }
        for (up, block) in &self.decoder {
            x = block.forward(&up.forward(&x, mode)?, mode)?;
        }
        self.head.forward_head(&x)
    }
}
