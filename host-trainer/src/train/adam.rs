//! AdamW (Loshchilov and Hutter 2019) on one flat vector, stretches of which may go by [Muon](super::muon) instead.
//!
//! Written out rather than taken from torch's own optimisers because its state then is two vectors, which go into a checkpoint as
//! they are, so that a resumed run continues exactly. Knows no schedule and no layer.

use tch::{Device, Kind, TchError, Tensor};

use super::muon::Muon;

/// The constants of the optimiser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Decay of the average gradient, 0..1.
    pub beta1: f64,
    /// Decay of the average squared gradient, 0..1.
    pub beta2: f64,
    /// Added to the root of the latter.
    pub epsilon: f64,
    /// Share of a decayed weight that a step with learning rate 1 removes.
    pub weight_decay: f64,
    /// Gradients longer than this are shortened to it; none are if it is infinite.
    pub longest_gradient: f64,
}

impl Recipe {
    /// Adam as the original uses it.
    pub const ORIGINAL: Self =
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, longest_gradient: f64::INFINITY };

    /// For step budgets in the low thousands with a high peak rate.
    pub const FAST: Self = Self { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 1e-2, longest_gradient: 1.0 };
}

/// The optimiser's state for a vector of `n` numbers.
pub struct Adam {
    recipe: Recipe,
    mean: Tensor,
    square: Tensor,
    steps: u64,
    muon: Option<Muon>,
}

impl Adam {
    /// Starts with an empty state.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn new(recipe: Recipe, count: i64, device: Device) -> Result<Self, TchError> {
        let zeros = || Tensor::f_zeros([count], (Kind::Float, device));
        Ok(Self { recipe, mean: zeros()?, square: zeros()?, steps: 0, muon: None })
    }

    /// Moves these stretches by Muon, with the same average of gradients.
    #[must_use]
    pub fn with_muon(self, muon: Muon) -> Self {
        Self { muon: Some(muon), ..self }
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The two averages, of gradients and of their squares, each `[n]`.
    pub fn averages(&self) -> (&Tensor, &Tensor) {
        (&self.mean, &self.square)
    }

    /// Goes on from a state that was saved.
    ///
    /// # Errors
    /// Whatever torch says, for instance that the lengths differ.
    pub fn restore(&mut self, mean: &Tensor, square: &Tensor, steps: u64) -> Result<(), TchError> {
        self.mean.f_copy_(mean)?;
        self.square.f_copy_(square)?;
        self.steps = steps;
        Ok(())
    }

    /// Moves the vector against the gradient, both `[n]`. Weight decay acts where `decayed`, `[n]`, is 1, and on all that
    /// Muon moves.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn update(
        &mut self,
        trained: &Tensor,
        mut gradient: Tensor,
        decayed: &Tensor,
        learning_rate: f64,
    ) -> Result<(), TchError> {
        let _no_gradients = tch::no_grad_guard();
        let Recipe { beta1, weight_decay, longest_gradient, .. } = self.recipe;
        if longest_gradient.is_finite() {
            let scale = gradient.f_norm()?.f_add_scalar(1e-6)?.f_reciprocal()?.f_mul_scalar(longest_gradient)?;
            let _ = gradient.f_mul_(&scale.f_clamp_max(1.0)?)?;
        }
        self.steps += 1;
        let _ = self.mean.f_lerp_(&gradient, 1.0 - beta1)?;
        let Some(muon) = &self.muon else {
            return self.move_by_adam(trained, &gradient, decayed, learning_rate);
        };
        // Nesterov's look ahead: the average as it will be if the gradient stays.
        let ahead = self.mean.f_lerp(&gradient, 1.0 - beta1)?;
        muon.update(trained, &ahead, 1.0 - learning_rate * weight_decay, learning_rate)?;
        let rest = muon.rest();
        let of = |flat: &Tensor| flat.f_index_select(0, rest);
        let moved = of(trained)?;
        let mut part = Self { mean: of(&self.mean)?, square: of(&self.square)?, muon: None, ..*self };
        part.move_by_adam(&moved, &of(&gradient)?, &of(decayed)?, learning_rate)?;
        let _ = self.square.f_index_copy_(0, rest, &part.square)?;
        let _ = trained.shallow_clone().f_index_copy_(0, rest, &moved)?;
        Ok(())
    }

    /// The rest of a step once the average gradient stands.
    fn move_by_adam(
        &mut self,
        trained: &Tensor,
        gradient: &Tensor,
        decayed: &Tensor,
        learning_rate: f64,
    ) -> Result<(), TchError> {
        let Recipe { beta1, beta2, epsilon, weight_decay, .. } = self.recipe;
        let steps = self.steps as f64;
        let (unbias1, unbias2) = (1.0 - beta1.powf(steps), 1.0 - beta2.powf(steps));
        let _ = self.square.f_mul_scalar_(beta2)?.f_addcmul_(&gradient.f_mul_scalar(1.0 - beta2)?, gradient)?;
        let below = self.square.f_sqrt()?.f_div_scalar(unbias2.sqrt())?.f_add_scalar(epsilon)?;
        let above = self.mean.f_mul_scalar(-learning_rate / unbias1)?;
        let mut trained = trained.shallow_clone();
        if weight_decay > 0.0 {
            let _ = trained.f_mul_(&decayed.f_mul_scalar(-learning_rate * weight_decay)?.f_add_scalar_(1.0)?)?;
        }
        let _ = trained.f_addcdiv_(&above, &below)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::weights::values;

    #[test]
    fn beside_muon_adam_moves_the_rest_as_it_would_alone() {
        let numbers = |count: i64, factor: f32| {
            let numbers: Vec<f32> = (0..count).map(|at| ((at + 1) as f32 * factor).sin()).collect();
            Tensor::from_slice(&numbers)
        };
        let marks = Tensor::ones([80], (Kind::Float, Device::Cpu));
        let moved = |muon: Option<Muon>| {
            let adam = Adam::new(Recipe::FAST, 80, Device::Cpu).unwrap();
            let mut adam = muon.into_iter().fold(adam, Adam::with_muon);
            let trained = numbers(80, 0.7);
            for step in 0..3 {
                adam.update(&trained, numbers(80, 1.3 + step as f32), &marks, 0.01).unwrap();
            }
            values(&trained).unwrap()
        };
        let muon = Muon::new(&[(5, [4, 2, 3, 3])], 80, Device::Cpu).unwrap();
        let (alone, beside) = (moved(None), moved(Some(muon)));
        let before = values(&numbers(80, 0.7)).unwrap();
        for at in 0..80 {
            let kernel = (5..77).contains(&at);
            let apart = (alone[at] - beside[at]).abs() > 1e-6;
            assert_eq!(apart, kernel, "{at}: {} and {}", alone[at], beside[at]);
            assert!(alone[at] != before[at], "{at} stands still");
        }
    }
}
