//! What the plant is told of the line.
//!
//! Takes what the loop sees in each turn; counts it, and leaves parts and, five times a second at most, a standing in the slot. Never
//! waits, decides nothing.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use edge_plant::wire::histogram::{FIRE_ERROR_US, LATENCY_US, SCORE_MILLIONTHS};
use edge_plant::wire::{Ages, Alarm, Basis, Drops, Greeting, Part, Queues, Readings, Standing, State};
use shared::units::{Micros, Travel};
use shared::verdict::{Reason, Verdict};

use super::setter::Setter;
use super::slot::{Shared, Wanted};
use super::thread::Thread;
use crate::health::alarms::Raised;
use crate::health::readings::{Limits, Reading};
use crate::hmi::screen;
use crate::hw::sim::live::SharedClock;
use crate::stage::desk::Departed;
use crate::station::line::Seen;
use crate::station::recipes::Exchange;
use crate::store::{RunStart, Takeover};

/// From one standing to the next: people see no faster.
const EVERY: Micros = Micros::from_millis(200);

/// Two parts that lie farther apart than this say nothing of the speed now.
const SPEED_WITHIN: Micros = Micros::from_millis(10_000);

/// Feeds the plant's thread. Dropping it ends the thread.
pub struct Feed {
    shared: Arc<Shared>,
    start: RunStart,
    limits: Option<Limits>,
    standing: Standing,
    due_at: Micros,
    camera: Turns,
    gate: Turns,
    /// Time and place of the last part at the trigger.
    last: Option<(Micros, Travel)>,
    _thread: Thread,
}

/// What the plant may ask for besides the reset button, and what it is told for that.
pub struct Wishes {
    /// What a threshold is chosen from at the start.
    pub basis: Basis,
    /// Keeps thresholds that are set.
    pub setter: Setter,
    /// Where changes of products are asked for.
    pub exchange: Arc<Exchange>,
}

/// When a counter last moved.
#[derive(Debug, Clone, Copy, Default)]
struct Turns {
    count: u64,
    at: Micros,
}

impl Turns {
    fn age(&mut self, now: Micros, count: u64) -> Micros {
        if count != self.count {
            *self = Self { count, at: now };
        }
        now.saturating_sub(self.at)
    }
}

impl Feed {
    /// Starts the thread, which opens the socket. `run` is the run's number, `store` the folder of records and pictures.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        socket: PathBuf,
        start: RunStart,
        run: i64,
        store: String,
        Wishes { basis, setter, exchange }: Wishes,
        clock: SharedClock,
    ) -> io::Result<Self> {
        let greeting = Greeting {
            software: start.software.clone(),
            station: start.station.clone(),
            product: start.product.clone(),
            bundle_sha256: start.bundle_sha256,
            threshold: start.threshold,
            run,
            simulation: start.simulation,
            store,
            started_us: start.started_at.0,
            clock_at_start: start.clock_at_start,
        };
        let shared = Arc::new(Shared::new(basis, exchange));
        let (standing, now) = (
            Standing { product: start.product.clone(), threshold: start.threshold, ..Standing::default() },
            clock.now(),
        );
        let turns = Turns { count: 0, at: now };
        let _thread = Thread::start(socket, greeting, Arc::clone(&shared), setter, clock)?;
        Ok(Self { shared, start, limits: None, standing, due_at: now, camera: turns, gate: turns, last: None, _thread })
    }

    /// Within which limits the board's readings are to lie.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits: Some(limits), ..self }
    }

    /// Takes in a turn of the loop, and what the board's sensors said since the last one.
    pub fn look(&mut self, now: Micros, seen: &Seen<'_>, reading: Option<&Reading>) {
        for &error in seen.fire_errors {
            self.standing.fire_error.observe(&FIRE_ERROR_US, error);
        }
        if let Some(status) = seen.news {
            if self.standing.product != status.product {
                self.standing.product.clone_from(&status.product);
            }
            self.standing.threshold = status.threshold;
            self.standing.state = match status.state {
                screen::State::Fault => State::Fault,
                screen::State::Changeover => State::Changeover,
                screen::State::Run | screen::State::Stop => State::Run,
            };
        }
        if let Some(Reading { hottest, throttling, room }) = reading {
            self.standing.readings = Readings {
                hottest_millicelsius: hottest.as_ref().map(|heat| heat.temperature.0),
                throttled: throttling.map(|throttling| throttling.now),
                free_bytes: room.map(|room| room.free_bytes),
                too_hot_millicelsius: self.limits.map(|limits| limits.too_hot.0),
                least_free_bytes: self.limits.map(|limits| limits.least_free_bytes),
            };
        }
        self.standing.ages = Ages {
            camera: self.camera.age(now, seen.camera_turns),
            gate: self.gate.age(now, seen.gate_turns),
            judging: seen.judging_since.map_or(Micros(0), |since| now.saturating_sub(since)),
        };
        seen.departures.parts.iter().for_each(|departed| self.count(departed));
        let due = now >= self.due_at;
        if due {
            self.due_at = now.saturating_add(EVERY);
        }
        if due || !seen.departures.parts.is_empty() {
            let standing = due.then(|| Box::new(self.standing(now, seen)));
            let parts = seen.departures.parts.iter().map(|departed| part(departed, &self.start));
            self.shared.give(parts, seen.departures.untold, standing);
        }
    }

    /// Whether somebody has pressed the plant's reset button since the last call.
    pub fn reset_wanted(&self) -> bool {
        self.shared.reset_wanted()
    }

    /// The threshold that somebody wants from now on, once: as what takes over from what judges, under a number and at a time that the line gives.
    pub fn threshold_wanted(&self) -> Option<Takeover> {
        let Wanted { sha256, threshold } = self.shared.threshold_wanted()?;
        if self.shared.basis().bundle_sha256 != sha256 {
            tracing::warn!(
                "another bundle has taken over: the threshold that was set waits for the one that it was set for"
            );
            return None;
        }
        let product = self.standing.product.clone();
        Some(Takeover { number: 0, at: Micros(0), product, sha256, threshold })
    }

    /// What judges has another number now; with a bundle's scores, it is another bundle.
    pub fn took_over(&mut self, takeover: &Takeover, basis: Option<Basis>) {
        self.standing.bundle = takeover.number;
        self.standing.product.clone_from(&takeover.product);
        if let Some(basis) = basis {
            self.shared.give_basis(Arc::new(basis));
        }
    }

    fn count(&mut self, departed: &Departed) {
        let (raw, standing) = (departed.record.get(), &mut self.standing);
        standing.counters.count(&part(departed, &self.start));
        if let Some(latency) = departed.details.inference {
            standing.latency.observe(&LATENCY_US, i64::try_from(latency.0).unwrap_or(i64::MAX));
        }
        if let Some(score) = raw.verdict.score() {
            standing.scores.observe(&SCORE_MILLIONTHS, (f64::from(score.get()) * 1e6) as i64);
        }
        // A part that no trigger announced was first seen elsewhere, and where the encoder stood nobody knows where anything was.
        let reason = raw.verdict;
        if matches!(reason, Verdict::Uninspected(Reason::UnknownPart | Reason::EncoderFault)) {
            (self.last, standing.speed_um_s) = (None, None);
            return;
        }
        let before = self.last.replace((raw.seen_at, raw.seen_travel));
        let since = before.map(|(at, travel)| (raw.seen_at.saturating_sub(at), raw.seen_travel.saturating_sub(travel)));
        standing.speed_um_s = since.filter(|(time, _)| time.0 > 0 && *time <= SPEED_WITHIN).map(|(time, way)| {
            let speed = i128::from(way.0) * 1_000_000 / i128::from(time.0);
            i64::try_from(speed).unwrap_or(i64::MAX)
        });
    }

    fn standing(&self, now: Micros, seen: &Seen<'_>) -> Standing {
        let known = |(at, _): (Micros, Travel)| now.saturating_sub(at) <= SPEED_WITHIN.saturating_add(SPEED_WITHIN);
        let mut counters = self.standing.counters;
        (counters.bounced, counters.late, counters.fired) = (seen.counts.bounced, seen.counts.late, seen.counts.fired);
        Standing {
            at: now,
            state: if seen.ready { self.standing.state } else { State::Starting },
            counters,
            alarms: seen.alarms.iter().map(|raised| alarm(raised, &self.start)).collect(),
            speed_um_s: self.standing.speed_um_s.filter(|_| self.last.is_some_and(known)),
            queues: Queues {
                records: seen.waiting.records,
                pictures: seen.waiting.pictures,
                shots: seen.waiting.shots,
                frames: seen.waiting.frames,
            },
            drops: Drops { frames: seen.pictures_dropped, pictures: seen.pictures_lost },
            ..self.standing.clone()
        }
    }
}

fn alarm(raised: &Raised, start: &RunStart) -> Alarm {
    let Raised { row, present, latched, since } = *raised;
    Alarm {
        code: row.code.to_owned(),
        remedy: row.remedy.to_owned(),
        stops: row.stops(),
        present,
        latched,
        since_us: start.wall_at(since).0,
    }
}

fn part(departed: &Departed, start: &RunStart) -> Part {
    let (raw, details) = (departed.record.get(), &departed.details);
    Part {
        number: raw.part,
        wall_us: details.wall.unwrap_or_else(|| start.wall_at(raw.decided_at)).0,
        seen_at: raw.seen_at,
        decided_at: raw.decided_at,
        verdict: raw.verdict,
        passed: raw.passed,
        override_reason: raw.override_reason,
        late_verdict: raw.late_verdict,
        inference: details.inference,
        frame_residual_us: details.frame_residual_us,
        fire_error_us: details.fire_error_us,
        bundle: details.bundle,
    }
}
