//! Twins for a line in real time: the same virtual belt, whose sensors and camera are waited for.
//!
//! Takes the world and the station's clock, which both begin at 0 together; gives the roles of a real line. The camera is
//! triggered by the light barrier itself. Waiting here takes as long as it says; everything else is as in virtual time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use shared::units::Micros;

use super::camera::SimCamera;
use super::sensors::Sensors;
use super::world::{Part, Shared};
use crate::hw::roles::{Clock, FrameStream, HwFault, LineInput, LineSignals, Picture, Signal, SignalKind};

/// The clock of a line in real time, for several threads.
pub type SharedClock = Arc<dyn Clock + Send + Sync>;

/// Light barriers and encoder.
pub struct SimLines {
    world: Shared,
    clock: SharedClock,
    sensors: Sensors,
    exposures: Sender<(Micros, Part)>,
    rest_at: Option<Micros>,
}

impl SimLines {
    /// The sensors, and what the camera hears of them.
    #[must_use]
    pub fn new(world: Shared, clock: SharedClock) -> (Self, Exposures) {
        let (exposures, heard) = channel();
        let sensors = Sensors::new(world.clone());
        (Self { world, clock, sensors, exposures, rest_at: None }, Exposures(heard))
    }

    /// What happens next, and when.
    fn coming(&mut self) -> (Micros, SignalKind) {
        let next = self.sensors.coming();
        let world = self.world.lock();
        if !(world.is_over() && world.gate_rests()) {
            return next;
        }
        let rest = *self.rest_at.get_or_insert(world.now().saturating_add(REST));
        if rest <= next.0 { (rest, SignalKind::End) } else { next }
    }
}

/// The line rests this long after the last part has left before it says that it ends.
const REST: Micros = Micros::from_millis(500);

impl LineInput for SimLines {
    fn next(&mut self, until: Micros) -> Result<Option<Signal>, HwFault> {
        loop {
            let now = self.clock.now();
            let mut world = self.world.lock();
            world.advance(now);
            // Counted, and of no further use: a line in real time may run for years.
            drop(world.take_departures());
            drop(world);
            let (at, kind) = self.coming();
            if at <= now {
                if let Some(part) = self.sensors.happened(at, kind) {
                    // Nobody listens any more when the camera has ended.
                    let _ = self.exposures.send((at, part));
                }
                return Ok(Some(Signal { at, kind }));
            }
            if now >= until {
                return Ok(None);
            }
            std::thread::park_timeout(Duration::from_micros(at.min(until).0 - now.0));
        }
    }
}

/// What the light barrier tells the camera.
pub struct Exposures(Receiver<(Micros, Part)>);

/// The camera above the light barrier.
pub struct SimStream {
    camera: SimCamera,
    clock: SharedClock,
    latency: Micros,
    exposures: Exposures,
    under_way: VecDeque<(Micros, Part)>,
}

impl SimStream {
    /// A camera whose pictures are there `latency` after their exposure began.
    #[must_use]
    pub fn new(world: Shared, clock: SharedClock, latency: Micros, exposures: Exposures) -> Self {
        Self { camera: SimCamera::new(world, latency), clock, latency, exposures, under_way: VecDeque::new() }
    }
}

impl FrameStream for SimStream {
    fn next(&mut self, until: Micros) -> Result<Option<Picture>, HwFault> {
        loop {
            let now = self.clock.now();
            if let Some((exposed_at, part)) =
                self.under_way.pop_front_if(|(exposed_at, _)| exposed_at.saturating_add(self.latency) <= now)
            {
                return Ok(Some(self.camera.taken(exposed_at, part)));
            }
            let ready = self.under_way.front().map(|(exposed_at, _)| exposed_at.saturating_add(self.latency));
            let wait = ready.map_or(until, |ready| ready.min(until)).saturating_sub(now);
            if wait == Micros(0) {
                return Ok(None);
            }
            match self.exposures.0.recv_timeout(Duration::from_micros(wait.0)) {
                Ok(exposure) => self.under_way.push_back(exposure),
                Err(RecvTimeoutError::Timeout) => {}
                // The line has ended; what is under way is still to come.
                Err(RecvTimeoutError::Disconnected) => std::thread::park_timeout(Duration::from_micros(wait.0)),
            }
        }
    }
}

/// Permit, heartbeat and alarm, which nothing hangs on here.
#[derive(Debug, Default)]
pub struct SimSignals {
    /// Whether the line may run.
    pub run: bool,
    /// Changes of the heartbeat.
    pub beats: u64,
}

impl LineSignals for SimSignals {
    fn permit(&mut self, run: bool) -> Result<(), HwFault> {
        self.run = run;
        Ok(())
    }

    fn beat(&mut self) -> Result<(), HwFault> {
        self.beats += 1;
        Ok(())
    }

    fn alarm(&mut self, _: bool) -> Result<(), HwFault> {
        Ok(())
    }
}
