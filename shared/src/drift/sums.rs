//! Whether the mean of a figure has moved: E. S. Page's cumulative sums (Biometrika 41, 1954), upwards and downwards.
//!
//! Takes standardised values one by one with their times; gives whether their mean has moved by more than a slack, which way, and
//! since when: Page's estimate is the moment at which the sum last left zero. Holds a few numbers, whatever happens.

use libm::log;

use crate::units::Micros;

/// Parts until a mean that has not moved is taken for one that has, on average.
const FALSE_ALARM_AFTER: f64 = 1e8;

/// A value counts for no more than this many deviations: one part with a lamp's reflection, or without a part in it, moves no mean.
const GREATEST: f64 = 3.0;

/// A sum is kept below this many times its limit, so that a mean that has come back is believed soon.
const CAP: f64 = 2.0;

/// What a figure is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    mean: f64,
    unit: f64,
    /// Half the move that is to be found, in units.
    slack: f64,
    /// Sum beyond which the mean has moved, in units.
    limit: f64,
}

impl Scale {
    /// For a figure of this mean and deviation, found from `count` values, whose mean is to be found moved when it has by `worth`.
    /// A figure that varies little is taken to vary so much that `worth` is as large as a value can count.
    pub fn new(mean: f64, deviation: f64, count: u32, worth: f64) -> Self {
        let unit = deviation.max(worth / GREATEST).max(f64::MIN_POSITIVE);
        // The mean is known no better than this: three standard errors.
        let unsure = 3.0 / libm::sqrt(f64::from(count.max(1)));
        let slack = (worth / unit / 2.0).max(unsure).min(GREATEST / 2.0);
        Self { mean, unit, slack, limit: limit(slack, FALSE_ALARM_AFTER) }
    }

    /// A scale whose limit has been chosen.
    #[cfg(test)]
    pub(super) fn standard_with(slack: f64, limit: f64) -> Self {
        Self { mean: 0.0, unit: 1.0, slack, limit }
    }

    fn standard(&self, value: f64) -> f64 {
        ((value - self.mean) / self.unit).clamp(-GREATEST, GREATEST)
    }

    /// The mean that was given.
    pub fn mean(&self) -> f64 {
        self.mean
    }
}

/// The sum's limit, in deviations, for a slack and the mean number of values until a false alarm. Solves D. Siegmund's approximation of the mean time to a false alarm of one side
/// (Sequential Analysis, 1985, (10.17)): (exp(2 k b) - 2 k b - 1) / 2 k² with b = limit + 1.166.
pub(super) fn limit(slack: f64, false_alarm_after: f64) -> f64 {
    let mut b = 1.0;
    // Each round gains at least a digit, since the logarithm hardly sees what is put into it.
    for _ in 0..40 {
        b = log(2.0 * slack * slack * false_alarm_after + 2.0 * slack * b + 1.0) / (2.0 * slack);
    }
    b - 1.166
}

/// One direction.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Side {
    sum: f64,
    since: Micros,
    /// Values since the sum left zero, and their total as they were measured.
    count: u32,
    total: f64,
    moved: bool,
}

impl Side {
    const fn new() -> Self {
        Self { sum: 0.0, since: Micros(0), count: 0, total: 0.0, moved: false }
    }

    fn step(&mut self, now: Micros, value: f64, standard: f64, scale: &Scale) {
        if self.sum <= 0.0 {
            *self = Self { since: now, ..Self::new() };
        }
        self.count = self.count.saturating_add(1);
        self.total += value;
        self.sum = (self.sum + standard - scale.slack).clamp(0.0, CAP * scale.limit);
        self.moved = if self.moved { self.sum > 0.0 } else { self.sum > scale.limit };
    }
}

/// The two sums of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sums {
    up: Side,
    down: Side,
}

impl Sums {
    /// No value yet.
    pub const fn new() -> Self {
        Self { up: Side::new(), down: Side::new() }
    }

    /// Takes a value in.
    pub fn step(&mut self, now: Micros, value: f64, scale: &Scale) {
        let standard = scale.standard(value);
        self.up.step(now, value, standard, scale);
        self.down.step(now, value, -standard, scale);
    }

    /// Since when the mean has moved, and what it has been since; `None` while it has not.
    pub fn moved(&self) -> Option<(Micros, f64)> {
        [&self.up, &self.down]
            .into_iter()
            .find(|side| side.moved)
            .map(|side| (side.since, side.total / f64::from(side.count.max(1))))
    }
}
