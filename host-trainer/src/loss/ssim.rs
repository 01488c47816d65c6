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
//! and one more if any lies below -0.5. The Gaussian is separable: a blur is a product with a banded matrix from the left and one from
//! the right; zero padding is then the matrix's edge. The original slides the square window instead, which takes longer and rounds
//! otherwise; that is here to compare with it. On the CPU [`plain`](super::plain) takes other ways.

use edge_kernels::window::WINDOW;
use tch::{Device, Kind, TchError, Tensor};

/// Standard deviation of the Gaussian window in pixels.
const SIGMA: f64 = 1.5;
/// `C1` for a range of 1.
pub(super) const C1: f64 = 0.01 * 0.01;
/// `C2` for a range of 1.
pub(super) const C2: f64 = 0.03 * 0.03;

/// Compares by tensors, with gradients by torch.
pub struct Ssim(Blur);

/// How tensors are blurred.
enum Blur {
    /// By banded matrices, for pictures of one size.
    Banded {
        /// Blurs each column from the left, `[height, height]`.
        rows: Tensor,
        /// Blurs each row from the right, `[width, width]`.
        columns: Tensor,
    },
    /// By the original's convolution with a square window `[3, 1, 11, 11]`, for pictures of three channels and any size.
    Window(Tensor),
}

impl Ssim {
    /// For pictures of `height` by `width` pixels.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn new(height: usize, width: usize, device: Device) -> Result<Self, TchError> {
        Ok(Self(Blur::Banded { rows: banded(height, device)?, columns: banded(width, device)? }))
    }

    /// With the original's order of operations.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn as_original(device: Device) -> Result<Self, TchError> {
        let half = (WINDOW / 2) as i64;
        let bell: Vec<f32> = (-half..=half).map(|x| (-(x * x) as f64 / (2.0 * SIGMA * SIGMA)).exp() as f32).collect();
        let bell = Tensor::f_from_slice(&bell)?;
        let bell = bell.f_div(&bell.f_sum(Kind::Float)?)?.f_unsqueeze(1)?;
        let side = WINDOW as i64;
        let window = bell.f_mm(&bell.f_transpose(0, 1)?)?.f_expand([3, 1, side, side], false)?;
        Ok(Self(Blur::Window(window.f_contiguous()?.f_to(device)?)))
    }

    /// The loss, a scalar in 0..=2; both tensors `[n, c, h, w]` in 32-bit floats. Gradients reach the reconstruction only.
    ///
    /// # Errors
    /// Whatever torch says, for instance that the pictures have another size than these.
    pub fn loss(&self, reconstruction: &Tensor, clean: &Tensor) -> Result<Tensor, TchError> {
        by_tensors(&reconstruction.f_contiguous()?, &clean.f_detach()?.f_contiguous()?, &self.0)
    }
}

impl Blur {
    /// Blurs the last two axes, rows and columns, of `[n, c, h, w]`.
    fn apply(&self, pictures: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Banded { rows, columns } => rows.f_matmul(&pictures.f_matmul(columns)?),
            Self::Window(window) => {
                let half = (WINDOW / 2) as i64;
                pictures.f_conv2d(window, None::<Tensor>, [1, 1], [half, half], [1, 1], window.size()[0])
            }
        }
    }
}

/// The window along one axis; adds up to one.
pub(super) fn bell() -> [f64; WINDOW] {
    let half = (WINDOW / 2) as f64;
    let bell: [f64; WINDOW] = std::array::from_fn(|at| (-(at as f64 - half).powi(2) / (2.0 * SIGMA * SIGMA)).exp());
    let sum: f64 = bell.iter().sum();
    bell.map(|weight| weight / sum)
}

/// The symmetric matrix `[size, size]` whose product is a Gaussian blur with zeros outside.
fn banded(size: usize, device: Device) -> Result<Tensor, TchError> {
    let (bell, half) = (bell(), WINDOW / 2);
    let mut matrix = vec![0.0_f32; size * size];
    for row in 0..size {
        for column in row.saturating_sub(half)..(row + half + 1).min(size) {
            matrix[row * size + column] = bell[half + row.abs_diff(column)] as f32;
        }
    }
    Tensor::f_from_slice(&matrix)?.f_view_([size as i64, size as i64])?.f_to(device)
}

/// Both contiguous.
fn by_tensors(a: &Tensor, b: &Tensor, blur: &Blur) -> Result<Tensor, TchError> {
    let (mean_a, mean_b) = (blur.apply(a)?, blur.apply(b)?);
    let (square_mean_a, square_mean_b, means) = (mean_a.f_square()?, mean_b.f_square()?, mean_a.f_mul(&mean_b)?);
    // Products, not squares: gradients add up in the original's order.
    let variance_a = blur.apply(&a.f_mul(a)?)?.f_sub(&square_mean_a)?;
    let variance_b = blur.apply(&b.f_mul(b)?)?.f_sub(&square_mean_b)?;
    let covariance = blur.apply(&a.f_mul(b)?)?.f_sub(&means)?;

    let range = range(a)?.f_square()?;
    let (c1, c2) = (range.f_mul_scalar(C1)?, range.f_mul_scalar(C2)?);
    let above = means.f_mul_scalar(2.0)?.f_add(&c1)?.f_mul(&covariance.f_mul_scalar(2.0)?.f_add(&c2)?)?;
    let below = square_mean_a.f_add(&square_mean_b)?.f_add(&c1)?.f_mul(&variance_a.f_add(&variance_b)?.f_add(&c2)?)?;
    above.f_div(&below)?.f_mean(Kind::Float)?.f_neg()?.f_add_scalar(1.0)
}

/// The range `L`, a scalar on the device: reading it back would make every step wait.
pub(super) fn range(reconstruction: &Tensor) -> Result<Tensor, TchError> {
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
            let (rows, columns) = (ROWS as i64, COLUMNS as i64);
            let tensor = |values: &[f32]| Tensor::from_slice(values).view([1, 1, rows, columns]).repeat([1, 3, 1, 1]);
            let slow = slow(&a, &b, range);
            let ways = [Ssim::new(ROWS, COLUMNS, Device::Cpu).unwrap(), Ssim::as_original(Device::Cpu).unwrap()];
            for (way, ssim) in ways.iter().enumerate() {
                let fast = ssim.loss(&tensor(&a), &tensor(&b)).unwrap().double_value(&[]);
                assert!((fast - slow).abs() < 1e-4, "seed {seed}, range {range}, way {way}: {fast} against {slow}");
            }
        }
    }
}
