//! Which parts leave a picture, and which pictures go first when there is no room.
//!
//! Takes records in the order in which parts leave; gives a [`Class`] for those whose picture is kept. Draws no chance: the
//! same shift keeps the same pictures.

use shared::record::Record;
use shared::units::Score;

/// What a picture is kept for, the least worth keeping first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// One good part of many, to learn from.
    Good = 0,
    /// A part that passed near the threshold.
    Near = 1,
    /// A part that was rejected, for whatever reason.
    Rejected = 2,
}

impl Class {
    const ALL: [Self; 3] = [Self::Good, Self::Near, Self::Rejected];

    /// The class of a number, as a row has it.
    pub(super) fn of(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|&class| class as i64 == number)
    }

    /// In words, for tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Near => "near",
            Self::Rejected => "rejected",
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keep {
    /// One good part in so many; 0 keeps none.
    pub good_one_in: u32,
    /// A good part is near the threshold from this share of it on, 0 to 1.
    pub near_threshold: f32,
}

/// Sorts parts into classes, counting the good ones.
#[derive(Debug, Clone)]
pub(super) struct Chooser {
    keep: Keep,
    near_from: f32,
    good: u32,
}

impl Chooser {
    pub fn new(keep: Keep, threshold: Score) -> Self {
        Self { keep, near_from: threshold.get() * keep.near_threshold, good: 0 }
    }

    /// Another threshold from now on.
    pub fn threshold(&mut self, threshold: Score) {
        self.near_from = threshold.get() * self.keep.near_threshold;
    }

    /// Why the picture of this part is kept, if it is.
    pub fn choose(&mut self, record: &Record) -> Option<Class> {
        let raw = record.get();
        if !raw.passed {
            return Some(Class::Rejected);
        }
        if raw.verdict.score().is_some_and(|score| score.get() >= self.near_from) {
            return Some(Class::Near);
        }
        let due = self.keep.good_one_in > 0 && self.good == 0;
        self.good = (self.good + 1) % self.keep.good_one_in.max(1);
        due.then_some(Class::Good)
    }
}

#[cfg(test)]
mod tests {
    use shared::record::RawRecord;
    use shared::units::{Micros, PartId, Travel};
    use shared::verdict::{Reason, Verdict};

    use super::*;

    fn record(verdict: Verdict, override_reason: Option<Reason>) -> Record {
        Record::check(RawRecord {
            part: PartId(1),
            seen_at: Micros(0),
            seen_travel: Travel(0),
            decided_at: Micros(0),
            verdict,
            passed: verdict.passes() && override_reason.is_none(),
            override_reason,
            late_verdict: None,
            simulation: true,
        })
        .unwrap()
    }

    #[test]
    fn rejected_parts_parts_near_the_threshold_and_one_good_part_in_three() {
        let score = |value| Score::new(value).unwrap();
        let keep = Keep { good_one_in: 3, near_threshold: 0.8 };
        let mut chooser = Chooser::new(keep, score(0.5));
        let good = |value| record(Verdict::Good(score(value)), None);
        let cases = [
            (good(0.1), Some(Class::Good)),
            (good(0.39), None),
            (good(0.45), Some(Class::Near)),
            (record(Verdict::Bad(score(0.6)), None), Some(Class::Rejected)),
            (good(0.2), None),
            (record(Verdict::Uninspected(Reason::NoFrame), None), Some(Class::Rejected)),
            (good(0.2), Some(Class::Good)),
            (record(Verdict::Good(score(0.1)), Some(Reason::Neighbour)), Some(Class::Rejected)),
        ];
        for (step, (record, expected)) in cases.into_iter().enumerate() {
            assert_eq!(chooser.choose(&record), expected, "step {step}");
        }
    }

    #[test]
    fn no_good_parts_when_none_are_wanted() {
        let mut chooser = Chooser::new(Keep { good_one_in: 0, near_threshold: 1.0 }, Score::new(0.5).unwrap());
        let good = record(Verdict::Good(Score::new(0.4).unwrap()), None);
        assert!((0..10).all(|_| chooser.choose(&good).is_none()));
    }
}
