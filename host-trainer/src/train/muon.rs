//! Muon (Jordan 2024): steps that move all directions of a kernel alike.
//!
//! Adam scales the step of each weight by itself. Here a convolution's kernel is one matrix, outputs by inputs times taps, and its averaged
//! gradient is replaced by the orthogonal matrix next to it: what is seldom asked for is learnt as fast as what is asked for always. Five
//! Newton-Schulz iterations with Jordan's coefficients come near enough. Steps are as long as Adam's commonly are, so that one learning rate
//! serves both (Liu et al. 2025, "Muon is Scalable for LLM Training").
//!
//! Pure but for the order of sums. Keeps no average and knows no layer by name.

use std::collections::BTreeMap;

use tch::{Device, Kind, TchError, Tensor};

/// Jordan's odd polynomial: steep at nought, so that small singular values grow fast; repeated, it keeps them between 0.7 and 1.2.
const COEFFICIENTS: [f64; 3] = [3.4445, -4.7750, 2.0315];
/// Iterations: directions a hundredth as strong as the kernel's whole gradient come out at full length.
const ITERATIONS: usize = 5;
/// Root mean square of a step with learning rate 1: Adam's lies between 0.2 and 0.4.
const STEP: f64 = 0.2;
/// Keeps an all-zero gradient from being divided by nought.
const TINY: f64 = 1e-24;

/// Which stretches of the flat vector are kernels.
pub struct Muon {
    /// Where those of the same rows and columns start: they are computed side by side.
    starts: BTreeMap<(i64, i64), Vec<i64>>,
    /// The places that belong to none, `[m]`.
    rest: Tensor,
}

impl Muon {
    /// For kernels that start at these places of a flat vector of `count` numbers; shapes `[outputs, inputs, rows, columns]`.
    ///
    /// # Errors
    /// Whatever torch says.
    ///
    /// # Panics
    /// If a kernel lies beyond the vector's end: places come from the networks' own shapes, never from a file.
    pub fn new(kernels: &[(i64, [i64; 4])], count: i64, device: Device) -> Result<Self, TchError> {
        let mut starts: BTreeMap<_, Vec<i64>> = BTreeMap::new();
        let mut free = vec![true; count.max(0) as usize];
        for &(start, [outputs, inputs, rows, columns]) in kernels {
            let shape = (outputs, inputs * rows * columns);
            free[start as usize..(start + shape.0 * shape.1) as usize].fill(false);
            starts.entry(shape).or_default().push(start);
        }
        let rest: Vec<i64> = (0..count).zip(free).filter_map(|(at, free)| free.then_some(at)).collect();
        Ok(Self { starts, rest: Tensor::f_from_slice(&rest)?.f_to(device)? })
    }

    /// The places of the flat vector that belong to no kernel, `[m]`.
    pub fn rest(&self) -> &Tensor {
        &self.rest
    }

    /// Shortens the kernels in `trained`, `[n]`, to this share and moves them against their averaged gradients, `[n]`.
    ///
    /// # Errors
    /// Whatever torch says, for instance that a vector is shorter than it was said to be.
    pub fn update(&self, trained: &Tensor, gradient: &Tensor, kept: f64, learning_rate: f64) -> Result<(), TchError> {
        for (&(rows, columns), starts) in &self.starts {
            let of = |flat: &Tensor, start: i64| flat.f_narrow(0, start, rows * columns);
            let matrices = starts.iter().map(|&start| of(gradient, start)).collect::<Result<Vec<_>, _>>()?;
            let matrices = Tensor::f_stack(&matrices, 0)?.f_view([-1, rows, columns])?;
            let length = learning_rate * STEP * (rows.max(columns) as f64).sqrt();
            let moved = orthogonal(&matrices, -length)?.f_view([-1, rows * columns])?;
            for (index, &start) in (0..).zip(starts) {
                let _ = of(trained, start)?.f_mul_scalar_(kept)?.f_add_(&moved.f_get(index)?)?;
            }
        }
        Ok(())
    }
}

/// Matrices with nearly the same singular vectors and all singular values near `length`; `[n, rows, columns]`.
///
/// Iterates on the smaller of the two products of a matrix with itself, for a kernel of 128 by 1,152 a good third of the work; its trace is the square
/// of the matrix's own length.
fn orthogonal(matrices: &Tensor, length: f64) -> Result<Tensor, TchError> {
    let size = matrices.size();
    let tall = size[1] > size[2];
    let turned = matrices.f_transpose(1, 2)?;
    let square = if tall { turned.f_bmm(matrices)? } else { matrices.f_bmm(&turned)? };
    let trace = square.f_diagonal(0, 1, 2)?.f_sum_dim_intlist([1_i64].as_slice(), true, None)?.f_unsqueeze(2)?;
    let trace = trace.f_add_scalar(TINY)?;
    let mut square = square.f_div(&trace)?;
    let one = Tensor::f_eye(square.size()[1], (Kind::Float, matrices.device()))?;
    let mut product: Option<Tensor> = None;
    for iteration in 1..=ITERATIONS {
        let [first, third, fifth] = COEFFICIENTS;
        let factor = square.f_bmm(&square)?.f_mul_scalar_(fifth)?.f_add_(&square.f_mul_scalar(third)?)?;
        let factor = factor.f_add(&one.f_mul_scalar(first)?)?;
        if iteration < ITERATIONS {
            square = factor.f_bmm(&square)?.f_bmm(&factor)?;
        }
        product = Some(match product {
            Some(product) => factor.f_bmm(&product)?,
            None => factor,
        });
    }
    let product = product.unwrap_or(one).f_div(&trace.f_sqrt()?)?.f_mul_scalar_(length)?;
    if tall { matrices.f_bmm(&product) } else { product.f_bmm(matrices) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::weights::values;

    /// Numbers of many sizes, none alike.
    fn matrix(rows: i64, columns: i64) -> Tensor {
        let numbers: Vec<f32> = (0..rows * columns).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0).powi(3)).collect();
        Tensor::from_slice(&numbers).view([1, rows, columns])
    }

    #[test]
    fn all_directions_come_out_about_alike() {
        for (rows, columns) in [(6, 27), (27, 6), (12, 16)] {
            let (_, singular, _) = orthogonal(&matrix(rows, columns), 1.0).unwrap().get(0).svd(true, true);
            let singular = values(&singular).unwrap();
            assert!(singular.iter().all(|value| (0.6..1.3).contains(value)), "{rows} by {columns}: {singular:?}");
        }
    }

    #[test]
    fn a_kernel_moves_against_its_gradient_and_its_neighbours_stay() {
        let gradient = Tensor::cat(&[Tensor::ones([3], (Kind::Float, Device::Cpu)), matrix(4, 18).view([-1])], 0);
        let trained = gradient.ones_like();
        let muon = Muon::new(&[(3, [4, 2, 3, 3])], 75, Device::Cpu).unwrap();
        assert_eq!(Vec::<i64>::try_from(muon.rest()).unwrap(), [0, 1, 2]);
        muon.update(&trained, &gradient, 0.5, 0.01).unwrap();
        let (trained, gradient) = (values(&trained).unwrap(), values(&gradient).unwrap());
        assert_eq!(trained[..3], [1.0; 3]);
        let steps = trained[3..].iter().map(|value| f64::from(value - 0.5));
        let along: f64 = steps.clone().zip(&gradient[3..]).map(|(step, &slope)| step * f64::from(slope)).sum();
        assert!(along < 0.0, "{along}");
        let square = steps.map(|step| step * step).sum::<f64>() / 72.0;
        assert!((0.7..1.2).contains(&(square.sqrt() / (0.01 * STEP))), "{}", square.sqrt());
    }

    #[test]
    fn a_gradient_of_nought_moves_nothing() {
        let nought = Tensor::zeros([72], (Kind::Float, Device::Cpu));
        let trained = nought.ones_like();
        Muon::new(&[(0, [4, 2, 3, 3])], 72, Device::Cpu).unwrap().update(&trained, &nought, 1.0, 0.01).unwrap();
        assert!(values(&trained).unwrap().iter().all(|&value| value == 1.0));
    }
}
