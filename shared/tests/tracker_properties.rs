//! Positive release as an invariant that chance tries to break: random lines, random shifts, at least 100,000 of them.
//!
//! Takes layouts and event sequences from proptest with a fixed seed (shrunk to the shortest that fails); holds what the
//! tracker says against bookkeeping that knows only edges, verdicts and how far the belt has come. Small distances in no
//! particular unit, so that windows, lock-outs and reversals collide all the time. It does not compare with a second
//! implementation of the decisions: `tracker_oracle.rs` does.

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use shared::limits::MAX_PARTS_IN_FLIGHT;
use shared::line::{Action, Cause, Event, Fate, Layout, Line, RawLayout};
use shared::units::{PartId, Score, Travel};
use shared::verdict::{Reason, Verdict};

const SEQUENCES: u32 = 100_000;
const SEED: &[u8; 32] = b"positive release, always and all";

/// Numbers wrap soon after a shift has begun.
const FIRST: u32 = u32::MAX - 1;

/// One thing that may happen during a shift.
#[derive(Clone, Copy, Debug)]
enum Happening {
    /// The belt runs on by this much, each position visited.
    Run(u8),
    /// The belt runs on, and the next call comes late.
    Skip(u8),
    /// The belt runs exactly to where the tracker wants to be called.
    RunToDue,
    /// Nothing moves.
    Stop,
    /// The belt runs backwards.
    Reverse(u8),
    /// An edge this far on; behind zero its report comes after the belt has moved on.
    Seen(i8),
    /// As many edges, as dense as the lock-out lets through.
    Crowd(u8),
    /// A verdict for one of the latest parts, counted backwards, when the belt is this far on: in time or late, once or
    /// again.
    Judged(u8, Verdict, i8),
    /// All parts so far are judged good, in time or late.
    AllGood,
    /// A verdict for a part that never was.
    JudgedNobody,
    /// The photogate is met this far on.
    AtGate(i8),
    /// The line is cleared this far on.
    Flush(i8),
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let score = |value: f32| Score::new(value).expect("a probability");
    prop_oneof![
        5 => Just(Verdict::Good(score(0.125))),
        1 => Just(Verdict::Good(score(0.25))),
        1 => Just(Verdict::Bad(score(0.75))),
        1 => Just(Verdict::Uninspected(Reason::NoFrame)),
        1 => Just(Verdict::Uninspected(Reason::NotJudged)),
    ]
}

/// How far the belt moves before the next event without a word to the tracker.
fn unnoticed() -> impl Strategy<Value = i8> {
    prop_oneof![3 => Just(0), 1 => -3..0i8, 2 => 1..12i8]
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    prop_oneof![
        40 => (1..20u8).prop_map(Run),
        6 => (1..=255u8).prop_map(Skip),
        16 => Just(RunToDue),
        2 => Just(Stop),
        6 => (1..120u8).prop_map(Reverse),
        24 => unnoticed().prop_map(Seen),
        1 => (60..80u8).prop_map(Crowd),
        40 => (0..3u8, verdict(), unnoticed()).prop_map(|(back, verdict, by)| Judged(back, verdict, by)),
        10 => Just(AllGood),
        2 => Just(JudgedNobody),
        6 => unnoticed().prop_map(AtGate),
        2 => unnoticed().prop_map(Flush),
    ]
}

fn layout() -> impl Strategy<Value = RawLayout> {
    (0..5i64, 1..5i64, 0..150i64, 0..6i64, prop::option::weighted(0.3, 1..10i64)).prop_map(
        |(before, after, spare, lockout, longer)| RawLayout {
            gate_distance: Travel(before + before + after + spare),
            window_before: Travel(before),
            window_after: Travel(after),
            lockout: Travel(lockout),
            max_length: longer.map(|longer| Travel(lockout + longer)),
        },
    )
}

/// What is known of one part without asking the tracker.
#[derive(Debug)]
struct Known {
    commit: i64,
    end: i64,
    /// Farthest the belt has come since the part is known.
    reached: i64,
    /// Whether a good verdict came while the belt had not reached the commit point.
    proven: bool,
    /// Whether something spoke against it before the commit point.
    doubted: bool,
    /// Met first at the gate, or registered blind.
    unannounced: bool,
    fate: Option<Fate>,
    left: bool,
}

/// A line under watch.
struct Watched {
    line: Line,
    at: i64,
    gate_open: bool,
    parts: BTreeMap<u32, Known>,
}

type Checked = Result<(), TestCaseError>;

impl Watched {
    fn new(raw: &RawLayout) -> Self {
        let line = Line::numbered_from(Layout::check(raw).expect("drawn to fit together"), PartId(FIRST));
        Self { line, at: 0, gate_open: false, parts: BTreeMap::new() }
    }

    /// Every number from the first on is in the book, so that their count tells the latest.
    fn latest(&self, back: usize) -> Option<PartId> {
        let nth = self.parts.len().checked_sub(1 + back)?;
        Some(PartId(FIRST.wrapping_add(nth as u32)))
    }

    fn happen(&mut self, happening: Happening) -> Checked {
        match happening {
            Happening::Run(distance) => (0..distance).try_for_each(|_| self.step(self.at + 1, Event::Moved)),
            Happening::Skip(distance) => self.step(self.at + i64::from(distance), Event::Moved),
            Happening::RunToDue => match self.line.step_at() {
                Some(due) => self.step(due.0, Event::Moved),
                None => Ok(()),
            },
            Happening::Stop => self.step(self.at, Event::Moved),
            Happening::Reverse(distance) => self.step(self.at - i64::from(distance), Event::Moved),
            Happening::Seen(by) => self.step(self.at + i64::from(by), Event::Seen),
            Happening::Crowd(count) => {
                let pitch = self.line.layout().lockout().0.max(1);
                (0..count).try_for_each(|_| self.step(self.at + pitch, Event::Seen))
            }
            Happening::Judged(back, verdict, by) => match self.latest(usize::from(back)) {
                Some(part) => self.step(self.at + i64::from(by), Event::Judged { part, verdict }),
                None => Ok(()),
            },
            Happening::AllGood => {
                let verdict = Verdict::Good(Score::default());
                let parts: Vec<u32> = self.parts.keys().copied().collect();
                parts.into_iter().try_for_each(|part| self.step(self.at, Event::Judged { part: PartId(part), verdict }))
            }
            Happening::JudgedNobody => {
                let verdict = Verdict::Good(Score::default());
                self.step(self.at, Event::Judged { part: PartId(1 << 31), verdict })
            }
            Happening::AtGate(by) => self.step(self.at + i64::from(by), Event::AtGate),
            Happening::Flush(by) => self.step(self.at + i64::from(by), Event::Flush(Reason::Flushed)),
        }
    }

    fn step(&mut self, at: i64, event: Event) -> Checked {
        self.at = at;
        for known in self.parts.values_mut() {
            known.reached = known.reached.max(at);
        }
        self.note_verdicts(event);
        let due = self.line.step_at();
        let in_flight = self.line.in_flight();
        let mut actions = Vec::new();
        self.line.step(Travel(at), event, |action| actions.push(action));

        if event == Event::Moved {
            let is_due = due.is_some_and(|due| due.0 <= at);
            prop_assert_eq!(!actions.is_empty(), is_due, "step_at was {:?}, {:?}", due, actions);
        }
        prop_assert!(actions.len() <= 4 * in_flight + 5, "{} actions with {} in flight", actions.len(), in_flight);
        for &action in &actions {
            self.note(action, event)?;
        }
        self.check_answer(event, &actions)?;
        self.check_state()
    }

    /// Keeps the book of who is proven good, from events alone.
    fn note_verdicts(&mut self, event: Event) {
        let in_time = |known: &&mut Known| known.reached < known.commit && !known.unannounced;
        match event {
            Event::Judged { part, verdict } => {
                if let Some(known) = self.parts.get_mut(&part.0).filter(in_time) {
                    known.doubted |= !verdict.passes();
                    known.proven |= verdict.passes();
                }
            }
            Event::Flush(_) => self.parts.values_mut().filter(in_time).for_each(|known| known.doubted = true),
            _ => {}
        }
    }

    fn begin(&mut self, part: PartId, unannounced: bool, commit: i64, end: i64) -> Checked {
        let reached = self.at;
        let known = Known { commit, end, reached, proven: false, doubted: false, unannounced, fate: None, left: false };
        prop_assert!(self.parts.insert(part.0, known).is_none(), "{:?} was there already", part);
        Ok(())
    }

    fn note(&mut self, action: Action, event: Event) -> Checked {
        let layout = *self.line.layout();
        let edge = Travel(self.at);
        match action {
            Action::Registered { part } | Action::Overflow { part } => {
                prop_assert_eq!(event, Event::Seen);
                let blind = matches!(action, Action::Overflow { .. });
                let room = self.in_flight() < MAX_PARTS_IN_FLIGHT - 1;
                prop_assert!(!(blind && room), "{:?} was rejected blind with room to spare", part);
                self.begin(part, blind, layout.commit(edge).0, layout.window_end(edge).0)?;
            }
            Action::Decided { part, fate } => {
                if event == Event::AtGate && fate == Fate::Rejected(Cause::Uninspected(Reason::UnknownPart)) {
                    self.begin(part, true, self.at, self.at + layout.window().0)?;
                }
                let known = self.known(part)?;
                prop_assert!(known.fate.is_none(), "{:?} is decided twice", part);
                prop_assert!(known.unannounced || known.reached >= known.commit, "{:?} is decided early", part);
                if let Fate::Passed(_) | Fate::Rejected(Cause::Neighbour(_)) = fate {
                    prop_assert!(known.proven && !known.doubted, "{:?} {:?} without proof", part, fate);
                    prop_assert!(!known.unannounced, "{:?} {:?} and nobody looked at it", part, fate);
                }
                known.fate = Some(fate);
            }
            Action::Left { part } => {
                let known = self.known(part)?;
                prop_assert!(known.fate.is_some(), "{:?} left undecided", part);
                prop_assert!(!known.left, "{:?} left twice", part);
                prop_assert!(known.reached >= known.end, "{:?} left early", part);
                known.left = true;
            }
            Action::Open { part, .. } | Action::Extend { part, .. } => {
                let opens = matches!(action, Action::Open { .. });
                prop_assert_eq!(self.gate_open, !opens, "{:?}", action);
                self.gate_open = true;
                let known = self.known(part)?;
                prop_assert!(matches!(known.fate, Some(Fate::Rejected(_))), "a pulse for {:?}: {:?}", part, known);
            }
            Action::Close => {
                prop_assert!(self.gate_open, "closed twice");
                self.gate_open = false;
            }
            Action::Bounced | Action::Late { .. } | Action::Unknown { .. } => {}
        }
        Ok(())
    }

    fn known(&mut self, part: PartId) -> Result<&mut Known, TestCaseError> {
        self.parts.get_mut(&part.0).ok_or_else(|| TestCaseError::fail(format!("{part:?} was never registered")))
    }

    fn in_flight(&self) -> usize {
        self.parts.values().filter(|known| !known.left).count()
    }

    /// An edge, a verdict and a photogate pulse are each answered as promised.
    fn check_answer(&self, event: Event, actions: &[Action]) -> Checked {
        match event {
            Event::Seen => {
                let words = actions.iter().filter(|action| {
                    matches!(action, Action::Registered { .. } | Action::Overflow { .. } | Action::Bounced)
                });
                prop_assert_eq!(words.count(), 1, "an edge was dropped: {:?}", actions);
            }
            Event::Judged { part, verdict } => {
                let expected = match self.parts.get(&part.0) {
                    Some(known) if known.left => Some(Action::Unknown { part }),
                    Some(known) if known.fate.is_some() => Some(Action::Late { part, verdict }),
                    Some(_) => None,
                    None => Some(Action::Unknown { part }),
                };
                let said = actions.iter().find(|action| matches!(action, Action::Late { .. } | Action::Unknown { .. }));
                prop_assert_eq!(said.copied(), expected);
            }
            Event::AtGate => {
                let near = self.at + self.line.layout().lockout().0;
                let expected = self.parts.values().any(|known| known.commit <= near && !known.left);
                prop_assert!(expected || self.gate_open, "something unknown meets a closed gate");
            }
            _ => {}
        }
        Ok(())
    }

    /// What must hold after every step.
    fn check_state(&self) -> Checked {
        prop_assert!(self.line.step_at().is_none_or(|due| due.0 > self.at), "still due at {:?}", self.line.step_at());
        prop_assert_eq!(self.line.gate_is_open(), self.gate_open);
        prop_assert_eq!(self.line.in_flight(), self.in_flight());
        let mut reason_to_open = false;
        for (part, known) in self.parts.iter().filter(|(_, known)| !known.left) {
            let rejected = matches!(known.fate, Some(Fate::Rejected(_)));
            let begun = known.reached >= known.commit;
            let inside = begun && known.reached < known.end;
            prop_assert!(known.fate.is_some() || !begun, "part {} is past its commit point", part);
            prop_assert!(!(rejected && inside) || self.gate_open, "part {} {:?} meets a closed gate", part, known);
            // A blind stretch holds its parts until the last of them has left, and one unknown part stands for those
            // that follow it closely.
            prop_assert!(known.reached < known.end || known.unannounced, "part {} has gone by and has not left", part);
            reason_to_open |= rejected && begun;
        }
        prop_assert!(!self.gate_open || reason_to_open, "the gate is open and nobody is rejected");
        Ok(())
    }

    fn finish(&mut self) -> Checked {
        while let Some(due) = self.line.step_at() {
            self.step(due.0, Event::Moved)?;
        }
        prop_assert_eq!((self.line.in_flight(), self.gate_open), (0, false));
        for (part, known) in &self.parts {
            prop_assert!(known.fate.is_some() && known.left, "part {} is forgotten: {:?}", part, known);
        }
        Ok(())
    }
}

fn run<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value) -> Checked) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, SEED));
    if let Err(failure) = runner.run(strategy, test) {
        panic!("seed {:?}: {failure}", String::from_utf8_lossy(SEED));
    }
}

#[test]
fn nothing_passes_that_is_not_proven_good_in_time() {
    let sequences = Cell::new(0u32);
    let [parts, passed, unjudged, beyond, unknown] = [const { Cell::new(0usize) }; 5];
    run(SEQUENCES, &(layout(), prop::collection::vec(happening(), 1..40)), |(layout, happenings)| {
        let mut watched = Watched::new(&layout);
        happenings.iter().try_for_each(|&happening| watched.happen(happening))?;
        watched.finish()?;

        let fates = || watched.parts.values().filter_map(|known| known.fate);
        let because = |reason| fates().filter(|&fate| fate == Fate::Rejected(Cause::Uninspected(reason))).count();
        parts.set(parts.get() + watched.parts.len());
        passed.set(passed.get() + fates().filter(|fate| fate.passed()).count());
        unjudged.set(unjudged.get() + because(Reason::NotJudged));
        beyond.set(beyond.get() + because(Reason::Overflow));
        unknown.set(unknown.get() + because(Reason::UnknownPart));
        sequences.set(sequences.get() + 1);
        Ok(())
    });
    println!(
        "{} sequences, {} parts: {} passed, {} without a verdict in time, {} beyond capacity, {} unknown at the gate",
        sequences.get(),
        parts.get(),
        passed.get(),
        unjudged.get(),
        beyond.get(),
        unknown.get()
    );
    assert!(sequences.get() >= SEQUENCES);
    for (what, count) in [("passed", passed), ("unjudged", unjudged), ("beyond", beyond), ("unknown", unknown)] {
        assert!(count.get() > 1_000, "only {} parts {what}: the sequences hardly try it", count.get());
    }
}

/// The belt only runs forwards, and each part is judged at most once: then "passed" is also what really happens. Runs of
/// overlapping windows that reach back to the trigger are left out: nobody can know how they end.
#[test]
fn what_passes_meets_a_closed_gate() {
    let part = (1..40i64, 0..120i64, prop::option::weighted(0.95, verdict()));
    let passed = Cell::new(0usize);
    run(10_000, &(layout(), prop::collection::vec(part, 1..16)), |(layout, parts)| {
        let layout = Layout::check(&RawLayout { max_length: None, ..layout }).expect("drawn to fit together");
        let mut line = Line::new(layout);
        let (mut edges, mut verdicts, mut fates) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut pitches = parts.iter();
        let mut next = pitches.next();
        let mut next_edge = 0;
        let mut x = 0;
        while next.is_some() || line.in_flight() > 0 {
            if let Some((pitch, delay, verdict)) = next.filter(|_| x == next_edge) {
                line.step(Travel(x), Event::Seen, |action| {
                    if let Action::Registered { part } = action {
                        edges.push(x);
                        verdicts.insert((x + delay, part), *verdict);
                    }
                });
                next_edge = x + pitch;
                next = pitches.next();
            }
            let mut note = |action| {
                if let Action::Decided { part, fate: Fate::Passed(_) } = action {
                    fates.push(part.0 as usize - 1);
                }
            };
            for (&(_, part), verdict) in verdicts.range((x, PartId(0))..(x + 1, PartId(0))) {
                if let &Some(verdict) = verdict {
                    line.step(Travel(x), Event::Judged { part, verdict }, &mut note);
                }
            }
            line.step(Travel(x), Event::Moved, &mut note);
            for &nth in &fates {
                let edge = edges[nth];
                let inside = (layout.commit(Travel(edge)).0..layout.window_end(Travel(edge)).0).contains(&x);
                let run_ends = edges[nth..].windows(2).take_while(|pair| pair[1] - pair[0] < layout.window().0).count();
                let known_in_time = edges[nth + run_ends] < layout.commit(Travel(edge)).0;
                prop_assert!(!(inside && known_in_time && line.gate_is_open()), "part {nth} at {edges:?}, {x}");
            }
            x += 1;
        }
        passed.set(passed.get() + fates.len());
        Ok(())
    });
    println!("{} parts passed a closed gate", passed.get());
    assert!(passed.get() > 1_000);
}

#[test]
fn no_position_is_too_far() {
    let event = prop_oneof![
        Just(Event::Seen),
        Just(Event::Moved),
        Just(Event::AtGate),
        Just(Event::Flush(Reason::Flushed)),
        (FIRST - 2.., verdict()).prop_map(|(part, verdict)| Event::Judged { part: PartId(part), verdict }),
    ];
    let at = prop_oneof![any::<i64>(), (0..300i64).prop_map(|x| i64::MAX - x), (0..300i64).prop_map(|x| i64::MIN + x)];
    run(10_000, &(layout(), prop::collection::vec((at, event), 1..30)), |(layout, steps)| {
        let mut line = Line::numbered_from(Layout::check(&layout).expect("drawn to fit together"), PartId(FIRST - 2));
        let (mut decided, mut left) = (0, 0);
        for (at, event) in steps.into_iter().chain([(i64::MAX, Event::Moved)]) {
            line.step(Travel(at), event, |action| match action {
                Action::Decided { .. } => decided += 1,
                Action::Left { .. } => left += 1,
                _ => {}
            });
            prop_assert!(line.step_at().is_none_or(|due| due.0 > at));
        }
        prop_assert_eq!((line.in_flight(), line.gate_is_open(), decided), (0, false, left));
        Ok(())
    });
}
