//! Whether the scores of parts that passed are distributed as those of the held-out good parts: the test of Kolmogorov and Smirnov for
//! two samples, over the last parts.
//!
//! Takes each part's [`Rank`]; gives the greatest difference between the two distributions and whether chance explains it. Scores
//! that are equal are allowed for. Holds a window of parts and nothing else.

use libm::{log, sqrt};

use crate::units::Micros;

/// Parts that are held against the held-out ones.
pub const WINDOW: usize = 200;

/// Chance that a window of a healthy line is taken for a strange one. Windows follow one another by a part, so that it must be small.
const FALSE_ALARM: f64 = 1e-6;

/// A warning ends when the difference has come down to this share of its limit.
const OVER: f64 = 0.8;

/// Where a score lies among the held-out ones that passed, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// How many are smaller.
    pub below: u16,
    /// How many are not greater.
    pub upto: u16,
}

impl Rank {
    /// The rank of a score among `held_out`, ascending.
    pub fn of(score: f32, held_out: &[f32]) -> Self {
        let count = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        Self {
            below: count(held_out.partition_point(|&other| other < score)),
            upto: count(held_out.partition_point(|&other| other <= score)),
        }
    }
}

/// The held-out scores that a window is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOut {
    /// How many there are.
    scores: u16,
    /// Greatest difference that chance explains, above 1 where there are too few parts to say anything.
    limit: f64,
}

impl HeldOut {
    /// `scores` of `parts` different parts: pictures of one part say little more than one of them.
    /// The limit is N. V. Smirnov's asymptotic one (1939), which errs towards silence for few parts.
    pub fn new(scores: usize, parts: usize) -> Self {
        let (n, m) = (parts.max(1) as f64, WINDOW as f64);
        let limit = sqrt(-log(FALSE_ALARM / 2.0) / 2.0 * (n + m) / (n * m));
        Self { scores: u16::try_from(scores).unwrap_or(u16::MAX), limit }
    }

    /// With a limit that has been chosen.
    #[cfg(test)]
    pub(super) fn with(scores: usize, limit: f64) -> Self {
        Self { scores: u16::try_from(scores).unwrap_or(u16::MAX), limit }
    }
}

/// The last parts.
///
/// # Invariants
/// `ranks[..filled]` is in use; the oldest is at `at` once all are.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranks {
    ranks: [(Rank, Micros); WINDOW],
    at: usize,
    filled: usize,
    since: Option<Micros>,
    higher: bool,
}

impl Ranks {
    /// No part yet.
    pub const fn new() -> Self {
        let none = (Rank { below: 0, upto: 0 }, Micros(0));
        Self { ranks: [none; WINDOW], at: 0, filled: 0, since: None, higher: false }
    }

    /// Takes a part in.
    pub fn step(&mut self, now: Micros, rank: Rank, held_out: &HeldOut) {
        self.ranks[self.at] = (rank, now);
        self.at = (self.at + 1) % WINDOW;
        self.filled = (self.filled + 1).min(WINDOW);
        if self.filled < WINDOW || held_out.scores == 0 {
            return;
        }
        let (difference, higher) = self.difference(held_out);
        match self.since {
            None if difference > held_out.limit => {
                self.since = Some(self.ranks[self.at].1);
                self.higher = higher;
            }
            Some(_) if difference < OVER * held_out.limit => self.since = None,
            _ => {}
        }
    }

    /// Since when the scores have been others at the earliest, and whether they are higher; `None` while they are not.
    pub fn moved(&self) -> Option<(Micros, bool)> {
        self.since.map(|since| (since, self.higher))
    }

    /// The greatest difference between the distributions, and whether the window's scores are the higher ones there.
    fn difference(&self, held_out: &HeldOut) -> (f64, bool) {
        let mut ranks = self.ranks.map(|(rank, _)| rank);
        ranks.sort_unstable();
        let (all, mut greatest, mut higher) = (f64::from(held_out.scores), 0.0_f64, false);
        let mut smaller = 0;
        for equal in ranks.chunk_by(|a, b| a == b) {
            let (upto, rank) = (smaller + equal.len(), equal[0]);
            // Before these scores and after them: between, only one of the two distributions rises.
            for (window, held_out) in [(smaller, rank.below), (upto, rank.upto)] {
                let difference = f64::from(held_out) / all - window as f64 / WINDOW as f64;
                if difference.abs() > greatest {
                    (greatest, higher) = (difference.abs(), difference > 0.0);
                }
            }
            smaller = upto;
        }
        (greatest, higher)
    }
}
