//! From readings to conditions: too hot, and too little room.
//!
//! Takes one reading after the other; gives which conditions hold. What cannot be read raises nothing, and leaves what was raised. It
//! reads nothing and knows no time.

use super::heat::MilliCelsius;
use super::reader::Reading;
use crate::health::alarms::Condition;

/// The board has cooled down when it is this much below the limit: without a step between the two, a board at the limit would raise and
/// clear its alarm at every reading.
const COOLED_BELOW: i32 = 5_000;

/// Readings in a row that must find too little room. The store makes room by itself, within less than the time between two.
const SHORT_READINGS: u32 = 2;

/// Limits of what is read, checked by `config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From here on the board is too hot.
    pub too_hot: MilliCelsius,
    /// With less room than this no pictures are kept.
    pub least_free_bytes: u64,
}

/// Which conditions hold.
#[derive(Debug, Clone)]
pub struct Watch {
    limits: Limits,
    hot: bool,
    short: u32,
    slowed: bool,
}

impl Watch {
    /// None holds.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, hot: false, short: 0, slowed: false }
    }

    /// Takes a reading. Gives whether the processor has begun to be slowed down with it.
    pub fn step(&mut self, reading: &Reading) -> bool {
        if let Some(heat) = &reading.hottest {
            let limit = self.limits.too_hot.0 - if self.hot { COOLED_BELOW } else { 0 };
            self.hot = heat.temperature.0 > limit || (!self.hot && heat.temperature.0 == limit);
        }
        if let Some(room) = reading.room {
            let short = room.free_bytes < self.limits.least_free_bytes;
            self.short = if short { self.short.saturating_add(1) } else { 0 };
        }
        let slowed = reading.throttling.map_or(self.slowed, |throttling| throttling.now);
        !std::mem::replace(&mut self.slowed, slowed) && slowed
    }

    /// What is present now or not.
    #[must_use]
    pub const fn conditions(&self) -> [(Condition, bool); 2] {
        [(Condition::TooHot, self.hot), (Condition::DiskLow, self.short >= SHORT_READINGS)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::alarms;
    use crate::health::readings::{Heat, Room, Throttling};

    fn reading(celsius: Option<f64>, free_bytes: Option<u64>) -> Reading {
        let heat =
            |celsius: f64| Heat { zone: "cpu-thermal".to_owned(), temperature: MilliCelsius((celsius * 1e3) as i32) };
        let room = |free_bytes| Room { free_bytes, total_bytes: 1_000, kind: 0 };
        Reading { hottest: celsius.map(heat), throttling: None, room: free_bytes.map(room) }
    }

    #[test]
    fn each_condition_raises_its_row_and_clears_it() {
        let mut watch = Watch::new(Limits { too_hot: MilliCelsius(80_000), least_free_bytes: 500 });
        let limits = alarms::Limits {
            consecutive_rejects: 0,
            consecutive_unjudged: 0,
            rejects_in_hundred: 0,
            confirm_within: None,
            gate_slack: shared::units::Travel(0),
            bin_full_after: shared::units::Micros(0),
        };
        let mut alarms = alarms::Alarms::new(limits);
        let course: [(_, _, &[&str], _); 12] = [
            (None, None, &[], "a board that tells nothing"),
            (Some(79.9), Some(500), &[], "just in order"),
            (Some(80.0), Some(500), &["TOO_HOT"], "the limit is too hot"),
            (Some(75.1), Some(500), &["TOO_HOT"], "not cooled down yet"),
            (None, None, &["TOO_HOT"], "what cannot be read changes nothing"),
            (Some(75.0), Some(499), &[], "cooled down; the store may make room"),
            (Some(79.9), Some(499), &["DISK_LOW"], "it could not"),
            (Some(90.0), Some(0), &["TOO_HOT", "DISK_LOW"], "both, the worse first"),
            (Some(20.0), None, &["DISK_LOW"], "a disk that does not answer has no more room for it"),
            (Some(20.0), Some(500), &[], "room again"),
            (Some(20.0), Some(499), &[], "for a moment"),
            (Some(20.0), Some(500), &[], "and the store made room"),
        ];
        for (at, (celsius, free, expected, why)) in (0..).zip(course) {
            watch.step(&reading(celsius, free));
            for (condition, present) in watch.conditions() {
                alarms.step(shared::units::Micros(at), alarms::Happening::Condition { condition, present });
            }
            assert_eq!(alarms.rows().map(|row| row.code).collect::<Vec<_>>(), expected, "{why}");
            assert!(alarms.permit(), "neither stops the line");
        }
    }

    #[test]
    fn a_processor_that_begins_to_be_slowed_down_is_told_once() {
        let mut watch = Watch::new(Limits { too_hot: MilliCelsius(80_000), least_free_bytes: 0 });
        let told = |now| {
            let throttling = Some(Throttling { now, ..Throttling::default() });
            Reading { throttling, ..reading(None, None) }
        };
        let course = [told(false), told(true), told(true), reading(None, None), told(true), told(false), told(true)];
        let begins: Vec<_> = course.iter().map(|reading| watch.step(reading)).collect();
        assert_eq!(begins, [false, true, false, false, false, false, true]);
    }
}
