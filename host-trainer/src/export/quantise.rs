//! Weights as signed bytes, one scale per output channel.
//!
//! Takes a convolution's weights, gives bytes and scales; activations stay as they are. Symmetric: zero is stored as
//! zero, so that zero padding and dead channels stay exact.

/// Weights of one convolution in one byte each.
#[derive(Clone, Debug, PartialEq)]
pub struct PerChannel {
    /// Row-major as the source, -127..=127.
    pub values: Vec<i8>,
    /// One positive scale per output channel: `weight = value * scale`.
    pub scales: Vec<f32>,
}

/// The largest stored magnitude. -128 stays unused: with it the range would not be symmetric.
const LARGEST: f32 = 127.0;

/// Rounds to the nearest step, ties to even; each weight moves by at most half its channel's scale.
///
/// `weight` is `[outputs][..]` row-major with finite values; a channel of zeros gets the scale 1.
pub fn per_channel(weight: &[f32], outputs: usize) -> PerChannel {
    let taps = weight.len() / outputs.max(1);
    let mut stored = PerChannel { values: Vec::with_capacity(weight.len()), scales: Vec::with_capacity(outputs) };
    for channel in weight.chunks_exact(taps.max(1)) {
        let largest = channel.iter().fold(0.0f32, |m, w| m.max(w.abs()));
        // Below the normal range the quotient would lose its precision or become zero.
        let scale = if largest / LARGEST >= f32::MIN_POSITIVE { largest / LARGEST } else { 1.0 };
        stored.scales.push(scale);
        let step = |w: &f32| (w / scale).round_ties_even().clamp(-LARGEST, LARGEST) as i8;
        stored.values.extend(channel.iter().map(step));
    }
    stored
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_weight_moves_by_at_most_half_a_step() {
        let weight: Vec<f32> = (0..54).map(|i| ((i * 37 % 101) as f32 - 50.0) * 0.013).collect();
        let stored = per_channel(&weight, 6);
        for (index, (w, v)) in weight.iter().zip(&stored.values).enumerate() {
            let scale = stored.scales[index / 9];
            let moved = (w - f32::from(*v) * scale).abs();
            assert!(moved <= scale * 0.5001, "weight {index} = {w} moved by {moved}, scale {scale}");
        }
    }

    #[test]
    fn the_largest_weight_of_a_channel_is_kept_and_zero_stays_zero() {
        let stored = per_channel(&[0.0, -2.54, 1.0, 0.0, 0.0, 0.0], 2);
        assert_eq!(stored.values, [0, -127, 50, 0, 0, 0]);
        assert_eq!(stored.scales, [2.54 / 127.0, 1.0]);
    }
}
