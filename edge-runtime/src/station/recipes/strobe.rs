//! Which product is chosen at the inputs, and when: the number that the code's lines say once the strobe is on.
//!
//! Takes how the lines are at a time; gives a number once for each time that the strobe goes on. Contacts bounce, and a controller switches its
//! outputs one after the other: so nothing counts before it has held still. A strobe that is on at the start says nothing, since nobody
//! knows what it was meant for. It reads no line and knows no recipe.

use shared::units::Micros;

use crate::hw::roles::Selection;

/// The strobe and all lines of the code have to hold still for so long: longer than relays bounce and than a controller's scan takes.
pub const STEADY: Micros = Micros::from_millis(50);

/// What the strobe says.
#[derive(Debug, Clone, Default)]
pub struct Strobe {
    last: Selection,
    /// Since when each holds still; unknown before the first look.
    code_since: Option<Micros>,
    strobe_since: Option<Micros>,
    /// It was off for long enough, so that it says something when it goes on.
    armed: bool,
}

impl Strobe {
    /// Takes in how the lines are at a time, which never goes back. Gives the number that is wanted. Called later than
    /// [`Strobe::step_at`] says, it gives it later.
    pub fn step(&mut self, at: Micros, seen: Selection) -> Option<u16> {
        if seen.code_moved || seen.code != self.last.code || self.code_since.is_none() {
            self.code_since = Some(at);
        }
        if seen.strobe_moved || seen.strobe != self.last.strobe || self.strobe_since.is_none() {
            self.strobe_since = Some(at);
        }
        self.last = seen;
        if self.step_at()? > at {
            return None;
        }
        self.armed = !self.armed;
        // It was armed: the strobe is on.
        (!self.armed).then_some(seen.code)
    }

    /// When it must be called next if no line moves before; never, while nothing is under way.
    #[must_use]
    pub fn step_at(&self) -> Option<Micros> {
        let strobe = self.strobe_since.filter(|_| self.last.strobe == self.armed)?;
        // Going off says nothing of the code, whose lines may move already.
        let since = if self.armed { strobe.max(self.code_since?) } else { strobe };
        Some(since.saturating_add(STEADY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A course of the lines as (milliseconds, strobe, code), each looked at when it changes and at every millisecond that is asked for in
    /// between; and what was chosen when.
    fn chosen(course: &[(u64, bool, u16)], end: u64) -> Vec<(u64, u16)> {
        let (mut strobe, mut given, mut seen) = (Strobe::default(), Vec::new(), Selection::default());
        let mut at = 0;
        while at <= end {
            let moved = course.iter().find(|(then, ..)| *then == at);
            if let Some(&(_, on, code)) = moved {
                seen = Selection { code, strobe: on, code_moved: seen.code != code, strobe_moved: seen.strobe != on };
            }
            given.extend(strobe.step(Micros::from_millis(at), seen).map(|number| (at, number)));
            (seen.code_moved, seen.strobe_moved) = (false, false);
            let next = course.iter().map(|(then, ..)| *then).filter(|then| *then > at).min();
            let due = strobe.step_at().map(|due| due.0 / 1_000);
            let Some(soonest) = [next, due].into_iter().flatten().min() else { break };
            assert!(soonest > at, "it is called again and again at {at}");
            at = soonest;
        }
        given
    }

    const ON: bool = true;
    const OFF: bool = false;

    #[test]
    fn the_code_counts_once_when_the_strobe_has_held_still() {
        assert_eq!(chosen(&[(0, OFF, 0), (200, OFF, 7), (300, ON, 7), (400, OFF, 7)], 1_000), [(350, 7)]);
        let held = [(0, OFF, 0), (300, ON, 7), (900, ON, 9)];
        assert_eq!(chosen(&held, 9_000), [(350, 7)], "held, whatever the lines say then");
        let again =
            [(0, OFF, 7), (100, ON, 7), (200, OFF, 7), (300, ON, 7), (400, OFF, 0), (410, OFF, 9), (460, ON, 9)];
        assert_eq!(chosen(&again, 1_000), [(150, 7), (350, 7), (510, 9)], "once each time");
    }

    #[test]
    fn what_bounces_or_is_short_is_waited_for_or_nothing() {
        let bounces = [(0, OFF, 3), (100, ON, 3), (104, OFF, 3), (108, ON, 3), (130, OFF, 3), (131, ON, 3)];
        assert_eq!(chosen(&bounces, 1_000), [(181, 3)]);
        assert_eq!(chosen(&[(0, OFF, 3), (100, ON, 3), (149, OFF, 3)], 1_000), [], "too short");
        let late = [(0, OFF, 0), (100, ON, 1), (101, ON, 3), (102, ON, 7), (140, ON, 6)];
        assert_eq!(chosen(&late, 1_000), [(190, 6)], "the lines follow the strobe");
        let gap = [(0, OFF, 3), (100, ON, 3), (200, OFF, 3), (230, ON, 4), (400, OFF, 4), (500, ON, 5)];
        assert_eq!(chosen(&gap, 1_000), [(150, 3), (550, 5)], "off for too short a time is a bounce of one that is on");
    }

    #[test]
    fn a_line_that_moved_and_is_back_has_not_held_still() {
        let mut strobe = Strobe::default();
        let rest = Selection { code: 2, ..Selection::default() };
        let at = |strobe: &mut Strobe, ms, seen| strobe.step(Micros::from_millis(ms), seen);
        assert_eq!(at(&mut strobe, 0, rest), None);
        assert_eq!(at(&mut strobe, 50, rest), None);
        let on = Selection { strobe: true, ..rest };
        assert_eq!(at(&mut strobe, 100, Selection { strobe_moved: true, ..on }), None);
        assert_eq!(at(&mut strobe, 149, Selection { code_moved: true, ..on }), None);
        assert_eq!(at(&mut strobe, 160, Selection { strobe_moved: true, ..on }), None);
        assert_eq!(at(&mut strobe, 209, on), None);
        assert_eq!(at(&mut strobe, 210, on), Some(2));
        assert_eq!((at(&mut strobe, 9_000, on), strobe.step_at()), (None, None));
    }

    #[test]
    fn a_strobe_that_is_on_at_the_start_says_nothing_until_it_was_off() {
        assert_eq!(chosen(&[(0, ON, 5), (700, ON, 6)], 2_000), []);
        assert_eq!(chosen(&[(0, ON, 5), (700, OFF, 5), (720, ON, 5)], 2_000), [], "a bounce as it goes off");
        assert_eq!(chosen(&[(0, ON, 5), (700, OFF, 5), (800, ON, 6)], 2_000), [(850, 6)]);
    }
}
