//! The discriminative network: a U-Net with five skips that marks where a picture and its reconstruction differ.
//!
//! Takes `[n, 6, h, w]`, reconstruction first and picture second, sides multiples of 32; gives logits `[n, 2, h, w]`, class 0
//! normal, class 1 anomalous, no softmax. Both in the type and layout of the activations. `DiscriminativeSubNetwork` of the original.

use tch::{TchError, Tensor};

use super::blocks::{Convolution, Double, Mode, Up, pool};
use super::weights::Weights;

/// The layers, in the order of data.
pub struct Discriminative {
    encoder: [Double; 6],
    decoder: [(Up, Double); 5],
    head: Convolution,
}

impl Discriminative {
    /// The network over these weights' `seg.` tensors.
    pub fn new(weights: &Weights) -> Self {
        let block = |number: u8| Double::new(weights, &format!("seg.encoder_segment.block{number}"));
        let stage = |name: &str| {
            let up = Up::new(weights, &format!("seg.decoder_segment.up{name}"));
            (up, Double::new(weights, &format!("seg.decoder_segment.db{name}")))
        };
        Self {
            encoder: [1, 2, 3, 4, 5, 6].map(block),
            decoder: ["_b", "1", "2", "3", "4"].map(stage),
            head: Convolution::new(weights, "seg.decoder_segment.fin_out.0"),
        }
    }

    /// The logits.
    ///
    /// # Errors
    /// Whatever torch says, for instance that memory is exhausted.
    pub fn forward(&self, joined: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let mut x = joined.shallow_clone();
        let mut skips = Vec::with_capacity(self.encoder.len());
        for (index, block) in self.encoder.iter().enumerate() {
            if index > 0 {
                x = pool(&x)?;
            }
            x = block.forward(&x, mode)?;
            skips.push(x.shallow_clone());
        }
        let skips = skips.iter().rev().skip(1);
        for ((up, block), skip) in self.decoder.iter().zip(skips) {
            let raised = up.forward(&x, mode)?;
            x = block.forward(&Tensor::f_cat(&[&raised, skip], 1)?, mode)?;
        }
        self.head.forward(&x, mode.arithmetic)
    }
}
