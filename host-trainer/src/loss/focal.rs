//! Focal loss of the predicted mask, without class weights.
//!
//! With `p` the softmax of the two logits and `t` the one-hot mask clamped to `[e, 1 - e]`, `e = 1e-5`:
//!
//! ```text
//! q = sum over classes of t p + e
//! loss = mean over pixels of -(1 - q)^2 log q
//! ```
//!
//! Lin et al. 2017 with gamma 2 and no alpha, smoothed as in the original's `loss.py`. By tensors, built on the device: nothing waits
//! for the CPU; and by plain numbers with its gradient, which has
//!
//! ```text
//! d loss / d q = 2 (1 - q) log q - (1 - q)^2 / q
//! d q / d z = (t_1 - t_0) p_0 p_1      with z the second logit; the first has the opposite
//! ```

use edge_kernels::Isa;
use edge_kernels::curve::{logarithm, logistic};
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

/// The same in the numbers of [`pixels`].
const SMALL: f32 = SMOOTH as f32;
/// Pixels that are computed side by side.
const RUN: usize = 512;

/// The sum of the pixels' losses; each pair of logits becomes `share` times the derivatives with respect to it. `mask` holds 0 or 1 for
/// each pair.
pub(super) fn pixels(isa: Isa, logits: &mut [[f32; 2]], mask: &[f32], share: f32) -> f64 {
    let mut total = 0.0;
    let [mut sound, mut anomalous, mut sure, mut log] = [[0.0; RUN]; 4];
    for (logits, mask) in logits.chunks_mut(RUN).zip(mask.chunks(RUN)) {
        let count = logits.len();
        for ((logits, sound), anomalous) in logits.iter().zip(&mut sound).zip(&mut anomalous) {
            let [first, second] = *logits;
            (*sound, *anomalous) = (first - second, second - first);
        }
        logistic(isa, &mut sound[..count]);
        logistic(isa, &mut anomalous[..count]);
        for (at, &mask) in mask.iter().enumerate() {
            let [target_sound, target_anomalous] = targets(mask);
            sure[at] = target_sound * sound[at] + target_anomalous * anomalous[at] + SMALL;
        }
        log[..count].copy_from_slice(&sure[..count]);
        logarithm(isa, &mut log[..count]);
        let mut sum = 0.0;
        for (at, (logits, &mask)) in logits.iter_mut().zip(mask).enumerate() {
            let [target_sound, target_anomalous] = targets(mask);
            let (sure, log) = (sure[at], log[at]);
            let unsure = 1.0 - sure;
            let slope = 2.0 * unsure * log - unsure * unsure / sure;
            let slope = share * slope * (target_anomalous - target_sound) * sound[at] * anomalous[at];
            *logits = [-slope, slope];
            sum -= unsure * unsure * log;
        }
        total += f64::from(sum);
    }
    total
}

/// The one-hot mask, clamped.
fn targets(mask: f32) -> [f32; 2] {
    [1.0 - mask, mask].map(|target| target.clamp(SMALL, 1.0 - SMALL))
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

    #[test]
    fn plain_numbers_give_what_tensors_give() {
        let count = 1_201;
        let d = |step: i64| (step - 600) as f32 / 40.0;
        let logits: Vec<[f32; 2]> = (0..count).map(|step| [0.25 * d(step), 1.25 * d(step)]).collect();
        let mask: Vec<f32> = (0..count).map(|step| (step % 3 == 0) as u8 as f32).collect();
        let tensor = Tensor::from_slice(logits.as_flattened()).view([1, count, 1, 2]).permute([0, 3, 1, 2]);
        let tensor = tensor.detach().set_requires_grad(true);
        let loss = focal(&tensor, &Tensor::from_slice(&mask).view([1, 1, count, 1])).unwrap();
        let gradient = Tensor::run_backward(&[&loss], &[&tensor], false, false).remove(0);
        let mut ours = logits.clone();
        let sum = pixels(Isa::best(), &mut ours, &mask, 1.0 / count as f32);
        let (mean, theirs) = (sum / count as f64, loss.double_value(&[]));
        assert!((mean - theirs).abs() < 1e-6 * theirs, "{mean} and {theirs}");
        for (step, slopes) in ours.iter().enumerate() {
            for (class, &slope) in slopes.iter().enumerate() {
                let theirs = gradient.double_value(&[0, class as i64, step as i64, 0]);
                let off = (f64::from(slope) - theirs).abs() * count as f64;
                assert!(off < 1e-5, "{:?}, {}: {slope}, {theirs}", logits[step], mask[step]);
            }
        }
    }
}
