//! What a reader asks for → a threshold to look at.
//!
//! Takes text of an address or of a form, as people write it, with a point or a comma; gives a threshold with what it promises, or why there is
//! none. Changes nothing.

use serde::Deserialize;
use shared::threshold::{Promise, ThresholdError, choose, promise};
use shared::units::Score;

use crate::wire::Basis;

/// What may be asked for. An empty text asks for nothing.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    /// Hours back; anything else is all.
    pub hours: Option<String>,
    /// Good parts that may be rejected, in per cent.
    pub target: Option<String>,
    /// A threshold.
    pub at: Option<String>,
}

/// Why there is nothing to look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoTrial {
    /// No share of 0 to 100 per cent.
    Target,
    /// No score below 1.
    Score,
    /// The held-out good parts cannot promise so small a share.
    TooFew {
        /// How many there are.
        parts: usize,
        /// How many it takes.
        needed: usize,
        /// The smallest share that they can promise, 0 to 1.
        reachable: f64,
    },
    /// The station told of no good parts.
    NoScores,
}

/// A number as people write it.
#[must_use]
pub fn number(text: &str) -> Option<f64> {
    text.trim().replace(',', ".").parse().ok().filter(|number: &f64| number.is_finite())
}

/// A threshold as people write it: 0 or more, and below 1, since otherwise no part could be bad.
#[must_use]
pub fn threshold(text: &str) -> Option<Score> {
    Score::new(number(text)? as f32).filter(|score| score.get() < 1.0)
}

/// What a threshold promises, by the good parts that the trainer held out; nothing where there are none.
#[must_use]
pub fn promised(basis: &Basis, threshold: Score) -> Option<Promise> {
    promise(&scores(basis), &basis.good_parts, threshold.get()).ok()
}

fn scores(basis: &Basis) -> Vec<f32> {
    basis.good_scores.iter().map(|score| score.get()).collect()
}

impl Wish {
    /// The threshold that somebody wants to look at; `None` where nobody wants to. A threshold comes before a share.
    ///
    /// # Errors
    /// [`NoTrial`].
    pub fn trial(&self, basis: &Basis) -> Result<Option<Score>, NoTrial> {
        let asked = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        if let Some(at) = asked(&self.at) {
            return threshold(&at).map(Some).ok_or(NoTrial::Score);
        }
        let Some(target) = asked(&self.target) else { return Ok(None) };
        let target = number(&target).ok_or(NoTrial::Target)? / 100.0;
        match choose(&scores(basis), &basis.good_parts, target) {
            Ok(chosen) => Score::new(chosen.value).filter(|score| score.get() < 1.0).map(Some).ok_or(NoTrial::Score),
            Err(ThresholdError::Target { .. }) => Err(NoTrial::Target),
            Err(ThresholdError::TooFewParts { parts, needed, reachable, .. }) if parts > 0 => {
                Err(NoTrial::TooFew { parts, needed, reachable })
            }
            Err(_) => Err(NoTrial::NoScores),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis(count: usize) -> Basis {
        let good_scores = (0..count).map(|at| Score::new(at as f32 / 1000.0).unwrap()).collect();
        Basis { good_scores, ..Basis::default() }
    }

    fn wish(target: &str, at: &str) -> Wish {
        Wish { target: Some(target.to_owned()), at: Some(at.to_owned()), ..Wish::default() }
    }

    #[test]
    fn a_share_gives_the_trainers_threshold_and_one_that_is_too_small_says_what_it_takes() {
        let basis = basis(99);
        assert_eq!(wish("2,0", " ").trial(&basis), Ok(Score::new(0.097)), "the second largest of 99");
        assert_eq!(wish("2", "0,5").trial(&basis), Ok(Score::new(0.5)));
        assert_eq!(wish("", "").trial(&basis), Ok(None));
        assert_eq!(wish("0.5", "").trial(&basis), Err(NoTrial::TooFew { parts: 99, needed: 199, reachable: 0.01 }));
        for (target, at, why) in [
            ("0", "", NoTrial::Target),
            ("100", "", NoTrial::Target),
            ("two", "", NoTrial::Target),
            ("NaN", "", NoTrial::Target),
            ("", "1", NoTrial::Score),
            ("", "-0.1", NoTrial::Score),
            ("", "0.1.2", NoTrial::Score),
        ] {
            assert_eq!(wish(target, at).trial(&basis), Err(why), "{target} {at}");
        }
        assert_eq!(wish("2", "").trial(&Basis::default()), Err(NoTrial::NoScores));
        assert_eq!(promised(&Basis::default(), Score::default()), None);
        let promise = promised(&basis, Score::new(0.097).unwrap()).unwrap();
        assert!(promise.above == 1 && (promise.expected - 0.02).abs() < 1e-12, "{promise:?}");
    }
}
