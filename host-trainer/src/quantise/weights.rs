//! Weights as signed bytes, one scale per output channel; biases as 32-bit integers at the scale of the products.
//!
//! Takes a folded convolution and its input's scale, gives integers and scales. Symmetric: zero is stored as zero, so that
//! zero padding and dead channels stay exact.

use crate::export::fold_bn::Folded;

/// One convolution in integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Weights, row-major as the source, -127..=127.
    pub values: Vec<i8>,
    /// One positive scale per output channel: `weight = value * scale`.
    pub scales: Vec<f32>,
    /// One per output channel: `bias = value * scale * input_scale`.
    pub bias: Vec<i32>,
}

/// The largest stored magnitude. -128 stays unused: with it the range would not be symmetric.
pub const LARGEST: f32 = 127.0;

/// The largest stored bias. What 9 by 1024 products of a byte and a weight add to it still fits into 32 bits.
const LARGEST_BIAS: f32 = (1 << 30) as f32;

/// Rounds to the nearest step, ties to even. A weight moves by at most half its channel's scale, which is that of the channel's
/// largest weight, or larger where a bias would not fit beside such small weights. `input_scale` is positive.
pub fn store(conv: &Folded, input_scale: f32) -> Stored {
    let taps = conv.weight.len() / conv.outputs.max(1);
    let mut stored = Stored { values: Vec::with_capacity(conv.weight.len()), scales: Vec::new(), bias: Vec::new() };
    for (channel, &bias) in conv.weight.chunks_exact(taps.max(1)).zip(&conv.bias) {
        let largest = channel.iter().fold(0.0f32, |m, w| m.max(w.abs())) / LARGEST;
        let scale = largest.max(bias.abs() / LARGEST_BIAS / input_scale);
        // Below the normal range a quotient would lose its precision or become infinite.
        let scale = if scale * input_scale >= f32::MIN_POSITIVE { scale } else { 1.0 };
        stored.scales.push(scale);
        stored.values.extend(channel.iter().map(|w| (w / scale).round_ties_even().clamp(-LARGEST, LARGEST) as i8));
        stored.bias.push((bias / (scale * input_scale)).round_ties_even() as i32);
    }
    stored
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv(weight: Vec<f32>, bias: Vec<f32>) -> Folded {
        Folded { outputs: bias.len(), inputs: weight.len() / bias.len() / 9, weight, bias }
    }

    #[test]
    fn each_weight_moves_by_at_most_half_a_step() {
        let weight: Vec<f32> = (0..54).map(|i| ((i * 37 % 101) as f32 - 50.0) * 0.013).collect();
        let bias = vec![0.5, -0.25, 0.0, 3.0, -7.0, 0.001];
        let stored = store(&conv(weight.clone(), bias.clone()), 0.02);
        for (index, (w, v)) in weight.iter().zip(&stored.values).enumerate() {
            let scale = stored.scales[index / 9];
            let moved = (w - f32::from(*v) * scale).abs();
            assert!(moved <= scale * 0.5001, "weight {index} = {w} moved by {moved}, scale {scale}");
        }
        for (channel, (b, v)) in bias.iter().zip(&stored.bias).enumerate() {
            let step = stored.scales[channel] * 0.02;
            assert!((b - *v as f32 * step).abs() <= step * 0.51, "bias {channel} = {b}, stored {v} steps of {step}");
        }
    }

    #[test]
    fn the_largest_weight_of_a_channel_is_kept_and_zero_stays_zero() {
        let mut weight = vec![0.0; 18];
        (weight[1], weight[2]) = (-2.54, 1.0);
        let stored = store(&conv(weight, vec![0.0, 0.0]), 1.0);
        assert_eq!(stored.values[..4], [0, -127, 50, 0]);
        assert_eq!((stored.scales, stored.bias), (vec![2.54 / 127.0, 1.0], vec![0, 0]));
    }

    /// A channel that training let die has weights near zero and a bias that is not.
    #[test]
    fn a_large_bias_beside_tiny_weights_fits() {
        let stored = store(&conv(vec![1e-20; 9], vec![-2.0]), 0.01);
        let back = stored.bias[0] as f32 * stored.scales[0] * 0.01;
        assert!((back + 2.0).abs() < 1e-6 && stored.bias[0] >= i32::MIN / 2, "{stored:?}");
    }
}
