//! The learning rate of each step.
//!
//! One cycle (Smith and Topin 2018): up in a straight line over the first tenth, then down half a cosine to almost
//! nothing, so that the last steps only settle. Pure.

/// Share of the steps in which the rate rises.
const WARM_UP: f64 = 0.1;
/// The rate at the first and at the last step, as a share of the peak.
const FLOOR: f64 = 0.01;

/// The rate of step `step` of `steps`, counted from 0; at most `peak`. Past the end it stays at the floor.
pub fn learning_rate(step: u64, steps: u64, peak: f64) -> f64 {
    let warm = (WARM_UP * steps as f64).max(1.0);
    let at = step as f64;
    let share = if at < warm {
        at / warm
    } else {
        let rest = (steps as f64 - 1.0 - warm).max(1.0);
        let progress = ((at - warm) / rest).min(1.0);
        0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
    };
    peak * (FLOOR + (1.0 - FLOOR) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_for_a_tenth_and_falls_to_the_floor() {
        let rates: Vec<f64> = (0..1000).map(|step| learning_rate(step, 1000, 2e-3)).collect();
        assert!((rates[0] - 2e-5).abs() < 1e-12);
        assert!((rates[100] - 2e-3).abs() < 1e-12);
        assert!((rates[999] - 2e-5).abs() < 1e-12);
        assert!(rates[..=100].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rates[100..].windows(2).all(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn the_shortest_runs_have_rates_too() {
        for steps in 1..5 {
            for step in 0..steps + 2 {
                let rate = learning_rate(step, steps, 1.0);
                assert!((FLOOR..=1.0).contains(&rate), "step {step} of {steps}: {rate}");
            }
        }
    }
}
