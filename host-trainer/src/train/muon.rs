//! Muon (Jordan 2024): steps that move all directions of a kernel alike.
//!
//! Adam scales the step of each weight by itself. Here a convolution's kernel is one matrix, outputs by inputs times taps, and its averaged
//! gradient is replaced by the orthogonal matrix next to it: what is seldom asked for is learnt as fast as what is asked for always. Five
//! Newton-Schulz iterations with Jordan's coefficients come near enough. Steps are as long as Adam's commonly are, so that one learning rate
//! serves both (Liu et al. 2025, "Muon is Scalable for LLM Training").
//!
//! Pure but for the order of sums. Keeps no average and knows no layer by name.

use std::collections::BTreeMap;

use tch::{Kind, TchError, Tensor};

/// Jordan's polynomial: odd, steep at nought, and near one between 0.7 and 1.2.
const COEFFICIENTS: [f64; 3] = [3.4445, -4.7750, 2.0315];
/// Iterations: directions a hundredth as strong as the kernel's whole gradient come out at full length.
const ITERATIONS: usize = 5;
/// Root mean square of a step with learning rate 1: Adam's lies between 0.2 and 0.4.
const STEP: f64 = 0.2;
/// Keeps an all-zero gradient from being divided by nought.
const TINY: f64 = 1e-12;

/// Which stretches of the flat vector are kernels.
pub struct Muon {
    /// Where those of the same rows and columns start: they are computed side by side.
    starts: BTreeMap<(i64, i64), Vec<i64>>,
}

impl Muon {
    /// For kernels that start at these places of the flat vector; shapes `[outputs, inputs, rows, columns]`.
    pub fn new(kernels: impl IntoIterator<Item = (i64, [i64; 4])>) -> Self {
        let mut starts: BTreeMap<_, Vec<i64>> = BTreeMap::new();
        for (start, [outputs, inputs, rows, columns]) in kernels {
            starts.entry((outputs, inputs * rows * columns)).or_default().push(start);
        }
        Self { starts }
    }

    /// Overwrites the kernels' stretches of `steps`, `[n]`, with the steps against this averaged gradient, `[n]`.
    ///
    /// # Errors
    /// Whatever torch says, for instance that a kernel lies beyond the vector's end.
    pub fn overwrite(&self, steps: &Tensor, gradient: &Tensor, learning_rate: f64) -> Result<(), TchError> {
        for (&(rows, columns), starts) in &self.starts {
            let of = |flat: &Tensor, start: i64| flat.f_narrow(0, start, rows * columns);
            let matrices = starts.iter().map(|&start| of(gradient, start)).collect::<Result<Vec<_>, _>>()?;
            let matrices = Tensor::f_stack(&matrices, 0)?.f_view([-1, rows, columns])?;
            let length = -learning_rate * STEP * (rows.max(columns) as f64).sqrt();
            let moved = orthogonal(&matrices)?.f_mul_scalar(length)?.f_reshape([-1, rows * columns])?;
            for (index, &start) in (0..).zip(starts) {
                of(steps, start)?.f_copy_(&moved.f_get(index)?)?;
            }
        }
        Ok(())
    }
}

/// The matrices with nearly the same singular vectors and all singular values near one; `[n, rows, columns]`.
///
/// Iterates on the smaller of the two products of a matrix with itself, which costs a third of iterating on the matrix.
fn orthogonal(matrices: &Tensor) -> Result<Tensor, TchError> {
    let size = matrices.size();
    let tall = size[1] > size[2];
    let wide = if tall { matrices.f_transpose(1, 2)? } else { matrices.shallow_clone() };
    let norm = wide.f_norm_scalaropt_dim(2.0, [1_i64, 2].as_slice(), true)?;
    let wide = wide.f_div(&norm.f_add_scalar(TINY)?)?;
    let mut square = wide.f_bmm(&wide.f_transpose(1, 2)?)?;
    let one = Tensor::f_eye(square.size()[1], (Kind::Float, matrices.device()))?;
    let mut product = one.f_expand_as(&square)?;
    for _ in 0..ITERATIONS {
        let [first, third, fifth] = COEFFICIENTS;
        let fourth = square.f_bmm(&square)?;
        let factor =
            one.f_mul_scalar(first)?.f_add(&square.f_mul_scalar(third)?)?.f_add(&fourth.f_mul_scalar(fifth)?)?;
        square = factor.f_bmm(&square)?.f_bmm(&factor)?;
        product = factor.f_bmm(&product)?;
    }
    let wide = product.f_bmm(&wide)?;
    if tall { wide.f_transpose(1, 2) } else { Ok(wide) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::weights::values;
    use tch::Device;

    /// Numbers of many sizes, none alike.
    fn matrix(rows: i64, columns: i64) -> Tensor {
        let numbers: Vec<f32> = (0..rows * columns).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0).powi(3)).collect();
        Tensor::from_slice(&numbers).view([1, rows, columns])
    }

    #[test]
    fn all_directions_come_out_about_alike() {
        for (rows, columns) in [(6, 27), (27, 6), (12, 16)] {
            let (_, singular, _) = orthogonal(&matrix(rows, columns)).unwrap().get(0).svd(true, true);
            let singular = values(&singular).unwrap();
            assert!(singular.iter().all(|value| (0.6..1.3).contains(value)), "{rows} by {columns}: {singular:?}");
        }
    }

    #[test]
    fn a_kernel_steps_against_its_gradient_and_its_neighbours_stay() {
        let gradient = Tensor::cat(&[Tensor::ones([3], (Kind::Float, Device::Cpu)), matrix(4, 18).view([-1])], 0);
        let steps = gradient.zeros_like();
        Muon::new([(3, [4, 2, 3, 3])]).overwrite(&steps, &gradient, 0.01).unwrap();
        let (steps, gradient) = (values(&steps).unwrap(), values(&gradient).unwrap());
        assert_eq!(steps[..3], [0.0; 3]);
        let along: f32 = steps.iter().zip(&gradient).map(|(step, slope)| step * slope).sum();
        assert!(along < 0.0, "{along}");
        let square = steps[3..].iter().map(|step| f64::from(step * step)).sum::<f64>() / 72.0;
        assert!((0.7..1.2).contains(&(square.sqrt() / (0.01 * STEP))), "{}", square.sqrt());
    }

    #[test]
    fn a_gradient_of_nought_moves_nothing() {
        let nought = Tensor::zeros([72], (Kind::Float, Device::Cpu));
        let steps = nought.ones_like();
        Muon::new([(0, [4, 2, 3, 3])]).overwrite(&steps, &nought, 0.01).unwrap();
        assert!(values(&steps).unwrap().iter().all(|&step| step == 0.0));
    }
}
