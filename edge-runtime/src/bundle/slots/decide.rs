//! Which bundle judges: at a start, and in the course of a line.
//!
//! Takes a [`State`], and what the bundle in charge has done; gives what to do. Does none of it.

use super::state::{Slot, State};

/// Parts that a bundle must have judged before it is committed: enough for every way through the network to have been taken, few
/// enough for a trial to end within the shift that began it.
pub const TRIAL_PARTS: u64 = 20;

/// How often a bundle may be put in charge without having been committed. A station that dies with it comes back once with it, in
/// case that it died of something else.
pub const MOST_STARTS: u32 = 2;

/// Where a bundle is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The configuration's own bundle.
    Factory,
    /// A slot.
    Slot(Slot),
}

/// What a start has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtStart {
    /// Whose bundle judges.
    pub place: Place,
    /// What is to be written down before the bundle is opened; `None`: nothing.
    pub next: Option<State>,
}

/// The bundle in charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// Where it is from.
    pub place: Place,
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
}

/// What a bundle has done since it was put in charge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Number of the bundle in its run: 0 is the one of the start.
    pub bundle: u32,
    /// Parts that it gave a score.
    pub judged: u64,
    /// Pictures that it could not take or that its network failed on.
    pub failed: u64,
}

/// What a station that runs has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Stay,
    /// The trial is over, well.
    Commit(Slot),
    /// The trial is over, badly, for this reason.
    RollBack(Slot, String),
    /// Another bundle is wanted.
    Change(Place),
}

impl State {
    /// The proven bundle, whatever is on trial.
    #[must_use]
    pub fn proven_place(&self) -> Place {
        self.committed().map_or(Place::Factory, Place::Slot)
    }

    /// The bundle that is to judge.
    #[must_use]
    pub fn wanted(&self) -> Place {
        match self.trial() {
            Some((slot, starts)) if starts < MOST_STARTS => Place::Slot(slot),
            _ => self.proven_place(),
        }
    }

    /// What a start has to do: try the bundle on trial once more and count that, give it up, or take the proven one.
    #[must_use]
    pub fn at_start(&self) -> AtStart {
        let trial = self.trial().and_then(|(slot, starts)| Some((slot, starts, self.held(slot)?.sha256)));
        let next = match trial {
            None => None,
            Some((slot, starts, sha256)) if starts < MOST_STARTS => self.started(slot, &sha256),
            Some((slot, starts, sha256)) => {
                let why = format!("the station was started with it {starts} times and ended before it was proven");
                self.condemned(slot, &sha256, &why)
            }
        };
        AtStart { place: self.wanted(), next }
    }

    /// What a station that runs has to do.
    #[must_use]
    pub fn step(&self, running: &Running, tally: Tally) -> Step {
        let held = |slot: Slot| self.held(slot).filter(|held| held.sha256 == running.sha256);
        if let (Some((slot, _)), Place::Slot(own)) = (self.trial(), running.place)
            && slot == own
            && held(slot).is_some()
        {
            return match tally {
                Tally { failed, judged, .. } if failed > 0 => {
                    Step::RollBack(slot, format!("its model failed on a part after it had judged {judged}"))
                }
                Tally { judged, .. } if judged >= TRIAL_PARTS => Step::Commit(slot),
                _ => Step::Stay,
            };
        }
        match self.wanted() {
            Place::Factory if running.place == Place::Factory => Step::Stay,
            Place::Slot(slot) if running.place == Place::Slot(slot) && held(slot).is_some() => Step::Stay,
            wanted => Step::Change(wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::{Held, Standing};
    use super::*;

    const A: Place = Place::Slot(Slot::A);
    const B: Place = Place::Slot(Slot::B);
    const OLD: [u8; 32] = [1; 32];
    const NEW: [u8; 32] = [2; 32];

    fn held(sha256: [u8; 32], standing: Standing) -> Option<Held> {
        Some(Held { sha256, created: u64::from(sha256[0]), product: "caps".to_owned(), standing })
    }

    fn state(a: Option<Held>, b: Option<Held>, committed: Option<Slot>) -> State {
        State::check(a, b, committed, 9).unwrap()
    }

    /// Every way in which a slot can stand, and none.
    fn every_standing() -> Vec<Option<Standing>> {
        let bad = Standing::Bad { why: "broken".to_owned() };
        let trials = (0..=MOST_STARTS + 1).map(|starts| Some(Standing::Trial { starts }));
        trials.chain([None, Some(Standing::Proven), Some(Standing::Withdrawn), Some(bad)]).collect()
    }

    fn every_state() -> Vec<State> {
        let mut states = Vec::new();
        for a in every_standing() {
            for b in every_standing() {
                for committed in [None, Some(Slot::A), Some(Slot::B)] {
                    let held = |sha256, standing: &Option<Standing>| standing.clone().and_then(|s| held(sha256, s));
                    states.extend(State::check(held(OLD, &a), held(NEW, &b), committed, 9));
                }
            }
        }
        states
    }

    #[test]
    fn a_start_takes_what_the_table_says() {
        let (trial, bad) = (|starts| Standing::Trial { starts }, || Standing::Bad { why: String::new() });
        let proven = || held(OLD, Standing::Proven);
        // Slot A, slot B, committed; whose bundle judges, how slot B stands then.
        let table = [
            (None, None, None, Place::Factory, None),
            (proven(), None, Some(Slot::A), A, None),
            (proven(), held(NEW, trial(0)), Some(Slot::A), B, Some(trial(1))),
            (proven(), held(NEW, trial(1)), Some(Slot::A), B, Some(trial(2))),
            (proven(), held(NEW, trial(2)), Some(Slot::A), A, Some(bad())),
            (proven(), held(NEW, trial(7)), Some(Slot::A), A, Some(bad())),
            (proven(), held(NEW, bad()), Some(Slot::A), A, Some(bad())),
            (proven(), held(NEW, Standing::Withdrawn), Some(Slot::A), A, Some(Standing::Withdrawn)),
            (proven(), held(NEW, Standing::Proven), Some(Slot::B), B, Some(Standing::Proven)),
            (None, held(NEW, trial(0)), None, B, Some(trial(1))),
            (None, held(NEW, trial(2)), None, Place::Factory, Some(bad())),
            (held(OLD, bad()), held(NEW, bad()), None, Place::Factory, Some(bad())),
            (held(OLD, Standing::Withdrawn), held(NEW, Standing::Proven), None, Place::Factory, Some(Standing::Proven)),
        ];
        for (row, (a, b, committed, place, then)) in table.into_iter().enumerate() {
            let state = state(a, b, committed);
            let start = state.at_start();
            assert_eq!(start.place, place, "row {row}");
            let after = start.next.as_ref().unwrap_or(&state);
            let standing = after.held(Slot::B).map(|held| held.standing.clone());
            match (&standing, &then) {
                (Some(Standing::Bad { .. }), Some(Standing::Bad { .. })) => {}
                (standing, then) => assert_eq!(standing, then, "row {row}"),
            }
        }
    }

    #[test]
    fn whatever_the_state_a_start_takes_something_proven_or_a_trial_that_is_counted_and_bounded() {
        let states = every_state();
        assert!(states.len() > 50, "{}", states.len());
        for state in states {
            let AtStart { place, next } = state.at_start();
            let after = next.as_ref().unwrap_or(&state);
            assert_eq!(after.committed(), state.committed(), "a start commits nothing");
            assert!(after.highest() >= state.highest(), "the counter never goes back");
            match place {
                Place::Factory => assert_eq!(state.committed(), None),
                Place::Slot(slot) => match &state.held(slot).unwrap().standing {
                    Standing::Proven => assert_eq!(state.committed(), Some(slot)),
                    Standing::Trial { starts } => {
                        assert!(*starts < MOST_STARTS);
                        assert_eq!(after.trial(), Some((slot, starts + 1)));
                    }
                    other => panic!("{other:?} judges"),
                },
            }
            // However often it starts, the trial comes to an end.
            let end = (0..=MOST_STARTS + 1).fold(state.clone(), |state, _| state.at_start().next.unwrap_or(state));
            assert_eq!((end.trial(), end.wanted()), (None, end.proven_place()));
        }
    }

    #[test]
    fn a_running_station_does_what_the_table_says() {
        let trial = |starts| Standing::Trial { starts };
        let proven = || held(OLD, Standing::Proven);
        let on_trial = || state(proven(), held(NEW, trial(1)), Some(Slot::A));
        let (old, new) = (Running { place: A, sha256: OLD }, Running { place: B, sha256: NEW });
        let factory = Running { place: Place::Factory, sha256: [9; 32] };
        let done = |judged, failed| Tally { bundle: 1, judged, failed };
        let stay = |state: State, running, tally| (state, running, tally, Step::Stay);
        let table = [
            stay(State::default(), factory, done(50, 0)),
            stay(state(proven(), None, Some(Slot::A)), old, done(50, 3)),
            (state(proven(), None, Some(Slot::A)), factory, done(0, 0), Step::Change(A)),
            (on_trial(), old, done(50, 0), Step::Change(B)),
            (on_trial(), factory, done(50, 0), Step::Change(B)),
            stay(on_trial(), new, done(TRIAL_PARTS - 1, 0)),
            (on_trial(), new, done(TRIAL_PARTS, 0), Step::Commit(Slot::B)),
            (on_trial(), new, done(TRIAL_PARTS, 1), Step::RollBack(Slot::B, String::new())),
            (on_trial(), new, done(0, 1), Step::RollBack(Slot::B, String::new())),
            // It was started for the last time and still runs.
            stay(state(proven(), held(NEW, trial(2)), Some(Slot::A)), new, done(3, 0)),
            // Another bundle has come into the slot that judges.
            (on_trial(), Running { place: B, sha256: OLD }, done(9, 0), Step::Change(B)),
            (on_trial().rolled_back().unwrap(), new, done(3, 0), Step::Change(A)),
            (on_trial().proven(Slot::B, &NEW).unwrap(), new, done(3, 1), Step::Stay),
            (state(held(OLD, Standing::Withdrawn), None, None), old, done(3, 1), Step::Change(Place::Factory)),
        ];
        for (row, (state, running, tally, expected)) in table.into_iter().enumerate() {
            match (state.step(&running, tally), expected) {
                (Step::RollBack(slot, why), Step::RollBack(expected, _)) => {
                    assert!(slot == expected && why.contains("failed"), "row {row}: {why}");
                }
                (step, expected) => assert_eq!(step, expected, "row {row}"),
            }
        }
    }

    #[test]
    fn the_committed_slot_is_never_written_over_and_what_is_committed_raises_the_counter() {
        for state in every_state() {
            let free = state.free();
            assert_ne!(state.committed(), Some(free));
            let installed = state.installed([3; 32], 40, "caps".to_owned());
            assert_eq!((installed.trial(), installed.committed()), (Some((free, 0)), state.committed()));
            let proven = installed.proven(free, &[3; 32]).unwrap();
            assert_eq!((proven.committed(), proven.highest(), proven.trial()), (Some(free), 40, None));
            let older = state.installed([4; 32], 3, "caps".to_owned()).proven(free, &[4; 32]).unwrap();
            assert_eq!(older.highest(), 9, "an older one that was allowed does not lower it");
        }
    }

    #[test]
    fn a_committed_bundle_that_is_condemned_gives_way_to_the_other_proven_one_or_to_the_factorys() {
        let both = state(held(OLD, Standing::Proven), held(NEW, Standing::Proven), Some(Slot::B));
        let one = both.condemned(Slot::B, &NEW, "its file is damaged").unwrap();
        assert_eq!((one.wanted(), one.bad().count()), (A, 1));
        let none = one.condemned(Slot::A, &OLD, "its file is damaged").unwrap();
        assert_eq!((none.wanted(), none.bad().count()), (Place::Factory, 2));
        assert_eq!(both.condemned(Slot::B, &OLD, "another bundle"), None);
        assert_eq!((both.rolled_back().unwrap().wanted(), none.rolled_back()), (A, None));
    }
}
