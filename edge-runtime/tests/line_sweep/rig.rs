//! A whole station in virtual time: the gate's machine and the desk of a real line, on the virtual belt.
//!
//! Takes a line's plan and faults; gives what really became of each part beside what the station recorded of it. A part is
//! judged by what it truly is, so that whatever else goes wrong is the station's doing. The queue before the judge and the time
//! that he takes are those of a board.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use edge_runtime::config::Latency;
use edge_runtime::health::alarms::{Alarms, Limits};
use edge_runtime::hmi::screen::Status;
use edge_runtime::hw::roles::{Clock, HwFault, LineInput, Picture, PictureFormat, Sensor, Signal, SignalKind};
use edge_runtime::hw::sim::Stream;
use edge_runtime::hw::sim::io::SimGate;
use edge_runtime::hw::sim::live::SimSignals;
use edge_runtime::hw::sim::sensors::Sensors;
use edge_runtime::hw::sim::world::{Departure, Part, Plan, Shared, World};
use edge_runtime::hw::wrap::faulty::Rates;
use edge_runtime::hw::wrap::lines::{FaultyLines, Stalls};
use edge_runtime::stage::audit::{Audit, AuditError, RecordSink};
use edge_runtime::stage::capture::{Capture, Moment};
use edge_runtime::stage::conductor::{Conductor, Order, Said};
use edge_runtime::stage::desk::{Desk, Judge};
use edge_runtime::stage::odometer::Odometer;
use edge_runtime::stage::stall::Stall;
use edge_runtime::stage::workers::Evidence;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use shared::frame::PixelFormat;
use shared::limits::SHOT_QUEUE;
use shared::line::Layout;
use shared::record::Record;
use shared::units::{Micros, PartId, Score, Travel};
use shared::verdict::{Reason, Verdict};

/// The desk tells the gate how things stand this often.
const TELLS: Micros = Micros::from_millis(1_000);

/// Somebody acknowledges a lost encoder after this long.
const RESETS: Micros = Micros::from_millis(5_000);

/// A line, and how it goes wrong.
#[derive(Debug, Clone)]
pub struct Setup {
    pub plan: Plan,
    pub layout: Layout,
    pub frame_timeout: Micros,
    /// From exposure to picture.
    pub camera: Micros,
    pub latency: Latency,
    pub rates: Rates,
    pub stalls: Stalls,
    /// Edges without a step for this long are a stalled encoder; `None` never looks.
    pub stalls_after: Option<Micros>,
}

/// What really became of a part, and what the station recorded of it.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    pub departure: Departure,
    /// The record of the part's first edge; none if the trigger did not see it.
    pub record: Option<Record>,
}

/// A shift at its end.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The parts, in the order in which they left.
    pub courses: Vec<Course>,
    /// How often each number was recorded.
    pub recorded: BTreeMap<PartId, u32>,
    /// Numbers that the station gave.
    pub named: BTreeMap<PartId, ()>,
    /// How often the encoder was given up.
    pub stalls_seen: u32,
}

#[derive(Clone, Default)]
struct Now(Rc<Cell<Micros>>);

impl Clock for Now {
    fn now(&self) -> Micros {
        self.0.get()
    }
}

/// The sensors, in virtual time. Knows which part the trigger saw last.
struct VirtualLines {
    world: Shared,
    sensors: Sensors,
    at_trigger: Option<Part>,
}

impl LineInput for VirtualLines {
    fn next(&mut self, until: Micros) -> Result<Option<Signal>, HwFault> {
        let (at, kind) = self.sensors.coming();
        if at > until {
            self.world.lock().advance(until);
            return Ok(None);
        }
        self.world.lock().advance(at);
        self.at_trigger = self.sensors.happened(at, kind).or(self.at_trigger);
        Ok(Some(Signal { at, kind }))
    }
}

/// A board that judges one part after the other.
struct Oracle {
    now: Now,
    latency: Latency,
    rng: ChaCha8Rng,
    free_at: Micros,
    in_work: VecDeque<(Micros, PartId, bool)>,
}

impl Oracle {
    fn draw_latency(&mut self) -> Micros {
        let Latency { mean, jitter, spike_rate, spike } = self.latency;
        let jittered = mean.0.saturating_sub(jitter.0) + self.rng.random_range(0..=2 * jitter.0);
        let held_up = self.rng.random_bool(spike_rate);
        Micros(jittered).saturating_add(if held_up { spike } else { Micros(0) })
    }
}

#[derive(Clone)]
struct Judging(Rc<RefCell<Oracle>>);

impl Judge for Judging {
    fn submit(&mut self, part: PartId, picture: Arc<Picture>) -> Result<(), Reason> {
        let mut oracle = self.0.borrow_mut();
        if oracle.in_work.len() >= SHOT_QUEUE {
            return Err(Reason::InferBusy);
        }
        let done_at = oracle.free_at.max(oracle.now.now()).saturating_add(oracle.draw_latency());
        oracle.free_at = done_at;
        oracle.in_work.push_back((done_at, part, picture.bytes == [0]));
        Ok(())
    }

    fn is_gone(&self) -> bool {
        false
    }
}

#[derive(Default)]
struct Kept(Vec<Record>);

impl RecordSink for Kept {
    fn append(&mut self, record: &Record, _: Option<&Evidence>) -> Result<(), AuditError> {
        self.0.push(*record);
        Ok(())
    }
}

struct Rig {
    now: Now,
    world: Shared,
    lines: FaultyLines<VirtualLines>,
    camera: Micros,
    missing_frame: f64,
    camera_rng: ChaCha8Rng,
    /// Pictures under way: when exposed, and what they show.
    exposed: VecDeque<(Micros, u8)>,
    conductor: Conductor,
    desk: Desk<Kept, Judging>,
    oracle: Judging,
    told_at: Micros,
    reset_at: Option<Micros>,
    /// The part of each registered number.
    seen: BTreeMap<PartId, u32>,
    in_flight: BTreeMap<PartId, ()>,
    outcome: Outcome,
}

/// Runs a shift until its last part has left and is recorded.
pub fn run(setup: &Setup) -> Outcome {
    let mut rig = Rig::new(setup);
    rig.pump();
    while !(rig.world.lock().is_over() && rig.in_flight.is_empty()) {
        rig.step();
    }
    rig.finish()
}

impl Rig {
    fn new(setup: &Setup) -> Self {
        let Setup { plan, layout, latency, .. } = *setup;
        let (now, world) = (Now::default(), World::shared(plan));
        let chance = |stream: Stream| stream.chance(plan.seed);
        let sensors = Sensors::new(world.clone());
        let inner = VirtualLines { world: world.clone(), sensors, at_trigger: None };
        let (trigger, encoder) = (chance(Stream::Trigger), chance(Stream::Encoder));
        let lines = FaultyLines::new(inner, setup.rates, trigger, setup.stalls, encoder);
        let odometer = Odometer::encoder(Travel(plan.encoder_step_um));
        let stall = setup.stalls_after.map(Stall::new);
        let (output, signals) = (Box::new(SimGate::new(world.clone())), Box::new(SimSignals::default()));
        let conductor = Conductor::new(layout, output, signals, odometer, stall, Micros(0));
        let rng = chance(Stream::Inference);
        let (free_at, in_work) = (Micros(0), VecDeque::new());
        let oracle = Judging(Rc::new(RefCell::new(Oracle { now: now.clone(), latency, rng, free_at, in_work })));
        let limits = Limits {
            consecutive_rejects: 0,
            consecutive_unjudged: 0,
            rejects_in_hundred: 0,
            confirm_within: None,
            gate_slack: Travel(i64::MAX),
            bin_full_after: Micros(u64::MAX),
        };
        let capture = Capture::new(Moment::AT_EDGE, setup.frame_timeout);
        let (audit, alarms, status) = (Audit::new(true), Alarms::new(limits), Status::default());
        Self {
            now,
            world,
            lines,
            camera: setup.camera,
            missing_frame: setup.rates.missing_frame,
            camera_rng: chance(Stream::Camera),
            exposed: VecDeque::new(),
            conductor,
            desk: Desk::new(capture, oracle.clone(), audit, Kept::default(), alarms, status),
            oracle,
            told_at: Micros(0),
            reset_at: None,
            seen: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            outcome: Outcome::default(),
        }
    }

    /// The next signal, or the next thing due.
    fn step(&mut self) {
        let picture = self.exposed.front().map(|(at, _)| at.saturating_add(self.camera));
        let verdict = self.oracle.0.borrow().in_work.front().map(|work| work.0);
        let dues = [picture, verdict, self.desk.step_at(), self.reset_at, Some(self.told_at)];
        let due = dues.into_iter().flatten().fold(self.conductor.step_at(), Micros::min).max(self.now.now());
        match self.lines.next(due).unwrap() {
            Some(signal) => {
                self.now.0.set(signal.at);
                if signal.kind == SignalKind::Edge(Sensor::Trigger) {
                    self.expose();
                }
                self.conductor.signal(signal, &self.now).unwrap();
            }
            None => {
                self.now.0.set(due);
                self.due(due);
            }
        }
        self.pump();
    }

    fn expose(&mut self) {
        let under = self.world.lock().under_camera();
        if let Some(part) = under
            && !self.camera_rng.random_bool(self.missing_frame)
        {
            self.exposed.push_back((self.now.now(), u8::from(part.kind.is_some())));
        }
    }

    /// The conductor comes last: what it decides now it decides after all that was heard before.
    fn due(&mut self, now: Micros) {
        if let Some((exposed_at, byte)) = self.exposed.pop_front_if(|(at, _)| at.saturating_add(self.camera) <= now) {
            let format = PictureFormat::Pixels(PixelFormat::Grey);
            let picture = Picture { exposed_at, format, width: 1, height: 1, bytes: vec![byte] };
            self.desk.pictured(now, Arc::new(picture), false);
        }
        let done = self.oracle.0.borrow_mut().in_work.pop_front_if(|work| work.0 <= now);
        if let Some((_, part, sound)) = done {
            let score = |value| Score::new(value).unwrap();
            let verdict = if sound { Verdict::Good(score(0.1)) } else { Verdict::Bad(score(0.9)) };
            self.desk.judged(now, part, verdict, None);
        }
        self.desk.due(now);
        if now >= self.told_at {
            self.desk.tell_state(true);
            self.told_at = now.saturating_add(TELLS);
        }
        if self.reset_at.is_some_and(|at| now >= at) {
            self.reset_at = None;
            self.conductor.order(Order::Reset, &self.now).unwrap();
        }
        self.pump();
        self.conductor.due(&self.now).unwrap();
    }

    /// Carries words between gate and desk until both are silent.
    fn pump(&mut self) {
        loop {
            let said: Vec<Said> = self.conductor.said().collect();
            for &word in &said {
                self.note(word);
                self.desk.gate(self.now.now(), word).unwrap();
            }
            let orders: Vec<Order> = self.desk.orders().collect();
            for &order in &orders {
                self.conductor.order(order, &self.now).unwrap();
            }
            if said.is_empty() && orders.is_empty() {
                return;
            }
        }
    }

    fn note(&mut self, word: Said) {
        match word {
            Said::Seen { part, .. } => {
                // The signal that is being taken in is the trigger's last.
                let index = self.lines.inner().at_trigger.unwrap().index;
                self.seen.insert(part, index);
                self.name(part);
            }
            Said::Decided { part, .. } => self.name(part),
            Said::Left { part, .. } => drop(self.in_flight.remove(&part)),
            Said::EncoderLost { .. } => {
                self.outcome.stalls_seen += 1;
                self.reset_at = Some(self.now.now().saturating_add(RESETS));
            }
            _ => {}
        }
    }

    fn name(&mut self, part: PartId) {
        if self.outcome.named.insert(part, ()).is_none() {
            self.in_flight.insert(part, ());
        }
    }

    fn finish(mut self) -> Outcome {
        let records = self.desk.sink.0;
        let mut first: BTreeMap<u32, Record> = BTreeMap::new();
        for record in &records {
            let part = record.get().part;
            *self.outcome.recorded.entry(part).or_default() += 1;
            if let Some(index) = self.seen.get(&part) {
                let known = first.entry(*index).or_insert(*record);
                if part < known.get().part {
                    *known = *record;
                }
            }
        }
        let departures = self.world.lock().take_departures();
        let course = |departure: Departure| Course { departure, record: first.get(&departure.part.index).copied() };
        self.outcome.courses = departures.into_iter().map(course).collect();
        self.outcome
    }
}
