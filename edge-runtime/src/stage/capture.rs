//! Which picture belongs to which part.
//!
//! Takes registered parts with the time of their trigger edge, and exposure times of pictures; gives the part that a picture
//! shows, or says that a part's picture did not come in time. Times are [`Micros`] of one clock. It holds no pixels.

use std::collections::VecDeque;

use shared::limits::MAX_PARTS_IN_FLIGHT;
use shared::units::{Micros, PartId};

/// A picture whose exposure began at most this long after an edge shows that edge's part: the time a driver may take from
/// edge to exposure. The belt runs a few millimetres meanwhile, far less than from one part to the next.
const MATCHES_WITHIN: Micros = Micros(5_000);

/// Parts that wait for their picture.
///
/// # Invariants
/// Parts wait in the order of their edges; at most [`MAX_PARTS_IN_FLIGHT`] do.
#[derive(Debug, Clone)]
pub struct Capture {
    timeout: Micros,
    waiting: VecDeque<(PartId, Micros)>,
}

impl Capture {
    /// Gives a part up when its picture has not come `timeout` after its edge.
    #[must_use]
    pub fn new(timeout: Micros) -> Self {
        Self { timeout, waiting: VecDeque::new() }
    }

    /// A part begins to wait. `false` when no more can wait; the part has no picture then.
    #[must_use]
    pub fn registered(&mut self, part: PartId, edge_at: Micros) -> bool {
        let room = self.waiting.len() < MAX_PARTS_IN_FLIGHT;
        if room {
            self.waiting.push_back((part, edge_at));
        }
        room
    }

    /// The part that a picture shows; `None` for a picture of no part that still waits.
    pub fn pictured(&mut self, exposed_at: Micros) -> Option<PartId> {
        let shows = |edge_at: Micros| edge_at <= exposed_at && exposed_at <= edge_at.saturating_add(MATCHES_WITHIN);
        let index = self.waiting.iter().position(|&(_, edge_at)| shows(edge_at))?;
        self.waiting.remove(index).map(|(part, _)| part)
    }

    /// The next part whose time is over, if one is. Call again until there is none.
    pub fn overdue(&mut self, now: Micros) -> Option<PartId> {
        if self.step_at()? > now {
            return None;
        }
        self.waiting.pop_front().map(|(part, _)| part)
    }

    /// When [`Capture::overdue`] must next be asked; asked later, a lost picture is noticed later.
    #[must_use]
    pub fn step_at(&self) -> Option<Micros> {
        self.waiting.front().map(|&(_, edge_at)| edge_at.saturating_add(self.timeout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting() -> Capture {
        let mut capture = Capture::new(Micros(100_000));
        assert!(capture.registered(PartId(1), Micros(1_000_000)));
        assert!(capture.registered(PartId(2), Micros(1_300_000)));
        capture
    }

    #[test]
    fn a_picture_finds_its_part_even_when_an_earlier_one_is_lost() {
        let mut capture = waiting();
        assert_eq!(capture.pictured(Micros(1_300_200)), Some(PartId(2)));
        assert_eq!(capture.overdue(Micros(1_400_000)), Some(PartId(1)));
        assert_eq!(capture.step_at(), None);
    }

    #[test]
    fn a_picture_before_any_edge_or_long_after_shows_nothing() {
        let mut capture = waiting();
        assert_eq!(capture.pictured(Micros(999_999)), None);
        assert_eq!(capture.pictured(Micros(1_005_001)), None);
    }

    #[test]
    fn a_part_is_given_up_at_its_time_and_not_before() {
        let mut capture = waiting();
        assert_eq!(capture.step_at(), Some(Micros(1_100_000)));
        assert_eq!(capture.overdue(Micros(1_099_999)), None);
        assert_eq!(capture.overdue(Micros(1_100_000)), Some(PartId(1)));
        assert_eq!(capture.overdue(Micros(1_100_000)), None);
    }

    #[test]
    fn no_more_wait_than_can_be_followed() {
        let mut capture = Capture::new(Micros(1));
        for part in 0..MAX_PARTS_IN_FLIGHT as u32 {
            assert!(capture.registered(PartId(part), Micros(0)));
        }
        assert!(!capture.registered(PartId(99), Micros(0)));
    }
}
