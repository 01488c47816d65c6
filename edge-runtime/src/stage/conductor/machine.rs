//! The gate's machine on a real line: signals, verdicts and time in, movements of the outputs and words for the desk out.
//!
//! Takes what the sensors say ([`Signal`]) and what the desk orders ([`Order`]); steps the tracker by the [`Odometer`], moves
//! gate, permit, heartbeat and alarm, and says what happened ([`Said`]). After a start, and after the encoder was lost, what
//! stands between trigger and gate is unknown: everything is diverted until the belt has run from one to the other.
//! The same follows when the photogate meets a part where none is expected: the belt may be further on than the encoder says,
//! and then every verdict is another part's. It starts no thread and never waits; the clock is read for nothing but the moment
//! at which an output moved.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use shared::limits::MAX_PARTS_IN_FLIGHT;
use shared::line::{Action, Cause, Event, Fate, Layout};
use shared::units::{Micros, PartId, Travel};
use shared::verdict::{Reason, Verdict};

use super::super::gate::{self, Gate};
use super::super::odometer::{FARTHEST, Odometer};
use super::super::stall::Stall;
use super::words::{Order, Said};
use crate::hw::roles::{Clock, HwFault, LineSignals, RejectOutput, Sensor, Signal, SignalKind};

/// From one change of the heartbeat to the next.
pub const BEAT: Micros = Micros::from_millis(100);

/// A desk that has ordered nothing for this long has failed: nobody records, and nobody judges.
pub const DESK_SILENT: Micros = Micros::from_millis(3_000);

/// Edges of one part at the photogate lie nearer together than this. A later one that comes where the last was is another
/// part's, and the encoder has missed how the belt brought it; or a part trembles there, which costs some good ones.
const BOUNCES: Micros = Micros::from_millis(20);

/// A stretch of belt of which nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Unknown {
    /// Parts with their edge before this share a window with what is unknown.
    edges_before: Travel,
    /// The last of it has left by then.
    until: Travel,
    reason: Reason,
}

/// The gate's machine.
///
/// # Invariants
/// The output is under control only while no stretch of the belt is unknown and the position is known. The permit is given
/// only while the desk lives and wants it and the position is known.
pub struct Conductor {
    layout: Layout,
    gate: Gate,
    signals: Box<dyn LineSignals>,
    odometer: Odometer,
    stall: Option<Stall>,
    unknown: Option<Unknown>,
    lost: bool,
    /// Products are being changed.
    changing: bool,
    /// The photogate's last edge, as long as the belt has not run backwards since.
    met: Option<Micros>,
    /// Where the gate was to open for each part in flight: by the geometry of the moment at which it was seen.
    planned: VecDeque<(PartId, Travel)>,
    wanted: (bool, bool),
    desk_heard: Micros,
    shown: Option<(bool, bool)>,
    beat_at: Micros,
    said: Vec<Said>,
}

/// All that a conductor goes by, but for its outputs: whoever goes on from here does the same with the same inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    gate: gate::Standing,
    odometer: Odometer,
    stall: Option<Stall>,
    unknown: Option<Unknown>,
    lost: bool,
    met: Option<Micros>,
    planned: VecDeque<(PartId, Travel)>,
    wanted: (bool, bool),
    desk_heard: Micros,
    shown: Option<(bool, bool)>,
    beat_at: Micros,
    changing: bool,
}

impl Standing {
    /// Whether it can be a line's: what was read from a file need not be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let near = |place: Travel| (-FARTHEST..=FARTHEST).contains(&place.0);
        self.gate.is_sound()
            && self.odometer.is_sound()
            && self.unknown.is_none_or(|unknown| near(unknown.edges_before) && near(unknown.until))
            && self.planned.len() <= MAX_PARTS_IN_FLIGHT
            && self.planned.iter().all(|(_, planned)| near(*planned))
    }
}

impl Conductor {
    /// A gate that diverts, on a belt of which nothing is known. `stall` only with an encoder.
    #[must_use]
    pub fn new(
        layout: Layout,
        output: Box<dyn RejectOutput>,
        signals: Box<dyn LineSignals>,
        odometer: Odometer,
        stall: Option<Stall>,
        now: Micros,
    ) -> Self {
        let mut conductor = Self {
            layout,
            gate: Gate::diverting(layout, output),
            signals,
            odometer,
            stall,
            unknown: None,
            lost: false,
            changing: false,
            met: None,
            planned: VecDeque::new(),
            wanted: (false, true),
            desk_heard: now,
            shown: None,
            beat_at: now,
            said: Vec::new(),
        };
        conductor.forget(now, Reason::Boot);
        conductor
    }

    /// What another conductor would go on from.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            gate: self.gate.standing(),
            odometer: self.odometer.clone(),
            stall: self.stall.clone(),
            unknown: self.unknown,
            lost: self.lost,
            met: self.met,
            planned: self.planned.clone(),
            wanted: self.wanted,
            desk_heard: self.desk_heard,
            shown: self.shown,
            beat_at: self.beat_at,
            changing: self.changing,
        }
    }

    /// A conductor that goes on from there, with outputs that are where the other's were.
    #[must_use]
    pub fn from_standing(standing: Standing, output: Box<dyn RejectOutput>, signals: Box<dyn LineSignals>) -> Self {
        Self {
            layout: standing.gate.layout(),
            gate: Gate::from_standing(standing.gate, output),
            signals,
            odometer: standing.odometer,
            stall: standing.stall,
            unknown: standing.unknown,
            lost: standing.lost,
            changing: standing.changing,
            met: standing.met,
            planned: standing.planned,
            wanted: standing.wanted,
            desk_heard: standing.desk_heard,
            shown: standing.shown,
            beat_at: standing.beat_at,
            said: Vec::new(),
        }
    }

    /// Takes in what a sensor says.
    ///
    /// # Errors
    /// Those of the outputs; the line must then end, which puts them into their safe state.
    pub fn signal(&mut self, signal: Signal, clock: &dyn Clock) -> Result<(), HwFault> {
        let Signal { at, kind } = signal;
        match kind {
            SignalKind::Edge(sensor) => {
                let event = if sensor == Sensor::Trigger { Event::Seen } else { Event::AtGate };
                let before = self.said.len();
                self.track(at, self.odometer.travel_at(at), event, clock)?;
                if sensor == Sensor::Photogate {
                    self.met_at_gate(at, before, clock)?;
                }
                if self.stall.as_mut().is_some_and(|stall| stall.edge(at)) {
                    self.lose(at, true, clock)?;
                }
            }
            SignalKind::Step { forwards } => {
                self.odometer.step(at, forwards);
                self.met = self.met.filter(|_| forwards);
                if let Some(stall) = &mut self.stall {
                    stall.step(at);
                }
            }
            SignalKind::Lost => self.lose(at, false, clock)?,
            SignalKind::Confirmed => self.said.push(Said::Confirmed { at }),
            SignalKind::BinFull(full) => self.said.push(Said::BinFull(full)),
            SignalKind::Reset => self.reset(at),
            SignalKind::End => {}
        }
        self.due(clock)
    }

    /// Takes in what the desk orders, but for [`Order::Finish`], which is [`Conductor::finish`].
    ///
    /// # Errors
    /// As [`Conductor::signal`].
    pub fn order(&mut self, order: Order, clock: &dyn Clock) -> Result<(), HwFault> {
        let now = clock.now();
        self.desk_heard = now;
        match order {
            Order::Judged { part, verdict } => {
                let travel = self.odometer.travel_at(now);
                self.track(now, travel, Event::Judged { part, verdict }, clock)
            }
            Order::State { permit, alarm } => {
                self.wanted = (permit, alarm);
                self.show(now)
            }
            Order::Reset => {
                self.reset(now);
                Ok(())
            }
            Order::Changeover => {
                self.changing = true;
                let travel = self.odometer.travel_at(now);
                self.track(now, travel, Event::Flush(Reason::Flushed), clock)
            }
            Order::Changed { layout } => {
                (self.layout, self.changing) = (layout, false);
                self.gate.change_layout(layout);
                Ok(())
            }
            Order::Finish => Ok(()),
        }
    }

    /// Does what is due by now.
    ///
    /// # Errors
    /// As [`Conductor::signal`].
    pub fn due(&mut self, clock: &dyn Clock) -> Result<(), HwFault> {
        let now = clock.now();
        let travel = self.odometer.travel_at(now);
        self.track(now, travel, Event::Moved, clock)?;
        if !self.lost && self.unknown.is_some_and(|unknown| travel >= unknown.until) {
            self.unknown = None;
            self.gate.take_control()?;
        }
        self.show(now)?;
        if now >= self.beat_at {
            self.beat_at = now.saturating_add(BEAT);
            if self.desk_lives(now) {
                self.signals.beat()?;
            }
        }
        Ok(())
    }

    /// When [`Conductor::due`] must next be called.
    #[must_use]
    pub fn step_at(&self) -> Micros {
        // While the position is lost, nothing that is unknown becomes known.
        let unknown = self.unknown.filter(|_| !self.lost).map(|unknown| unknown.until);
        let places = [self.gate.step_at(), unknown].into_iter().flatten();
        places.map(|place| self.odometer.reaches(place)).min().map_or(self.beat_at, |at| at.min(self.beat_at))
    }

    /// What was said since the last call, in order.
    pub fn said(&mut self) -> std::vec::Drain<'_, Said> {
        self.said.drain(..)
    }

    /// Where the belt is.
    #[must_use]
    pub fn travel_at(&self, at: Micros) -> Travel {
        self.odometer.travel_at(at)
    }

    /// Ends: everything undecided is flushed, every output goes to its safe state.
    ///
    /// # Errors
    /// Those of the outputs.
    pub fn finish(&mut self, clock: &dyn Clock) -> Result<(), HwFault> {
        let now = clock.now();
        self.gate.make_safe()?;
        let travel = self.odometer.travel_at(now);
        self.track(now, travel, Event::Flush(Reason::Flushed), clock)?;
        self.signals.permit(false)?;
        self.signals.alarm(true)
    }

    fn desk_lives(&self, now: Micros) -> bool {
        now.saturating_sub(self.desk_heard) < DESK_SILENT
    }

    /// Everything between trigger and gate is unknown from now on.
    fn forget(&mut self, now: Micros, reason: Reason) {
        let origin = self.odometer.travel_at(now);
        self.unknown = Some(Unknown {
            edges_before: origin.saturating_add(self.layout.window()),
            until: self.layout.window_end(origin),
            reason,
        });
    }

    /// Compares what the photogate meets with what is expected there; what was said of the edge begins at `before`. A
    /// belt that was not empty at the start costs so one more stretch from trigger to gate: its parts look no different.
    fn met_at_gate(&mut self, at: Micros, before: usize, clock: &dyn Clock) -> Result<(), HwFault> {
        let last = self.met.replace(at);
        let late = last.is_some_and(|last| at.saturating_sub(last) >= BOUNCES);
        let unannounced = Fate::Rejected(Cause::Uninspected(Reason::UnknownPart));
        let doubtful = self.said[before..].iter().any(|said| match said {
            Said::Bounced => late,
            Said::Decided { fate, .. } => *fate == unannounced,
            _ => false,
        });
        if !doubtful || self.lost {
            return Ok(());
        }
        self.divert()?;
        let starting = self.unknown.is_some_and(|unknown| unknown.reason == Reason::Boot);
        let reason = if starting { Reason::Boot } else { Reason::UnknownPart };
        self.track(at, self.odometer.travel_at(at), Event::Flush(reason), clock)?;
        self.forget(at, reason);
        Ok(())
    }

    /// Puts the gate into its safe state, where it is not.
    fn divert(&mut self) -> Result<(), HwFault> {
        if self.gate.in_control() { self.gate.make_safe() } else { Ok(()) }
    }

    fn lose(&mut self, at: Micros, stalled: bool, clock: &dyn Clock) -> Result<(), HwFault> {
        if std::mem::replace(&mut self.lost, true) {
            return Ok(());
        }
        self.divert()?;
        self.said.push(Said::EncoderLost { at, stalled });
        let travel = self.odometer.travel_at(at);
        self.track(at, travel, Event::Flush(Reason::EncoderFault), clock)?;
        self.show(at)
    }

    fn reset(&mut self, at: Micros) {
        self.said.push(Said::Reset { at });
        if std::mem::replace(&mut self.lost, false) {
            if let Some(stall) = &mut self.stall {
                stall.step(at);
            }
            self.forget(at, Reason::EncoderFault);
        }
    }

    /// Steps the gate and says what follows.
    fn track(&mut self, at: Micros, travel: Travel, event: Event, clock: &dyn Clock) -> Result<(), HwFault> {
        let in_control = self.gate.in_control();
        let actions = self.gate.step(travel, event)?;
        let mut blind = None;
        for &action in actions {
            let said = match action {
                Action::Registered { part } => {
                    if self.planned.len() >= MAX_PARTS_IN_FLIGHT {
                        self.planned.pop_front();
                    }
                    self.planned.push_back((part, self.layout.commit(travel)));
                    blind = Some(part);
                    Said::Seen { part, at, travel }
                }
                Action::Bounced => Said::Bounced,
                Action::Open { part, .. } if in_control => {
                    let planned = self.planned.iter().find(|(known, _)| *known == part).map(|&(_, planned)| planned);
                    // Whatever nobody announced is fired for where it is met, an encoder that stands notwithstanding.
                    let met = self.odometer.going_on_at(at);
                    let planned = planned.unwrap_or(met);
                    let moved = clock.now();
                    let error_us = moved.0 as i64 - self.odometer.time_at(planned).0 as i64;
                    // Steps of a belt that runs on may wait to be heard.
                    Said::Fired { part, planned, travel: self.odometer.going_on_at(moved), error_us }
                }
                Action::Decided { part, fate } => Said::Decided { part, at, travel, fate },
                Action::Late { part, verdict } => Said::Late { part, verdict },
                Action::Left { part } => {
                    self.planned.retain(|(known, _)| *known != part);
                    Said::Left { part, at }
                }
                Action::Unknown { .. }
                | Action::Open { .. }
                | Action::Extend { .. }
                | Action::Close
                | Action::Overflow { .. } => continue,
            };
            self.said.push(said);
        }
        match (blind, self.blind_at(travel)) {
            (Some(part), Some(reason)) => {
                let verdict = Verdict::Uninspected(reason);
                self.track(at, travel, Event::Judged { part, verdict }, clock)
            }
            _ => Ok(()),
        }
    }

    /// Why a part with this edge cannot be told from what is unknown.
    fn blind_at(&self, edge: Travel) -> Option<Reason> {
        if self.lost {
            return Some(Reason::EncoderFault);
        }
        if self.changing {
            return Some(Reason::Flushed);
        }
        self.unknown.filter(|unknown| edge < unknown.edges_before).map(|unknown| unknown.reason)
    }

    /// Puts permit and alarm where they must be, where they are not.
    fn show(&mut self, now: Micros) -> Result<(), HwFault> {
        let sound = self.desk_lives(now) && !self.lost;
        let (permit, alarm) = (self.wanted.0 && sound, self.wanted.1 || !sound);
        if self.shown == Some((permit, alarm)) {
            return Ok(());
        }
        self.signals.permit(permit)?;
        self.signals.alarm(alarm)?;
        self.shown = Some((permit, alarm));
        Ok(())
    }
}
