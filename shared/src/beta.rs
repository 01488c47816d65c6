//! The Beta distribution, which says how far a rate counted on few parts may be from the true one.
//!
//! Shapes are positive reals up to about 1e6; probabilities are 0..=1. Accuracy about 1e-10, ample for statements in per cent.

use libm::{exp, fabs, lgamma, log, log1p};

/// Probability that a Beta(`a`, `b`) variable is at most `x`: the regularised incomplete beta function.
/// Source: W. Press et al., Numerical Recipes, section 6.4 (continued fraction, modified Lentz).
pub fn cumulative(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    // The fraction converges quickly on one side of the mean only; the other side follows by symmetry.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * continued_fraction(a, b, x) / a
    } else {
        1.0 - front * continued_fraction(b, a, 1.0 - x) / b
    }
}

/// The value below which a Beta(`a`, `b`) variable lies with probability `p`.
pub fn quantile(a: f64, b: f64, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    // Sixty halvings reach the spacing of numbers near one.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if cumulative(a, b, middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The fewest of `count` trials that are not exceeded with probability `p`, where each succeeds with one rate that is itself
/// Beta(`a`, `b`): the quantile of the beta-binomial distribution.
pub fn counted(a: f64, b: f64, count: u32, p: f64) -> u32 {
    let m = f64::from(count);
    let mut term = exp(lgamma(m + b) + lgamma(a + b) - lgamma(m + a + b) - lgamma(b));
    let mut sum = term;
    for x in 0..count {
        if sum >= p {
            return x;
        }
        let at = f64::from(x);
        term *= (m - at) / (at + 1.0) * (at + a) / (m - at - 1.0 + b);
        sum += term;
    }
    count
}

fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if fabs(value) < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    // The number of terms grows with the square root of the larger shape: 10,000 serve shapes beyond a million.
    for m in 1..10_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            change = c * d;
            fraction *= change;
        }
        if fabs(change - 1.0) < 1e-15 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_are_met() {
        for x in [1e-6, 0.01, 0.3, 0.5, 0.77, 0.999] {
            assert!((cumulative(1.0, 1.0, x) - x).abs() < 1e-12, "uniform at {x}");
            assert!((cumulative(1.0, 50.0, x) - (1.0 - (1.0 - x).powi(50))).abs() < 1e-11, "minimum of 50 at {x}");
            assert!((cumulative(7.0, 1.0, x) - x.powi(7)).abs() < 1e-11, "maximum of 7 at {x}");
        }
    }

    #[test]
    fn it_is_the_tail_of_the_binomial() {
        // P(Beta(k, n + 1 - k) <= x) = P(Binomial(n, x) >= k).
        let (n, x) = (20_u32, 0.13_f64);
        let mut tail = 1.0;
        for k in 1..=n {
            let below = k - 1;
            let ways = (0..below).fold(1.0, |ways, i| ways * f64::from(n - i) / f64::from(i + 1));
            tail -= ways * x.powi(below as i32) * (1.0 - x).powi((n - below) as i32);
            let found = cumulative(f64::from(k), f64::from(n + 1 - k), x);
            assert!((found - tail).abs() < 1e-11, "k {k}: {found}, by sum {tail}");
        }
    }

    #[test]
    fn a_count_is_what_sampling_without_end_would_give() {
        // Beta(1, 1): each count from 0 to m is as likely as the others.
        assert_eq!((counted(1.0, 1.0, 19, 0.95), counted(1.0, 1.0, 19, 0.951)), (18, 19));
        // Of 20 scores the largest of 10 was taken: how many of the other 10 lie above it is negative hypergeometric. None with 1/2, at
        // most one with 1 - 10/20 * 9/19, and so on.
        let exceeded = |x: u32| (0..=x).fold(1.0, |share, i| share * f64::from(10 - i) / f64::from(20 - i));
        for x in 0..6 {
            let at_most = 1.0 - exceeded(x);
            assert_eq!(counted(1.0, 10.0, 10, at_most - 1e-9), x);
            assert_eq!(counted(1.0, 10.0, 10, at_most + 1e-9), x + 1);
        }
        assert_eq!(counted(3.0, 50.0, 0, 0.95), 0);
        // Of very many, the share is that of the rate itself.
        let share = f64::from(counted(5.0, 96.0, 1_000_000, 0.95)) / 1e6;
        assert!((share - quantile(5.0, 96.0, 0.95)).abs() < 1e-4, "{share}");
    }

    #[test]
    fn quantiles_invert_even_for_large_shapes() {
        for (a, b) in [(1.0, 3000.0), (0.5, 0.5), (30.0, 971.0), (5000.0, 200_000.0)] {
            for p in [0.025, 0.5, 0.95] {
                let x = quantile(a, b, p);
                assert!((cumulative(a, b, x) - p).abs() < 1e-8, "Beta({a}, {b}) at {p}: {x}");
            }
        }
    }
}
