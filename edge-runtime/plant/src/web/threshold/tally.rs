//! Scores → how many lie where, and what they would have been by one threshold and by another.
//!
//! Takes recorded parts one by one; holds counts, however many there are. Scores are shares of 0 to 1, and lie in classes of equal width on a
//! logarithmic scale, since good parts score thousandths where bad ones score halves. Asks no store.

use crate::store::Scored;

/// Classes of a decade.
pub const PER_DECADE: usize = 16;

/// Decades below 1. What scores less than the lowest lies in the lowest class.
pub const DECADES: usize = 5;

/// Classes in all.
pub const CLASSES: usize = PER_DECADE * DECADES;

/// How many scores lie in each class.
pub type Classes = [u64; CLASSES];

/// The class of a score. What lies on a border lies in the class above it.
#[must_use]
pub fn class(score: f64) -> usize {
    // A score of zero lies infinitely low, and is held at the lowest class.
    let place = (score.log10() + DECADES as f64) * PER_DECADE as f64;
    (place.floor().max(0.0) as usize).min(CLASSES - 1)
}

/// The lower end of a class; that of the lowest is zero. That of [`CLASSES`] is 1.
#[must_use]
pub fn lower_end(class: usize) -> f64 {
    if class == 0 { 0.0 } else { 10f64.powf(class as f64 / PER_DECADE as f64 - DECADES as f64) }
}

/// The decade from the bottom in which the lowest of some scores lies, or a threshold, whichever is lower; what lies below it is empty.
#[must_use]
pub fn lowest_decade<'a>(all: impl IntoIterator<Item = &'a Classes>, threshold: f64) -> usize {
    let lowest = all.into_iter().filter_map(|classes| classes.iter().position(|&count| count > 0));
    lowest.chain([class(threshold)]).min().unwrap_or(0) / PER_DECADE
}

/// Scores of held-out good parts in their classes.
#[must_use]
pub fn classes(scores: impl Iterator<Item = f64>) -> Classes {
    let mut classes = [0; CLASSES];
    scores.for_each(|score| classes[class(score)] += 1);
    classes
}

/// What parts would have been by two thresholds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Scores of this bundle's parts.
    pub classes: Classes,
    /// Parts with a score of this bundle's.
    pub judged: u64,
    /// Of these, above each of the two.
    pub above: [u64; 2],
    /// Of these, passed by neither their score's fault: good ones that left with a rejected neighbour.
    pub neighbours: u64,
    /// Parts without a score: rejected by any threshold.
    pub unjudged: u64,
    /// Parts that another bundle judged, whose scores are on another scale.
    pub others: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { classes: [0; CLASSES], judged: 0, above: [0; 2], neighbours: 0, unjudged: 0, others: 0 }
    }
}

impl Tally {
    /// Takes a part in. A part is bad where its score is greater than the threshold.
    pub fn take(&mut self, part: &Scored, thresholds: [f32; 2]) {
        let Some(score) = part.score else {
            self.unjudged += 1;
            return;
        };
        if !part.this_bundle {
            self.others += 1;
            return;
        }
        self.judged += 1;
        self.classes[class(score)] += 1;
        self.neighbours += u64::from(part.overridden);
        for (above, threshold) in self.above.iter_mut().zip(thresholds) {
            *above += u64::from(score > f64::from(threshold));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_lies_between_the_ends_of_its_class() {
        assert_eq!([0.0, 1e-9, 1e-5].map(class), [0; 3]);
        assert_eq!((class(1.0), class(0.999_999)), (CLASSES - 1, CLASSES - 1));
        for step in 1..=10_000 {
            let score = f64::from(step) / 10_000.0;
            let found = class(score);
            let nearly = 1e-9;
            assert!(lower_end(found) <= score + nearly && score <= lower_end(found + 1) + nearly, "{score} in {found}");
        }
        assert!((lower_end(CLASSES) - 1.0).abs() < 1e-12 && lower_end(0) == 0.0);
    }

    #[test]
    fn no_score_lies_below_the_lowest_decade() {
        let [low, high] = [0.002, 0.4].map(|score| classes([score, 0.9].into_iter()));
        assert_eq!(lowest_decade([&high, &low], 0.5), DECADES - 3);
        assert_eq!(lowest_decade([&high], 0.5), DECADES - 1);
        assert_eq!(lowest_decade([&high], 0.0), 0);
    }

    #[test]
    fn a_part_on_the_threshold_is_good_and_what_has_no_score_is_counted_apart() {
        let mut tally = Tally::default();
        let part = |score, overridden, this_bundle| Scored { score, overridden, this_bundle };
        for part in [
            part(Some(0.25), false, true),
            part(Some(0.3), false, true),
            part(Some(0.1), true, true),
            part(Some(0.9), false, false),
            part(None, false, true),
            part(None, false, false),
        ] {
            tally.take(&part, [0.25, 0.05]);
        }
        assert_eq!((tally.judged, tally.above, tally.neighbours), (3, [1, 3], 1));
        assert_eq!((tally.unjudged, tally.others, tally.classes.iter().sum::<u64>()), (2, 1, 3));
    }

    #[test]
    fn a_threshold_of_32_bits_is_compared_as_the_station_compares_it() {
        // The nearest number of 32 bits to 0.1 is greater than that of 64: a part exactly on it is good.
        let mut tally = Tally::default();
        tally.take(&Scored { score: Some(f64::from(0.1f32)), overridden: false, this_bundle: true }, [0.1, 0.099_999]);
        assert_eq!(tally.above, [0, 1]);
    }
}
