//! Everything about a part on a real line that is not the gate's: its picture, its verdict, its record, and what people are told.
//!
//! Takes the gate's words, pictures, verdicts and time; gives [`Order`]s to the gate, records to a sink, and a [`Status`] for
//! displays. It may wait for nothing but the queue that it is fed by; no decision of the gate waits for it. It moves no output
//! and reads no clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::drift::{Figure, Sample, Watch};
use shared::limits::DESK_QUEUE;
use shared::line::{Cause, Fate};
use shared::record::Record;
use shared::units::{Micros, PartId, Travel};
use shared::verdict::{Reason, Verdict};

use super::super::audit::{Audit, AuditError, RecordSink};
use super::super::capture::{Capture, Which};
use super::super::conductor::{Order, Said};
use super::super::details::Details;
use super::super::workers::Evidence;
use crate::health::alarms::{Alarms, Condition, Happening};
use crate::hmi::screen::{State, Status, THUMBNAIL_SIDE, Thumbnail};
use crate::hmi::thumbnail::overlay;
use crate::hw::roles::Picture;
use crate::store::Takeover;

/// Judges a picture of a part elsewhere, and tells the desk by [`Desk::judged`].
pub trait Judge {
    /// Takes a picture in.
    ///
    /// # Errors
    /// The reason why the part will not be judged.
    fn submit(&mut self, part: PartId, picture: Arc<Picture>) -> Result<(), Reason>;

    /// Whether nothing will ever be judged again.
    fn is_gone(&self) -> bool;
}

/// A picture, and whether it proves anything.
struct Taken {
    picture: Arc<Picture>,
    repeated: bool,
}

/// What was counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Edges that were no parts.
    pub bounced: u64,
    /// Verdicts that came too late.
    pub late: u64,
    /// Pulses of the gate.
    pub fired: u64,
}

/// A part that has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departed {
    /// What became of it.
    pub record: Record,
    /// What was measured.
    pub details: Details,
}

/// Parts that have left since somebody looked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Departures {
    /// In the order in which they left.
    pub parts: Vec<Departed>,
    /// How many more there were: nobody has looked for long.
    pub untold: u64,
}

/// The desk.
///
/// # Invariants
/// Every part that the gate has named is in the audit until it has left. `submitted` holds the parts that a judge has.
pub struct Desk<S, J> {
    capture: Capture,
    judge: J,
    audit: Audit,
    /// Keeps the records.
    pub sink: S,
    /// What is wrong with the station.
    pub alarms: Alarms,
    drift: Watch,
    status: Status,
    previous: Option<Taken>,
    camera_down: bool,
    repeats: u32,
    ready: bool,
    travel: Travel,
    submitted: BTreeMap<PartId, Micros>,
    orders: Vec<Order>,
    counts: Counts,
    fire_errors: Vec<i64>,
    departures: Departures,
    changed: bool,
}

/// Repetitions of a picture, one after the other, that show a camera which has stopped. A single one proves nothing about its part
/// and may be a driver's.
const FROZEN: u32 = 3;

/// Parts that are kept until somebody takes them: one turn of the loop takes in a queue of words, and a part is several.
const DEPARTED: usize = DESK_QUEUE;

/// Fire errors that are kept until somebody takes them: some minutes of a fast line.
const FIRE_ERRORS: usize = 16_384;

impl<S: RecordSink, J: Judge> Desk<S, J> {
    /// A desk of a line on which nothing has happened.
    pub fn new(capture: Capture, judge: J, audit: Audit, sink: S, alarms: Alarms, status: Status) -> Self {
        Self {
            capture,
            judge,
            audit,
            sink,
            alarms,
            drift: Watch::new(),
            status,
            previous: None,
            camera_down: false,
            repeats: 0,
            ready: false,
            travel: Travel::default(),
            submitted: BTreeMap::new(),
            orders: Vec::new(),
            counts: Counts::default(),
            fire_errors: Vec::new(),
            departures: Departures::default(),
            changed: true,
        }
    }

    /// Takes in what the gate said.
    ///
    /// # Errors
    /// [`AuditError`] when a record cannot be kept; the line must then end.
    pub fn gate(&mut self, now: Micros, said: Said) -> Result<(), AuditError> {
        match said {
            Said::Seen { part, at, travel } => {
                self.travel = travel;
                self.audit.seen(part, at, travel);
                if self.camera_down {
                    self.decide(part, Verdict::Uninspected(Reason::CameraFault));
                } else if !self.capture.registered(part, at) {
                    self.decide(part, Verdict::Uninspected(Reason::NoFrame));
                }
            }
            Said::Bounced => self.counts.bounced += 1,
            Said::Decided { part, at, travel, fate } => {
                self.travel = travel;
                self.audit.decided(part, at, travel, fate);
                // The other failures that stop the line are raised when they are known: a part is decided long after that, and perhaps
                // after somebody has reset.
                if fate == Fate::Rejected(Cause::Uninspected(Reason::Overflow)) {
                    self.alarm(now, Happening::Failed(Reason::Overflow));
                }
            }
            Said::Fired { part, planned, travel, error_us } => {
                self.counts.fired += 1;
                if self.fire_errors.len() < FIRE_ERRORS {
                    self.fire_errors.push(error_us);
                }
                if let Some(details) = self.audit.details(part) {
                    details.fire_error_us = Some(error_us);
                    details.planned_travel = Some(planned);
                    details.fired_travel = Some(travel);
                }
                self.alarm(now, Happening::Fired { beyond: travel.saturating_sub(planned) });
            }
            Said::Late { part, verdict } => {
                self.counts.late += 1;
                self.audit.late(part, verdict);
            }
            Said::Left { part, .. } => self.left(now, part)?,
            Said::Confirmed { .. } => self.alarm(now, Happening::Confirmed),
            Said::BinFull(full) => self.alarm(now, Happening::BinFull(full)),
            Said::Reset { .. } => self.alarm(now, Happening::Reset),
            Said::EncoderLost { stalled, .. } => {
                tracing::error!(stalled, "the belt's position is lost: parts come and the encoder does not say where");
                self.alarm(now, Happening::Failed(Reason::EncoderFault));
            }
        }
        Ok(())
    }

    /// Takes in a picture. `repeated` says that it is the same, to the byte, as the one before it.
    pub fn pictured(&mut self, now: Micros, picture: Arc<Picture>, repeated: bool) {
        self.camera_down = false;
        self.condition(now, Condition::CameraSilent, false);
        self.repeats = if repeated { self.repeats.saturating_add(1) } else { 0 };
        self.condition(now, Condition::CameraFrozen, self.repeats >= FROZEN);
        let shown = self.capture.pictured(picture.exposed_at);
        let this = Taken { picture, repeated };
        for shown in shown {
            let taken = match shown.which {
                Which::This => Some(&this),
                Which::Previous => self.previous.as_ref(),
            };
            if let Some(details) = self.audit.details(shown.part) {
                details.frame_residual_us = Some(shown.residual_us);
            }
            let refused = match taken {
                Some(Taken { repeated: true, .. }) => Err(Reason::BadPicture),
                Some(Taken { picture, .. }) => self.judge.submit(shown.part, Arc::clone(picture)),
                None => Err(Reason::NoFrame),
            };
            match refused {
                Ok(()) => drop(self.submitted.insert(shown.part, now)),
                Err(reason) => self.decide(shown.part, Verdict::Uninspected(reason)),
            }
        }
        self.previous = Some(this);
    }

    /// The camera has gone, has sent something damaged, or is silent: parts that wait for it wait in vain.
    pub fn camera_failed(&mut self, now: Micros) {
        self.camera_down = true;
        self.condition(now, Condition::CameraSilent, true);
        while let Some(part) = self.capture.give_up() {
            self.decide(part, Verdict::Uninspected(Reason::CameraFault));
        }
    }

    /// A part that was submitted has been judged.
    pub fn judged(&mut self, now: Micros, part: PartId, verdict: Verdict, evidence: Option<Evidence>) {
        let submitted = self.submitted.remove(&part);
        if let Some(score) = verdict.score() {
            self.status.scored(score);
        }
        if let Some(sample) = evidence.as_ref().and_then(|evidence| evidence.drift) {
            self.drift(now, &sample);
        }
        self.audit.judged(part, evidence);
        if let Some(details) = self.audit.details(part) {
            details.inference = submitted.map(|at| now.saturating_sub(at));
        }
        if verdict == Verdict::Uninspected(Reason::ModelFault) {
            self.alarm(now, Happening::Failed(Reason::ModelFault));
        }
        self.decide(part, verdict);
    }

    /// Another bundle judges from now on. The judge is told by whoever tells the desk, and only afterwards.
    ///
    /// # Errors
    /// [`AuditError`] when it cannot be kept; the line must then end.
    pub fn takeover(&mut self, takeover: &Takeover) -> Result<(), AuditError> {
        self.sink.takeover(takeover)?;
        self.status.product.clone_from(&takeover.product);
        self.status.threshold = takeover.threshold;
        self.changed = true;
        Ok(())
    }

    /// Something about the station, as whoever looks after it says.
    pub fn condition(&mut self, now: Micros, condition: Condition, present: bool) {
        self.alarm(now, Happening::Condition { condition, present });
    }

    /// Does what is due by now.
    pub fn due(&mut self, now: Micros) {
        while let Some(part) = self.capture.overdue(now) {
            self.decide(part, Verdict::Uninspected(Reason::NoFrame));
        }
        self.alarm(now, Happening::Time);
    }

    /// When [`Desk::due`] must next be called.
    #[must_use]
    pub fn step_at(&self) -> Option<Micros> {
        self.capture.step_at()
    }

    /// What the gate is to be told, in order.
    pub fn orders(&mut self) -> std::vec::Drain<'_, Order> {
        self.orders.drain(..)
    }

    /// Tells the gate how the line stands, and that the desk lives. The line may run only when the station is `ready`.
    pub fn tell_state(&mut self, ready: bool) {
        self.ready = ready;
        let state = self.state();
        self.orders.push(state);
    }

    fn state(&self) -> Order {
        Order::State { permit: self.ready && self.alarms.permit(), alarm: self.alarms.output() }
    }

    /// What judges.
    #[must_use]
    pub fn judge(&self) -> &J {
        &self.judge
    }

    /// What judges, to be told of another bundle.
    pub fn judge_mut(&mut self) -> &mut J {
        &mut self.judge
    }

    /// What displays show, if it has changed since the last call.
    pub fn news(&mut self) -> Option<&Status> {
        std::mem::take(&mut self.changed).then_some(&self.status)
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Fire errors since the last call, in microseconds.
    pub fn fire_errors(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.fire_errors)
    }

    /// Parts that have left since the last call.
    pub fn departures(&mut self) -> Departures {
        std::mem::take(&mut self.departures)
    }

    /// Somebody acknowledges what is latched, otherwise than by the button: the gate is told, and says so.
    pub fn reset(&mut self) {
        self.orders.push(Order::Reset);
    }

    /// Since when the oldest picture is being judged.
    #[must_use]
    pub fn judging_since(&self) -> Option<Micros> {
        self.submitted.values().min().copied()
    }

    /// The line ends: every part that has not left gets its record. Gives the sink back, what displays showed last, and the first
    /// record that could not be kept.
    pub fn finish(mut self, now: Micros) -> (S, Status, Result<(), AuditError>) {
        let abandoned = self.audit.abandon(now, self.travel, &mut self.sink);
        (self.sink, self.status, abandoned)
    }

    fn drift(&mut self, now: Micros, sample: &Sample) {
        let before = Figure::ALL.map(|figure| self.drift.moved(figure).is_some());
        self.drift.step(now, sample);
        for (figure, before) in Figure::ALL.into_iter().zip(before) {
            let moved = self.drift.moved(figure);
            if before == moved.is_some() {
                continue;
            }
            match &moved {
                Some(moved) => tracing::warn!(%moved, since = moved.since.0, "the line has drifted"),
                None => tracing::info!(?figure, "back to what is usual"),
            }
            self.alarm(now, Happening::Drift { figure, since: moved.map(|moved| moved.since) });
        }
    }

    fn decide(&mut self, part: PartId, verdict: Verdict) {
        self.orders.push(Order::Judged { part, verdict });
    }

    fn alarm(&mut self, now: Micros, happening: Happening) {
        if !self.alarms.step(now, happening) {
            return;
        }
        let top = self.alarms.top();
        self.status.state = if top.is_some_and(|row| row.stops()) { State::Fault } else { State::Run };
        self.status.fault = top.map(|row| row.code);
        self.changed = true;
        let state = self.state();
        self.orders.push(state);
    }

    fn left(&mut self, now: Micros, part: PartId) -> Result<(), AuditError> {
        let evidence = self.audit.evidence(part);
        let thumbnail = evidence.map(|seen| overlay(&seen.input, &seen.heatmap, seen.width, THUMBNAIL_SIDE as usize));
        let details = self.audit.details(part).copied().unwrap_or_default();
        let record = self.audit.left(part, &mut self.sink)?;
        if self.departures.parts.len() < DEPARTED {
            self.departures.parts.push(Departed { record, details });
        } else {
            self.departures.untold += 1;
        }
        self.count(&record, thumbnail);
        self.alarm(now, Happening::Record(record));
        self.changed = true;
        Ok(())
    }

    fn count(&mut self, record: &Record, thumbnail: Option<Vec<u8>>) {
        self.status.count(record);
        if let (Verdict::Bad(_), Some(rgb)) = (record.get().verdict, thumbnail) {
            self.status.last_bad = Some(Thumbnail { rgb, part: record.get().part });
        }
    }
}
