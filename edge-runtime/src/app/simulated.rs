//! A station on the virtual line, in virtual time.
//!
//! Takes a checked configuration, a model and a sink for records; runs a shift until its line rests, and gives the outcome.

use shared::drift;

use super::Model;
use crate::config::{Config, Simulation};
use crate::hmi::screen::Status;
use crate::hw::sim::Stream;
use crate::hw::sim::camera::SimCamera;
use crate::hw::sim::io::{SimClock, SimEncoder, SimGate, SimTrigger};
use crate::hw::sim::panel::{Framebuffer, SimPanel};
use crate::hw::sim::world::World;
use crate::hw::wrap::faulty::Faulty;
use crate::stage::audit::{Audit, RecordSink};
use crate::stage::capture::{Capture, Moment};
use crate::stage::gate::Gate;
use crate::stage::infer::Infer;
use crate::stage::shift::{Counts, Hardware, Shift, ShiftError};
use crate::stage::tally::{Report, report};
use crate::stage::workers::Demands;

/// What a simulated shift leaves behind.
#[derive(Debug)]
pub struct Outcome {
    /// The shift in numbers.
    pub report: Report,
    /// The panel's last picture.
    pub screen: Framebuffer,
}

/// Runs one shift on the virtual line, in virtual time, on this thread and the model's workers.
///
/// # Errors
/// [`ShiftError`] when a record cannot be kept, or the program misuses a device.
pub fn simulate(
    config: &Config,
    simulation: &Simulation,
    model: Model,
    sink: &mut dyn RecordSink,
) -> Result<Outcome, ShiftError> {
    let plan = *simulation.plan();
    let chance = |stream: Stream| stream.chance(plan.seed);
    let world = World::shared(plan);
    let camera = SimCamera::new(world.clone(), simulation.camera());
    let mut panel = SimPanel::default();
    let Model { inspectors, product, threshold } = model;
    // A virtual camera's pictures are what they are.
    let demands = Demands { limits: None, drift: config.drift() };
    let shift = Shift {
        hardware: Hardware {
            clock: Box::new(SimClock(world.clone())),
            trigger: Box::new(Faulty::new(SimTrigger(world.clone()), simulation.faults(), chance(Stream::Trigger))),
            travel: Box::new(SimEncoder(world.clone())),
            camera: Box::new(Faulty::new(camera, simulation.faults(), chance(Stream::Camera))),
            panel: &mut panel,
        },
        gate: Gate::start(config.layout(), Box::new(SimGate::new(world.clone())))?,
        capture: Capture::new(Moment::AT_EDGE, config.frame_timeout()),
        infer: Infer::start(inspectors, demands, *simulation.latency(), chance(Stream::Inference)),
        audit: Audit::new(true),
        sink,
        status: Status { simulation: true, product: product.clone(), threshold, ..Status::default() },
        watch: drift::Watch::new(),
        counts: Counts::default(),
    };
    let (counts, _) = shift.run()?;
    let departures = {
        let mut world = world.lock();
        if let Some(at) = world.empty_at() {
            world.advance(at);
        }
        world.take_departures()
    };
    let report = report(&plan, &departures, &counts, &product, threshold.get());
    Ok(Outcome { report, screen: panel.screen().clone() })
}
