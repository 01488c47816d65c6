//! Results one by one, in the order in which parts left, each until the controller has acknowledged it.
//!
//! In the words of common vision sensors: *Results Valid* is on while a result is presented; the controller reads it and switches *Results
//! Acknowledge* on, upon which *Results Valid* goes off; it switches *Results Acknowledge* off again, and the next one is presented.
//! *Inspection Completed* turns over with each result, for controllers that look at nothing else. Reads no clock.

use std::collections::VecDeque;

use crate::wire::Part;

/// Results that wait: half a minute of ten parts a second. Beyond it the newest are left out, and *Buffer Overrun* says so.
pub const RESULTS: usize = 300;

/// The state of the handshake.
///
/// # Invariants
/// Nothing waits while nothing is presented, but for the time in which the controller acknowledges.
#[derive(Debug, Default)]
pub struct Handshake {
    waiting: VecDeque<Part>,
    presented: Option<Part>,
    completed: bool,
    acknowledging: bool,
    overrun: bool,
}

impl Handshake {
    /// A part has left.
    pub fn left(&mut self, part: Part) {
        if self.waiting.len() < RESULTS {
            self.waiting.push_back(part);
        } else {
            self.overrun = true;
        }
        self.present();
    }

    /// Parts have left of which nothing is known.
    pub fn lost(&mut self) {
        self.overrun = true;
    }

    /// Another run has begun, whose parts are numbered anew: results of the one before are of no use any more.
    pub fn restart(&mut self) {
        self.waiting.clear();
        self.presented = None;
    }

    /// The controller switches *Results Acknowledge*.
    pub fn acknowledge(&mut self, on: bool) {
        if on && !self.acknowledging {
            self.presented = None;
        }
        self.acknowledging = on;
        self.present();
    }

    /// The controller knows that results are missing.
    pub fn clear_overrun(&mut self) {
        self.overrun = false;
    }

    /// *Results Valid*, with the result.
    #[must_use]
    pub fn presented(&self) -> Option<&Part> {
        self.presented.as_ref()
    }

    /// *Inspection Completed*, which turns over with each result.
    #[must_use]
    pub fn completed(&self) -> bool {
        self.completed
    }

    /// *Results Acknowledge*, as the controller left it.
    #[must_use]
    pub fn acknowledging(&self) -> bool {
        self.acknowledging
    }

    /// *Buffer Overrun*: results are missing.
    #[must_use]
    pub fn overrun(&self) -> bool {
        self.overrun
    }

    /// Results that wait behind the one that is presented.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn present(&mut self) {
        if self.presented.is_none() && !self.acknowledging {
            self.presented = self.waiting.pop_front();
            self.completed ^= self.presented.is_some();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use shared::units::{Micros, PartId};
    use shared::verdict::{Reason, Verdict};

    use super::*;

    /// A part that was not judged.
    pub fn part(number: u32) -> Part {
        Part {
            number: PartId(number),
            wall_us: 0,
            seen_at: Micros(0),
            decided_at: Micros(0),
            verdict: Verdict::Uninspected(Reason::NoFrame),
            passed: false,
            override_reason: None,
            late_verdict: None,
            inference: None,
            frame_residual_us: None,
            fire_error_us: None,
            bundle: None,
        }
    }

    /// What a controller sees: the presented part's number, *Inspection Completed*, how many wait.
    fn seen(handshake: &Handshake) -> (Option<u32>, bool, usize) {
        (handshake.presented().map(|part| part.number.0), handshake.completed(), handshake.waiting())
    }

    #[test]
    fn each_result_is_presented_until_it_is_acknowledged_and_the_next_after_that() {
        let mut handshake = Handshake::default();
        assert_eq!(seen(&handshake), (None, false, 0));
        handshake.left(part(1));
        handshake.left(part(2));
        assert_eq!(seen(&handshake), (Some(1), true, 1));
        handshake.acknowledge(false);
        assert_eq!(seen(&handshake), (Some(1), true, 1), "not acknowledged");
        for _ in 0..2 {
            handshake.acknowledge(true);
            assert_eq!(seen(&handshake), (None, true, 1), "the controller still holds its bit");
        }
        handshake.acknowledge(false);
        assert_eq!(seen(&handshake), (Some(2), false, 0));
        handshake.acknowledge(true);
        handshake.left(part(3));
        assert_eq!(seen(&handshake), (None, false, 1));
        handshake.acknowledge(false);
        assert_eq!(seen(&handshake), (Some(3), true, 0));
        handshake.left(part(4));
        handshake.restart();
        assert_eq!(seen(&handshake), (None, true, 0));
    }

    #[test]
    fn a_controller_that_does_not_keep_up_is_told_that_results_are_missing() {
        let mut handshake = Handshake::default();
        for number in 0..=RESULTS as u32 {
            handshake.left(part(number));
        }
        assert!(!handshake.overrun(), "one is presented, the others wait");
        handshake.left(part(9_999));
        assert!(handshake.overrun());
        handshake.clear_overrun();
        assert!(!handshake.overrun());
        for number in 0..=RESULTS as u32 {
            assert_eq!(handshake.presented().map(|part| part.number.0), Some(number));
            handshake.acknowledge(true);
            handshake.acknowledge(false);
        }
        assert_eq!(handshake.presented(), None, "the newest was left out");
    }
}
