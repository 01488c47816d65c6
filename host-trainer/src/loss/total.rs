//! The sum that training minimises: L2, SSIM and focal loss with weight 1 each, as in the original's `train_DRAEM.py`.

use tch::{TchError, Tensor};

use super::focal::focal;
use super::l2::l2;
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
    /// Their sum.
    pub total: Tensor,
}

/// The losses of an output; `clean` `[n, 3, h, w]` in 0..1, `mask` `[n, 1, h, w]` of 0 and 1.
///
/// # Errors
/// Whatever torch says, for instance that the shapes differ.
pub fn losses(output: &Output, clean: &Tensor, mask: &Tensor, ssim: &Ssim) -> Result<Losses, TchError> {
    let l2 = l2(&output.reconstruction, clean)?;
    let ssim = ssim.loss(&output.reconstruction, clean)?;
    let focal = focal(&output.logits, mask)?;
    let total = l2.f_add(&ssim)?.f_add(&focal)?;
    Ok(Losses { l2, ssim, focal, total })
}
