//! Which picture belongs to which part.
//!
//! Takes registered parts with the time of their trigger edge, and exposure times of pictures; gives the part that a picture
//! shows, or says that a part's picture did not come in time. Times are [`Micros`] of one clock. It holds no pixels: whoever
//! asks keeps the latest picture and the one before it.

use std::collections::VecDeque;

use shared::limits::MAX_PARTS_IN_FLIGHT;
use shared::units::{Micros, PartId};

/// When the picture that shows a part is exposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// From the part's edge to where the model knows the part.
    pub after_edge: Micros,
    /// A picture exposed this much earlier still shows it.
    pub early: Micros,
    /// A picture exposed this much later still shows it.
    pub late: Micros,
}

impl Moment {
    /// A camera that is triggered with the edge: the time that a driver may take from edge to exposure. The belt runs a few
    /// millimetres meanwhile, far less than from one part to the next.
    pub const AT_EDGE: Self = Self { after_edge: Micros(0), early: Micros(0), late: Micros(5_000) };
}

/// Which of the pictures shows a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one that came now.
    This,
    /// The one before it.
    Previous,
}

/// A part and its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The part.
    pub part: PartId,
    /// The picture.
    pub which: Which,
    /// How much later than wanted its exposure began, in microseconds.
    pub residual_us: i64,
}

/// Parts that wait for their picture.
///
/// # Invariants
/// Parts wait in the order of their edges; at most [`MAX_PARTS_IN_FLIGHT`] do. No picture is given to two parts.
#[derive(Debug, Clone)]
pub struct Capture {
    moment: Moment,
    timeout: Micros,
    /// With the moment that is wanted.
    waiting: VecDeque<(PartId, Micros)>,
    /// When the latest picture was exposed that no part has.
    previous: Option<Micros>,
}

impl Capture {
    /// Gives a part up when its picture has not come `timeout` after its edge.
    #[must_use]
    pub fn new(moment: Moment, timeout: Micros) -> Self {
        Self { moment, timeout, waiting: VecDeque::new(), previous: None }
    }

    /// A part begins to wait. `false` when no more can wait; the part has no picture then.
    #[must_use]
    pub fn registered(&mut self, part: PartId, edge_at: Micros) -> bool {
        let room = self.waiting.len() < MAX_PARTS_IN_FLIGHT;
        if room {
            self.waiting.push_back((part, edge_at.saturating_add(self.moment.after_edge)));
        }
        room
    }

    /// A picture came. Gives the parts that it and the one before it show: a part whose moment lies between the two has the
    /// nearer one.
    pub fn pictured(&mut self, exposed_at: Micros) -> Vec<Shown> {
        let mut shown = Vec::new();
        let (mut this, mut previous) = (Some(exposed_at), self.previous);
        // The newest part first, since it is the nearest to what came now.
        for &(part, wanted) in self.waiting.iter().rev().filter(|&&(_, wanted)| wanted <= exposed_at) {
            let late = this.filter(|&at| at <= wanted.saturating_add(self.moment.late));
            let early = previous.filter(|&at| at <= wanted && wanted <= at.saturating_add(self.moment.early));
            let distance = |at: Micros| at.0.abs_diff(wanted.0);
            let (which, at) = match (early, late) {
                (None, None) => continue,
                (Some(early), late) if late.is_none_or(|late| distance(early) < distance(late)) => {
                    previous = None;
                    (Which::Previous, early)
                }
                _ => {
                    this = None;
                    (Which::This, exposed_at)
                }
            };
            shown.push(Shown { part, which, residual_us: at.0 as i64 - wanted.0 as i64 });
        }
        self.waiting.retain(|(part, _)| !shown.iter().any(|shown| shown.part == *part));
        self.previous = this;
        shown.reverse();
        shown
    }

    /// The next part whose time is over, if one is. Call again until there is none.
    pub fn overdue(&mut self, now: Micros) -> Option<PartId> {
        if self.step_at()? > now {
            return None;
        }
        self.waiting.pop_front().map(|(part, _)| part)
    }

    /// The next part of all that wait: none of them will have a picture.
    pub fn give_up(&mut self) -> Option<PartId> {
        self.waiting.pop_front().map(|(part, _)| part)
    }

    /// When [`Capture::overdue`] must next be asked; asked later, a lost picture is noticed later.
    #[must_use]
    pub fn step_at(&self) -> Option<Micros> {
        let &(_, wanted) = self.waiting.front()?;
        Some(wanted.saturating_sub(self.moment.after_edge).saturating_add(self.timeout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(moment: Moment) -> Capture {
        let mut capture = Capture::new(moment, Micros(100_000));
        assert!(capture.registered(PartId(1), Micros(1_000_000)));
        assert!(capture.registered(PartId(2), Micros(1_300_000)));
        capture
    }

    fn waiting() -> Capture {
        with(Moment::AT_EDGE)
    }

    /// A camera that runs free, at 10 frames a second.
    const FREE: Moment = Moment { after_edge: Micros(30_000), early: Micros(60_000), late: Micros(60_000) };

    fn shown(part: u32, which: Which, residual_us: i64) -> Shown {
        Shown { part: PartId(part), which, residual_us }
    }

    #[test]
    fn a_picture_finds_its_part_even_when_an_earlier_one_is_lost() {
        let mut capture = waiting();
        assert_eq!(capture.pictured(Micros(1_300_200)), [shown(2, Which::This, 200)]);
        assert_eq!(capture.overdue(Micros(1_400_000)), Some(PartId(1)));
        assert_eq!(capture.step_at(), None);
    }

    #[test]
    fn a_picture_before_any_edge_or_long_after_shows_nothing() {
        let mut capture = waiting();
        assert_eq!(capture.pictured(Micros(999_999)), []);
        assert_eq!(capture.pictured(Micros(1_005_001)), []);
    }

    #[test]
    fn of_a_camera_that_runs_free_the_nearer_picture_is_the_parts() {
        let mut capture = with(FREE);
        assert_eq!(capture.pictured(Micros(930_000)), []);
        assert_eq!(capture.pictured(Micros(1_010_000)), [], "20 ms early: the next one may be nearer");
        assert_eq!(capture.pictured(Micros(1_110_000)), [shown(1, Which::Previous, -20_000)]);
        assert_eq!(capture.pictured(Micros(1_310_000)), []);
        assert_eq!(capture.pictured(Micros(1_340_000)), [shown(2, Which::This, 10_000)]);
    }

    #[test]
    fn of_two_parts_the_nearer_has_the_picture_and_the_other_the_one_before_or_none() {
        let mut capture = Capture::new(FREE, Micros(100_000));
        for (part, edge) in [(1, 1_000_000), (2, 1_020_000)] {
            assert!(capture.registered(PartId(part), Micros(edge)));
        }
        let mut lone = capture.clone();
        assert_eq!(capture.pictured(Micros(1_025_000)), []);
        let both = [shown(1, Which::Previous, -5_000), shown(2, Which::This, 5_000)];
        assert_eq!(capture.pictured(Micros(1_055_000)), both);
        assert_eq!(lone.pictured(Micros(1_055_000)), [shown(2, Which::This, 5_000)]);
        assert_eq!(lone.overdue(Micros(1_100_000)), Some(PartId(1)));
    }

    #[test]
    fn a_picture_that_a_part_has_is_no_other_parts() {
        let mut capture = with(FREE);
        assert_eq!(capture.pictured(Micros(1_035_000)), [shown(1, Which::This, 5_000)]);
        assert!(capture.registered(PartId(3), Micros(1_010_000)));
        assert_eq!(capture.pictured(Micros(1_200_000)), [], "the one before is part 1's");
    }

    #[test]
    fn a_part_is_given_up_at_its_time_and_not_before() {
        for moment in [Moment::AT_EDGE, FREE] {
            let mut capture = with(moment);
            assert_eq!(capture.step_at(), Some(Micros(1_100_000)));
            assert_eq!(capture.overdue(Micros(1_099_999)), None);
            assert_eq!(capture.overdue(Micros(1_100_000)), Some(PartId(1)));
            assert_eq!(capture.overdue(Micros(1_100_000)), None);
        }
    }

    #[test]
    fn no_more_wait_than_can_be_followed() {
        let mut capture = Capture::new(Moment::AT_EDGE, Micros(1));
        for part in 0..MAX_PARTS_IN_FLIGHT as u32 {
            assert!(capture.registered(PartId(part), Micros(0)));
        }
        assert!(!capture.registered(PartId(99), Micros(0)));
    }
}
