//! Looks after a running line: systemd's watchdog, the store's health, displays, when the black box is kept, and the figures that are
//! told at the end.
//!
//! Takes what the loop sees in each turn; gives the conditions that follow. It decides nothing about a part.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::units::Micros;

use super::line::{Attendant, Seen};
use crate::blackbox::Tape;
use crate::health::alarms::Condition;
use crate::health::watchdog::{Done, Notifier, Progress};
use crate::hmi::screen::{State, Status};

/// How often a line for `systemctl status` is written.
const STATUS_EVERY: Micros = Micros::from_millis(5_000);

/// What shows the state to people. Never waits for a device.
pub trait Display {
    /// Shows a state, in place of one that has not been shown yet.
    fn show(&mut self, status: &Status);

    /// Whether nothing can be seen now.
    fn is_away(&self) -> bool;
}

/// A station without a display.
#[derive(Debug, Default)]
pub struct NoDisplay;

impl Display for NoDisplay {
    fn show(&mut self, _: &Status) {}

    fn is_away(&self) -> bool {
        false
    }
}

/// Looks after a line.
pub struct Keeper<'a> {
    notifier: Notifier,
    progress: Option<Progress>,
    ready: bool,
    status_at: Micros,
    display: &'a mut dyn Display,
    failing: bool,
    tape: Tape,
    keep: Arc<AtomicBool>,
    stopped_for: Option<&'static str>,
    /// Every pulse's error in microseconds.
    pub fire_errors: Vec<i64>,
    /// Pings given.
    pub pings: u64,
}

/// Fire errors that are kept for the table at the end: the first of a shift.
const FIRE_ERRORS: usize = 100_000;

impl<'a> Keeper<'a> {
    /// Begins now. What is on the tape is kept when an alarm stops the line, and whenever `keep` is set.
    #[must_use]
    pub fn new(now: Micros, display: &'a mut dyn Display, tape: Tape, keep: Arc<AtomicBool>) -> Self {
        let notifier = Notifier;
        let progress = notifier.interval().map(|every| Progress::new(every, now));
        Self {
            notifier,
            progress,
            ready: false,
            status_at: now,
            display,
            failing: false,
            tape,
            keep,
            stopped_for: None,
            fire_errors: Vec::new(),
            pings: 0,
        }
    }
}

impl Keeper<'_> {
    /// The line has ended: no display shall go on saying that it runs.
    pub fn stopped(&mut self, status: &Status) {
        let state = if status.state == State::Run { State::Stop } else { status.state };
        self.display.show(&Status { state, ..status.clone() });
    }
}

impl Attendant for Keeper<'_> {
    fn look(&mut self, now: Micros, seen: &Seen<'_>) -> Vec<(Condition, bool)> {
        if seen.ready && !self.ready {
            self.ready = true;
            self.notifier.ready();
        }
        let done = Done { camera: seen.camera_turns, gate: seen.gate_turns, judging_since: seen.judging_since };
        if self.progress.as_mut().is_some_and(|progress| progress.due(now, done)) {
            self.notifier.ping();
            self.pings += 1;
        }
        let room = FIRE_ERRORS.saturating_sub(self.fire_errors.len());
        self.fire_errors.extend(seen.fire_errors.iter().take(room));
        if self.keep.swap(false, Ordering::Relaxed) {
            self.tape.keep("ASKED");
        }
        if let Some(status) = seen.news {
            self.display.show(status);
            let stopped_for = status.fault.filter(|_| status.state == State::Fault);
            if let Some(code) = stopped_for.filter(|_| self.stopped_for.is_none()) {
                self.tape.keep(code);
            }
            self.stopped_for = stopped_for;
            if now >= self.status_at {
                self.status_at = now.saturating_add(STATUS_EVERY);
                let Status { parts, good, rejected, uninspected, .. } = status;
                let fault = status.fault.map_or(String::new(), |code| format!("{code}: "));
                let text = format!("{fault}{parts} parts, {good} good, {rejected} bad, {uninspected} uninspected");
                self.notifier.status(&text);
            }
        }
        let failing = seen.store_failure.is_some();
        if let Some(failure) = seen.store_failure.as_ref().filter(|_| !self.failing) {
            tracing::error!(%failure, "records cannot be written");
        }
        self.failing = failing;
        vec![(Condition::StoreFailing, failing), (Condition::DisplayAway, self.display.is_away())]
    }
}

impl Drop for Keeper<'_> {
    fn drop(&mut self) {
        self.notifier.stopping();
    }
}
