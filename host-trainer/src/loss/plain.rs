//! All three losses on the CPU, from plain numbers whose gradients are known as soon as the losses are.
//!
//! Takes what the networks give, in the type and layout of their activations; gives scalars that torch can differentiate: what it
//! differentiates is the product of an output with the gradient that is known already. Each picture is a job of its own, and the sums do not
//! depend on how many run at a time.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use tch::{Kind, TchError, Tensor};

use super::focal;
use super::slopes::{CHANNELS, Constants, Scratch, Similarity, Sums};
use super::ssim::{C1, C2, bell, range};
use super::total::Losses;
use crate::net::draem::Output;

/// Logits of a pixel.
const CLASSES: usize = 2;

/// Computes losses of pictures of one size.
pub struct Plain {
    similarity: Similarity,
    /// One for each picture of a batch. Kept from step to step: memory that other threads take and give back has to be fetched anew.
    jobs: Mutex<Vec<Job>>,
}

/// One picture.
struct Job {
    /// `[h, w, 3]`: the reconstruction, then the gradient with respect to it.
    reconstruction: Vec<f32>,
    /// `[h, w, 3]`.
    clean: Vec<f32>,
    /// `[h, w, 2]`: the logits, then the gradient with respect to them.
    logits: Vec<f32>,
    /// `[h, w]`.
    mask: Vec<f32>,
    scratch: Scratch,
    sums: Sums,
    focal: f64,
}

impl Plain {
    /// For pictures of `height` by `width` pixels.
    pub fn new(height: usize, width: usize) -> Self {
        let similarity = Similarity::new(width, height, bell().map(|weight| weight as f32));
        Self { similarity, jobs: Mutex::default() }
    }

    /// The losses of an output; `clean` `[n, 3, h, w]` in 0..1, `mask` `[n, 1, h, w]` of 0 and 1.
    ///
    /// # Errors
    /// Whatever torch says, for instance that the pictures have another size than these.
    pub fn losses(&self, output: &Output, clean: &Tensor, mask: &Tensor) -> Result<Losses, TchError> {
        let pictures = output.reconstruction.size4()?.0;
        let of = [&output.reconstruction, clean, &output.logits, mask];
        let (rows, columns) = (self.similarity.size().0 as i64, self.similarity.size().1 as i64);
        for (tensor, channels) in of.into_iter().zip([CHANNELS, CHANNELS, CLASSES, 1]) {
            let expected = [pictures, channels as i64, rows, columns];
            if tensor.size() != expected {
                return Err(TchError::Shape(format!("{:?}, expected {expected:?}", tensor.size())));
            }
        }
        let of: Vec<Tensor> = of.into_iter().map(interleaved).collect::<Result<_, _>>()?;
        let range = range(&of[0])?.f_double_value(&[])?.powi(2);
        let values = (pictures * rows * columns) as f64 * CHANNELS as f64;
        let constants = Constants { c1: (C1 * range) as f32, c2: (C2 * range) as f32, share: (1.0 / values) as f32 };
        let pixel_share = (1.0 / (pictures * rows * columns) as f64) as f32;
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.resize_with(pictures as usize, || Job::new(&self.similarity));
        let parts = (0..pictures).map(|number| of.iter().map(|tensor| tensor.f_narrow(0, number, 1)).collect());
        let parts = parts.collect::<Result<Vec<Vec<Tensor>>, _>>()?;
        jobs.par_iter_mut()
            .zip(parts)
            .try_for_each(|(job, parts)| job.run(&parts, &self.similarity, constants, pixel_share))?;

        let mean = |of: &dyn Fn(&Job) -> f64, count: f64| jobs.iter().map(of).sum::<f64>() / count;
        let l2 = mean(&|job| job.sums.squares, values);
        let ssim = 1.0 - mean(&|job| job.sums.similarity, values);
        let focal = mean(&|job| job.focal, values / CHANNELS as f64);
        let rises = |of: &Tensor, slopes: &dyn Fn(&Job) -> &[f32]| -> Result<Tensor, TchError> {
            let (_, channels, ..) = of.size4()?;
            let slopes = jobs.iter().map(|job| Tensor::f_from_slice(slopes(job))).collect::<Result<Vec<_>, _>>()?;
            let slopes = Tensor::f_cat(&slopes, 0)?.f_view_([pictures, rows, columns, channels])?;
            of.f_mul(&slopes.f_to_kind(of.kind())?.f_permute([0, 3, 1, 2])?)?.f_sum(Kind::Float)
        };
        let rises = rises(&output.reconstruction, &|job| &job.reconstruction)?
            .f_add(&rises(&output.logits, &|job| &job.logits)?)?;
        let total = rises.f_sub(&rises.f_detach()?)?.f_add_scalar(l2 + ssim + focal)?;
        let scalar = |value: f64| Tensor::from(value).f_to_kind(Kind::Float);
        Ok(Losses { l2: scalar(l2)?, ssim: scalar(ssim)?, focal: scalar(focal)?, total })
    }
}

impl Job {
    fn new(similarity: &Similarity) -> Self {
        let (rows, columns) = similarity.size();
        let floats = |channels: usize| vec![0.0; rows * columns * channels];
        Self {
            reconstruction: floats(CHANNELS),
            clean: floats(CHANNELS),
            logits: floats(CLASSES),
            mask: floats(1),
            scratch: Scratch::new(similarity),
            sums: Sums::default(),
            focal: 0.0,
        }
    }

    /// Of reconstruction, clean picture, logits and mask, each `[1, h, w, channels]`.
    fn run(
        &mut self,
        parts: &[Tensor],
        similarity: &Similarity,
        constants: Constants,
        pixel_share: f32,
    ) -> Result<(), TchError> {
        let Self { reconstruction, clean, logits, mask, .. } = self;
        for (tensor, into) in parts.iter().zip([&mut *reconstruction, clean, &mut *logits, mask]) {
            tensor.f_copy_data(into, tensor.numel())?;
        }
        self.sums = similarity.measure(reconstruction, clean, constants, &mut self.scratch);
        self.focal = focal::pixels(similarity.isa(), logits.as_chunks_mut().0, mask, pixel_share);
        Ok(())
    }
}

/// `[n, c, h, w]` as `[n, h, w, c]` in 32-bit floats, one behind the other, without its history.
fn interleaved(tensor: &Tensor) -> Result<Tensor, TchError> {
    tensor.f_detach()?.f_permute([0, 2, 3, 1])?.f_to_kind(Kind::Float)?.f_contiguous()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use tch::Device;

    use super::*;
    use crate::loss::ssim::Ssim;
    use crate::loss::total::by_tensors;

    /// An output that wants a gradient, a clean picture and a mask. The reconstruction lies `scale` wide around, from `shift` on.
    fn drawn(rows: i64, columns: i64, scale: f32, shift: f32) -> (Output, Tensor, Tensor) {
        let mut chance = ChaCha8Rng::seed_from_u64(5);
        let mut draw = |channels: i64, scale: f32, shift: f32| {
            let count = 2 * channels * rows * columns;
            let values: Vec<f32> = (0..count).map(|_| scale * chance.random::<f32>() + shift).collect();
            Tensor::from_slice(&values).view([2, channels, rows, columns])
        };
        let reconstruction = draw(3, scale, shift).set_requires_grad(true);
        let logits = draw(2, 8.0, -4.0).set_requires_grad(true);
        let mask = draw(1, 1.0, 0.0).gt(0.5).to_kind(Kind::Float);
        (Output { reconstruction, logits }, draw(3, 1.0, 0.0), mask)
    }

    #[test]
    fn losses_and_gradients_are_those_of_the_tensors() {
        for (rows, columns, scale, shift) in
            [(17, 13, 1.0, 0.0), (32, 64, 1.0, 0.0), (9, 33, 2.0, -1.0), (5, 96, 200.0, 0.0), (9, 33, 200.0, -1.0)]
        {
            let (output, clean, mask) = drawn(rows, columns, scale, shift);
            let ours = Plain::new(rows as usize, columns as usize).losses(&output, &clean, &mask).unwrap();
            let ssim = Ssim::new(rows as usize, columns as usize, Device::Cpu).unwrap();
            let theirs = by_tensors(&output, &clean, &mask, &ssim).unwrap();
            let pairs = [
                (&ours.l2, &theirs.l2),
                (&ours.ssim, &theirs.ssim),
                (&ours.focal, &theirs.focal),
                (&ours.total, &theirs.total),
            ];
            for (at, (ours, theirs)) in pairs.into_iter().enumerate() {
                let (ours, theirs) = (ours.double_value(&[]), theirs.double_value(&[]));
                assert!((ours - theirs).abs() < 1e-4 * (0.1 + theirs), "{rows}, loss {at}: {ours} and {theirs}");
            }
            // Three times the loss: the gradient is scaled by what becomes of it.
            let gradients = |losses: &Losses| {
                Tensor::run_backward(&[&losses.total * 3.0], &[&output.reconstruction, &output.logits], false, false)
            };
            for (ours, theirs) in gradients(&ours).iter().zip(&gradients(&theirs)) {
                let apart = (ours - theirs).abs().max().double_value(&[]) / theirs.abs().max().double_value(&[]);
                assert!(apart < 1e-4, "{rows} by {columns}, times {scale}: {apart}");
            }
        }
    }

    #[test]
    fn pictures_of_another_size_are_refused_even_where_they_have_as_many_pixels() {
        let plain = Plain::new(32, 64);
        let answer = |rows, columns| {
            let (output, clean, mask) = drawn(rows, columns, 1.0, 0.0);
            plain.losses(&output, &clean, &mask)
        };
        assert!(answer(32, 64).is_ok());
        assert!(answer(64, 32).is_err());
        let ((output, _, mask), (_, clean, _)) = (drawn(32, 64, 1.0, 0.0), drawn(64, 32, 1.0, 0.0));
        assert!(plain.losses(&output, &clean, &mask).is_err());
    }
}
