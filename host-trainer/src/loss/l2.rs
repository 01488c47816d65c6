//! Mean squared error between reconstruction and clean picture.
//!
//! `mean((r - c)^2)` over all pictures, channels and pixels; `torch.nn.modules.loss.MSELoss` in the original's
//! `train_DRAEM.py`.

use tch::{Reduction, TchError, Tensor};

/// The loss, a scalar; both tensors `[n, c, h, w]`.
///
/// # Errors
/// Whatever torch says, for instance that the shapes differ.
pub fn l2(reconstruction: &Tensor, clean: &Tensor) -> Result<Tensor, TchError> {
    reconstruction.f_mse_loss(clean, Reduction::Mean)
}
