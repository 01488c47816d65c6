//! Which good parts are learnt from, and which are held out for the threshold.
//!
//! A threshold from pictures that the network has seen would promise too much. Pictures of one part stay together: one that was
//! learnt from would make its like look better than a new part's.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use shared::limits::MAX_GOOD_SCORES;
use thiserror::Error;

/// Share of the good parts that is held out, if the target false-reject rate does not need more.
pub const HELD_OUT_SHARE: f64 = 0.2;

/// At most this share may be held out: the rest must suffice to learn from.
pub const LARGEST_SHARE: f64 = 0.5;

/// Too few good parts for the target.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error(
    "a false-reject rate of {target} needs {held_out} held-out good parts, so at least {needed} good parts; there are \
     {got}. Photograph more parts, or allow a rate of {possible:.4}"
)]
pub struct SplitError {
    /// The rate asked for.
    pub target: f64,
    /// Held-out good parts that it needs.
    pub held_out: usize,
    /// Good parts in all that it needs.
    pub needed: usize,
    /// Good parts that there are.
    pub got: usize,
    /// The smallest rate that they support.
    pub possible: f64,
}

/// Splits the pictures, whose parts are numbered from 0, into indices to learn from and indices to hold out, both ascending,
/// by `seed`.
///
/// # Errors
/// [`SplitError`] when half of the parts do not support `target`, a rate within 0..1.
pub fn hold_out(parts: &[usize], target: f64, seed: u64) -> Result<(Vec<usize>, Vec<usize>), SplitError> {
    let count = parts.iter().max().map_or(0, |largest| largest + 1);
    // With n held-out parts the smallest rate is 1 / (n + 1); the small term absorbs the division's rounding.
    let needed = (1.0 / target - 1.0 - 1e-9).ceil().max(1.0) as usize;
    let largest = (count as f64 * LARGEST_SHARE) as usize;
    if needed > largest {
        let got = count;
        let all = (needed as f64 / LARGEST_SHARE).ceil() as usize;
        return Err(SplitError { target, held_out: needed, needed: all, got, possible: 1.0 / (largest as f64 + 1.0) });
    }
    let held = needed.max((count as f64 * HELD_OUT_SHARE).round() as usize);
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let is_held = {
        let mut is_held = vec![false; count];
        order[count - held..].iter().for_each(|&part| is_held[part] = true);
        is_held
    };
    let (mut held_out, mut learn): (Vec<usize>, Vec<usize>) = (0..parts.len()).partition(|&at| is_held[parts[at]]);
    // A manifest holds no more scores; what is beyond serves learning no worse.
    while held_out.len() > MAX_GOOD_SCORES {
        let part = held_out.last().map(|&at| parts[at]);
        learn.extend(held_out.extract_if(.., |at| Some(parts[*at]) == part));
    }
    learn.sort_unstable();
    Ok((learn, held_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each picture shows a part of its own.
    fn own(count: usize) -> Vec<usize> {
        (0..count).collect()
    }

    #[test]
    fn pictures_of_one_part_stay_together() {
        let parts: Vec<usize> = (0..300).map(|at| at * 7 % 60).collect();
        let (learn, held) = hold_out(&parts, 0.05, 4).unwrap();
        // 19 parts support one in twenty; each has five pictures.
        assert_eq!((learn.len(), held.len()), (205, 95));
        let learnt: Vec<usize> = learn.iter().map(|&at| parts[at]).collect();
        assert!(held.iter().all(|&at| !learnt.contains(&parts[at])));
        // 300 pictures, but only 60 parts.
        assert_eq!(hold_out(&parts, 0.02, 4).unwrap_err().got, 60);
    }

    #[test]
    fn no_more_are_held_out_than_a_manifest_holds() {
        let (learn, held) = hold_out(&own(30_000), 0.05, 0).unwrap();
        assert_eq!((learn.len() + held.len(), held.len()), (30_000, MAX_GOOD_SCORES));
    }

    #[test]
    fn each_part_is_on_one_side() {
        for (count, target) in [(209, 0.05), (40, 0.05), (4, 0.5), (100, 0.02)] {
            let (learn, held) = hold_out(&own(count), target, 3).unwrap();
            let mut all = [learn, held.clone()].concat();
            all.sort_unstable();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
            assert!(target * (held.len() as f64 + 1.0) >= 1.0 - 1e-6, "{count} {target}: {}", held.len());
        }
    }

    #[test]
    fn the_same_seed_holds_out_the_same() {
        assert_eq!(hold_out(&own(50), 0.1, 1), hold_out(&own(50), 0.1, 1));
        assert_ne!(hold_out(&own(50), 0.1, 1), hold_out(&own(50), 0.1, 2));
    }

    #[test]
    fn too_few_parts_are_refused_with_the_number_needed() {
        let error = hold_out(&own(60), 0.01, 0).unwrap_err();
        assert_eq!((error.held_out, error.needed, error.got), (99, 198, 60));
        assert!(hold_out(&own(error.needed), 0.01, 0).is_ok());
        assert!(hold_out(&own(60), error.possible, 0).is_ok());
    }
}
