//! Looks after a running line: systemd's watchdog, the store's health, displays, and the figures that are told at the end.
//!
//! Takes what the loop sees in each turn; gives the conditions that follow. It decides nothing about a part.

use shared::units::Micros;

use super::line::{Attendant, Seen};
use crate::health::alarms::Condition;
use crate::health::watchdog::{Done, Notifier, Progress};
use crate::hmi::screen::Status;

/// How often a line for `systemctl status` is written.
const STATUS_EVERY: Micros = Micros::from_millis(5_000);

/// Looks after a line.
pub struct Keeper<'a> {
    notifier: Notifier,
    progress: Option<Progress>,
    ready: bool,
    status_at: Micros,
    show: Box<dyn FnMut(&Status) + 'a>,
    failing: bool,
    /// Every pulse's error in microseconds.
    pub fire_errors: Vec<i64>,
    /// Pings given.
    pub pings: u64,
}

/// Fire errors that are kept for the table at the end: the first of a shift.
const FIRE_ERRORS: usize = 100_000;

impl<'a> Keeper<'a> {
    /// Has displays show the status by `show`, which must not wait for them.
    #[must_use]
    pub fn new(now: Micros, show: Box<dyn FnMut(&Status) + 'a>) -> Self {
        let notifier = Notifier;
        let progress = notifier.interval().map(|every| Progress::new(every, now));
        let fire_errors = Vec::new();
        Self { notifier, progress, ready: false, status_at: now, show, failing: false, fire_errors, pings: 0 }
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
        if let Some(status) = seen.news {
            (self.show)(status);
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
        vec![(Condition::StoreFailing, failing)]
    }
}

impl Drop for Keeper<'_> {
    fn drop(&mut self) {
        self.notifier.stopping();
    }
}
