//! Twins of light barriers, encoder, clock and gate, all on one virtual line.
//!
//! Takes [`Shared`], the world; gives the roles of `hw::roles`. [`SimTrigger`] is what moves virtual time: waiting for an
//! edge is how time passes. Stricter than a board: waiting into the past and any misuse of the gate are refused.

use shared::line::Cause;
use shared::units::{Micros, PartId, Travel};

use super::world::Shared;
use crate::hw::position::Position;
use crate::hw::roles::{Clock, Edge, HwFault, RejectOutput, TravelSource, TriggerInput};

/// The virtual clock.
#[derive(Debug, Clone)]
pub struct SimClock(pub Shared);

impl Clock for SimClock {
    fn now(&self) -> Micros {
        self.0.lock().now()
    }
}

/// Both light barriers.
#[derive(Debug)]
pub struct SimTrigger(pub Shared);

impl TriggerInput for SimTrigger {
    /// # Panics
    /// When `until` lies in the past: whoever waits so has missed what was due then.
    fn next(&mut self, until: Micros) -> Option<Edge> {
        let mut world = self.0.lock();
        let now = world.now();
        assert!(until >= now, "waits until {until:?}, and it is {now:?}");
        let Some((at, sensor)) = world.next_edge(until) else {
            // The end of time is no time: nothing will come, and the line rests where it is.
            if until != Micros(u64::MAX) {
                world.advance(until);
            }
            return None;
        };
        world.advance(at);
        world.take_edge();
        let travel = world.reading_at(at);
        Some(Edge { at, travel, sensor })
    }
}

/// The encoder.
#[derive(Debug)]
pub struct SimEncoder(pub Shared);

impl TravelSource for SimEncoder {
    fn read(&mut self) -> Travel {
        self.0.lock().encoder()
    }

    fn reaches(&mut self, target: Travel) -> Micros {
        self.0.lock().encoder_reaches(target)
    }
}

/// The gate.
///
/// # Safe state
/// Diverting: before [`RejectOutput::take_control`], and again on drop, which a panic reaches too.
#[derive(Debug)]
pub struct SimGate {
    world: Shared,
    position: Position,
}

impl SimGate {
    /// A gate in its safe state.
    #[must_use]
    pub fn new(world: Shared) -> Self {
        Self { world, position: Position::Safe }
    }
}

impl RejectOutput for SimGate {
    fn take_control(&mut self) -> Result<(), HwFault> {
        self.position = self.position.taken()?;
        self.world.lock().command_gate(false);
        Ok(())
    }

    fn open(&mut self, part: PartId, cause: Cause) -> Result<(), HwFault> {
        self.position = self.position.opened(part, cause)?;
        self.world.lock().command_gate(true);
        Ok(())
    }

    fn extend(&mut self, part: PartId, cause: Cause) -> Result<(), HwFault> {
        self.position = self.position.extended(part, cause)?;
        Ok(())
    }

    fn close(&mut self) -> Result<(), HwFault> {
        self.position = self.position.closed()?;
        self.world.lock().command_gate(false);
        Ok(())
    }

    fn make_safe(&mut self) -> Result<(), HwFault> {
        self.position = Position::Safe;
        self.world.lock().command_gate(true);
        Ok(())
    }
}

impl Drop for SimGate {
    fn drop(&mut self) {
        self.world.lock().command_gate(true);
    }
}

#[cfg(test)]
mod tests {
    use shared::verdict::Reason;

    use super::*;
    use crate::hw::roles::Sensor;
    use crate::hw::sim::world::World;
    use crate::hw::sim::world::tests::{pass_edge, plan};

    const WHY: Cause = Cause::Uninspected(Reason::NoFrame);

    #[test]
    fn edges_come_in_order_and_each_part_passes_both_barriers() {
        let mut trigger = SimTrigger(World::shared(plan()));
        let edges: Vec<_> = std::iter::from_fn(|| trigger.next(Micros(u64::MAX))).collect();
        assert_eq!(edges.len(), 10);
        assert!(edges.is_sorted_by_key(|edge| edge.at));
        assert_eq!(edges.iter().filter(|edge| edge.sensor == Sensor::Photogate).count(), 5);
        assert_eq!(edges[0].travel, Travel(100_000));
    }

    #[test]
    fn waiting_moves_the_clock_to_the_limit_and_no_further() {
        let world = World::shared(plan());
        let (mut trigger, clock) = (SimTrigger(world.clone()), SimClock(world));
        assert_eq!(trigger.next(Micros(1_000)), None);
        assert_eq!(clock.now(), Micros(1_000));
    }

    #[test]
    fn the_gate_refuses_overlapping_pulses_and_use_without_control() {
        let mut gate = SimGate::new(World::shared(plan()));
        assert!(gate.open(PartId(1), WHY).is_err(), "not under control yet");
        gate.take_control().unwrap();
        assert!(gate.close().is_err(), "closed already");
        assert!(gate.extend(PartId(1), WHY).is_err(), "nothing to extend");
        gate.open(PartId(1), WHY).unwrap();
        let refusal = gate.open(PartId(2), WHY).unwrap_err().to_string();
        assert!(refusal.contains("part 2") && refusal.contains("Open"), "{refusal}");
        gate.close().unwrap();
    }

    #[test]
    fn a_dropped_gate_diverts() {
        let world = World::shared(plan());
        let mut gate = SimGate::new(world.clone());
        gate.take_control().unwrap();
        pass_edge(&mut world.lock());
        drop(gate);
        world.lock().advance(Micros(5_000_000));
        assert!(world.lock().take_departures()[0].diverted);
    }
}
