//! What belt speed and inference time do to a line: ten thousand parts a cell, in virtual time, with everything that goes wrong
//! on a real one.
//!
//! The tables are golden. After a change that is meant, `UPDATE_GOLDEN=1 cargo test -p edge-runtime --test line_sweep` writes
//! them anew; what changed is then to be read in the diff. No cell may let a part pass that is defective or not proven good.

#![allow(clippy::unwrap_used, reason = "what a test builds on is valid, or the test fails")]

mod chance;
mod rig;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use edge_runtime::config::Latency;
use edge_runtime::hw::sim::belt::Motion;
use edge_runtime::hw::sim::world::Plan;
use edge_runtime::hw::wrap::faulty::Rates;
use edge_runtime::hw::wrap::lines::Stalls;
use rig::{Course, Outcome, Setup};
use shared::line::{Layout, RawLayout};
use shared::units::{Micros, Travel};
use shared::verdict::{Reason, Verdict};

const PARTS: u32 = 10_000;
const SEED: u64 = 7;

/// Millimetres a second. With a part every 100 mm the middle ones are 600 a minute.
const SPEEDS: [i64; 4] = [300, 600, 1_000, 1_500];
/// Milliseconds, on average.
const INFERENCE: [u64; 6] = [20, 60, 100, 140, 200, 400];

/// A line of the usual kind: gate 400 mm behind the trigger, parts of 32 mm every 100 mm, give or take 25.
fn setup(speed_mm_s: i64, inference: Micros) -> Setup {
    let mm = Travel::from_millimetres;
    let layout = Layout::check(&RawLayout {
        gate_distance: mm(400),
        window_before: mm(20),
        window_after: mm(44),
        lockout: mm(15),
        max_length: Some(mm(34)),
    });
    Setup {
        plan: Plan {
            seed: SEED,
            parts: PARTS,
            defect_rate: 0.05,
            motion: Motion {
                speed_um_s: speed_mm_s * 1_000,
                variation: 0.08,
                stops_per_minute: 1.0,
                reversals_per_minute: 2.0,
                reversal_um: 150_000,
            },
            pitch_um: 100_000,
            pitch_variation: 0.25,
            part_length_um: 32_000,
            gate_distance_um: 400_000,
            photogate_before_um: 5_000,
            encoder_step_um: 1_000,
            gate_rise: Micros::from_millis(10),
        },
        layout: layout.unwrap(),
        frame_timeout: Micros::from_millis(120),
        camera: Micros::from_millis(25),
        latency: Latency {
            mean: inference,
            jitter: Micros(inference.0 * 3 / 10),
            spike_rate: 0.003,
            spike: Micros::from_millis(1_500),
        },
        rates: Rates { missing_frame: 0.004, bounce: 0.01, missed_trigger: 0.002 },
        stalls: Stalls::default(),
        stalls_after: Some(Micros::from_millis(2_000)),
    }
}

/// What became of the parts of one shift.
#[derive(Debug, Default)]
struct Row {
    parts: u32,
    defective: u32,
    /// Defective, and passed.
    missed: u32,
    /// Passed, and nothing says that it may.
    unproven: u32,
    /// Sound, and diverted.
    rejected: u32,
    late: u32,
    busy: u32,
    no_picture: u32,
    /// The reversed belt brought it back to the trigger.
    returned: u32,
    neighbour: u32,
    /// The trigger did not see it.
    unseen: u32,
    /// The station did not know where the belt is.
    blind: u32,
    /// Recorded as passed, and diverted with what came too near.
    against: u32,
}

impl Row {
    fn of(outcome: &Outcome) -> Self {
        let mut row = Self::default();
        outcome.courses.iter().for_each(|course| row.count(course));
        row
    }

    fn count(&mut self, Course { departure, record }: &Course) {
        let (defective, diverted) = (departure.part.kind.is_some(), departure.diverted);
        let record = record.map(|record| *record.get());
        self.parts += 1;
        self.defective += u32::from(defective);
        self.missed += u32::from(defective && !diverted);
        self.unproven += u32::from(!diverted && !record.is_some_and(|record| record.passed));
        if defective || !diverted {
            return;
        }
        self.rejected += 1;
        let column = match record {
            None => &mut self.unseen,
            Some(record) if record.passed => &mut self.against,
            Some(record) if record.override_reason == Some(Reason::Neighbour) => &mut self.neighbour,
            Some(record) => match record.verdict {
                Verdict::Uninspected(Reason::NotJudged | Reason::Late) => &mut self.late,
                Verdict::Uninspected(Reason::InferBusy) => &mut self.busy,
                Verdict::Uninspected(Reason::NoFrame) => &mut self.no_picture,
                Verdict::Uninspected(Reason::DoubleTrigger) => &mut self.returned,
                Verdict::Uninspected(Reason::Boot | Reason::EncoderFault) => &mut self.blind,
                verdict => panic!("a sound part was rejected as {verdict:?}"),
            },
        };
        *column += 1;
    }
}

/// Runs all shifts, as many at a time as there are processors; gives them in their order.
fn run_all(setups: &[Setup]) -> Vec<Outcome> {
    let (next, (send, receive)) = (AtomicUsize::new(0), channel());
    let mut outcomes: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let (next, send) = (&next, send.clone());
            scope.spawn(move || {
                while let index = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(setup) = setups.get(index)
                {
                    send.send((index, rig::run(setup))).unwrap();
                }
            });
        }
        drop(send);
        receive.into_iter().collect()
    });
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{name} has changed; if that is meant, UPDATE_GOLDEN=1 keeps this:\n{text}");
}

#[test]
fn speed_by_inference_time() {
    let cells: Vec<(i64, u64)> =
        SPEEDS.iter().flat_map(|speed| INFERENCE.iter().map(|inference| (*speed, *inference))).collect();
    let setups: Vec<Setup> =
        cells.iter().map(|&(speed, inference)| setup(speed, Micros::from_millis(inference))).collect();
    let outcomes = run_all(&setups);
    let mut text = String::new();
    for ((speed, inference), outcome) in cells.iter().zip(&outcomes) {
        let row = Row::of(outcome);
        writeln!(text, "{speed} {inference} {row:?}").unwrap();
    }
    golden("line_sweep.txt", &text);
}

#[test]
fn encoder_stalls() {
    let mut cells = Vec::new();
    for length in [5, 20, 50, 100, 200, 500, 1_000, 3_000] {
        for after in [None, Some(2_000), Some(400), Some(100)] {
            cells.push((length, after));
        }
    }
    let setups: Vec<Setup> = cells
        .iter()
        .map(|&(length, after)| {
            let mut setup = setup(1_000, Micros::from_millis(60));
            setup.plan.motion.reversals_per_minute = 0.0;
            setup.stalls = Stalls { per_minute: 6.0, length: Micros::from_millis(length) };
            setup.stalls_after = after.map(Micros::from_millis);
            setup
        })
        .collect();
    let outcomes = run_all(&setups);
    let mut text = String::new();
    for ((length, after), outcome) in cells.iter().zip(&outcomes) {
        let row = Row::of(outcome);
        writeln!(text, "{length} {after:?} seen {} {row:?}", outcome.stalls_seen).unwrap();
    }
    golden("line_stalls.txt", &text);
}
