//! What belt speed and inference time do to a line: ten thousand parts a cell, in virtual time, with everything that goes wrong
//! on a real one.
//!
//! The tables are golden. After a change that is meant, `UPDATE_GOLDEN=1 cargo test -p edge-runtime --test line_sweep` writes
//! them anew; what changed is then to be read in the diff. No cell may let a part pass that is defective or
//! not proven good. `rig` is the station and its line, `chance` holds random lines to the same.

#![allow(clippy::unwrap_used, reason = "what a test builds on is valid, or the test fails")]

mod chance;
mod rig;
mod row;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use edge_runtime::config::Latency;
use edge_runtime::hw::sim::belt::Motion;
use edge_runtime::hw::sim::world::{Light, Plan};
use edge_runtime::hw::wrap::faulty::Rates;
use edge_runtime::hw::wrap::lines::Stalls;
use rig::{Outcome, Setup};
use row::Row;
use shared::line::{Layout, RawLayout};
use shared::units::{Micros, Travel};

const PARTS: u32 = 10_000;
const SEED: u64 = 7;

/// From part to part, on average.
const PITCH_MM: i64 = 100;
/// Millimetres a second.
const SPEEDS: [i64; 4] = [300, 600, 1_000, 1_500];
/// Milliseconds, on average.
const INFERENCE: [u64; 6] = [20, 60, 100, 140, 200, 400];

/// Milliseconds for which the encoder stands.
const STALLS: [u64; 8] = [5, 20, 50, 100, 200, 500, 1_000, 3_000];
/// Milliseconds of edges without a step.
const GIVEN_UP_AFTER: [Option<u64>; 4] = [None, Some(2_000), Some(400), Some(100)];

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
            pitch_um: PITCH_MM * 1_000,
            pitch_variation: 0.25,
            part_length_um: 32_000,
            gate_distance_um: 400_000,
            photogate_before_um: 5_000,
            encoder_step_um: 1_000,
            gate_rise: Micros::from_millis(10),
            light: Light::STEADY,
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
        SPEEDS.iter().flat_map(|&speed| INFERENCE.map(|inference| (speed, inference))).collect();
    let setups: Vec<Setup> =
        cells.iter().map(|&(speed, inference)| setup(speed, Micros::from_millis(inference))).collect();
    let mut text = format!(
        "{PARTS} parts a cell, one every 100 mm; gate 400 mm behind the trigger; seed {SEED}\n\
         a minute of running: 1 stop, 2 reversals; of all parts 5 % defective, 0.2 % unseen by the trigger, 0.4 % without\n\
         a picture, 1 % with a bounce; judged within 30 % of the time given, but 0.3 % take 1500 ms more\n\n\
         speed  parts  judged   missed   passed  falsely   of these  late  busy      no returned neighbour unseen    in\n \
         mm/s   /min   in ms          unproven rejected                        picture                           doubt\n\n"
    );
    for ((speed, inference), outcome) in cells.iter().zip(run_all(&setups)) {
        let row = Row::of(&outcome);
        assert_eq!(row.parts, PARTS, "{speed} mm/s, {inference} ms");
        assert_eq!((row.missed, row.unproven), (0, 0), "{speed} mm/s, {inference} ms: {row:?}");
        writeln!(
            text,
            "{speed:>5} {:>6} {inference:>7}   {:>6} {:>8} {:>8}            {:>5} {:>5} {:>7} {:>8} {:>9} {:>6} {:>5}",
            speed * 60 / PITCH_MM,
            row.missed,
            row.unproven,
            row.rejected,
            row.late,
            row.busy,
            row.no_picture,
            row.returned,
            row.neighbour,
            row.unseen,
            row.in_doubt,
        )
        .unwrap();
    }
    golden("line_sweep.txt", &text);
}

/// While the encoder stands the belt brings parts to where others are expected, and every verdict would be another part's. The
/// photogate shows it at the first of them, whether or not the encoder is ever given up. That is no guarantee: stalls that follow
/// each other while all is diverted, and add up to the way from one part to the next, leave nothing that could show them.
#[test]
fn encoder_stalls_by_when_the_encoder_is_given_up() {
    let cells: Vec<(u64, Option<u64>)> =
        STALLS.iter().flat_map(|&length| GIVEN_UP_AFTER.map(|after| (length, after))).collect();
    let stalled = |&(length, after): &(u64, Option<u64>)| {
        let mut setup = setup(1_000, Micros::from_millis(60));
        setup.stalls = Stalls { per_minute: 6.0, length: Micros::from_millis(length) };
        setup.stalls_after = after.map(Micros::from_millis);
        setup
    };
    let setups: Vec<Setup> = cells.iter().map(stalled).collect();
    let mut text = format!(
        "{PARTS} parts a cell at 600 a minute, judged in 60 ms, and all that goes wrong in line_sweep.txt; seed {SEED}\n\
         the encoder stands 6 times a minute while the belt runs on; somebody resets the station 5 s after it gave it up\n\n\
         stands given up  times   missed   passed  falsely   of these unseen     in against\n    \
         ms after ms                 unproven rejected                  doubt  record\n\n"
    );
    for ((length, after), outcome) in cells.iter().zip(run_all(&setups)) {
        let row = Row::of(&outcome);
        assert_eq!(row.parts, PARTS, "{length} ms, {after:?}");
        assert_eq!((row.missed, row.unproven), (0, 0), "{length} ms, {after:?}: {row:?}");
        writeln!(
            text,
            "{length:>6} {:>8} {:>6}   {:>6} {:>8} {:>8}            {:>6} {:>6} {:>7}",
            after.map_or("never".to_owned(), |after| after.to_string()),
            outcome.stalls_seen,
            row.missed,
            row.unproven,
            row.rejected,
            row.unseen,
            row.in_doubt,
            row.against,
        )
        .unwrap();
    }
    golden("line_stalls.txt", &text);
}
