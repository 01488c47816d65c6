//! One optimisation step: forward, losses, gradients, AdamW or Muon.
//!
//! Takes a batch on the device; changes the weights and adds the losses to a sum that stays on the device until somebody
//! reads it, so that a GPU never waits. Knows no schedule, no clock and no file.

use tch::{Device, Kind, TchError, Tensor};

use super::adam::{Adam, Recipe};
use super::muon::Muon;
use crate::loss::{Criterion, Losses};
use crate::net::blocks::Mode;
use crate::net::weights::values;
use crate::net::{Arithmetic, Draem, NetError, Weights};

/// Samples on the device.
pub struct Batch {
    /// Pictures without defects, `[n, 3, h, w]`, 0..1.
    pub clean: Tensor,
    /// The same with simulated defects, `[n, 3, h, w]`, 0..1.
    pub augmented: Tensor,
    /// Where the defects are, `[n, 1, h, w]`, 0 or 1 in 32-bit floats.
    pub mask: Tensor,
}

/// Weights with the state of their optimiser.
pub struct Stepper {
    weights: Weights,
    networks: Draem,
    criterion: Criterion,
    mode: Mode,
    adam: Adam,
    kernels: Tensor,
    losses: Tensor,
    losses_summed: u64,
}

impl Stepper {
    /// Starts with an empty state; pictures will be `height` by `width` pixels.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn new(
        weights: Weights,
        (width, height): (usize, usize),
        arithmetic: Arithmetic,
        recipe: Recipe,
    ) -> Result<Self, NetError> {
        let device = weights.trained().device();
        let count = weights.trained().numel() as i64;
        Ok(Self {
            networks: Draem::new(&weights),
            criterion: Criterion::new(height, width, device)?,
            mode: Mode { train: true, arithmetic },
            adam: Adam::new(recipe, count, device)?,
            kernels: weights.kernel_marks()?,
            losses: Tensor::f_zeros([4], (Kind::Float, device))?,
            losses_summed: 0,
            weights,
        })
    }

    /// Moves the kernels between input and heads by Muon, everything else by AdamW.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn with_muon(self) -> Result<Self, NetError> {
        let count = self.weights.trained().numel() as i64;
        let muon = Muon::new(&self.weights.hidden_kernels(), count, self.device())?;
        Ok(Self { adam: self.adam.with_muon(muon), ..self })
    }

    /// Computes the losses otherwise; the way must suit the pictures' size.
    #[must_use]
    pub fn with_criterion(self, criterion: Criterion) -> Self {
        Self { criterion, ..self }
    }

    /// Readies itself for pictures of `height` by `width` pixels from here on.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn resize(&mut self, (width, height): (usize, usize)) -> Result<(), TchError> {
        self.criterion = Criterion::new(height, width, self.device())?;
        Ok(())
    }

    /// The weights as they stand.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The device that everything lies on.
    pub fn device(&self) -> Device {
        self.weights.trained().device()
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.adam.steps()
    }

    /// The optimiser's two averages, of gradients and of their squares, each `[n]`.
    pub fn averages(&self) -> (&Tensor, &Tensor) {
        self.adam.averages()
    }

    /// Goes on from a state that was saved.
    ///
    /// # Errors
    /// Whatever torch says, for instance that the lengths differ.
    pub fn restore(&mut self, mean: &Tensor, square: &Tensor, steps: u64) -> Result<(), NetError> {
        Ok(self.adam.restore(mean, square, steps)?)
    }

    /// Forward, losses, gradients, and the update with this learning rate.
    ///
    /// # Errors
    /// Whatever torch says, for instance that memory is exhausted.
    pub fn step(&mut self, batch: &Batch, learning_rate: f64) -> Result<(), NetError> {
        let losses = self.losses(batch)?;
        let gradient = self.gradient(&losses.total)?;
        self.adam.update(self.weights.trained(), gradient, &self.kernels, learning_rate)?;
        let row = Tensor::f_stack(&[&losses.l2, &losses.ssim, &losses.focal, &losses.total], 0)?;
        let _ = self.losses.f_add_(&row.f_detach()?)?;
        self.losses_summed += 1;
        Ok(())
    }

    /// The losses of a batch in training mode; updates the running statistics.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn losses(&self, batch: &Batch) -> Result<Losses, NetError> {
        let output = self.networks.forward(&batch.augmented, self.mode)?;
        Ok(self.criterion.losses(&output, &batch.clean, &batch.mask)?)
    }

    /// Mean of L2, SSIM, focal and total loss over the steps since the last call, read from the device; `None` if there
    /// was no step.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn take_losses(&mut self) -> Result<Option<[f64; 4]>, NetError> {
        if self.losses_summed == 0 {
            return Ok(None);
        }
        let sums = values(&self.losses)?;
        let count = self.losses_summed as f64;
        let _ = self.losses.f_zero_()?;
        self.losses_summed = 0;
        Ok(Some([0, 1, 2, 3].map(|index| f64::from(sums[index]) / count)))
    }

    /// The gradient of a loss in the order of [`Weights::trained`], `[n]`.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn gradient(&self, loss: &Tensor) -> Result<Tensor, NetError> {
        let gradients = Tensor::f_run_backward(&[loss], &self.weights.leaves(), false, false)?;
        let flat = gradients.iter().map(|gradient| gradient.f_reshape([-1])).collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::f_cat(&flat, 0)?)
    }
}
