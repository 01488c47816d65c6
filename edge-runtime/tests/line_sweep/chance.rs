//! Random lines with random faults, as far as the configuration's own checks accept them: what is not proven good is diverted.
//! The encoder works on all of them; what stalls do is in the table.
//!
//! Cases come from a fixed seed and shrink to the simplest line that lets a part escape.

use std::path::Path;

use edge_runtime::config::{Config, Hardware};
use edge_runtime::hw::wrap::lines::Stalls;
use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use shared::units::Micros;

use super::rig::{self, Setup};

const CASES: u32 = 300;
const SEED: &[u8; 32] = b"nothing unproven passes, ever.  ";
const PARTS: u32 = 120;
const SIM: &str = include_str!("../../config/sim.toml");

/// Values of keys of the shipped file.
type Values = Vec<(&'static str, f64)>;

fn geometry() -> impl Strategy<Value = Values> {
    let line = (150.0..900.0f64, 2.0..30.0f64, 0.0..20.0f64, 0.0..1.0f64, 10.0..60.0f64);
    let parts = (0.0..80.0f64, 0.0..0.4f64, 0.0..1.0f64, prop_oneof![Just(100.0), Just(500.0), Just(1_000.0)]);
    (line, parts).prop_map(|((gate, before, behind, lockout, length), (apart, variation, photogate, step))| {
        let after = length + behind;
        vec![
            ("gate_distance_mm", gate),
            ("window_before_mm", before),
            ("window_after_mm", after),
            ("lockout_mm", length * lockout * 0.9),
            ("max_length_mm", length + 1.0),
            ("part_length_mm", length),
            ("pitch_mm", (before + after + apart) / (1.0 - variation) + 0.1),
            ("pitch_variation", variation),
            ("photogate_before_mm", before * photogate),
            ("encoder_step_um", step),
        ]
    })
}

fn motion() -> impl Strategy<Value = Values> {
    let never_or = |most: f64| prop_oneof![1 => Just(0.0), 2 => 0.0..most];
    (50.0..1_500.0f64, 0.0..0.3f64, never_or(20.0), never_or(20.0), 0.0..700.0f64, 0.0..20.0f64).prop_map(
        |(speed, variation, stops, reversals, reversal, rise)| {
            vec![
                ("speed_mm_s", speed),
                ("speed_variation", variation),
                ("stops_per_minute", stops),
                ("reversals_per_minute", reversals),
                ("reversal_mm", reversal),
                ("gate_rise_ms", rise),
            ]
        },
    )
}

fn faults() -> impl Strategy<Value = Values> {
    let share = |most: f64| prop_oneof![1 => Just(0.0), 2 => 0.0..most];
    let board = (1.0..400.0f64, 0.0..1.0f64, share(0.1), 0.0..3_000.0f64, 0.0..40.0f64, 0.0..200.0f64);
    (board, share(0.1), share(0.5), share(0.2), 0.0..0.6f64).prop_map(|(board, missing, bounce, missed, defects)| {
        let (mean, jitter, spikes, spike, camera, timeout) = board;
        vec![
            ("mean_ms", mean),
            ("jitter_ms", mean * jitter),
            ("spike_rate", spikes),
            ("spike_ms", spike),
            ("camera_ms", camera),
            ("frame_timeout_ms", camera + 1.0 + timeout),
            ("missing_frame", missing),
            ("bounce", bounce),
            ("missed_trigger", missed),
            ("defect_rate", defects),
        ]
    })
}

/// The shipped file with other values.
fn text(values: &Values) -> String {
    let value = |key: &str| values.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let mut text = String::new();
    for line in SIM.lines() {
        match line.split_once(" = ").and_then(|(key, _)| Some((key, value(key)?))) {
            Some(("encoder_step_um", step)) => text += &format!("encoder_step_um = {step:.0}\n"),
            Some((key, value)) => text += &format!("{key} = {value:.3}\n"),
            None => text += &format!("{line}\n"),
        }
    }
    text
}

fn setup(text: &str, seed: u64) -> Option<Setup> {
    let config = Config::parse(text, "sim.toml", Path::new(".")).ok()?.with_parts(PARTS).with_seed(seed);
    let Hardware::Simulation(simulation) = config.hardware() else { return None };
    Some(Setup {
        plan: *simulation.plan(),
        layout: config.layout(),
        frame_timeout: config.frame_timeout(),
        camera: simulation.camera(),
        latency: *simulation.latency(),
        rates: simulation.faults(),
        stalls: Stalls::default(),
        stalls_after: Some(Micros::from_millis(2_000)),
    })
}

fn holds(setup: &Setup) -> Result<(), TestCaseError> {
    let outcome = rig::run(setup);
    prop_assert_eq!(outcome.courses.len(), PARTS as usize);
    for course in &outcome.courses {
        let departure = course.departure;
        let proven = course.record.is_some_and(|record| record.get().passed);
        prop_assert!(departure.diverted || proven, "{:?} passed unproven: {:?}", departure.part, course.record);
        prop_assert!(departure.diverted || departure.part.kind.is_none(), "{:?} passed", departure.part);
    }
    let twice: Vec<_> = outcome.named.keys().filter(|part| outcome.recorded.get(part) != Some(&1)).collect();
    prop_assert!(twice.is_empty(), "not recorded exactly once: {:?}", twice);
    prop_assert_eq!(outcome.named.len(), outcome.recorded.len());
    Ok(())
}

#[test]
fn what_is_not_proven_good_is_diverted_on_every_line_that_is_accepted() {
    let runs = Runs { cases: CASES, max_global_rejects: 100 * CASES, failure_persistence: None, ..Runs::default() };
    let mut runner = TestRunner::new_with_rng(runs, TestRng::from_seed(RngAlgorithm::ChaCha, &SEED[..32]));
    let lines = (geometry(), motion(), faults(), any::<u64>());
    let result = runner.run(&lines, |(geometry, motion, faults, seed)| {
        let text = text(&[geometry, motion, faults].concat());
        let setup = setup(&text, seed).ok_or_else(|| TestCaseError::reject("not accepted"))?;
        holds(&setup).map_err(|error| match error {
            TestCaseError::Fail(why) => TestCaseError::fail(format!("{why}\nseed {seed}\n{text}")),
            reject => reject,
        })
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
