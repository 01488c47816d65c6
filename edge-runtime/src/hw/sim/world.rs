//! The virtual line that all twins share: the time, the belt, the parts on it, and what happened to each at the gate.
//!
//! Takes the simulation's plan; gives the true course of things, which the station must not see and against which a shift is
//! judged: [`Departure`]. A light barrier gives an edge whenever its beam goes from free to blocked: by a part's leading edge
//! while the belt runs forwards, by its trailing end while it runs backwards. Positions are [`Travel`], micrometres of belt: a
//! part's edge is where the belt stands when the part's leading edge is at the trigger. It decides nothing and holds no device.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::units::{Micros, Travel};

use super::belt::{Belt, Stretch};
pub use super::plan::{Light, Part, Parts, Plan};
use crate::hw::roles::Sensor;

/// What really became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// The part.
    pub part: Part,
    /// Whether the gate diverted it.
    pub diverted: bool,
}

/// How many parts have left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// In all.
    pub parts: u64,
    /// Of these by the gate.
    pub diverted: u64,
}

/// A beam goes from free to blocked.
#[derive(Debug, Clone, Copy)]
struct Crossing {
    at: Micros,
    /// At the same microsecond the photogate comes first: its part is the older one.
    at_trigger: bool,
    part: Part,
    /// The part comes to the trigger for the first time.
    first: bool,
}

/// The shared state. Twins hold it by [`Shared`].
#[derive(Debug)]
pub struct World {
    plan: Plan,
    now: Micros,
    belt: Belt,
    coming: Parts,
    next: Option<Part>,
    /// Up to when edges have been looked for, ahead of `now`: the belt's course does not depend on what the station does.
    scanned: Micros,
    /// Edges up to then that nobody has taken, oldest first.
    edges: VecDeque<Crossing>,
    /// Parts that have passed the trigger by then and not left, oldest first.
    in_view: VecDeque<Part>,
    /// Parts past the trigger that have not left, oldest first.
    on_belt: VecDeque<Part>,
    gate_open: bool,
    /// Movements of the gate that are under way: when each takes effect, and to which position.
    gate_moves: VecDeque<(Micros, bool)>,
    departures: Vec<Departure>,
    left: Left,
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
            scanned: Micros(0),
            edges: VecDeque::new(),
            in_view: VecDeque::new(),
            on_belt: VecDeque::new(),
            gate_open: true,
            gate_moves: VecDeque::new(),
            departures: Vec::new(),
            left: Left::default(),
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

    /// Lets time pass until `at`; parts that reach the gate on the way leave by it or past it, for good: a belt that runs
    /// back does not bring them. Not backwards.
    pub fn advance(&mut self, at: Micros) {
        let before = self.now;
        self.now = self.now.max(at);
        while let Some(&part) = self.on_belt.front() {
            let leaves = self.belt.time_at(self.middle_at_gate(&part), before);
            if leaves > self.now {
                break;
            }
            self.move_gate_until(leaves);
            self.on_belt.pop_front();
            self.departures.push(Departure { part, diverted: self.gate_open });
            self.left.parts += 1;
            self.left.diverted += u64::from(self.gate_open);
        }
        self.move_gate_until(self.now);
        self.belt.forget_before(self.now.min(self.scanned));
    }

    /// The encoder's reading: the belt's position, rounded down to the encoder's step.
    pub fn encoder(&mut self) -> Travel {
        self.reading_at(self.now)
    }

    /// When the encoder's reading is first at `target` or beyond, from now on.
    pub fn encoder_reaches(&mut self, target: Travel) -> Micros {
        let step = self.plan.encoder_step_um.max(1);
        let tick = target.0.div_euclid(step) + i64::from(target.0.rem_euclid(step) > 0);
        self.belt.time_at(Travel(tick * step), self.now)
    }

    /// When the belt is first at a place or beyond it, no earlier than `from`.
    pub fn passes(&mut self, place: Travel, from: Micros) -> Micros {
        self.belt.time_at(place, from)
    }

    /// When the belt is first before a place, no earlier than `from`; `None` if that is not before `until`.
    pub fn falls_back(&mut self, place: Travel, from: Micros, until: Micros) -> Option<Micros> {
        self.belt.falls_below(place, from, until)
    }

    /// Whether the gate is where it was last sent to.
    #[must_use]
    pub fn gate_rests(&self) -> bool {
        self.gate_moves.is_empty()
    }

    /// Whether it diverts now.
    #[must_use]
    pub fn gate_diverts(&self) -> bool {
        self.gate_open
    }

    /// What the encoder read, or will read, at a time.
    pub fn reading_at(&mut self, at: Micros) -> Travel {
        let step = self.plan.encoder_step_um.max(1);
        Travel(self.belt.travel_at(at).0.div_euclid(step) * step)
    }

    /// The next edge that nobody has taken, if it comes by `until`. With `until` at the end of time, `None` means that none
    /// will ever come.
    pub fn next_edge(&mut self, until: Micros) -> Option<(Micros, Sensor)> {
        while self.edges.is_empty() && self.scanned < until && (self.next.is_some() || !self.in_view.is_empty()) {
            let piece = self.belt.piece(self.scanned, until);
            self.scan(&piece);
            self.scanned = piece.until();
        }
        let edge = self.edges.front().filter(|edge| edge.at <= until)?;
        Some((edge.at, if edge.at_trigger { Sensor::Trigger } else { Sensor::Photogate }))
    }

    /// Takes that edge. Gives its part.
    pub fn take_edge(&mut self) -> Option<Part> {
        let edge = self.edges.pop_front()?;
        if edge.first {
            self.on_belt.push_back(edge.part);
        }
        Some(edge.part)
    }

    /// Finds the edges of a piece of the belt's course.
    fn scan(&mut self, piece: &Stretch) {
        let first_new = self.in_view.len();
        while let Some(part) = self.next.filter(|part| piece.rises_to(part.edge).is_some()) {
            self.next = self.coming.next();
            self.in_view.push_back(part);
        }
        let (length, photogate) = (self.plan.part_length_um, self.photogate_um());
        let mut found = Vec::new();
        for (index, &part) in self.in_view.iter().enumerate() {
            for (place, at_trigger) in [(part.edge.0, true), (part.edge.0 + photogate, false)] {
                let first = at_trigger && index >= first_new;
                let forwards = piece.rises_to(Travel(place)).map(|at| Crossing { at, at_trigger, part, first });
                let back = piece.falls_below(Travel(place + length));
                found.extend(forwards.or(back.map(|at| Crossing { at, at_trigger, part, first: false })));
            }
        }
        found.sort_by_key(|edge| (edge.at, edge.at_trigger));
        self.edges.extend(found);
        while self.in_view.front().is_some_and(|part| piece.end() >= self.middle_at_gate(part)) {
            self.in_view.pop_front();
        }
    }

    /// The part whose picture the camera would take now: the nearest one that has passed the trigger.
    pub fn under_camera(&mut self) -> Option<Part> {
        let (here, half) = (self.belt.travel_at(self.now), self.plan.part_length_um / 2);
        self.on_belt.iter().min_by_key(|part| here.0.abs_diff(part.edge.0 + half)).copied()
    }

    /// Whether every part has come and left, and no edge is left to be taken.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.next.is_none() && self.on_belt.is_empty() && self.edges.is_empty()
    }

    /// Sends the gate to a position, where it arrives after its rise.
    pub fn command_gate(&mut self, open: bool) {
        self.gate_moves.push_back((self.now.saturating_add(self.plan.gate_rise), open));
    }

    /// What became of the parts that have left since the last call, in the order of the belt.
    pub fn take_departures(&mut self) -> Vec<Departure> {
        std::mem::take(&mut self.departures)
    }

    /// How many parts have left since the start.
    #[must_use]
    pub fn left(&self) -> Left {
        self.left
    }

    /// When the last part on the belt will have left; `None` when all have.
    pub fn empty_at(&mut self) -> Option<Micros> {
        let last = *self.on_belt.back()?;
        let place = self.middle_at_gate(&last);
        Some(self.belt.time_at(place, self.now))
    }

    /// Where the belt stands when the middle of a part is at the gate: there its way is decided.
    fn middle_at_gate(&self, part: &Part) -> Travel {
        Travel(part.edge.0 + self.plan.gate_distance_um + self.plan.part_length_um / 2)
    }

    /// From trigger to photogate.
    fn photogate_um(&self) -> i64 {
        self.plan.gate_distance_um - self.plan.photogate_before_um
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
    use crate::hw::sim::belt::Motion;

    const STEADY: Motion = Motion {
        speed_um_s: 300_000,
        variation: 0.0,
        stops_per_minute: 0.0,
        reversals_per_minute: 0.0,
        reversal_um: 0,
    };

    /// Lets the next edge happen.
    pub(crate) fn pass_edge(world: &mut World) -> Part {
        let (at, _) = world.next_edge(Micros(u64::MAX)).unwrap();
        world.advance(at);
        world.take_edge().unwrap()
    }

    pub(crate) fn plan() -> Plan {
        Plan {
            seed: 1,
            parts: 5,
            defect_rate: 0.5,
            motion: STEADY,
            pitch_um: 100_000,
            pitch_variation: 0.0,
            part_length_um: 32_000,
            gate_distance_um: 400_000,
            photogate_before_um: 5_000,
            encoder_step_um: 100,
            gate_rise: Micros(10_000),
            light: Light::STEADY,
        }
    }

    #[test]
    fn a_part_leaves_by_the_gate_when_the_gate_is_open_under_its_middle() {
        let mut world = World::new(plan());
        world.command_gate(false);
        for _ in 0..2 {
            pass_edge(&mut world);
        }
        // Middles reach the gate at 516 mm and 616 mm of travel, 1.72 s and 2.0533 s.
        world.advance(Micros(1_800_000));
        world.command_gate(true);
        world.advance(Micros(2_500_000));
        let diverted: Vec<_> = world.take_departures().iter().map(|d| (d.part.index, d.diverted)).collect();
        assert_eq!(diverted, [(0, false), (1, true)]);
    }

    /// Runs 300 mm/s for 1.0 s from the start, back 150 mm, and on.
    fn turned_once() -> World {
        let mut world = World::new(Plan { parts: 2, ..plan() });
        world.belt = Belt::along(&[(300_000, 1_000_000), (-300_000, 500_000), (300_000, 10_000_000)]);
        world
    }

    #[test]
    fn a_reversed_belt_blocks_the_beam_by_the_trailing_end_and_again_by_the_leading_edge() {
        let mut world = turned_once();
        let edges = std::iter::from_fn(|| {
            let (at, sensor) = world.next_edge(Micros(u64::MAX))?;
            world.advance(at);
            let part = world.take_edge().unwrap();
            Some((at.0 / 1_000, sensor, part.index))
        });
        let edges: Vec<_> = edges.collect();
        // Leading edges are at 100 and 200 mm, trailing ends at 132 and 232 mm, the photogate 395 mm on; the belt turns at
        // 300 and at 150 mm.
        let (trigger, photogate) = (Sensor::Trigger, Sensor::Photogate);
        let expected = [
            (333, trigger, 0),
            (666, trigger, 1),
            (1_226, trigger, 1),
            (1_666, trigger, 1),
            (2_650, photogate, 0),
            (2_983, photogate, 1),
        ];
        assert_eq!(edges, expected);
    }

    #[test]
    fn the_camera_sees_the_part_that_a_reversed_belt_brings_back() {
        let mut world = turned_once();
        world.next_edge(Micros(1_200_000));
        for _ in 0..2 {
            pass_edge(&mut world);
        }
        world.advance(Micros(1_500_000));
        assert_eq!(world.under_camera().map(|part| part.index), Some(0), "150 mm: nearer to 116 than to 216");
    }

    #[test]
    fn a_part_that_has_left_does_not_come_back() {
        let mut world = World::new(Plan { parts: 1, ..plan() });
        world.belt = Belt::along(&[(300_000, 1_730_000), (-300_000, 1_000_000), (300_000, 10_000_000)]);
        let edges = std::iter::from_fn(|| world.next_edge(Micros(u64::MAX)).map(|_| world.take_edge())).count();
        assert_eq!(edges, 2, "one at each barrier");
        world.advance(Micros(10_000_000));
        assert_eq!(world.take_departures().len(), 1);
        assert!(world.is_over());
    }

    #[test]
    fn the_gate_needs_its_rise() {
        let mut world = World::new(plan());
        world.command_gate(false);
        pass_edge(&mut world);
        world.advance(Micros(1_715_000));
        world.command_gate(true);
        world.advance(Micros(1_900_000));
        assert!(!world.take_departures()[0].diverted, "commanded 5 ms before, takes 10 ms");
    }

    #[test]
    fn without_a_command_everything_is_diverted() {
        let mut world = World::new(plan());
        pass_edge(&mut world);
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
