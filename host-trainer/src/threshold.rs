//! The threshold of a model from its scores of held-out good pictures.
//!
//! Sorts them and asks [`shared::threshold`], which holds the rule and the promise; a station asks the same when its target
//! is moved. Part numbers say which pictures show one part.

pub use shared::threshold::{Threshold, ThresholdError, needed_parts};

/// Scores ascending, with the number of the part that each picture shows; no numbers where each shows a part of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sorted {
    /// The scores.
    pub scores: Vec<f32>,
    /// The part numbers, below the number of scores.
    pub parts: Vec<u16>,
}

impl Sorted {
    /// Sorts pairs of score and part, whatever numbers the parts have.
    pub fn new(mut pairs: Vec<(f32, usize)>) -> Self {
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut known: Vec<usize> = pairs.iter().map(|pair| pair.1).collect();
        known.sort_unstable();
        known.dedup();
        let scores: Vec<f32> = pairs.iter().map(|pair| pair.0).collect();
        let number = |part: &usize| known.binary_search(part).unwrap_or_default() as u16;
        let parts = if known.len() == scores.len() { Vec::new() } else { pairs.iter().map(|p| number(&p.1)).collect() };
        Self { scores, parts }
    }

    /// The lowest threshold whose expected false-reject rate stays within `target`.
    ///
    /// # Errors
    /// When the target is not a rate, a score is not finite, or there are too few parts for the target.
    pub fn choose(&self, target: f64) -> Result<Threshold, ThresholdError> {
        shared::threshold::choose(&self.scores, &self.parts, target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn choose(scores: &[f32], target: f64) -> Result<Threshold, ThresholdError> {
        Sorted::new(scores.iter().copied().enumerate().map(|(part, score)| (score, part)).collect()).choose(target)
    }

    #[test]
    fn parts_with_one_picture_each_need_no_numbers() {
        let sorted = Sorted::new(vec![(0.5, 700), (0.1, 3), (0.3, 9)]);
        assert_eq!(sorted, Sorted { scores: vec![0.1, 0.3, 0.5], parts: vec![] });
        let grouped = Sorted::new(vec![(0.5, 700), (0.1, 3), (0.3, 700)]);
        assert_eq!(grouped, Sorted { scores: vec![0.1, 0.3, 0.5], parts: vec![0, 1, 1] });
    }

    #[test]
    fn the_number_of_parts_that_a_refusal_names_suffices_and_one_less_does_not() {
        for target in [0.5, 0.3, 0.1, 0.05, 0.02, 0.013, 0.01, 0.001, 0.00035] {
            let needed = needed_parts(target);
            let scores = vec![0.25; needed];
            assert_eq!(choose(&scores, target).map(|chosen| chosen.rank), Ok(1), "target {target}, {needed} parts");
            let refusal = choose(&scores[1..], target);
            assert!(
                matches!(refusal, Err(ThresholdError::TooFewParts { parts, needed: named, .. })
                    if parts == needed - 1 && named == needed),
                "target {target}: {refusal:?}"
            );
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let message = choose(&[0.1; 40], 0.01).expect_err("40 parts are too few").to_string();
        assert_eq!(
            message,
            "40 held-out good parts cannot promise a false-reject rate of 0.01: \
             at least 99 are needed, or a target of at least 0.02439"
        );
        assert!(choose(&[], 0.5).is_err());
        for target in [0.0, 1.0, -0.1, f64::NAN, 2.0] {
            assert!(matches!(choose(&[0.1; 9], target), Err(ThresholdError::Target { .. })), "target {target}");
        }
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let refusal = choose(&[0.1, 0.2, value], 0.5);
            let named =
                matches!(refusal, Err(ThresholdError::Score { value: got, .. }) if got.to_bits() == value.to_bits());
            assert!(named, "{value}: {refusal:?}");
        }
    }

    /// Parts drawn from one crowd, split into held-out ones and new ones many times: the rate over all splits is the expected
    /// one, and the bound is exceeded in about one split of twenty.
    #[test]
    fn the_promise_holds_over_many_random_splits() {
        for (parts, target) in [(60, 0.05), (120, 0.02), (40, 0.2)] {
            let (mut rates, mut above_bound) = (Vec::new(), 0);
            for seed in 0..2000 {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                // Skewed towards zero like real scores. New parts are counted by the distribution's own tail.
                let mut draw = || f64::from(rng.next_u32()) / 4_294_967_296.0;
                let scores: Vec<f32> = (0..parts).map(|_| (draw() as f32).powi(4)).collect();
                let chosen = choose(&scores, target).expect("enough parts");
                let realised = 1.0 - f64::from(chosen.value).powf(0.25);
                above_bound += usize::from(realised > chosen.upper_bound_95);
                rates.push((realised, chosen.expected));
            }
            let n = rates.len() as f64;
            let mean = rates.iter().map(|rate| rate.0).sum::<f64>() / n;
            let expected = rates[0].1;
            assert!(expected <= target, "{parts} parts, target {target}: expected {expected}");
            // The mean of 2,000 splits is known to about a fortieth of itself.
            assert!((mean - expected).abs() < 0.08 * expected, "{parts} parts, target {target}: {mean} for {expected}");
            let share = above_bound as f64 / n;
            assert!((0.035..0.065).contains(&share), "{parts} parts, target {target}: bound exceeded in {share}");
        }
    }

    /// Parts with up to six pictures whose scores lie close together. Taken for parts of their own, the pictures would promise
    /// a bound that is exceeded far more often than once in twenty times.
    #[test]
    fn the_promise_holds_for_parts_that_were_photographed_several_times() {
        let (parts, target) = (30, 0.1);
        let (mut mean, mut above_bound, mut above_naive) = (0.0, 0, 0);
        let runs = 1500;
        for seed in 0..runs {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut draw = || f64::from(rng.next_u32()) / 4_294_967_296.0;
            let mut part = |number: usize| -> Vec<(f32, usize)> {
                let (own, pictures) = (draw(), 1 + (draw() * 6.0) as usize);
                (0..pictures).map(|_| ((own + 0.02 * draw()) as f32, number)).collect()
            };
            let sorted = Sorted::new((0..parts).flat_map(&mut part).collect());
            let chosen = sorted.choose(target).unwrap();
            let naive = Sorted { parts: vec![], ..sorted.clone() }.choose(target).unwrap();
            // One picture each of many new parts.
            let new: Vec<f32> = (0..1000).map(|number| part(number)[0].0).collect();
            let rate = |value: f32| new.iter().filter(|&&score| score > value).count() as f64 / new.len() as f64;
            mean += rate(chosen.value) / runs as f64;
            above_bound += usize::from(rate(chosen.value) > chosen.upper_bound_95);
            above_naive += usize::from(rate(naive.value) > naive.upper_bound_95);
        }
        let [share, naive] = [above_bound, above_naive].map(|count| count as f64 / runs as f64);
        assert!(mean <= target * 1.02, "{mean} rejected, {target} promised");
        assert!(share < 0.065, "bound exceeded in {share} of the runs");
        assert!(naive > 2.0 * share, "without part numbers the bound is exceeded in {naive}, with them in {share}");
    }
}
