//! Draws from the seeded generator: uniform numbers, choices, coin tosses.
//!
//! Built on `next_u32` alone, so that a new version of a sampling library cannot change what a seed means. Not for
//! anything that needs unbiased sampling to the last bit: `below` is off by less than n / 2^32.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A number in `0.0..1.0`, a multiple of 2^-24.
pub(super) fn unit(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / 16_777_216.0
}

/// A number between the two ends.
pub(super) fn between(rng: &mut ChaCha8Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * unit(rng)
}

/// A number between the two ends, small ones preferred: half of all draws fall into the lowest quarter.
pub(super) fn mostly_small(rng: &mut ChaCha8Rng, low: f32, high: f32) -> f32 {
    let position = unit(rng);
    low + (high - low) * position * position
}

/// A whole number in `0..n`; 0 when `n` is 0.
pub(super) fn below(rng: &mut ChaCha8Rng, n: usize) -> usize {
    ((u64::from(rng.next_u32()) * n as u64) >> 32) as usize
}

/// True with the given probability.
pub(super) fn happens(rng: &mut ChaCha8Rng, probability: f32) -> bool {
    unit(rng) < probability
}

/// An index, drawn in proportion to the weights. Weights below zero count as zero; 0 when all are zero.
pub(super) fn weighted(rng: &mut ChaCha8Rng, weights: &[f32]) -> usize {
    let total: f32 = weights.iter().map(|weight| weight.max(0.0)).sum();
    let mut left = unit(rng) * total;
    for (index, weight) in weights.iter().enumerate() {
        if left < weight.max(0.0) {
            return index;
        }
        left -= weight.max(0.0);
    }
    // Rounding can leave a crumb after the last weight.
    weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0)
}
