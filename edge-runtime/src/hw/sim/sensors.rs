//! Everything that light barriers and encoder say of the virtual belt, one signal after the other.
//!
//! Takes the world; gives the next [`SignalKind`] with its time, steps of the encoder against the direction of transport
//! included. The encoder has counted a step when the belt is at it or beyond. It does not wait and moves no time:
//! [`live`](super::live) waits in real time, a test in virtual time.

use shared::units::{Micros, Travel};

use super::world::{Part, Shared};
use crate::hw::roles::{Sensor, SignalKind};

/// Light barriers and encoder, from position 0 at time 0 on.
#[derive(Debug)]
pub struct Sensors {
    world: Shared,
    step: i64,
    /// Steps forwards that the encoder has made, less those back.
    steps: i64,
    /// When it made the last.
    stepped_at: Micros,
}

impl Sensors {
    /// The sensors of a line on which nothing has happened.
    #[must_use]
    pub fn new(world: Shared) -> Self {
        let step = world.lock().plan().encoder_step_um.max(1);
        Self { world, step, steps: 0, stepped_at: Micros(0) }
    }

    /// What happens next, and when. An edge at the place of a step comes after it, as the encoder says where the edge is.
    pub fn coming(&mut self) -> (Micros, SignalKind) {
        let mut world = self.world.lock();
        let (here, next) = (Travel(self.steps * self.step), Travel((self.steps + 1) * self.step));
        let forwards = world.passes(next, self.stepped_at);
        let step = match world.falls_back(here, self.stepped_at, forwards) {
            Some(at) => (at, SignalKind::Step { forwards: false }),
            None => (forwards, SignalKind::Step { forwards: true }),
        };
        match world.next_edge(step.0.saturating_sub(Micros(1))) {
            Some((at, sensor)) => (at, SignalKind::Edge(sensor)),
            None => step,
        }
    }

    /// That has happened. Gives the part that is at the trigger now, for whoever takes its picture.
    pub fn happened(&mut self, at: Micros, kind: SignalKind) -> Option<Part> {
        match kind {
            SignalKind::Edge(sensor) => {
                let part = self.world.lock().take_edge();
                return part.filter(|_| sensor == Sensor::Trigger);
            }
            SignalKind::Step { forwards } => {
                self.steps += if forwards { 1 } else { -1 };
                self.stepped_at = at;
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::sim::belt::Motion;
    use crate::hw::sim::world::tests::plan;
    use crate::hw::sim::world::{Plan, World};

    #[test]
    fn counted_steps_are_where_the_belt_is_backwards_too() {
        let motion = Motion { reversals_per_minute: 60.0, reversal_um: 80_000, variation: 0.3, ..plan().motion };
        let world = World::shared(Plan { motion, parts: 50, ..plan() });
        let mut sensors = Sensors::new(world.clone());
        let (mut steps, mut backwards, mut edges, mut last) = (0i64, 0, 0, Micros(0));
        while !world.lock().is_over() {
            let (at, kind) = sensors.coming();
            assert!(at >= last, "{kind:?} at {at:?}, after {last:?}");
            last = at;
            world.lock().advance(at);
            sensors.happened(at, kind);
            match kind {
                SignalKind::Step { forwards } => {
                    steps += if forwards { 1 } else { -1 };
                    backwards += u32::from(!forwards);
                }
                _ => edges += 1,
            }
            assert_eq!(world.lock().reading_at(at), Travel(steps * 100), "{kind:?} at {at:?}");
        }
        assert!(backwards > 100 && edges > 100, "{backwards} steps back, {edges} edges");
    }
}
