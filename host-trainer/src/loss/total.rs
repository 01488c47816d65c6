//! The sum that training minimises: L2, SSIM and focal loss with weight 1 each, as in the original's `train_DRAEM.py`.
//!
//! By plain numbers on the CPU, by tensors on a GPU, where nothing then waits for the CPU.

use tch::{Device, Kind, TchError, Tensor};

use super::focal::focal;
use super::l2::l2;
use super::plain::Plain;
use super::ssim::Ssim;
use crate::net::draem::Output;

/// The losses of one batch, each a scalar in 32-bit floats on the device.
pub struct Losses {
    /// Mean squared error of the reconstruction.
    pub l2: Tensor,
    /// Structural dissimilarity of the reconstruction.
    pub ssim: Tensor,
    /// Focal loss of the predicted mask.
    pub focal: Tensor,
    /// Their sum, the only one with a gradient in each case.
    pub total: Tensor,
}

/// How the losses are computed.
pub enum Criterion {
    /// By plain numbers, for pictures in the CPU's memory.
    Plain(Plain),
    /// By tensors, with gradients by torch.
    Tensors(Ssim),
}

impl Criterion {
    /// For pictures of `height` by `width` pixels, in the way that is fastest on this device.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn new(height: usize, width: usize, device: Device) -> Result<Self, TchError> {
        Ok(match device {
            Device::Cpu => Self::Plain(Plain::new(height, width)),
            _ => Self::Tensors(Ssim::new(height, width, device)?),
        })
    }

    /// The losses of an output; `clean` `[n, 3, h, w]` in 0..1, `mask` `[n, 1, h, w]` of 0 and 1.
    ///
    /// # Errors
    /// Whatever torch says, for instance that the shapes differ.
    pub fn losses(&self, output: &Output, clean: &Tensor, mask: &Tensor) -> Result<Losses, TchError> {
        match self {
            Self::Plain(plain) => plain.losses(output, clean, mask),
            Self::Tensors(ssim) => by_tensors(output, clean, mask, ssim),
        }
    }
}

pub(super) fn by_tensors(output: &Output, clean: &Tensor, mask: &Tensor, ssim: &Ssim) -> Result<Losses, TchError> {
    let reconstruction = output.reconstruction.f_to_kind(Kind::Float)?;
    let l2 = l2(&reconstruction, clean)?;
    let ssim = ssim.loss(&reconstruction, clean)?;
    let focal = focal(&output.logits.f_to_kind(Kind::Float)?, mask)?;
    let total = l2.f_add(&ssim)?.f_add(&focal)?;
    Ok(Losses { l2, ssim, focal, total })
}
