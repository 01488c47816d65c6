//! Looks after a running line: systemd's watchdog, the store's health, the board's heat and room, displays, the black box, what the plant is
//! told, and the figures that are told at the end.
//!
//! Takes what the loop sees in each turn; gives the conditions that follow. It decides nothing about a part.

use shared::units::Micros;

use super::line::{Attendant, Seen};
use super::plant::Feed;
use crate::blackbox::trigger::Trigger;
use crate::health::alarms::Condition;
use crate::health::readings::{Limits, ReadingsThread, Watch};
use crate::health::watchdog::{Done, Notifier, Progress};
use crate::hmi::screen::{State, Status};
use crate::store::Takeover;
use edge_plant::wire::Basis;

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
    readings: ReadingsThread,
    watch: Watch,
    trigger: Trigger,
    plant: Option<Feed>,
    /// Every pulse's error in microseconds.
    pub fire_errors: Vec<i64>,
    /// Pings given.
    pub pings: u64,
}

/// Fire errors that are kept for the table at the end: the first of a shift.
const FIRE_ERRORS: usize = 100_000;

impl<'a> Keeper<'a> {
    /// Begins now. `readings` are watched within `limits`; `trigger` sees what displays show. The plant is told where there is a feed.
    #[must_use]
    pub fn new(
        now: Micros,
        display: &'a mut dyn Display,
        readings: ReadingsThread,
        limits: Limits,
        trigger: Trigger,
        plant: Option<Feed>,
    ) -> Self {
        let (notifier, watch) = (Notifier, Watch::new(limits));
        let progress = notifier.interval().map(|every| Progress::new(every, now));
        let fire_errors = Vec::new();
        Self {
            notifier,
            progress,
            ready: false,
            status_at: now,
            display,
            failing: false,
            readings,
            watch,
            trigger,
            plant,
            fire_errors,
            pings: 0,
        }
    }
}

impl Keeper<'_> {
    /// The line has ended: no display shall go on saying that it runs.
    pub fn stopped(&mut self, status: &Status) {
        let state = if status.state == State::Fault { State::Fault } else { State::Stop };
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
        self.trigger.look(seen.news);
        if let Some(status) = seen.news {
            self.display.show(status);
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
        let reading = self.readings.take();
        if let Some(plant) = &mut self.plant {
            plant.look(now, seen, reading.as_ref());
        }
        if let Some(reading) = reading
            && self.watch.step(&reading)
        {
            let hottest = reading.hottest.map_or("not told".to_owned(), |heat| heat.temperature.to_string());
            tracing::warn!(%hottest, "the kernel slows the processor down: check cooling and supply");
        }
        let [hot, disk] = self.watch.conditions();
        vec![(Condition::StoreFailing, failing), (Condition::DisplayAway, self.display.is_away()), hot, disk]
    }

    fn reset_wanted(&mut self) -> bool {
        self.plant.as_ref().is_some_and(Feed::reset_wanted)
    }

    fn threshold_wanted(&mut self) -> Option<Takeover> {
        self.plant.as_ref()?.threshold_wanted()
    }

    fn took_over(&mut self, takeover: &Takeover, basis: Option<Basis>) {
        if let Some(plant) = &mut self.plant {
            plant.took_over(takeover, basis);
        }
    }
}

impl Drop for Keeper<'_> {
    fn drop(&mut self) {
        self.notifier.stopping();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blackbox::Tape;
    use crate::bundle::slots::Tally;
    use crate::health::readings::{MilliCelsius, Roots};
    use crate::stage::desk::{Counts, Departures};
    use crate::station::line::Waiting;
    use std::sync::Arc;

    #[test]
    fn a_hot_board_is_told_to_the_line_and_nothing_waits_for_its_sensors() {
        let folder = tempfile::tempdir().unwrap();
        let zone = folder.path().join("class/thermal/thermal_zone0");
        std::fs::create_dir_all(&zone).unwrap();
        std::fs::write(zone.join("type"), "cpu-thermal\n").unwrap();
        std::fs::write(zone.join("temp"), "81000\n").unwrap();
        let roots = Roots { sys: folder.path().to_owned(), disk: folder.path().to_owned() };
        let limits = Limits { too_hot: MilliCelsius(80_000), least_free_bytes: 0 };
        let mut display = NoDisplay;
        let (readings, trigger) = (ReadingsThread::start(roots).unwrap(), Trigger::new(Tape::none(), Arc::default()));
        let mut keeper = Keeper::new(Micros(0), &mut display, readings, limits, trigger, None);
        let departures = Departures::default();
        let seen = Seen {
            ready: false,
            camera_turns: 0,
            pictures_dropped: 0,
            judging_since: None,
            gate_turns: 0,
            store_failure: None,
            counts: Counts::default(),
            fire_errors: &[],
            tally: Tally::default(),
            alarms: &[],
            departures: &departures,
            waiting: Waiting::default(),
            changing: false,
            pictures_lost: 0,
            news: None,
        };
        let all = |found: &[(Condition, bool)]| {
            let named = [Condition::StoreFailing, Condition::DisplayAway, Condition::TooHot, Condition::DiskLow];
            named.map(|condition| found.iter().find(|(named, _)| *named == condition).map(|(_, present)| *present))
        };
        // The first reading is there after some looks; until then nothing is known to be wrong.
        let mut found = keeper.look(Micros(0), &seen);
        while all(&found)[2] == Some(false) {
            std::thread::yield_now();
            found = keeper.look(Micros(0), &seen);
        }
        assert_eq!(all(&found), [Some(false), Some(false), Some(true), Some(false)]);
        assert_eq!(keeper.look(Micros(0), &seen), found, "until the next reading");
    }
}
