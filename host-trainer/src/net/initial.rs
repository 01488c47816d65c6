//! The weights that training starts from.
//!
//! As in the original's `train_DRAEM.py`: convolution weights from N(0, 0.02), batch-norm gains from N(1, 0.02) and shifts
//! 0; convolution biases keep torch's default, uniform within 1 / sqrt(fan-in). Drawn from a seeded generator of ours, so
//! that every device starts from the same numbers.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::architecture::Networks;
use crate::export::{Array, TensorMap};

/// Standard deviation of weights and gains.
const DEVIATION: f32 = 0.02;

/// Fresh weights; the same networks and seed give the same values.
pub fn initial(networks: Networks, seed: u64) -> TensorMap {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let shapes = networks.tensor_shapes();
    let mut tensors = TensorMap::new();
    for (name, shape) in &shapes {
        let count = shape.iter().product();
        let values: Vec<f32> = if name.ends_with(".running_mean") {
            vec![0.0; count]
        } else if name.ends_with(".running_var") {
            vec![1.0; count]
        } else if shape.len() == 4 {
            (0..count).map(|_| DEVIATION * normal(&mut chance)).collect()
        } else if let Some(owner) = name.strip_suffix(".bias") {
            match shapes.get(&format!("{owner}.weight")).filter(|weight| weight.len() == 4) {
                Some(weight) => {
                    let bound = 1.0 / (weight[1..].iter().product::<usize>() as f32).sqrt();
                    (0..count).map(|_| bound * (2.0 * chance.random::<f32>() - 1.0)).collect()
                }
                None => vec![0.0; count],
            }
        } else {
            (0..count).map(|_| 1.0 + DEVIATION * normal(&mut chance)).collect()
        };
        tensors.insert(name.clone(), Array { shape: shape.clone(), values });
    }
    tensors
}

/// One draw from N(0, 1), by the Box-Muller transform.
fn normal(chance: &mut ChaCha8Rng) -> f32 {
    // 1 - u lies in (0, 1], where the logarithm is finite.
    let radius = (-2.0_f32 * (1.0 - chance.random::<f32>()).ln()).sqrt();
    radius * (std::f32::consts::TAU * chance.random::<f32>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deviation(values: &[f32], mean: f32) -> f32 {
        (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt()
    }

    #[test]
    fn draws_have_the_stated_spread() {
        let seed = 7;
        let tensors = initial(Networks::original(8, 8), seed);
        let weight = &tensors["recon.encoder.block5.0.weight"].values;
        let spread = deviation(weight, 0.0);
        assert!((spread - 0.02).abs() < 0.0005, "seed {seed}: {spread}");
        let gain = &tensors["recon.encoder.block5.1.weight"].values;
        assert!((deviation(gain, 1.0) - 0.02).abs() < 0.006, "seed {seed}: {gain:?}");
        assert!(tensors["recon.encoder.block5.1.bias"].values.iter().all(|&value| value == 0.0));
        let bound = 1.0 / (64.0 * 9.0_f32).sqrt();
        let biases = &tensors["recon.encoder.block5.0.bias"].values;
        assert!(biases.iter().all(|value| value.abs() <= bound), "seed {seed}: {biases:?}");
        assert!(biases.iter().any(|value| value.abs() > bound / 2.0), "seed {seed}: {biases:?}");
    }

    #[test]
    fn the_seed_decides() {
        let networks = Networks::original(2, 2);
        assert_eq!(initial(networks, 3), initial(networks, 3));
        assert_ne!(initial(networks, 3), initial(networks, 4));
    }
}
