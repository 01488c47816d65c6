//! The shift register: [`Line`], the tracker itself.
//!
//! Takes one [`Event`] at a time with the belt's position; gives [`Action`]s. Every part is a slot from its trigger edge to
//! its window's end. Positions are travel, forwards positive. It reads no clock: call [`Line::step`] with
//! [`Event::Moved`] when the belt reaches [`Line::step_at`].

use heapless::Vec;
use serde::{Deserialize, Serialize};

use super::event::{Action, Cause, Event, Fate};
use super::layout::Layout;
use super::pulse::{Pulse, Window, uncleared_run};
use super::slot::{Slot, Stage, within};
use crate::limits::MAX_PARTS_IN_FLIGHT;
use crate::units::{PartId, Travel};
use crate::verdict::{Reason, Verdict};

/// Something that met the photogate unannounced. Whatever else arrives so while its window lasts counts as the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Stranger {
    part: PartId,
    met: Travel,
    until: Travel,
}

/// What happens next as the belt moves on. Order breaks ties at one position: a window that begins where another ends
/// keeps the gate open, and a part leaves after its gate has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Commit(usize),
    Close,
    Leave(usize),
    LeaveStranger,
}

/// The part tracker of one line with one gate.
///
/// # Invariants
/// - A part passes only with a `Good` verdict that stood when the belt first reached its commit point.
/// - The gate is open whenever the belt is inside the window of a part that is not `Passed`; it is closed whenever no such
///   part has been committed and not left.
/// - A part whose window overlaps another's passes only if the whole run of overlapping windows is cleared at its commit
///   point, so that "passed" is what really happens at the gate. Only what comes to light later can open the gate on
///   it: a verdict withdrawn, a flush, an unknown part, or parts so dense that the run reaches back to the trigger.
/// - Due points are compared with where the belt is, and each happens once. A belt that runs backwards causes nothing, and
///   an open gate stays open until the belt has run forwards to the window's end again.
/// - After `step(at, ..)`, [`Line::step_at`] lies beyond `at`.
/// - `slots` is sorted by the windows' beginnings. The last place is taken only by a blind stretch, and while all
///   places are taken that stretch holds the newest number, so that it can always take one more part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    layout: Layout,
    next: PartId,
    slots: Vec<Slot, MAX_PARTS_IN_FLIGHT>,
    stranger: Option<Stranger>,
    pulse: Pulse,
}

impl Line {
    /// An empty line with a closed gate, whose first part is number 1.
    pub fn new(layout: Layout) -> Self {
        Self::numbered_from(layout, PartId(1))
    }

    /// An empty line whose first part is `first`, to continue the numbers of an earlier run.
    pub fn numbered_from(layout: Layout, first: PartId) -> Self {
        Self { layout, next: first, slots: Vec::new(), stranger: None, pulse: Pulse::default() }
    }

    /// Takes in one event and emits every action that follows from it, in the order in which they must be done.
    ///
    /// First everything that is due up to `at` happens, then the event: a verdict that arrives exactly at the commit point
    /// is late. `at` may lie behind that of the last call. Emits at most two actions for each part whose window begins,
    /// one or two for each whose window ends, and two for the event itself.
    pub fn step(&mut self, at: Travel, event: Event, mut emit: impl FnMut(Action)) {
        let emit = &mut emit;
        self.catch_up(at, emit);
        match event {
            Event::Seen => self.seen(at, emit),
            Event::Judged { part, verdict } => self.judged(part, verdict, emit),
            Event::Moved => {}
            Event::AtGate => self.at_gate(at, emit),
            Event::Flush(reason) => {
                for slot in &mut self.slots {
                    slot.judge(Verdict::Uninspected(reason));
                }
            }
        }
        // At the very end of the range a window begins where its edge is.
        self.catch_up(at, emit);
    }

    /// Where [`Line::step`] must next be called. A call beyond it acts late: the gate opens and closes late by as much as
    /// the belt has run on, and a part whose whole window was missed has gone past a closed gate. Decisions stay the
    /// same, since no verdict is taken in between.
    pub fn step_at(&self) -> Option<Travel> {
        self.next_due().map(|(at, _)| at)
    }

    /// Whether it can be a line's state: what was read from a file need not be.
    pub fn is_sound(&self) -> bool {
        const FARTHEST: i64 = 1 << 50;
        const MOST: u32 = 1 << 20;
        let near = |place: Travel| (-FARTHEST..=FARTHEST).contains(&place.0);
        let stretch = |window: &Window| near(window.from) && near(window.until) && window.from <= window.until;
        let sound = |slot: &Slot| {
            near(slot.edge)
                && slot.met.is_none_or(near)
                && stretch(&slot.window)
                && (1..=MOST).contains(&slot.count)
                && (slot.count == 1 || slot.is_blind())
        };
        let takes_one_more = |slot: &Slot| slot.is_blind() && slot.following() == self.next;
        self.slots.iter().all(sound)
            && self.slots.is_sorted_by_key(|slot| slot.window.from)
            && (self.slots.len() < MAX_PARTS_IN_FLIGHT || self.slots.iter().any(takes_one_more))
            && self.stranger.is_none_or(|stranger| near(stranger.met) && near(stranger.until))
            && self.pulse.open_until().is_none_or(near)
    }

    /// Parts that have not left yet, blind and unknown ones included.
    pub fn in_flight(&self) -> usize {
        let tracked: usize = self.slots.iter().map(|slot| slot.count as usize).sum();
        tracked + usize::from(self.stranger.is_some())
    }

    /// Whether the reject output is energised.
    pub fn gate_is_open(&self) -> bool {
        self.pulse.open_until().is_some()
    }

    /// The geometry of parts to come.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Another geometry for parts to come. Those in flight keep their windows.
    pub fn change_layout(&mut self, layout: Layout) {
        self.layout = layout;
    }

    fn next_due(&self) -> Option<(Travel, Due)> {
        let slots = self.slots.iter().enumerate().map(|(index, slot)| match slot.stage {
            Stage::Waiting(_) | Stage::Blind => (slot.window.from, Due::Commit(index)),
            Stage::Decided | Stage::BlindOpen => (slot.window.until, Due::Leave(index)),
        });
        let close = self.pulse.open_until().map(|at| (at, Due::Close));
        let stranger = self.stranger.map(|stranger| (stranger.until, Due::LeaveStranger));
        slots.chain(close).chain(stranger).min()
    }

    fn catch_up(&mut self, at: Travel, emit: &mut impl FnMut(Action)) {
        while let Some((due_at, due)) = self.next_due() {
            if due_at > at {
                return;
            }
            match due {
                Due::Commit(index) => self.commit(index, emit),
                Due::Close => self.pulse.close(emit),
                Due::Leave(index) => {
                    let slot = self.slots.remove(index);
                    for nth in 0..slot.count {
                        emit(Action::Left { part: PartId(slot.first.0.wrapping_add(nth)) });
                    }
                }
                Due::LeaveStranger => {
                    if let Some(stranger) = self.stranger.take() {
                        emit(Action::Left { part: stranger.part });
                    }
                }
            }
        }
    }

    fn commit(&mut self, index: usize, emit: &mut impl FnMut(Action)) {
        let Slot { first: part, window, stage, .. } = self.slots[index];
        let Stage::Waiting(verdict) = stage else {
            self.slots[index].stage = Stage::BlindOpen;
            self.pulse.reject(part, Cause::Uninspected(Reason::Overflow), window.until, emit);
            return;
        };
        let following = self.slots[index + 1..].iter().map(|slot| (slot.window, slot.cleared()));
        let fate = match verdict {
            Some(Verdict::Good(score)) if self.pulse.reaches_into(&window) || uncleared_run(&window, following) => {
                Fate::Rejected(Cause::Neighbour(score))
            }
            Some(Verdict::Good(score)) => Fate::Passed(score),
            Some(Verdict::Bad(score)) => Fate::Rejected(Cause::Bad(score)),
            Some(Verdict::Uninspected(reason)) => Fate::Rejected(Cause::Uninspected(reason)),
            None => Fate::Rejected(Cause::Uninspected(Reason::NotJudged)),
        };
        self.slots[index].stage = Stage::Decided;
        emit(Action::Decided { part, fate });
        if let Fate::Rejected(cause) = fate {
            self.pulse.reject(part, cause, window.until, emit);
        }
    }

    fn seen(&mut self, edge: Travel, emit: &mut impl FnMut(Action)) {
        if self.slots.iter().any(|slot| slot.bounces(edge, self.layout.lockout())) {
            emit(Action::Bounced);
            return;
        }
        let window = Window { from: self.layout.commit(edge), until: self.layout.window_end(edge) };
        let part = self.take_number();
        if self.slots.len() + 1 >= MAX_PARTS_IN_FLIGHT {
            self.seen_blind(part, edge, window, emit);
            return;
        }
        let mut verdict = None;
        if let Some(longest) = self.layout.max_length() {
            let touching = Verdict::Uninspected(Reason::DoubleTrigger);
            for slot in self.slots.iter_mut().filter(|slot| within(slot.edge, edge, longest)) {
                slot.judge(touching);
                verdict = Some(touching);
            }
        }
        self.insert(Slot { first: part, count: 1, edge, window, stage: Stage::Waiting(verdict), met: None });
        emit(Action::Registered { part });
    }

    /// Adds a part beyond capacity to the newest blind stretch, or begins one in the last place.
    fn seen_blind(&mut self, part: PartId, edge: Travel, window: Window, emit: &mut impl FnMut(Action)) {
        let cause = Cause::Uninspected(Reason::Overflow);
        emit(Action::Overflow { part });
        emit(Action::Decided { part, fate: Fate::Rejected(cause) });
        let Some(mut stretch) = self.take_stretch_before(part) else {
            self.insert(Slot { first: part, count: 1, edge, window, stage: Stage::Blind, met: None });
            return;
        };
        stretch.count += 1;
        stretch.edge = edge;
        stretch.window.from = stretch.window.from.min(window.from);
        stretch.window.until = stretch.window.until.max(window.until);
        self.insert(stretch);
        if stretch.stage == Stage::BlindOpen {
            self.pulse.reject(part, cause, stretch.window.until, emit);
        }
    }

    fn judged(&mut self, part: PartId, verdict: Verdict, emit: &mut impl FnMut(Action)) {
        let taken = match self.slots.iter_mut().find(|slot| slot.holds(part)) {
            Some(slot) => slot.judge(verdict),
            None if self.stranger.is_some_and(|stranger| stranger.part == part) => false,
            None => {
                emit(Action::Unknown { part });
                return;
            }
        };
        if !taken {
            emit(Action::Late { part, verdict });
        }
    }

    fn at_gate(&mut self, at: Travel, emit: &mut impl FnMut(Action)) {
        let lockout = self.layout.lockout();
        let met = self.slots.iter().filter_map(|slot| slot.met).chain(self.stranger.map(|stranger| stranger.met));
        if met.into_iter().any(|met| within(met, at, lockout)) {
            emit(Action::Bounced);
            return;
        }
        // A part meets the photogate as its window begins. What comes behind that takes no tracked part's place: it would
        // pass where that part was proven good, and leave by where its window is over.
        let begins = self.layout.window_before().saturating_add(lockout);
        let expects = |slot: &&mut Slot| {
            slot.window.from <= at
                && (slot.is_blind() || slot.met.is_none() && at < slot.window.from.saturating_add(begins))
        };
        if let Some(slot) = self.slots.iter_mut().find(expects) {
            slot.met = Some(at);
            return;
        }
        self.meet_stranger(at, emit);
    }

    /// Opens the gate for a part that no trigger announced. The photogate stands up to `window_before` upstream of the
    /// gate, so that its window begins here and is as long as any other.
    fn meet_stranger(&mut self, at: Travel, emit: &mut impl FnMut(Action)) {
        let cause = Cause::Uninspected(Reason::UnknownPart);
        let until = at.saturating_add(self.layout.window());
        if let Some(stranger) = &mut self.stranger {
            stranger.met = at;
            stranger.until = stranger.until.max(until);
            self.pulse.reject(stranger.part, cause, stranger.until, emit);
            return;
        }
        let part = self.take_number();
        emit(Action::Decided { part, fate: Fate::Rejected(cause) });
        self.pulse.reject(part, cause, until, emit);
        if self.slots.len() < MAX_PARTS_IN_FLIGHT {
            self.stranger = Some(Stranger { part, met: at, until });
        } else if let Some(mut stretch) = self.take_stretch_before(part) {
            stretch.count += 1;
            stretch.met = Some(at);
            stretch.window.from = stretch.window.from.min(at);
            stretch.window.until = stretch.window.until.max(until);
            stretch.stage = Stage::BlindOpen;
            self.insert(stretch);
            self.pulse.reject(stretch.first, Cause::Uninspected(Reason::Overflow), stretch.window.until, emit);
        }
    }

    fn take_number(&mut self) -> PartId {
        let part = self.next;
        self.next = part.next();
        part
    }

    /// Takes out the blind stretch that `part` can join, numbers being consecutive.
    fn take_stretch_before(&mut self, part: PartId) -> Option<Slot> {
        let index = self.slots.iter().position(|slot| slot.is_blind() && slot.following() == part)?;
        Some(self.slots.remove(index))
    }

    /// Puts a slot behind those whose windows begin no later.
    fn insert(&mut self, slot: Slot) {
        let index = self.slots.partition_point(|other| other.window.from <= slot.window.from);
        let placed = self.slots.insert(index, slot);
        debug_assert!(placed.is_ok(), "the last place is kept for a blind stretch");
    }
}
