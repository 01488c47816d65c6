//! Shifts on the virtual belt, recorded as the gate's thread records them, and run again.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use shared::line::{Layout, RawLayout};
use shared::units::{Micros, Score, Travel};
use shared::verdict::Verdict;

use super::rerun::{Course, Rerun, rerun};
use super::tape::Note;
use super::*;
use crate::hw::roles::{Clock, HwFault, LineInput, Signal};
use crate::hw::sim::Stream;
use crate::hw::sim::belt::Motion;
use crate::hw::sim::io::SimGate;
use crate::hw::sim::live::SimSignals;
use crate::hw::sim::sensors::Sensors;
use crate::hw::sim::world::{Light, Plan, Shared, World};
use crate::hw::wrap::faulty::Rates;
use crate::hw::wrap::lines::{FaultyLines, Stalls};
use crate::hw::wrap::taped::Taped;
use crate::stage::conductor::{Conductor, Order, Said};
use crate::stage::odometer::Odometer;
use crate::stage::stall::Stall;

const STALL: Stall = Stall::new(Micros::from_millis(1_000));

fn layout() -> Layout {
    Layout::check(&RawLayout {
        gate_distance: Travel(400_000),
        window_before: Travel(12_000),
        window_after: Travel(44_000),
        lockout: Travel(15_000),
        max_length: Some(Travel(34_000)),
    })
    .unwrap()
}

fn plan(seed: u64) -> Plan {
    let (reversals_per_minute, reversal_um) = if seed.is_multiple_of(2) { (0.0, 0) } else { (4.0, 60_000) };
    Plan {
        seed,
        parts: 120,
        defect_rate: 0.1,
        motion: Motion {
            speed_um_s: 300_000,
            variation: 0.1,
            stops_per_minute: 4.0,
            reversals_per_minute,
            reversal_um,
        },
        pitch_um: 100_000,
        pitch_variation: 0.35,
        part_length_um: 32_000,
        gate_distance_um: 400_000,
        photogate_before_um: 5_000,
        encoder_step_um: 1_000,
        gate_rise: Micros(10_000),
        light: Light::STEADY,
    }
}

/// The sensors, in virtual time.
struct Lines(Shared, Sensors);

impl LineInput for Lines {
    fn next(&mut self, until: Micros) -> Result<Option<Signal>, HwFault> {
        let (at, kind) = self.1.coming();
        self.0.lock().advance(at.min(until));
        if at > until {
            return Ok(None);
        }
        self.1.happened(at, kind);
        Ok(Some(Signal { at, kind }))
    }
}

struct Now(Cell<Micros>);

impl Clock for Now {
    /// Reading takes a while, as on a machine.
    fn now(&self) -> Micros {
        self.0.set(self.0.get().saturating_add(Micros(3)));
        self.0.get()
    }
}

/// The desk's orders, each at its moment.
struct Orders {
    rng: ChaCha8Rng,
    due: VecDeque<(Micros, Order)>,
    told_at: Micros,
}

impl Orders {
    fn hear(&mut self, now: Micros, said: Said) {
        let (after, order) = match said {
            Said::Seen { part, .. } => {
                let score = Score::new(self.rng.random_range(0.0..0.55)).unwrap();
                let verdict = Verdict::of(score, Score::new(0.5).unwrap());
                (self.rng.random_range(20_000..1_500_000), Order::Judged { part, verdict })
            }
            Said::EncoderLost { .. } => (2_000_000, Order::Reset),
            _ => return,
        };
        self.due.push_back((now.saturating_add(Micros(after)), order));
        self.due.make_contiguous().sort_by_key(|(at, _)| *at);
    }

    fn next(&mut self, now: Micros) -> Option<Order> {
        if now >= self.told_at {
            self.told_at = now.saturating_add(Micros(100_000));
            return Some(Order::State { permit: true, alarm: false });
        }
        self.due.pop_front_if(|(at, _)| *at <= now).map(|(_, order)| order)
    }
}

/// Everything that the gate's thread would have noted of a shift.
fn recorded(seed: u64) -> Vec<Entry> {
    let (tape, notes) = Tape::with_notes();
    let (plan, world) = (plan(seed), World::shared(plan(seed)));
    let chance = |stream: Stream| stream.chance(seed);
    let rates = Rates { bounce: 0.05, missed_trigger: 0.01, ..Rates::default() };
    let stalls =
        if seed.is_multiple_of(3) { Stalls { per_minute: 2.0, length: Micros(1_800_000) } } else { Stalls::default() };
    let lines = Lines(world.clone(), Sensors::new(world.clone()));
    let mut lines = FaultyLines::new(lines, rates, chance(Stream::Trigger), stalls, chance(Stream::Encoder));
    let gate = Box::new(Taped::new(Box::new(SimGate::new(world.clone())) as Box<_>, tape.clone()));
    let signals = Box::new(Taped::new(Box::new(SimSignals::default()) as Box<_>, tape.clone()));
    let odometer = Odometer::encoder(Travel(plan.encoder_step_um));
    let mut conductor = Conductor::new(layout(), gate, signals, odometer, Some(STALL), Micros(0));
    let now = Now(Cell::new(Micros(0)));
    let taped = Taped::new(&now as &dyn Clock, tape.clone());
    let mut orders = Orders { rng: chance(Stream::Inference), due: VecDeque::new(), told_at: Micros(0) };
    let (mut entries, mut standing_at) = (Vec::new(), Micros(0));
    while !world.lock().is_over() {
        if now.0.get() >= standing_at {
            tape.note(Entry::Standing(now.0.get(), Box::new(conductor.standing())));
            standing_at = now.0.get().saturating_add(Micros(2_000_000));
        }
        let until = conductor.step_at().min(now.now().saturating_add(Micros(20_000))).max(now.now());
        let heard = lines.next(until).unwrap();
        now.0.set(now.0.get().max(heard.map_or(until, |signal| signal.at)));
        while let Some(order) = orders.next(now.0.get()) {
            tape.note(Entry::Order(order));
            conductor.order(order, &taped).unwrap();
        }
        match heard {
            Some(signal) => {
                tape.note(Entry::Signal(signal));
                conductor.signal(signal, &taped).unwrap();
            }
            None => {
                tape.note(Entry::Due);
                conductor.due(&taped).unwrap();
            }
        }
        for said in conductor.said() {
            tape.note(Entry::Said(said));
            orders.hear(now.0.get(), said);
        }
        entries
            .extend(notes.try_iter().filter_map(|note| if let Note::Entry(entry) = note { Some(entry) } else { None }));
    }
    assert!(!entries.contains(&Entry::Gap));
    entries
}

fn again(entries: &[Entry]) -> Rerun {
    rerun(entries, &BTreeMap::new()).unwrap()
}

fn standings(entries: &[Entry]) -> Vec<usize> {
    let at = entries.iter().enumerate().filter(|(_, entry)| matches!(entry, Entry::Standing(..)));
    at.map(|(index, _)| index).collect()
}

#[test]
fn a_recording_from_the_start_on_runs_again_to_the_bit() {
    for seed in 0..12 {
        let run = again(&recorded(seed));
        assert!(run.is_same(), "seed {seed}: {:?}", run.movements);
        assert_eq!(run.stretches, 1, "seed {seed}");
        assert!(run.parts.len() >= 110 && run.movements.0 > 20, "seed {seed}: {} parts", run.parts.len());
    }
}

#[test]
fn a_recording_from_any_moment_on_runs_again_to_the_bit() {
    for seed in 0..12 {
        let entries = recorded(seed);
        for at in standings(&entries) {
            let run = again(&entries[at..]);
            assert!(run.is_same(), "seed {seed} from {at}: {:?}", run.movements);
        }
    }
}

#[test]
fn what_lies_on_both_sides_of_a_gap_runs_again() {
    let mut entries = recorded(2);
    let at = entries.len() / 2;
    entries.drain(at..at + 40);
    entries.insert(at, Entry::Gap);
    let run = again(&entries);
    assert!(run.is_same());
    assert_eq!(run.stretches, 2);
}

#[test]
fn another_verdict_changes_its_part_and_the_gates_movements() {
    let entries = recorded(4);
    let as_it_was = again(&entries);
    let passed = |course: &Course| Course::fate(&course.then).is_some_and(shared::line::Fate::passed);
    let (&part, _) = as_it_was.parts.iter().find(|(_, course)| passed(course)).unwrap();
    let verdicts = BTreeMap::from([(part, Verdict::Bad(Score::new(0.9).unwrap()))]);
    let run = rerun(&entries, &verdicts).unwrap();
    let course = &run.parts[&part];
    assert!(passed(course) && Course::fate(&course.now).is_some_and(|fate| !fate.passed()));
    assert!(!run.is_same() && run.movements.1 < run.movements.0);
    let others = run.parts.iter().filter(|(_, course)| course.then != course.now).count();
    assert!(others <= 3, "{others}: the part, and those that share its window");
}

#[test]
fn a_changed_time_is_noticed() {
    let mut entries = recorded(4);
    let fired = entries.iter().position(|entry| matches!(entry, Entry::Said(Said::Fired { .. }))).unwrap();
    let read = entries[..fired].iter().rposition(|entry| matches!(entry, Entry::Read(_))).unwrap();
    if let Entry::Read(at) = &mut entries[read] {
        at.0 += 500;
    }
    assert!(!again(&entries).is_same());
}

#[test]
fn a_ring_holds_the_last_of_it_within_its_bytes_and_can_be_run() {
    let limits = ring::Limits { longest: Micros(10_000_000), most_bytes: 60_000 };
    let mut ring = ring::Ring::new(limits);
    let entries = recorded(1);
    for (index, entry) in entries.iter().enumerate() {
        ring.push(entry.clone());
        // A segment is closed before it is measured: the one under way may stand out.
        assert!(ring.bytes() <= limits.most_bytes + 40_000, "entry {index}: {}", ring.bytes());
    }
    let mut bytes = Vec::new();
    let header = Header {
        software: String::new(),
        why: "ASKED".to_owned(),
        kept_at_us: 0,
        config: String::new(),
        judges: Vec::new(),
        float32: false,
        simulation: true,
    };
    file::write(&mut bytes, &header, &ring.cut()).unwrap();
    let recording = file::parse(&bytes, std::path::Path::new("a.box")).unwrap();
    assert!(entries.ends_with(&recording.entries), "the last of it, and all of that");
    let run = again(&recording.entries);
    assert!(run.is_same() && run.length <= Micros(14_000_000), "{:?}", run.length);
}
