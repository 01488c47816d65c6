//! The station's loop: waits for the next edge or the next thing due, and steps whatever it concerns.
//!
//! Takes the hardware by its roles and the stages; gives records to a sink and states to the panel until the line rests. It
//! is the same for a real line and a simulated one: time is whatever the clock role says. It knows no true course of things.

use std::collections::BTreeSet;

use shared::drift::{Figure, Moved, Sample, Watch};
use shared::line::{Action, Event, Fate};
use shared::record::Record;
use shared::units::{Micros, PartId, Travel};
use shared::verdict::{Reason, Verdict};
use thiserror::Error;

use super::audit::{Audit, AuditError, RecordSink};
use super::capture::{Capture, Shown};
use super::gate::{Gate, stops_line};
use super::infer::Infer;
use crate::hmi::screen::{State, Status, THUMBNAIL_SIDE, Thumbnail};
use crate::hmi::thumbnail::overlay;
use crate::hw::roles::{Clock, Edge, FrameSource, HwFault, Panel, Sensor, TravelSource, TriggerInput};

/// Why a shift ended before its line came to rest. The gate is in its safe state then.
#[derive(Debug, Error)]
pub enum ShiftError {
    /// A device was misused or failed where nothing can go on without it.
    #[error("{0}")]
    Hardware(#[from] HwFault),
    /// A record could not be kept.
    #[error("the audit failed: {0}")]
    Audit(#[from] AuditError),
}

/// The devices, each in its role; the reject output belongs to the gate.
pub struct Hardware<'a> {
    /// Reads the time.
    pub clock: Box<dyn Clock + 'a>,
    /// Gives the edges of the light barriers.
    pub trigger: Box<dyn TriggerInput + 'a>,
    /// Says where the belt is.
    pub travel: Box<dyn TravelSource + 'a>,
    /// Takes the pictures.
    pub camera: Box<dyn FrameSource + 'a>,
    /// Shows the state.
    pub panel: &'a mut dyn Panel,
}

/// What the station itself counted.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Edges that were bounces.
    pub bounced: u32,
    /// Parts whose verdict came after their fate was decided.
    pub late: BTreeSet<PartId>,
    /// Figures that moved, each with the parts that had left when it was first noticed.
    pub drifts: Vec<(u32, Moved)>,
    /// The records, in the order in which the parts left.
    pub records: Vec<Record>,
    /// When the line came to rest.
    pub ended_at: Micros,
    /// Where the belt was then.
    pub ended_travel: Travel,
}

/// Everything that one run of the line needs.
pub struct Shift<'a> {
    /// The devices.
    pub hardware: Hardware<'a>,
    /// The tracker with the reject output.
    pub gate: Gate,
    /// Matches pictures and parts.
    pub capture: Capture,
    /// Judges pictures.
    pub infer: Infer,
    /// Makes records.
    pub audit: Audit,
    /// Keeps them.
    pub sink: &'a mut dyn RecordSink,
    /// What the panel shows.
    pub status: Status,
    /// Watches whether pictures and scores stay as they were.
    pub watch: Watch,
    /// What was counted.
    pub counts: Counts,
}

impl Shift<'_> {
    /// Runs until nothing is due any more and no edge will come. A real line's trigger never says so; it is ended by its
    /// process.
    ///
    /// # Errors
    /// [`ShiftError`], after the parts in flight were recorded. Dropping the shift puts the gate into its safe state.
    pub fn run(mut self) -> Result<(Counts, Status), ShiftError> {
        if let Err(error) = self.until_rest() {
            let (at, travel) = (self.hardware.clock.now(), self.hardware.travel.read());
            // The first error is the one to tell; a sink that fails has failed before.
            if let Err(lost) = self.audit.abandon(at, travel, self.sink) {
                tracing::error!(%lost, "parts in flight are without a record");
            }
            return Err(error);
        }
        self.counts.ended_at = self.hardware.clock.now();
        self.counts.ended_travel = self.hardware.travel.read();
        self.show();
        Ok((self.counts, self.status))
    }

    fn until_rest(&mut self) -> Result<(), ShiftError> {
        loop {
            let until = self.due_at();
            match self.hardware.trigger.next(until) {
                Some(edge) => self.edge(edge)?,
                None if until == Micros(u64::MAX) => return Ok(()),
                None => self.due()?,
            }
        }
    }

    /// The earliest moment at which anything is to be done; the end of time when nothing is.
    fn due_at(&mut self) -> Micros {
        let gate = self.gate.step_at().map(|place| self.hardware.travel.reaches(place));
        let dues = [gate, self.hardware.camera.ready_at(), self.capture.step_at(), self.infer.step_at()];
        dues.into_iter().flatten().min().unwrap_or(Micros(u64::MAX))
    }

    fn edge(&mut self, edge: Edge) -> Result<(), ShiftError> {
        let event = match edge.sensor {
            Sensor::Trigger => Event::Seen,
            Sensor::Photogate => Event::AtGate,
        };
        let Some(part) = self.track(edge.at, edge.travel, event)? else { return Ok(()) };
        self.audit.seen(part, edge.at, edge.travel);
        let waits = self.capture.registered(part, edge.at);
        match self.hardware.camera.expose() {
            Ok(()) if waits => Ok(()),
            Ok(()) => self.judge(part, Verdict::Uninspected(Reason::NoFrame)),
            Err(fault) => {
                tracing::warn!(%fault, part = part.0, "no picture");
                self.judge(part, Verdict::Uninspected(Reason::CameraFault))
            }
        }
    }

    /// Does everything that is due now. The gate comes last: what is decided exactly now is decided after all that was heard
    /// before.
    fn due(&mut self) -> Result<(), ShiftError> {
        let now = self.hardware.clock.now();
        match self.hardware.camera.take() {
            Ok(None) => {}
            Ok(Some(picture)) => {
                // The camera exposes at an edge and never before, so that no part has an earlier picture.
                if let Some(Shown { part, .. }) = self.capture.pictured(picture.exposed_at).pop()
                    && let Err(reason) = self.infer.submit(now, part, picture)
                {
                    self.judge(part, Verdict::Uninspected(reason))?;
                }
            }
            // Which part the picture was of shows when the part's time is over.
            Err(fault) => tracing::warn!(%fault, "a picture is lost"),
        }
        while let Some(part) = self.capture.overdue(now) {
            self.judge(part, Verdict::Uninspected(Reason::NoFrame))?;
        }
        while let Some(judged) = self.infer.done(now) {
            if let Some(score) = judged.verdict.score() {
                self.status.scored(score);
            }
            if let Some(sample) = judged.evidence.as_ref().and_then(|evidence| evidence.drift) {
                self.drift(now, &sample);
            }
            self.audit.judged(judged.part, judged.evidence);
            self.judge(judged.part, judged.verdict)?;
        }
        let travel = self.hardware.travel.read();
        self.track(now, travel, Event::Moved).map(|_| ())
    }

    fn drift(&mut self, now: Micros, sample: &Sample) {
        self.watch.step(now, sample);
        for figure in Figure::ALL {
            if let Some(moved) = self.watch.moved(figure)
                && !self.counts.drifts.iter().any(|(_, known)| known.figure == figure)
            {
                self.counts.drifts.push((self.counts.records.len() as u32, moved));
            }
        }
    }

    fn judge(&mut self, part: PartId, verdict: Verdict) -> Result<(), ShiftError> {
        let (now, travel) = (self.hardware.clock.now(), self.hardware.travel.read());
        self.track(now, travel, Event::Judged { part, verdict }).map(|_| ())
    }

    /// Steps the gate and follows up everything that it says. Gives the part that was registered, if one was.
    fn track(&mut self, at: Micros, travel: Travel, event: Event) -> Result<Option<PartId>, ShiftError> {
        let (mut registered, mut left) = (None, false);
        for action in self.gate.step(travel, event)? {
            match *action {
                Action::Registered { part } => registered = Some(part),
                Action::Bounced => self.counts.bounced += 1,
                Action::Decided { part, fate } => {
                    tracing::debug!(part = part.0, ?fate, "decided");
                    self.audit.decided(part, at, travel, fate);
                    if let Fate::Rejected(cause) = fate
                        && let Some(code) = stops_line(cause)
                    {
                        self.status.state = State::Fault;
                        self.status.fault = Some(code);
                    }
                }
                Action::Late { part, verdict } => {
                    self.counts.late.insert(part);
                    self.audit.late(part, verdict);
                }
                // Nothing else ever judges a number that is not in flight: its part has left meanwhile.
                Action::Unknown { part } => drop(self.counts.late.insert(part)),
                Action::Left { part } => {
                    let evidence = self.audit.evidence(part);
                    let thumbnail =
                        evidence.map(|seen| overlay(&seen.input, &seen.heatmap, seen.width, THUMBNAIL_SIDE as usize));
                    let record = self.audit.left(part, self.sink)?;
                    count(&mut self.status, &record, thumbnail);
                    self.counts.records.push(record);
                    left = true;
                }
                Action::Open { .. } | Action::Extend { .. } | Action::Close | Action::Overflow { .. } => {}
            }
        }
        if left {
            self.show();
        }
        Ok(registered)
    }

    fn show(&mut self) {
        // The panel decides nothing, so that the line runs on without it.
        if let Err(fault) = self.hardware.panel.show(&self.status) {
            tracing::warn!(%fault, "the panel does not show the state");
        }
    }
}

fn count(status: &mut Status, record: &Record, thumbnail: Option<Vec<u8>>) {
    status.count(record);
    if let (Verdict::Bad(_), Some(rgb)) = (record.get().verdict, thumbnail) {
        status.last_bad = Some(Thumbnail { rgb, part: record.get().part });
    }
}
