//! The running average of weights and running statistics: what is exported.
//!
//! An average over the last tenth of the run, at most over about a thousand steps, evens out what single batches do to
//! the weights. The window grows with the run, so that a short one is not held back by its first steps.

use tch::{TchError, Tensor};

use crate::net::Weights;

/// The longest average has this decay per step.
const MAX_DECAY: f64 = 0.999;

/// The average, on the device of the weights.
pub struct Ema {
    trained: Tensor,
    statistics: Tensor,
}

/// Share of the average that step `step`, counted from 1, keeps.
pub fn decay(step: u64) -> f64 {
    let step = step as f64;
    MAX_DECAY.min((1.0 + step) / (10.0 + step))
}

impl Ema {
    /// Starts at these weights.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn new(weights: &Weights) -> Result<Self, TchError> {
        let copy = |tensor: &Tensor| tensor.f_zeros_like().and_then(|zeros| zeros.f_add(tensor));
        Ok(Self { trained: copy(weights.trained())?, statistics: copy(weights.statistics())? })
    }

    /// Moves towards the weights after step `step`, counted from 1.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn update(&mut self, weights: &Weights, step: u64) -> Result<(), TchError> {
        let share = 1.0 - decay(step);
        let _ = self.trained.f_lerp_(weights.trained(), share)?;
        let _ = self.statistics.f_lerp_(weights.statistics(), share)?;
        Ok(())
    }

    /// The averages of trained values and of running statistics, in the order of the weights.
    pub fn averages(&self) -> (&Tensor, &Tensor) {
        (&self.trained, &self.statistics)
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::architecture::Networks;
    use crate::net::initial;

    #[test]
    fn the_window_grows_to_its_limit() {
        assert!(decay(1) < 0.2);
        assert!((decay(100) - 101.0 / 110.0).abs() < 1e-12);
        assert_eq!(decay(1_000_000), MAX_DECAY);
    }

    #[test]
    fn moves_by_its_share_towards_the_weights() {
        let networks = Networks::original(1, 1);
        let weights = Weights::load(&initial(networks, 2), networks, Device::Cpu).unwrap();
        let mut ema = Ema::new(&weights).unwrap();
        let before = ema.averages().1.double_value(&[0]);
        let _ = weights.statistics().shallow_clone().fill_(5.0);
        ema.update(&weights, 20).unwrap();
        let after = ema.averages().1.double_value(&[0]);
        let expected = before + (5.0 - before) * (1.0 - 21.0 / 30.0);
        assert!((after - expected).abs() < 1e-5, "{after}, not {expected}");
    }
}
