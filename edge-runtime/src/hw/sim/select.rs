//! The twin of the inputs at which a product is chosen, on a line in real time.
//!
//! Takes what is pressed and when; gives levels as sloppy wiring does: the strobe is first and bounces, and the code's lines follow one
//! after the other. Waiting takes as long as it says; it chooses nothing.

use std::time::Duration;

use shared::units::Micros;

use super::live::SharedClock;
use crate::hw::roles::{HwFault, SelectInput, Selection};

/// From one line of the code to the next, when another number is said.
const SKEW: Micros = Micros::from_millis(1);

/// From one bounce of the strobe to the next.
const BOUNCE: Micros = Micros::from_millis(3);

/// A product that is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    /// When the strobe goes on, from the start of the line.
    pub at: Micros,
    /// What the lines say, from about then on.
    pub code: u16,
    /// How long the strobe is on, bounces aside.
    pub held: Micros,
}

/// What is pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presses {
    /// Lines of the code, 1 to 14.
    pub lines: u8,
    /// One after the other.
    pub presses: Vec<Press>,
}

impl Presses {
    /// The greatest number that can be said.
    #[must_use]
    pub fn greatest(&self) -> u16 {
        ((1u32 << self.lines) - 1) as u16
    }
}

/// A line that moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Strobe(bool),
    Code(u8, bool),
}

/// The inputs.
pub struct SimSelect {
    clock: SharedClock,
    /// What is still to come, the next one last.
    moves: Vec<(Micros, Move)>,
    code: u16,
    strobe: bool,
}

impl SimSelect {
    /// Inputs on which this will be pressed, by the station's clock.
    #[must_use]
    pub fn new(presses: &Presses, clock: SharedClock) -> Self {
        let mut moves: Vec<_> = presses.presses.iter().flat_map(|press| moves_of(*press, presses.lines)).collect();
        moves.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Self { clock, moves, code: 0, strobe: false }
    }
}

fn moves_of(press: Press, lines: u8) -> impl Iterator<Item = (Micros, Move)> {
    let after = |from: Micros, times: u64, step: Micros| Micros(from.0.saturating_add(times * step.0));
    let bits =
        (0..lines).map(move |bit| (after(press.at, u64::from(bit), SKEW), Move::Code(bit, press.code >> bit & 1 == 1)));
    let edge = move |at: Micros, on: bool| {
        (0..3).map(move |time| (after(at, time, BOUNCE), Move::Strobe((time % 2 == 0) == on)))
    };
    let off = press.at.saturating_add(press.held);
    edge(press.at, true).chain(bits).chain(edge(off, false))
}

impl SelectInput for SimSelect {
    fn look(&mut self, until: Micros) -> Result<Selection, HwFault> {
        loop {
            let now = self.clock.now();
            let mut seen = Selection::default();
            while let Some((_, moved)) = self.moves.pop_if(|(at, _)| *at <= now) {
                match moved {
                    Move::Strobe(on) => (self.strobe, seen.strobe_moved) = (on, true),
                    Move::Code(bit, on) => {
                        let code = self.code & !(1 << bit) | u16::from(on) << bit;
                        seen.code_moved |= std::mem::replace(&mut self.code, code) != code;
                    }
                }
            }
            if seen != Selection::default() || now >= until {
                return Ok(Selection { code: self.code, strobe: self.strobe, ..seen });
            }
            let next = self.moves.last().map_or(until, |(at, _)| until.min(*at));
            std::thread::park_timeout(Duration::from_micros(next.saturating_sub(now).0));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::hw::roles::Clock;

    /// A clock that goes on by a millisecond each time that it is read.
    struct Ticking(AtomicU64);

    impl Clock for Ticking {
        fn now(&self) -> Micros {
            Micros(self.0.fetch_add(1_000, Ordering::Relaxed))
        }
    }

    #[test]
    fn the_strobe_comes_first_and_bounces_and_the_lines_follow_one_by_one() {
        let press = Press { at: Micros(20_000), code: 0b101, held: Micros(30_000) };
        let mut input =
            SimSelect::new(&Presses { lines: 3, presses: vec![press] }, Arc::new(Ticking(AtomicU64::new(0))));
        let mut course = Vec::new();
        for _ in 0..60 {
            let seen = input.look(Micros(0)).unwrap();
            if seen.code_moved || seen.strobe_moved {
                course.push((seen.strobe, seen.code));
            }
        }
        let (on, off) = (true, false);
        assert_eq!(course, [(on, 1), (on, 5), (off, 5), (on, 5), (off, 5), (on, 5), (off, 5)]);
        let rest = Selection { code: 5, ..Selection::default() };
        assert_eq!(input.look(Micros(0)), Ok(rest), "nothing moves any more, and the lines stay");
    }
}
