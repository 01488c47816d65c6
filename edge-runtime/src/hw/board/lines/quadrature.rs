//! From the edges of two phases to steps and their direction.
//!
//! Takes the level of one phase after each edge; gives a step for each whole period. Forwards the second phase follows the first a
//! quarter of a period later. A disc that trembles at an edge gives no step, since a step back comes a whole period behind the
//! step forwards. It reads no line.

/// Two phases and how far the disc has turned.
///
/// # Invariants
/// `quarters` lies less than a period from the last step, either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quadrature {
    a: bool,
    b: bool,
    quarters: i8,
}

/// Quarters in a period.
const PERIOD: i8 = 4;

/// A phase of the encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The first.
    A,
    /// The one that follows it forwards.
    B,
}

impl Quadrature {
    /// With the phases at these levels.
    pub const fn new(a: bool, b: bool) -> Self {
        Self { a, b, quarters: 0 }
    }

    /// A phase is at a level now. Gives the direction of the step that is complete, if one is. The same level again, after edges so
    /// near to each other that the kernel saw only the last, is no movement.
    pub fn edge(&mut self, phase: Phase, level: bool) -> Option<bool> {
        let held = if phase == Phase::A { &mut self.a } else { &mut self.b };
        if std::mem::replace(held, level) == level {
            return None;
        }
        // Forwards A changes while it differs from B's new level, and B while it follows A.
        let forwards = (phase == Phase::A) == (self.a != self.b);
        self.quarters += if forwards { 1 } else { -1 };
        let step = self.quarters.abs() >= PERIOD;
        if step {
            self.quarters = 0;
        }
        step.then_some(forwards)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Levels at a quarter of the disc, forwards 00, 10, 11, 01.
    fn levels(quarter: i64) -> (bool, bool) {
        match quarter.rem_euclid(4) {
            0 => (false, false),
            1 => (true, false),
            2 => (true, true),
            _ => (false, true),
        }
    }

    fn turned(quarters: &[i64]) -> Vec<bool> {
        let (mut disc, mut at, mut steps) = (Quadrature::new(false, false), 0, Vec::new());
        for &quarter in quarters {
            let ((a, b), (was_a, _)) = (levels(quarter), levels(at));
            let (phase, level) = if a == was_a { (Phase::B, b) } else { (Phase::A, a) };
            steps.extend(disc.edge(phase, level));
            at = quarter;
        }
        steps
    }

    #[test]
    fn a_period_is_a_step_and_trembling_is_none() {
        for (quarters, steps) in [
            (&[1, 2, 3, 4, 5, 6, 7, 8][..], &[true, true][..]),
            (&[-1, -2, -3, -4], &[false]),
            (&[1, 2, 3, 4, 3, 4, 3, 4, 5, 4], &[true]),
            (&[1, 0, 1, 0, -1, 0, 1], &[]),
            (&[1, 2, 3, 4, 3, 2, 1, 0, -1], &[true, false]),
        ] {
            assert_eq!(turned(quarters), steps, "{quarters:?}");
        }
    }

    #[test]
    fn a_level_that_is_told_twice_is_no_movement() {
        let mut disc = Quadrature::new(false, false);
        for _ in 0..10 {
            assert_eq!(disc.edge(Phase::A, true), None);
        }
        assert_eq!(disc, Quadrature { a: true, b: false, quarters: 1 });
    }

    proptest! {
        #[test]
        fn steps_stay_within_a_period_of_the_disc(moves in prop::collection::vec(prop::bool::ANY, 0..400)) {
            let mut at = 0;
            let course: Vec<i64> = moves.iter().map(|&on| { at += if on { 1 } else { -1 }; at }).collect();
            let counted: i64 = turned(&course).iter().map(|&on| if on { 4 } else { -4 }).sum();
            prop_assert!((counted - at).abs() < 4, "{counted} counted, {at} turned");
        }
    }
}
