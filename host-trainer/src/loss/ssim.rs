//! Structural dissimilarity of reconstruction and clean picture.
//!
//! With `G` a Gaussian blur (window 11, sigma 1.5, zero outside the picture, each channel alone), `a` the reconstruction
//! and `b` the clean picture:
//!
//! ```text
//! m_a = G a             m_b = G b
//! v_a = G a^2 - m_a^2   v_b = G b^2 - m_b^2   v_ab = G ab - m_a m_b
//! SSIM = (2 m_a m_b + C1)(2 v_ab + C2) / ((m_a^2 + m_b^2 + C1)(v_a + v_b + C2))
//! loss = 1 - mean SSIM,  C1 = (0.01 L)^2,  C2 = (0.03 L)^2
//! ```
//!
//! `L` is the range of the reconstruction as the original's `loss.py` guesses it: 255 if any value exceeds 128, else 1,
//! and one more if any lies below -0.5. The Gaussian is separable, so a blur is a product with a banded matrix from the
//! left and one from the right; zero padding is then the matrix's edge.

use tch::{Device, Kind, TchError, Tensor};

/// Width of the Gaussian window in pixels.
const WINDOW: usize = 11;
/// Its standard deviation in pixels.
const SIGMA: f64 = 1.5;

/// The banded matrices that blur pictures of one size.
pub struct Blur {
    rows: Tensor,
    columns: Tensor,
}

impl Blur {
    /// For pictures of `height` by `width` pixels.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn new(height: usize, width: usize, device: Device) -> Result<Self, TchError> {
        Ok(Self { rows: banded(height, device)?, columns: banded(width, device)? })
    }

    /// Blurs the last two axes, rows and columns.
    fn apply(&self, pictures: &Tensor) -> Result<Tensor, TchError> {
        self.rows.f_matmul(&pictures.f_matmul(&self.columns)?)
    }
}

/// The symmetric matrix `[size, size]` whose product is a Gaussian blur with zeros outside.
fn banded(size: usize, device: Device) -> Result<Tensor, TchError> {
    let half = WINDOW / 2;
    let bell = |offset: usize| (-((offset * offset) as f64) / (2.0 * SIGMA * SIGMA)).exp();
    let sum: f64 = bell(0) + 2.0 * (1..=half).map(bell).sum::<f64>();
    let mut matrix = vec![0.0_f32; size * size];
    for row in 0..size {
        for column in row.saturating_sub(half)..(row + half + 1).min(size) {
            matrix[row * size + column] = (bell(row.abs_diff(column)) / sum) as f32;
        }
    }
    Tensor::f_from_slice(&matrix)?.f_view_([size as i64, size as i64])?.f_to(device)
}

/// The loss, a scalar in 0..=2; both tensors `[n, c, h, w]` in 32-bit floats. Gradients reach the reconstruction only.
///
/// # Errors
/// Whatever torch says, for instance that the pictures have another size than the blur.
pub fn ssim(reconstruction: &Tensor, clean: &Tensor, blur: &Blur) -> Result<Tensor, TchError> {
    let a = reconstruction.f_contiguous()?;
    let b = clean.f_detach()?.f_contiguous()?;
    let blurred = blur.apply(&Tensor::f_stack(&[&a, &a.f_square()?, &a.f_mul(&b)?], 0)?)?;
    let [mean_a, square_a, product] = [blurred.f_get(0)?, blurred.f_get(1)?, blurred.f_get(2)?];
    let fixed = blur.apply(&Tensor::f_stack(&[&b, &b.f_square()?], 0)?)?;
    let [mean_b, square_b] = [fixed.f_get(0)?, fixed.f_get(1)?];

    let range = range(&a)?.f_square()?;
    let (c1, c2) = (range.f_mul_scalar(0.01 * 0.01)?, range.f_mul_scalar(0.03 * 0.03)?);
    let means = mean_a.f_mul(&mean_b)?;
    let squares = mean_a.f_square()?.f_add(&mean_b.f_square()?)?;
    let covariance = product.f_sub(&means)?;
    let variances = square_a.f_add(&square_b)?.f_sub(&squares)?;
    let above = means.f_mul_scalar(2.0)?.f_add(&c1)?.f_mul(&covariance.f_mul_scalar(2.0)?.f_add(&c2)?)?;
    let below = squares.f_add(&c1)?.f_mul(&variances.f_add(&c2)?)?;
    above.f_div(&below)?.f_mean(Kind::Float)?.f_neg()?.f_add_scalar(1.0)
}

/// The range `L`, a scalar on the device: reading it back would make every step wait.
fn range(reconstruction: &Tensor) -> Result<Tensor, TchError> {
    let values = reconstruction.f_detach()?;
    let bright = values.f_max()?.f_gt(128.0)?.f_to_kind(Kind::Float)?;
    let negative = values.f_min()?.f_lt(-0.5)?.f_to_kind(Kind::Float)?;
    bright.f_mul_scalar(254.0)?.f_add_scalar(1.0)?.f_add(&negative)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const ROWS: usize = 17;
    const COLUMNS: usize = 13;

    /// The formula above, pixel by pixel in 64-bit floats with the window as a square.
    fn slow(a: &[f32], b: &[f32], range: f64) -> f64 {
        let half = (WINDOW / 2) as isize;
        let bell = |offset: isize| (-((offset * offset) as f64) / (2.0 * SIGMA * SIGMA)).exp();
        let sum: f64 = (-half..=half).map(bell).sum();
        let (c1, c2) = ((0.01 * range).powi(2), (0.03 * range).powi(2));
        let mut total = 0.0;
        for row in 0..ROWS as isize {
            for column in 0..COLUMNS as isize {
                let mut blurred = [0.0; 5];
                for y in (row - half).max(0)..=(row + half).min(ROWS as isize - 1) {
                    for x in (column - half).max(0)..=(column + half).min(COLUMNS as isize - 1) {
                        let weight = bell(y - row) * bell(x - column) / (sum * sum);
                        let at = y as usize * COLUMNS + x as usize;
                        let (a, b) = (f64::from(a[at]), f64::from(b[at]));
                        for (into, value) in blurred.iter_mut().zip([a, b, a * a, b * b, a * b]) {
                            *into += weight * value;
                        }
                    }
                }
                let [a, b, aa, bb, ab] = blurred;
                total += (2.0 * a * b + c1) * (2.0 * (ab - a * b) + c2)
                    / ((a * a + b * b + c1) * (aa - a * a + bb - b * b + c2));
            }
        }
        1.0 - total / (ROWS * COLUMNS) as f64
    }

    #[test]
    fn equals_the_formula_pixel_by_pixel_for_each_range() {
        let seed = 11;
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        for (scale, shift, range) in [(1.0, 0.0, 1.0), (2.0, -1.0, 2.0), (200.0, 0.0, 255.0), (200.0, -1.0, 256.0)] {
            let mut draw = || (0..ROWS * COLUMNS).map(|_| chance.random::<f32>()).collect::<Vec<_>>();
            let mut a: Vec<f32> = draw().iter().map(|value| scale * value + shift).collect();
            (a[0], a[1]) = (shift, scale + shift);
            let b = draw();
            let tensor = |values: &[f32]| Tensor::from_slice(values).view([1, 1, ROWS as i64, COLUMNS as i64]);
            let blur = Blur::new(ROWS, COLUMNS, Device::Cpu).unwrap();
            let fast = ssim(&tensor(&a), &tensor(&b), &blur).unwrap().double_value(&[]);
            let slow = slow(&a, &b, range);
            assert!((fast - slow).abs() < 1e-4, "seed {seed}, range {range}: {fast} against {slow}");
        }
    }
}
