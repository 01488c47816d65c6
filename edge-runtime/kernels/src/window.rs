//! Weighted sums over a window of eleven rows, or of eleven neighbours: the blur of structural similarity, for the trainer.

use crate::versions::versions;

/// Values under the window.
pub const WINDOW: usize = 11;

/// Values that are summed at once: they stay in registers over the window. Rows end on whole lanes.
pub const LANES: usize = 32;

versions! {
    /// Sums `weights[k] * from[k * step + x]` over the window into each `into[x]`, from `k = 0` on; what is left behind the last
    /// whole [`LANES`] of `into` stays as it was. `isa` must be available.
    ///
    /// # Panics
    /// When `from` ends before the last row of the window does.
    pub fn weigh(weights: &[f32; WINDOW], from: &[f32], step: usize, into: &mut [f32]) {
        for (at, into) in into.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut sums = [0.0; LANES];
            for (tap, weight) in weights.iter().enumerate() {
                let values = &from[tap * step + at * LANES..][..LANES];
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
            }
            *into = sums;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;

    #[test]
    fn every_version_sums_alike() {
        let (step, length) = (70, 64);
        let weights: [f32; WINDOW] = std::array::from_fn(|tap| 0.1 + tap as f32 / 7.0);
        let from: Vec<f32> = (0..step * WINDOW).map(|at| (at * 37 % 101) as f32 / 9.0).collect();
        let sums = (0..length).map(|x| (0..WINDOW).fold(0.0, |sum, tap| sum + weights[tap] * from[tap * step + x]));
        let sums: Vec<f32> = sums.collect();
        for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
            let mut into = vec![0.0; length + 3];
            weigh(isa, &weights, &from, step, &mut into);
            assert_eq!(into[..length], sums, "{isa}");
            assert_eq!(into[length..], [0.0; 3], "{isa}");
        }
    }
}
