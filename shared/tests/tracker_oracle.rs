//! The tracker against a slow, obvious one that visits every position of the belt and remembers everything.
//!
//! Takes random shifts from a fixed seed and expects the same actions in the same order. The belt only runs forwards and
//! holds fewer parts than there are places: reversals and overflow have no obvious form and are left to
//! `tracker_properties.rs`.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::limits::MAX_PARTS_IN_FLIGHT;
use shared::line::{Action, Cause, Event, Fate, Layout, Line, RawLayout};
use shared::units::{PartId, Score, Travel};
use shared::verdict::{Reason, Verdict};

const SHIFTS: u64 = 20_000;

struct Part {
    id: PartId,
    edge: i64,
    from: i64,
    until: i64,
    verdict: Option<Verdict>,
    decided: bool,
    left: bool,
    met: Option<i64>,
}

/// A tracker that forgets nothing and looks everywhere.
struct Oracle {
    raw: RawLayout,
    at: i64,
    next: u32,
    parts: Vec<Part>,
    /// The latest unknown part: number, where it was met, where its window ends.
    stranger: Option<(PartId, i64, i64)>,
    /// Every stretch of belt that was ever rejected.
    rejected: Vec<(i64, i64)>,
    open: bool,
    said: Vec<Action>,
}

impl Oracle {
    fn new(raw: RawLayout) -> Self {
        Self {
            raw,
            at: 0,
            next: 1,
            parts: Vec::new(),
            stranger: None,
            rejected: Vec::new(),
            open: false,
            said: Vec::new(),
        }
    }

    fn step(&mut self, at: i64, event: Event) -> Vec<Action> {
        while self.at < at {
            self.at += 1;
            self.visit();
        }
        match event {
            Event::Seen => self.seen(),
            Event::Judged { part, verdict } => self.judged(part, verdict),
            Event::Moved => {}
            Event::AtGate => self.at_gate(),
            Event::Flush(reason) => {
                for part in self.parts.iter_mut().filter(|part| !part.decided) {
                    if part.verdict.is_none_or(Verdict::passes) {
                        part.verdict = Some(Verdict::Uninspected(reason));
                    }
                }
            }
        }
        std::mem::take(&mut self.said)
    }

    fn visit(&mut self) {
        let x = self.at;
        for index in 0..self.parts.len() {
            if self.parts[index].from == x {
                self.decide(index);
            }
        }
        if self.open && !self.rejected.iter().any(|&(from, until)| (from..until).contains(&x)) {
            self.open = false;
            self.said.push(Action::Close);
        }
        for part in self.parts.iter_mut().filter(|part| part.until == x) {
            part.left = true;
            self.said.push(Action::Left { part: part.id });
        }
        if let Some((part, ..)) = self.stranger.take_if(|(.., until)| *until == x) {
            self.said.push(Action::Left { part });
        }
    }

    fn decide(&mut self, index: usize) {
        let Part { id, from, until, verdict, .. } = self.parts[index];
        let fate = match verdict {
            Some(Verdict::Good(score)) if self.would_be_taken(index) => Fate::Rejected(Cause::Neighbour(score)),
            Some(Verdict::Good(score)) => Fate::Passed(score),
            Some(Verdict::Bad(score)) => Fate::Rejected(Cause::Bad(score)),
            Some(Verdict::Uninspected(reason)) => Fate::Rejected(Cause::Uninspected(reason)),
            None => Fate::Rejected(Cause::Uninspected(Reason::NotJudged)),
        };
        self.parts[index].decided = true;
        self.said.push(Action::Decided { part: id, fate });
        if let Fate::Rejected(cause) = fate {
            self.reject(id, cause, from, until);
        }
    }

    /// Whether the part's window overlaps a rejected one, or, through any chain of overlapping undecided windows, one that
    /// is not cleared.
    fn would_be_taken(&self, index: usize) -> bool {
        let this = &self.parts[index];
        if self.rejected.iter().any(|&(from, until)| from < this.until && this.from < until) {
            return true;
        }
        let mut run = vec![index];
        loop {
            let joins = |other: &usize| {
                let other_part = &self.parts[*other];
                let overlaps = |&member: &usize| {
                    let member = &self.parts[member];
                    other_part.from < member.until && member.from < other_part.until
                };
                !other_part.decided && !run.contains(other) && run.iter().any(overlaps)
            };
            let Some(joined) = (0..self.parts.len()).find(joins) else {
                return false;
            };
            if !self.parts[joined].verdict.is_some_and(Verdict::passes) {
                return true;
            }
            run.push(joined);
        }
    }

    fn reject(&mut self, part: PartId, reason: Cause, from: i64, until: i64) {
        self.rejected.push((from, until));
        self.said.push(if self.open { Action::Extend { part, reason } } else { Action::Open { part, reason } });
        self.open = true;
    }

    fn number(&mut self) -> PartId {
        self.next += 1;
        PartId(self.next - 1)
    }

    fn seen(&mut self) {
        let edge = self.at;
        if self.parts.iter().any(|part| !part.decided && edge - part.edge < self.raw.lockout.0) {
            self.said.push(Action::Bounced);
            return;
        }
        let touching = Verdict::Uninspected(Reason::DoubleTrigger);
        let mut verdict = None;
        for part in self.parts.iter_mut().filter(|part| !part.left) {
            if self.raw.max_length.is_some_and(|longest| edge - part.edge < longest.0) {
                verdict = Some(touching);
                if !part.decided && part.verdict.is_none_or(Verdict::passes) {
                    part.verdict = Some(touching);
                }
            }
        }
        let id = self.number();
        let from = edge + self.raw.gate_distance.0 - self.raw.window_before.0;
        let until = edge + self.raw.gate_distance.0 + self.raw.window_after.0;
        self.parts.push(Part { id, edge, from, until, verdict, decided: false, left: false, met: None });
        self.said.push(Action::Registered { part: id });
    }

    fn judged(&mut self, id: PartId, verdict: Verdict) {
        let strange = self.stranger.is_some_and(|(stranger, ..)| stranger == id);
        match self.parts.iter_mut().find(|part| part.id == id && !part.left) {
            Some(part) if !part.decided => match part.verdict {
                None => part.verdict = Some(verdict),
                Some(Verdict::Good(_)) if !verdict.passes() => part.verdict = Some(verdict),
                Some(_) => {}
            },
            Some(_) => self.said.push(Action::Late { part: id, verdict }),
            None if strange => self.said.push(Action::Late { part: id, verdict }),
            None => self.said.push(Action::Unknown { part: id }),
        }
    }

    fn at_gate(&mut self) {
        let at = self.at;
        let near = |met: i64| at - met < self.raw.lockout.0;
        let again = self.parts.iter().any(|part| !part.left && part.met.is_some_and(near));
        if again || self.stranger.is_some_and(|(_, met, _)| near(met)) {
            self.said.push(Action::Bounced);
            return;
        }
        let begins = self.raw.window_before.0 + self.raw.lockout.0;
        let expected =
            |part: &&mut Part| at >= part.from && at < part.until.min(part.from + begins) && part.met.is_none();
        if let Some(part) = self.parts.iter_mut().find(expected) {
            part.met = Some(at);
            return;
        }
        let until = at + self.raw.window_before.0 + self.raw.window_after.0;
        let cause = Cause::Uninspected(Reason::UnknownPart);
        let part = match self.stranger {
            Some((part, ..)) => part,
            None => {
                let part = self.number();
                self.said.push(Action::Decided { part, fate: Fate::Rejected(cause) });
                part
            }
        };
        self.stranger = Some((part, at, until));
        self.reject(part, cause, at, until);
    }
}

fn layout(chance: &mut ChaCha8Rng) -> RawLayout {
    let (before, after) = (chance.random_range(0..8), chance.random_range(1..8));
    let lockout = chance.random_range(0..6);
    RawLayout {
        gate_distance: Travel(before + before + after + chance.random_range(0..100)),
        window_before: Travel(before),
        window_after: Travel(after),
        lockout: Travel(lockout),
        max_length: chance.random_bool(0.3).then(|| Travel(lockout + chance.random_range(1..10))),
    }
}

fn event(chance: &mut ChaCha8Rng, newest: u32) -> Event {
    match chance.random_range(0..100) {
        0..30 => Event::Seen,
        30..40 => Event::Moved,
        40..45 => Event::AtGate,
        45 => Event::Flush(Reason::Flushed),
        _ => {
            let part = PartId(newest.saturating_sub(chance.random_range(0..4)));
            let score = Score::new(chance.random_range(0.0..=1.0)).expect("a probability");
            let verdict = match chance.random_range(0..8) {
                0 => Verdict::Bad(score),
                1 => Verdict::Uninspected(Reason::NoFrame),
                _ => Verdict::Good(score),
            };
            Event::Judged { part, verdict }
        }
    }
}

#[test]
fn the_tracker_says_what_the_obvious_one_says() {
    let (mut passed, mut neighbours) = (0, 0);
    for seed in 0..SHIFTS {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let raw = layout(&mut chance);
        let mut line = Line::new(Layout::check(&raw).expect("drawn to fit together"));
        let mut oracle = Oracle::new(raw);
        let mut at = 0;
        for _ in 0..chance.random_range(5..60) {
            at += if chance.random_bool(0.05) { chance.random_range(0..200) } else { chance.random_range(0..6) };
            let mut next = event(&mut chance, oracle.next);
            if next == Event::Seen && line.in_flight() + 1 >= MAX_PARTS_IN_FLIGHT {
                next = Event::Moved;
            }
            let mut said = Vec::new();
            line.step(Travel(at), next, |action| said.push(action));
            assert_eq!(said, oracle.step(at, next), "seed {seed}, at {at}, {next:?}, {raw:?}");
            for action in said {
                if let Action::Decided { fate, .. } = action {
                    passed += u32::from(fate.passed());
                    neighbours += u32::from(fate.override_reason().is_some());
                }
            }
        }
    }
    println!("{SHIFTS} shifts: {passed} parts passed, {neighbours} good ones went with a neighbour");
    assert!(passed > 1_000 && neighbours > 1_000);
}
