//! Runs a recording again: the same inputs at the same times into the gate's machine, and what it does compared with what it did.
//!
//! Takes entries, and verdicts in place of the recorded ones; gives each part's course then and now. It judges no picture, reads no clock
//! and moves nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::line::{Cause, Fate};
use shared::units::{Micros, PartId};
use shared::verdict::Verdict;

use super::entry::{Entry, Movement};
use crate::hw::roles::{Clock, HwFault, LineSignals, RejectOutput};
use crate::stage::conductor::{Conductor, Order, Said, Standing};

/// Everything that the gate said of a part, in order.
pub type Words = Vec<Said>;

/// A part, then and now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    /// What was said of it then.
    pub then: Words,
    /// What is said of it now.
    pub now: Words,
}

impl Course {
    /// Its fate, if it was decided within the recording.
    #[must_use]
    pub fn fate(words: &[Said]) -> Option<Fate> {
        words.iter().find_map(|said| if let Said::Decided { fate, .. } = said { Some(*fate) } else { None })
    }
}

/// A recording that was run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rerun {
    /// Parts, in the order of their numbers.
    pub parts: BTreeMap<PartId, Course>,
    /// Movements of gate, permit and alarm: how many there were then or are now, and how many are the same at the same time, up to the
    /// first that is not.
    pub movements: (usize, usize),
    /// Stretches that the recording falls into; more than one where entries were lost.
    pub stretches: usize,
    /// From the first to the last time that was read.
    pub length: Micros,
}

impl Rerun {
    /// Whether every part and every movement is as it was, to the bit.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.movements.0 == self.movements.1 && self.parts.values().all(|course| course.then == course.now)
    }
}

/// Runs a recording. `verdicts` stand in for those that were recorded, where there are any.
///
/// # Errors
/// [`HwFault::Misuse`], a fault of the gate's machine.
pub fn rerun(entries: &[Entry], verdicts: &BTreeMap<PartId, Verdict>) -> Result<Rerun, HwFault> {
    let mut whole = Rerun::default();
    for stretch in entries.split(|entry| *entry == Entry::Gap) {
        let mut left = stretch.iter().enumerate();
        let begins = left.find_map(|(index, entry)| match entry {
            Entry::Standing(at, standing) => Some((*at, standing, &stretch[index + 1..])),
            _ => None,
        });
        let Some((at, standing, rest)) = begins else { continue };
        let (then, now, last) = run(at, standing, rest, verdicts)?;
        whole.stretches += 1;
        whole.length = whole.length.saturating_add(last.saturating_sub(at));
        for (said, is_now) in then.said.iter().map(|said| (said, false)).chain(now.said.iter().map(|said| (said, true)))
        {
            let Some(part) = part_of(said) else { continue };
            let course = whole.parts.entry(part).or_default();
            if is_now { course.now.push(*said) } else { course.then.push(*said) }
        }
        whole.movements.0 += then.moved.len().max(now.moved.len());
        whole.movements.1 += then.moved.iter().zip(&now.moved).take_while(|(then, now)| then == now).count();
    }
    Ok(whole)
}

/// What the machine did, and when.
#[derive(Debug, Default)]
struct Done {
    said: Vec<Said>,
    moved: Vec<(Micros, Movement)>,
}

/// Gives what was done then, what is done now, and the last time that was read.
fn run(
    at: Micros,
    standing: &Standing,
    entries: &[Entry],
    verdicts: &BTreeMap<PartId, Verdict>,
) -> Result<(Done, Done, Micros), HwFault> {
    let outputs = Outputs::default();
    outputs.lock().now = at;
    let (gate, signals) = (Box::new(outputs.clone()), Box::new(outputs.clone()));
    let mut conductor = Conductor::from_standing(standing.clone(), gate, signals);
    let (mut then, mut now) = (Done::default(), Done::default());
    let (mut last, mut left) = (at, entries);
    while let Some(at) = left.iter().position(Entry::is_input) {
        let (input, rest) = (&left[at], &left[at + 1..]);
        let until = rest.iter().position(Entry::is_input).unwrap_or(rest.len());
        let mut times = VecDeque::new();
        for entry in &rest[..until] {
            match entry {
                Entry::Read(at) => {
                    last = *at;
                    times.push_back(*at);
                }
                Entry::Moved(movement) => then.moved.push((last, *movement)),
                Entry::Said(said) => then.said.push(*said),
                _ => {}
            }
        }
        feed(&mut conductor, input, &Times(RefCell::new((times, last))), &outputs, verdicts)?;
        now.said.extend(conductor.said());
        left = rest;
    }
    now.moved = outputs.take();
    Ok((then, now, last))
}

fn feed(
    conductor: &mut Conductor,
    input: &Entry,
    clock: &Times,
    outputs: &Outputs,
    verdicts: &BTreeMap<PartId, Verdict>,
) -> Result<(), HwFault> {
    let clock = &Watched { clock, outputs };
    match *input {
        Entry::Signal(signal) => conductor.signal(signal, clock),
        Entry::Order(Order::Finish) => conductor.finish(clock),
        Entry::Order(Order::Judged { part, verdict }) => {
            let verdict = verdicts.get(&part).copied().unwrap_or(verdict);
            conductor.order(Order::Judged { part, verdict }, clock)
        }
        Entry::Order(order) => conductor.order(order, clock),
        _ => conductor.due(clock),
    }
}

/// The part that something is said of.
fn part_of(said: &Said) -> Option<PartId> {
    match *said {
        Said::Seen { part, .. }
        | Said::Decided { part, .. }
        | Said::Fired { part, .. }
        | Said::Late { part, .. }
        | Said::Left { part, .. } => Some(part),
        _ => None,
    }
}

/// The times that were read, one after the other; the last one again when more are asked for than then.
struct Times(RefCell<(VecDeque<Micros>, Micros)>);

impl Clock for Times {
    fn now(&self) -> Micros {
        let (times, last) = &mut *self.0.borrow_mut();
        times.pop_front().unwrap_or(*last)
    }
}

/// Tells the outputs what time it is, as the tape did.
struct Watched<'a> {
    clock: &'a Times,
    outputs: &'a Outputs,
}

impl Clock for Watched<'_> {
    fn now(&self) -> Micros {
        let now = self.clock.now();
        self.outputs.lock().now = now;
        now
    }
}

/// Outputs that nothing hangs on: they note what they are told, and when.
#[derive(Debug, Clone, Default)]
pub struct Outputs(Arc<Mutex<Noted>>);

/// The time that was read last, and what was moved when.
#[derive(Debug, Default)]
struct Noted {
    now: Micros,
    moved: Vec<(Micros, Movement)>,
}

impl Outputs {
    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, movement: Movement) {
        let noted = &mut *self.lock();
        noted.moved.push((noted.now, movement));
    }

    fn take(&self) -> Vec<(Micros, Movement)> {
        std::mem::take(&mut self.lock().moved)
    }
}

impl RejectOutput for Outputs {
    fn take_control(&mut self) -> Result<(), HwFault> {
        self.note(Movement::Control);
        Ok(())
    }

    fn open(&mut self, part: PartId, _: Cause) -> Result<(), HwFault> {
        self.note(Movement::Open(part));
        Ok(())
    }

    fn extend(&mut self, part: PartId, _: Cause) -> Result<(), HwFault> {
        self.note(Movement::Extend(part));
        Ok(())
    }

    fn close(&mut self) -> Result<(), HwFault> {
        self.note(Movement::Close);
        Ok(())
    }

    fn make_safe(&mut self) -> Result<(), HwFault> {
        self.note(Movement::Safe);
        Ok(())
    }
}

impl LineSignals for Outputs {
    fn permit(&mut self, run: bool) -> Result<(), HwFault> {
        self.note(Movement::Permit(run));
        Ok(())
    }

    fn beat(&mut self) -> Result<(), HwFault> {
        Ok(())
    }

    fn alarm(&mut self, on: bool) -> Result<(), HwFault> {
        self.note(Movement::Alarm(on));
        Ok(())
    }
}
