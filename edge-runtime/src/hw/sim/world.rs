//! The virtual line that all twins share: the time, the belt, the parts on it, and what happened to each at the gate.
//!
//! Takes the simulation's plan; gives the true course of things, which the station must not see and against which a shift is
//! judged: [`Departure`]. Positions are [`Travel`], micrometres of belt: a part's edge is where the belt stands when the
//! part's leading edge is at the trigger. It decides nothing and holds no device.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use shared::units::{Micros, Travel};

use super::Stream;
use super::belt::{Belt, Motion};
use super::defect::Kind;

/// What a simulated shift is made of. Checked by `config`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Seed of all chance.
    pub seed: u64,
    /// How many parts come.
    pub parts: u32,
    /// Share of them that is defective, 0 to 1.
    pub defect_rate: f64,
    /// How the belt runs.
    pub motion: Motion,
    /// Distance from one leading edge to the next, on average, micrometres.
    pub pitch_um: i64,
    /// Greatest departure from it, as a share of it; 0 to 1.
    pub pitch_variation: f64,
    /// Length of a part along the belt, micrometres.
    pub part_length_um: i64,
    /// From trigger to gate, micrometres.
    pub gate_distance_um: i64,
    /// From photogate to gate, micrometres.
    pub photogate_before_um: i64,
    /// Step of the encoder, micrometres.
    pub encoder_step_um: i64,
    /// How long the gate takes to move, either way.
    pub gate_rise: Micros,
}

/// A part that the belt carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its number from 0, in the order of the belt.
    pub index: u32,
    /// Where the belt is when the part's leading edge is at the trigger.
    pub edge: Travel,
    /// What is wrong with it.
    pub kind: Option<Kind>,
}

/// What really became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// The part.
    pub part: Part,
    /// Whether the gate diverted it.
    pub diverted: bool,
}

/// Draws the parts of a shift one after the other.
#[derive(Debug, Clone)]
pub struct Parts {
    rng: ChaCha8Rng,
    plan: Plan,
    next: u32,
    edge: i64,
}

impl Parts {
    /// The parts of a plan, from the first.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self { rng: Stream::Parts.chance(plan.seed), plan, next: 0, edge: 0 }
    }
}

impl Iterator for Parts {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        if self.next >= self.plan.parts {
            return None;
        }
        let change: f64 = self.rng.random_range(-1.0..=1.0);
        let defective = self.rng.random_bool(self.plan.defect_rate.clamp(0.0, 1.0));
        let kind = Kind::ALL[self.rng.random_range(0..Kind::ALL.len())];
        self.edge += (self.plan.pitch_um as f64 * (1.0 + self.plan.pitch_variation * change)).round() as i64;
        let part = Part { index: self.next, edge: Travel(self.edge), kind: defective.then_some(kind) };
        self.next += 1;
        Some(part)
    }
}

/// The shared state. Twins hold it by [`Shared`].
#[derive(Debug)]
pub struct World {
    plan: Plan,
    now: Micros,
    belt: Belt,
    coming: Parts,
    next: Option<Part>,
    /// Parts past the trigger that the photogate has not seen, oldest first.
    before_photogate: VecDeque<Part>,
    /// Parts past the trigger that have not left, oldest first.
    on_belt: VecDeque<Part>,
    gate_open: bool,
    /// Movements of the gate that are under way: when each takes effect, and to which position.
    gate_moves: VecDeque<(Micros, bool)>,
    departures: Vec<Departure>,
}

/// The world as its twins hold it.
#[derive(Debug, Clone)]
pub struct Shared(Arc<Mutex<World>>);

impl Shared {
    /// The world, for one call of a twin. A panic of another twin leaves it as it was between two of its own steps.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// A line at rest at time 0, its gate in the safe state: diverting.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let mut coming = Parts::new(plan);
        let next = coming.next();
        Self {
            plan,
            now: Micros(0),
            belt: Belt::new(plan.motion, plan.seed),
            coming,
            next,
            before_photogate: VecDeque::new(),
            on_belt: VecDeque::new(),
            gate_open: true,
            gate_moves: VecDeque::new(),
            departures: Vec::new(),
        }
    }

    /// The same, ready to be shared.
    #[must_use]
    pub fn shared(plan: Plan) -> Shared {
        Shared(Arc::new(Mutex::new(Self::new(plan))))
    }

    /// The plan it runs by.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.now
    }

    /// Lets time pass until `at`; parts that reach the gate on the way leave by it or past it. Not backwards.
    pub fn advance(&mut self, at: Micros) {
        self.now = self.now.max(at);
        while let Some(&part) = self.on_belt.front() {
            let leaves = self.belt.time_at(self.middle_at_gate(&part));
            if leaves > self.now {
                break;
            }
            self.move_gate_until(leaves);
            self.on_belt.pop_front();
            self.departures.push(Departure { part, diverted: self.gate_open });
        }
        self.move_gate_until(self.now);
        self.belt.forget_before(self.now);
    }

    /// The encoder's reading: the belt's position, rounded down to the encoder's step.
    pub fn encoder(&mut self) -> Travel {
        self.reading_at(self.now)
    }

    /// When the encoder's reading is first at `target` or beyond.
    pub fn encoder_reaches(&mut self, target: Travel) -> Micros {
        let step = self.plan.encoder_step_um.max(1);
        let tick = target.0.div_euclid(step) + i64::from(target.0.rem_euclid(step) > 0);
        self.belt.time_at(Travel(tick * step)).max(self.now)
    }

    /// When the belt is first at a place.
    pub fn passes(&mut self, place: Travel) -> Micros {
        self.belt.time_at(place)
    }

    /// Whether the gate is where it was last sent to.
    #[must_use]
    pub fn gate_rests(&self) -> bool {
        self.gate_moves.is_empty()
    }

    /// What the encoder read, or will read, at a time.
    pub fn reading_at(&mut self, at: Micros) -> Travel {
        let step = self.plan.encoder_step_um.max(1);
        Travel(self.belt.travel_at(at).0.div_euclid(step) * step)
    }

    /// When the next part reaches the trigger.
    pub fn trigger_at(&mut self) -> Option<Micros> {
        self.next.map(|part| self.belt.time_at(part.edge))
    }

    /// Takes the part that is at the trigger.
    pub fn pass_trigger(&mut self) -> Option<Part> {
        let part = self.next?;
        self.next = self.coming.next();
        self.before_photogate.push_back(part);
        self.on_belt.push_back(part);
        Some(part)
    }

    /// When the next part reaches the photogate.
    pub fn photogate_at(&mut self) -> Option<Micros> {
        let edge = self.before_photogate.front()?.edge;
        let place = edge.0 + self.plan.gate_distance_um - self.plan.photogate_before_um;
        Some(self.belt.time_at(Travel(place)))
    }

    /// Takes the part that is at the photogate.
    pub fn pass_photogate(&mut self) -> Option<Part> {
        self.before_photogate.pop_front()
    }

    /// The part whose picture the camera would take now: the last one that passed the trigger.
    #[must_use]
    pub fn under_camera(&self) -> Option<Part> {
        self.on_belt.back().copied()
    }

    /// Sends the gate to a position, where it arrives after its rise.
    pub fn command_gate(&mut self, open: bool) {
        self.gate_moves.push_back((self.now.saturating_add(self.plan.gate_rise), open));
    }

    /// What became of the parts that have left since the last call, in the order of the belt.
    pub fn take_departures(&mut self) -> Vec<Departure> {
        std::mem::take(&mut self.departures)
    }

    /// When the last part on the belt will have left; `None` when all have.
    pub fn empty_at(&mut self) -> Option<Micros> {
        let last = *self.on_belt.back()?;
        let place = self.middle_at_gate(&last);
        Some(self.belt.time_at(place))
    }

    /// Where the belt stands when the middle of a part is at the gate: there its way is decided.
    fn middle_at_gate(&self, part: &Part) -> Travel {
        Travel(part.edge.0 + self.plan.gate_distance_um + self.plan.part_length_um / 2)
    }

    fn move_gate_until(&mut self, at: Micros) {
        while let Some((_, open)) = self.gate_moves.pop_front_if(|(when, _)| *when <= at) {
            self.gate_open = open;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn plan() -> Plan {
        Plan {
            seed: 1,
            parts: 5,
            defect_rate: 0.5,
            motion: Motion { speed_um_s: 300_000, variation: 0.0, stops_per_minute: 0.0 },
            pitch_um: 100_000,
            pitch_variation: 0.0,
            part_length_um: 32_000,
            gate_distance_um: 400_000,
            photogate_before_um: 5_000,
            encoder_step_um: 100,
            gate_rise: Micros(10_000),
        }
    }

    #[test]
    fn a_part_leaves_by_the_gate_when_the_gate_is_open_under_its_middle() {
        let mut world = World::new(plan());
        world.command_gate(false);
        for _ in 0..2 {
            let at = world.trigger_at().unwrap();
            world.advance(at);
            world.pass_trigger();
        }
        // Middles reach the gate at 516 mm and 616 mm of travel, 1.72 s and 2.0533 s.
        world.advance(Micros(1_800_000));
        world.command_gate(true);
        world.advance(Micros(2_500_000));
        let diverted: Vec<_> = world.take_departures().iter().map(|d| (d.part.index, d.diverted)).collect();
        assert_eq!(diverted, [(0, false), (1, true)]);
    }

    #[test]
    fn the_gate_needs_its_rise() {
        let mut world = World::new(plan());
        world.command_gate(false);
        world.advance(Micros(400_000));
        world.pass_trigger();
        world.advance(Micros(1_715_000));
        world.command_gate(true);
        world.advance(Micros(1_900_000));
        assert!(!world.take_departures()[0].diverted, "commanded 5 ms before, takes 10 ms");
    }

    #[test]
    fn without_a_command_everything_is_diverted() {
        let mut world = World::new(plan());
        world.advance(Micros(400_000));
        world.pass_trigger();
        world.advance(Micros(5_000_000));
        assert!(world.take_departures()[0].diverted);
    }

    #[test]
    fn the_encoder_never_reads_a_place_before_the_belt_is_there() {
        let mut world = World::new(Plan { encoder_step_um: 500, ..plan() });
        for target in [1, 499, 500, 501, 123_456] {
            let at = world.encoder_reaches(Travel(target));
            assert!(world.reading_at(at).0 >= target);
            assert!(world.reading_at(Micros(at.0 - 1)).0 < target, "{target} is read earlier than {at:?}");
        }
    }
}
