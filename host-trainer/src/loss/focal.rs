//! Focal loss of the predicted mask, without class weights.
//!
//! With `p` the softmax of the two logits and `t` the one-hot mask clamped to `[e, 1 - e]`, `e = 1e-5`:
//!
//! ```text
//! q = sum over classes of t p + e
//! loss = mean over pixels of -(1 - q)^2 log q
//! ```
//!
//! Lin et al. 2017 with gamma 2 and no alpha, smoothed as in the original's `loss.py`. Built on the device: nothing waits
//! for the CPU.

use tch::{Kind, TchError, Tensor};

/// Smoothing of target and logarithm.
const SMOOTH: f64 = 1e-5;

/// The loss, a scalar; `logits` `[n, 2, h, w]` in 32-bit floats, `mask` `[n, 1, h, w]` with 0 and 1 in 32-bit floats.
///
/// # Errors
/// Whatever torch says, for instance that the shapes differ.
pub fn focal(logits: &Tensor, mask: &Tensor) -> Result<Tensor, TchError> {
    let probability = logits.f_softmax(1, Kind::Float)?;
    // Clamped behind the subtraction: one minus the clamped mask, rounded, is not `e`.
    let target = Tensor::f_cat(&[&mask.f_neg()?.f_add_scalar(1.0)?, mask], 1)?.f_clamp(SMOOTH, 1.0 - SMOOTH)?;
    let sure = probability.f_mul(&target)?.f_sum_dim_intlist(1_i64, false, Kind::Float)?.f_add_scalar(SMOOTH)?;
    let unsure = sure.f_neg()?.f_add_scalar(1.0)?;
    unsure.f_square()?.f_mul(&sure.f_log()?)?.f_mean(Kind::Float)?.f_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_has_the_loss_of_the_formula() {
        for (mask, logits) in [(0.0_f32, [0.3_f32, -0.4]), (1.0, [0.3, -0.4]), (1.0, [-9.0, 9.0]), (0.0, [-30.0, 30.0])]
        {
            let anomalous = 1.0 / (1.0 + f64::from(logits[0] - logits[1]).exp());
            let right = if mask == 1.0 { anomalous } else { 1.0 - anomalous };
            let q = right * (1.0 - SMOOTH) + (1.0 - right) * SMOOTH + SMOOTH;
            let expected = -(1.0 - q).powi(2) * q.ln();
            let logits = Tensor::from_slice(&logits).view([1, 2, 1, 1]);
            let got = focal(&logits, &Tensor::from_slice(&[mask]).view([1, 1, 1, 1])).unwrap().double_value(&[]);
            assert!((got - expected).abs() < 1e-5 * (1.0 + expected), "mask {mask}: {got} against {expected}");
        }
    }
}
