//! A station on a real line: threads, queues, and a board's devices or their twins.
//!
//! Takes a checked configuration, a model, an opened store and a flag that ends it; gives what was counted. Opens devices, and
//! starts nothing before all of them are there.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use shared::units::{Micros, Travel};

use super::Model;
use crate::blackbox::Tape;
use crate::config::{Belt, Config, Simulation};
use crate::health::alarms::Alarms;
use crate::hmi::screen::Status;
use crate::hw::realtime::Wanted;
use crate::hw::roles::{FrameStream, LineInput, LineSignals, RejectOutput, SelectInput};
use crate::hw::sim::Stream;
use crate::hw::sim::io::SimGate;
pub use crate::hw::sim::live::SharedClock;
use crate::hw::sim::live::{SimLines, SimSignals, SimStream};
use crate::hw::sim::select::SimSelect;
use crate::hw::sim::world::{Shared, World};
use crate::hw::wrap::faulty::Rates;
use crate::hw::wrap::lines::FaultyLines;
use crate::hw::wrap::taped::Taped;
use crate::stage::audit::Audit;
use crate::stage::capture::{Capture, Moment};
use crate::stage::conductor::Conductor;
use crate::stage::desk::Desk;
use crate::stage::odometer::Odometer;
use crate::stage::stall::Stall;
use crate::stage::workers::{Demands, Workers};
use crate::station::line::{self, Attendant, Devices, Ended};
use crate::store::Store;

/// What a line in real time is made of, whatever is behind it.
pub struct Parts {
    /// Reads the time, for all threads.
    pub clock: SharedClock,
    /// The sensors.
    pub input: Box<dyn LineInput>,
    /// The camera.
    pub stream: Box<dyn FrameStream>,
    /// The gate.
    pub output: Box<dyn RejectOutput>,
    /// Permit, heartbeat and alarm.
    pub signals: Box<dyn LineSignals>,
    /// Where a product is chosen, if it is chosen here.
    pub select: Option<Box<dyn SelectInput>>,
    /// When the camera looks.
    pub moment: Moment,
    /// How the belt's position is known.
    pub belt: Belt,
    /// A camera that gives nothing for this long has failed; `None` for one that the light barrier triggers.
    pub silent: Option<Micros>,
    /// What the gate's thread asks the kernel for.
    pub gate: Wanted,
    /// Whether the records are of a simulated line.
    pub simulation: bool,
    /// What the black box hears.
    pub tape: Tape,
}

/// The twins of a line, in real time from now on. Gives the world too, to be asked what really happened.
#[must_use]
pub fn twins(simulation: &Simulation, clock: SharedClock) -> (Parts, Shared) {
    let world = World::shared(*simulation.plan());
    let (lines, exposures) = SimLines::new(world.clone(), Arc::clone(&clock));
    let chance = |stream: Stream| stream.chance(simulation.plan().seed);
    let (trigger, encoder) = (chance(Stream::Trigger), chance(Stream::Encoder));
    let lines = FaultyLines::new(lines, Rates::default(), trigger, simulation.stalls(), encoder);
    let stream = SimStream::new(world.clone(), Arc::clone(&clock), simulation.camera(), exposures);
    let select = simulation.select().map(|presses| SimSelect::new(presses, Arc::clone(&clock)));
    let parts = Parts {
        clock,
        select: select.map(|select| Box::new(select) as Box<dyn SelectInput>),
        input: Box::new(lines),
        stream: Box::new(stream),
        output: Box::new(SimGate::new(world.clone())),
        signals: Box::new(SimSignals::default()),
        moment: Moment::AT_EDGE,
        belt: Belt::Encoder { step: Travel(simulation.plan().encoder_step_um), stall: Micros::from_millis(2_000) },
        silent: None,
        gate: Wanted::default(),
        simulation: true,
        tape: Tape::none(),
    };
    (parts, world)
}

/// Runs a line until `stop` is set, its twin has come to rest, or it fails.
pub fn run(
    config: &Config,
    parts: Parts,
    model: Model,
    store: Store,
    alarms: Alarms,
    attendant: &mut dyn Attendant,
    stop: &AtomicBool,
) -> Ended {
    let Model { inspectors, product, threshold } = model;
    let now = parts.clock.now();
    let (odometer, stall) = match parts.belt {
        Belt::Encoder { step, stall } => (Odometer::encoder(step), Some(Stall::new(stall))),
        Belt::Steady { speed_um_s } => (Odometer::steady(speed_um_s, now), None),
    };
    let output = Box::new(Taped::new(parts.output, parts.tape.clone()));
    let signals = Box::new(Taped::new(parts.signals, parts.tape.clone()));
    let devices = Devices {
        conductor: Conductor::new(config.layout(), output, signals, odometer, stall, now),
        clock: parts.clock,
        input: parts.input,
        stream: parts.stream,
        gate: parts.gate,
        silent: parts.silent,
        workers: Workers::start(inspectors, Demands { limits: config.quality(), drift: config.drift() }),
        tape: parts.tape,
    };
    let status = Status { simulation: parts.simulation, product, threshold, ..Status::default() };
    let capture = Capture::new(parts.moment, config.frame_timeout());
    let audit = Audit::new(parts.simulation);
    line::run(devices, |judge| Desk::new(capture, judge, audit, store, alarms, status), attendant, stop)
}
