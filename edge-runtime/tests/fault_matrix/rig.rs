//! A line in real time, on twins of which one goes wrong; and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use edge_runtime::app::Model;
use edge_runtime::app::live::{self, Parts};
use edge_runtime::bundle::{OpenBundle, TrustedKeys};
use edge_runtime::config::{Config, Hardware};
use edge_runtime::engine::Inspector;
use edge_runtime::engine::choice::{self, EngineChoice};
use edge_runtime::health::alarms::{Alarms, Condition};
use edge_runtime::hw::clock::Monotonic;
use edge_runtime::hw::roles::{Clock, FrameStream, HwFault, LineInput, LineSignals, RejectOutput};
use edge_runtime::hw::sim::world::Shared;
use edge_runtime::station::bundles::WithBundles;
use edge_runtime::station::line::{Attendant, Ended, LineError, Seen};
use edge_runtime::store::{EndReason, Filter, Keep, Limits, Reader, RunStart, Store};
use shared::record::Record;
use shared::units::Micros;
use shared::verdict::{Reason, Verdict};
use shared::wall::WallTime;

use super::Row;
use super::beside::{self, Beside};
use super::faults::{FROM, Fault, FaultyEngine, FaultyGate, FaultyInput, FaultyStream, Time, conditions, lock_store};
use super::host::Host;

/// A slow belt with much time to judge, so that nothing but the fault is late on any machine.
const CONFIG: &str = r#"
[station]
name = "Faults"
hardware = "simulation"
[model]
bundle = "models/demo/cap-nano.draem"
trust = ["models/demo/demo.pub"]
[line]
gate_distance_mm = 900.0
window_before_mm = 30.0
window_after_mm = 44.0
lockout_mm = 15.0
frame_timeout_ms = 2000.0
[audit]
dir = "audit"
max_pictures = 100
[alarms]
consecutive_rejects = 0
rejects_in_hundred = 0
bin_full_ms = 1000.0
[black_box]
minutes = 0.0
[sim]
seed = 3
parts = 32
defect_rate = 0.3
speed_mm_s = 300.0
speed_variation = 0.0
stops_per_minute = 0.0
pitch_mm = 150.0
pitch_variation = 0.1
part_length_mm = 32.0
photogate_before_mm = 5.0
encoder_step_um = 1000
camera_ms = 25.0
gate_rise_ms = 10.0
[sim.inference]
mean_ms = 20.0
jitter_ms = 5.0
spike_rate = 0.0
spike_ms = 0.0
[sim.faults]
missing_frame = 0.0
bounce = 0.0
missed_trigger = 0.0
"#;

/// Reasons that any shift has at its beginning and end, and for parts near others.
const USUAL: [Reason; 3] = [Reason::Boot, Reason::Flushed, Reason::Neighbour];

/// Runs a shift with one fault.
pub fn run(fault: Fault) -> Row {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = match fault {
        Fault::EncoderReverses => CONFIG.replace(
            "stops_per_minute = 0.0",
            "stops_per_minute = 0.0\nreversals_per_minute = 20.0\nreversal_mm = 60.0",
        ),
        Fault::StoreLocked | Fault::RecordsPanic => CONFIG.replace("parts = 32", "parts = 56"),
        _ => CONFIG.to_owned(),
    };
    let config = Config::parse(&text, "fault matrix", &root).unwrap();
    let Hardware::Simulation(simulation) = config.hardware() else { unreachable!("a simulation") };
    let folder = tempfile::tempdir().unwrap();
    let time: Time = Arc::new(Monotonic::start());
    let (parts, world) = live::twins(simulation, time.clone());
    let signals = Signals::default();
    let mut parts = faulty(parts, fault, &time, signals.clone());
    let beside = Beside::of(fault, folder.path());
    parts.tape = beside.tape();
    let link = (fault == Fault::BundlesPanic).then(|| beside::slots(folder.path()));
    let mut watcher = WithBundles::new(Watcher { fault, shown: Vec::new(), beside }, link);
    let (store, stop) = (store(&config, folder.path(), fault), AtomicBool::new(false));
    let (host, over) = (Host::default(), AtomicBool::new(false));
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| host.watch(&over));
        if matches!(fault, Fault::StoreLocked | Fault::RecordsPanic) {
            let (folder, time) = (folder.path().to_owned(), &time);
            scope.spawn(move || lock_store(folder, time));
        }
        let model = model(&config, fault, &time, host.clone());
        let alarms = Alarms::new(config.alarms());
        let run = || live::run(&config, parts, model, store, alarms, &mut watcher, &stop);
        let ended = catch_unwind(AssertUnwindSafe(run));
        over.store(true, Ordering::Relaxed);
        ended
    });
    let end = ended.map_or_else(|_| "panics; the others end by themselves".to_owned(), finished);
    let records = settled(folder.path());
    let watcher = watcher.end();
    // A gate that could not be moved in time: what it let by is told, and cannot be helped.
    let told = watcher.shown.contains(&"GATE_LATE");
    Row {
        shown: watcher.shown.join(" "),
        reasons: reasons(&records),
        end,
        broken: broken(&world, &time, &records, &signals, told),
        told,
        held_up: host.held_up(),
    }
}

fn faulty(parts: Parts, fault: Fault, time: &Time, signals: Signals) -> Parts {
    let time = time.clone();
    let input = FaultyInput {
        inner: Boxed(parts.input),
        fault,
        time: time.clone(),
        told: false,
        reset: false,
        held_up_again: Micros(0),
        bounce: None,
    };
    let stream = FaultyStream { inner: Boxed(parts.stream), fault, time: time.clone(), last: None };
    let output = FaultyGate { inner: Boxed(parts.output), fault, time };
    Parts {
        input: Box::new(input),
        stream: Box::new(stream),
        output: Box::new(output),
        signals: Box::new(Held(signals)),
        silent: (fault == Fault::CameraSilent).then_some(Micros::from_millis(1_000)),
        ..parts
    }
}

/// A role that is behind a pointer already.
struct Boxed<T>(T);

impl LineInput for Boxed<Box<dyn LineInput>> {
    fn next(&mut self, until: Micros) -> Result<Option<edge_runtime::hw::roles::Signal>, HwFault> {
        self.0.next(until)
    }
}

impl FrameStream for Boxed<Box<dyn FrameStream>> {
    fn next(&mut self, until: Micros) -> Result<Option<edge_runtime::hw::roles::Picture>, HwFault> {
        self.0.next(until)
    }
}

impl RejectOutput for Boxed<Box<dyn RejectOutput>> {
    fn take_control(&mut self) -> Result<(), HwFault> {
        self.0.take_control()
    }

    fn open(&mut self, part: shared::units::PartId, cause: shared::line::Cause) -> Result<(), HwFault> {
        self.0.open(part, cause)
    }

    fn extend(&mut self, part: shared::units::PartId, cause: shared::line::Cause) -> Result<(), HwFault> {
        self.0.extend(part, cause)
    }

    fn close(&mut self) -> Result<(), HwFault> {
        self.0.close()
    }

    fn make_safe(&mut self) -> Result<(), HwFault> {
        self.0.make_safe()
    }
}

/// Permit and alarm, which fall to what their resistors say when nobody holds them any more.
#[derive(Debug, Clone, Default)]
struct Signals(Arc<Mutex<(bool, bool)>>);

impl Signals {
    fn set(&self, change: impl FnOnce(&mut (bool, bool))) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn are_safe(&self) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) == (false, true)
    }
}

/// The one that the line holds.
struct Held(Signals);

impl LineSignals for Held {
    fn permit(&mut self, run: bool) -> Result<(), HwFault> {
        self.0.set(|lines| lines.0 = run);
        Ok(())
    }

    fn beat(&mut self) -> Result<(), HwFault> {
        Ok(())
    }

    fn alarm(&mut self, on: bool) -> Result<(), HwFault> {
        self.0.set(|lines| lines.1 = on);
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.set(|lines| *lines = (false, true));
    }
}

fn model(config: &Config, fault: Fault, time: &Time, host: Host) -> Model {
    let keys = TrustedKeys::load(config.trust()).unwrap();
    let bundle = OpenBundle::read(config.bundle(), &keys).unwrap();
    let inner = Box::new(choice::load(&bundle, EngineChoice::Fused, 1).unwrap());
    let engine = FaultyEngine { inner, fault, time: time.clone(), host };
    let manifest = bundle.manifest();
    let (product, threshold) = (manifest.product().to_owned(), manifest.threshold());
    Model { inspectors: vec![Inspector::new(manifest.clone(), Box::new(engine))], product, threshold }
}

fn store(config: &Config, folder: &Path, fault: Fault) -> Store {
    let full = matches!(fault, Fault::DiskFull | Fault::PicturesPanic);
    let min_free_bytes = if full { u64::MAX } else { 0 };
    let limits = Limits { min_free_bytes, ..config.audit().limits() };
    let keep = Keep { good_one_in: 1, near_threshold: 0.0 };
    Store::open(folder, limits, keep, start()).unwrap()
}

/// What the run is said to be.
pub fn start() -> RunStart {
    RunStart {
        started_at: WallTime(1_780_000_000_000_000),
        clock_at_start: Micros(0),
        station: "Faults".to_owned(),
        product: "cap".to_owned(),
        bundle_sha256: [0; 32],
        threshold: shared::units::Score::default(),
        config_sha256: [0; 32],
        simulation: true,
        software: "test".to_owned(),
    }
}

/// Looks on, and says what is wrong with the station.
struct Watcher {
    fault: Fault,
    shown: Vec<&'static str>,
    beside: Beside,
}

impl Attendant for Watcher {
    fn look(&mut self, now: Micros, seen: &Seen<'_>) -> Vec<(Condition, bool)> {
        assert!(!(self.fault == Fault::DeskPanics && now >= FROM), "a fault of the desk's thread, provoked");
        if let Some(code) = seen.news.and_then(|status| status.fault)
            && !self.shown.contains(&code)
        {
            self.shown.push(code);
        }
        let mut conditions = conditions(self.fault, now);
        conditions.extend(self.beside.look(now, seen));
        conditions.push((Condition::StoreFailing, seen.store_failure.is_some()));
        conditions
    }
}

fn finished(ended: Ended) -> String {
    let lost = ended.store.finish(WallTime(1_780_000_100_000_000), EndReason::Rest).unwrap().pictures_lost;
    let end = match ended.result {
        Ok(()) => "goes on".to_owned(),
        Err(LineError::Died { thread }) => format!("ends: the {thread} thread has died"),
        Err(LineError::NoWorkers) => "ends: nothing is left that judges".to_owned(),
        Err(LineError::Gate(_)) => "ends: the gate cannot be moved".to_owned(),
        Err(other) => format!("ends: {other}"),
    };
    if lost > 0 { format!("{end}, without pictures") } else { end }
}

/// Every record, once nobody writes any more: a line that panicked leaves its threads to end by themselves.
fn settled(folder: &Path) -> Vec<Record> {
    let read = || -> Vec<Record> {
        let reader = Reader::open(folder).unwrap();
        reader.entries(Filter::default()).map(|entry| entry.unwrap().record).collect()
    };
    let mut before = read();
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = read();
        if now.len() == before.len() {
            return now;
        }
        before = now;
    }
}

fn reasons(records: &[Record]) -> String {
    let reasons = records.iter().filter_map(|record| {
        let raw = record.get();
        match (raw.override_reason, raw.verdict) {
            (Some(reason), _) | (None, Verdict::Uninspected(reason)) => Some(reason),
            _ => None,
        }
    });
    let codes: BTreeSet<&str> =
        reasons.filter(|reason| !USUAL.contains(reason)).map(|reason| reason.failure().code).collect();
    codes.into_iter().collect::<Vec<_>>().join(" ")
}

/// What of a station's promises was not kept.
fn broken(world: &Shared, time: &Time, records: &[Record], signals: &Signals, told: bool) -> String {
    let mut broken = Vec::new();
    std::thread::sleep(Duration::from_millis(50));
    let left = {
        let mut world = world.lock();
        world.advance(time.now());
        if !world.gate_diverts() {
            broken.push("the gate lets parts pass".to_owned());
        }
        world.left()
    };
    if !signals.are_safe() {
        broken.push("permit or alarm are not in their safe state".to_owned());
    }
    let passed = records.iter().filter(|record| record.get().passed).count() as u64;
    let went_by = left.parts - left.diverted;
    if went_by > passed && !told {
        broken.push(format!("{went_by} parts went by the gate, and {passed} were passed"));
    }
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    for record in records {
        *numbers.entry(record.get().part.0).or_default() += 1;
    }
    if numbers.values().any(|&count| count > 1) {
        broken.push("a part has two records".to_owned());
    }
    let gaps = numbers.keys().zip(1..).filter(|(number, expected)| **number != *expected).count();
    if gaps > 0 {
        broken.push(format!("numbers are missing: {:?}", numbers.keys().collect::<Vec<_>>()));
    }
    broken.join("; ")
}
