//! From logits to probabilities, and to their logarithms: the same bits on every processor.
//!
//! Plain sums, products and one division in 32-bit floats, so that vectors of any width and no library's `exp` or `ln` give one result.

use crate::versions::versions;

/// Beyond this the curve is flat in 32-bit floats, and its powers leave their range.
const FLAT: f32 = 87.0;
/// Added to a small float it leaves its nearest integer in the lowest bits.
const ROUND: f32 = 12_582_912.0;
/// log2(e).
const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// ln(2) in two parts; products of the first, 355 / 512, with small integers are exact (Cody and Waite 1980).
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// Of the polynomial for e^r on |r| <= ln(2) / 2, from the sixth power down (Cephes, `expf`).
const POWERS: [f32; 6] = [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1];

versions! {
    /// Replaces each finite logit `z` by `1 / (1 + e^-z)`, within 3e-7 of it.
    pub fn logistic(values: &mut [f32]) {
        for value in values {
            let x = -value.clamp(-FLAT, FLAT);
            let shifted = x * LOG2_E + ROUND;
            let power = shifted - ROUND;
            let r = x - power * LN_2_HIGH - power * LN_2_LOW;
            let polynomial = POWERS.into_iter().fold(0.0f32, |sum, factor| sum * r + factor);
            let near_one = polynomial * r * r + r + 1.0;
            // The exponent of 2^power, from the integer that the sum has left in the lowest bits.
            let two = f32::from_bits(((shifted.to_bits() as i32).wrapping_add(127) << 23) as u32);
            *value = 1.0 / (1.0 + near_one * two);
        }
    }
}

/// Of the polynomial for `ln(1 + x) - x + x^2 / 2` over `x^3`, from the eighth power down (Cephes, `logf`).
const LOGARITHMS: [f32; 9] = [
    7.037_683_6e-2,
    -1.151_461e-1,
    1.167_699_9e-1,
    -1.242_014_1e-1,
    1.424_932_3e-1,
    -1.666_805_8e-1,
    2.000_071_5e-1,
    -2.499_999_4e-1,
    3.333_333e-1,
];

versions! {
    /// Replaces each normal number above 0 by its natural logarithm, within 1e-7 of it or of one.
    pub fn logarithm(values: &mut [f32]) {
        for value in values {
            // The power of two that leaves a factor between the roots of 1/2 and of 2.
            let bits = value.to_bits().wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits());
            let power = (bits as i32) >> 23;
            let factor = f32::from_bits(value.to_bits().wrapping_sub((power << 23) as u32));
            let (x, power) = (factor - 1.0, power as f32);
            let polynomial = LOGARITHMS.into_iter().fold(0.0f32, |sum, factor| sum * x + factor);
            let square = x * x;
            *value = x * square * polynomial + power * LN_2_LOW - 0.5 * square + x + power * LN_2_HIGH;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{logarithm, logistic};
    use crate::isa::Isa;

    #[test]
    fn is_the_logistic_curve_and_alike_in_every_version() {
        let logits: Vec<f32> = (-4000..=4000)
            .map(|at| at as f32 * 0.01)
            .chain([0.0, -0.0, 1e-30, 500.0, -500.0, f32::MAX, f32::MIN])
            .collect();
        let mut first: Option<Vec<u32>> = None;
        for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
            let mut got = logits.clone();
            logistic(isa, &mut got);
            for (&z, &p) in logits.iter().zip(&got) {
                let exact = 1.0 / (1.0 + (-f64::from(z)).exp());
                assert!(
                    (f64::from(p) - exact).abs() < 3e-7 && (0.0..=1.0).contains(&p),
                    "{isa}: {z} gives {p}, exact {exact}"
                );
            }
            let bits: Vec<u32> = got.iter().map(|value| value.to_bits()).collect();
            assert_eq!(*first.get_or_insert_with(|| bits.clone()), bits, "{isa}");
        }
        let mut rising: Vec<f32> = (-3000..3000).map(|at| at as f32 * 0.005).collect();
        logistic(Isa::best(), &mut rising);
        assert!(rising.is_sorted(), "the order of logits is the order of probabilities");
    }

    #[test]
    fn every_version_is_near_the_exact_logarithm_and_all_are_alike() {
        let numbers: Vec<f32> =
            (0..200_000).map(|step| 1e-6 * 1.000_2f32.powi(step % 100_000) + step as f32 * 1e-5).collect();
        let mut first: Option<Vec<f32>> = None;
        for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
            let mut got = numbers.clone();
            logarithm(isa, &mut got);
            for (&number, &got) in numbers.iter().zip(&got) {
                let exact = f64::from(number).ln();
                assert!((f64::from(got) - exact).abs() < 1e-7 * exact.abs().max(1.0), "{isa}: {number} gives {got}");
            }
            assert_eq!(*first.get_or_insert_with(|| got.clone()), got, "{isa}");
        }
    }
}
