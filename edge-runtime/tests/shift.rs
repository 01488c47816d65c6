//! Whole simulated shifts, from the drawn part to the table, with a hand-made detector in the network's place.
//!
//! Each shift runs in virtual time, so that minutes of belt take seconds. Needs no bundle and no network.

#![allow(clippy::unwrap_used, reason = "what a test builds on is valid, or the test fails")]

use std::path::Path;

use edge_runtime::app::{Model, Outcome, simulate};
use edge_runtime::config::{Config, Hardware, Simulation};
use edge_runtime::engine::{Engine, EngineError, Inspector};
use edge_runtime::stage::audit::{AuditError, RecordSink};
use edge_runtime::stage::workers::Evidence;
use edge_runtime::store::StoreError;
use shared::drift::Usual;
use shared::manifest::{Manifest, Parity, RawManifest, RawModel, Threshold, Training};
use shared::record::Record;
use shared::score::{Border, Rule};
use shared::units::{PartId, Score};
use shared::verdict::{Reason, Verdict};

const SIDE: usize = 64;
/// A third of the 25 pixels under the score's window.
const THRESHOLD: f32 = 0.3;
const SIM: &str = include_str!("../config/sim.toml");

/// Finds stains: dark brown where the cap is red or cream. Blind to every other defect.
struct StainFinder;

impl Engine for StainFinder {
    fn infer(&mut self, input: &[u8], heatmap: &mut [f32]) -> Result<(), EngineError> {
        for (index, (heat, pixel)) in heatmap.iter_mut().zip(input.as_chunks::<3>().0).enumerate() {
            let (x, y) = ((index % SIDE) as f32 - 31.5, (index / SIDE) as f32 - 31.5);
            let on_print = x.hypot(y) < 17.0;
            let [r, g, _] = pixel.map(i32::from);
            *heat = f32::from(u8::from(on_print && r < 140 && r - g < 90));
        }
        Ok(())
    }
}

/// Says that the network failed, every time.
struct Broken;

impl Engine for Broken {
    fn infer(&mut self, _: &[u8], _: &mut [f32]) -> Result<(), EngineError> {
        Err(EngineError::Run { reason: "pulled out".to_owned() })
    }
}

/// Dies at the first picture.
struct Dying;

impl Engine for Dying {
    fn infer(&mut self, _: &[u8], _: &mut [f32]) -> Result<(), EngineError> {
        panic!("the network's thread is killed, as this test wants it")
    }
}

/// Finds everything good, so that nothing but the line's own caution rejects a part.
struct Blind;

impl Engine for Blind {
    fn infer(&mut self, _: &[u8], heatmap: &mut [f32]) -> Result<(), EngineError> {
        heatmap.fill(0.0);
        Ok(())
    }
}

#[derive(Default)]
struct Kept(Vec<Record>);

impl RecordSink for Kept {
    fn append(&mut self, record: &Record, _: Option<&Evidence>) -> Result<(), AuditError> {
        self.0.push(*record);
        Ok(())
    }
}

fn manifest() -> Manifest {
    let side = SIDE as u16;
    let model = RawModel {
        sha256: [0; 32],
        threshold: Threshold {
            value: THRESHOLD,
            target_false_reject: 0.01,
            expected_false_reject: 0.01,
            upper_bound_95: 0.05,
        },
        good_scores: [0.0f32].into_iter().collect(),
        good_parts: Default::default(),
        parity: Parity { scores: [0.0f32].into_iter().collect(), tolerance: 0.0 },
    };
    Manifest::check(RawManifest {
        product: "cap".try_into().unwrap(),
        created: 0,
        writer: "test".try_into().unwrap(),
        preprocess_version: shared::preprocess::Exposure::AsTaken.version(),
        crop: None,
        frame_size: [256, 256],
        input_size: [side, side],
        usual: Usual { pictures: 1, ..Usual::default() },
        score_rule: Rule::window_for(SIDE, Border::Covered),
        float32: model.clone(),
        int8: model,
        parity_sha256: [0; 32],
        trained_scores: Default::default(),
        training: Training {
            preset: "none".try_into().unwrap(),
            reconstructive_width: 0,
            discriminative_width: 0,
            seed: 0,
            steps: 0,
            train_pictures: 0,
            dataset_sha256: [0; 32],
        },
        fixture: None,
    })
    .unwrap()
}

fn model(engine: fn() -> Box<dyn Engine>) -> Model {
    let inspectors = (0..2).map(|_| Inspector::new(manifest(), engine())).collect();
    Model { inspectors, product: "cap".to_owned(), threshold: Score::new(THRESHOLD).unwrap() }
}

fn simulation(config: &Config) -> &Simulation {
    match config.hardware() {
        Hardware::Simulation(simulation) => simulation,
        Hardware::Board(_) => panic!("sim.toml is a virtual line"),
    }
}

/// The shipped configuration, some of its lines exchanged.
fn config(changes: &[(&str, &str)], parts: u32, seed: u64) -> Config {
    let mut text = SIM.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "the shipped configuration has no line `{from}`");
        text = text.replace(from, to);
    }
    Config::parse(&text, "sim.toml", Path::new(".")).unwrap().with_parts(parts).with_seed(seed)
}

fn shift(config: &Config, model: Model) -> (Outcome, Vec<Record>) {
    let mut kept = Kept::default();
    let outcome = simulate(config, simulation(config), model, &mut kept).unwrap();
    (outcome, kept.0)
}

const QUIET: [(&str, &str); 4] = [
    ("missing_frame = 0.004", "missing_frame = 0.0"),
    ("bounce = 0.01", "bounce = 0.0"),
    ("missed_trigger = 0.002", "missed_trigger = 0.0"),
    ("spike_rate = 0.003", "spike_rate = 0.0"),
];

const ROUGH: [(&str, &str); 5] = [
    ("missing_frame = 0.004", "missing_frame = 0.1"),
    ("bounce = 0.01", "bounce = 0.2"),
    ("missed_trigger = 0.002", "missed_trigger = 0.1"),
    ("spike_rate = 0.003", "spike_rate = 0.05"),
    ("defect_rate = 0.05", "defect_rate = 0.3"),
];

#[test]
fn the_same_seed_gives_the_same_shift_to_the_byte() {
    let run = |seed| {
        let (outcome, records) = shift(&config(&ROUGH, 60, seed), model(|| Box::new(StainFinder)));
        (serde_json::to_string(&outcome.report).unwrap(), outcome.screen.png().unwrap(), records)
    };
    let first = run(5);
    assert_eq!(first, run(5));
    assert_ne!(first.0, run(6).0, "another seed gives another shift");
}

#[test]
fn on_a_quiet_line_stains_are_found_and_nothing_else_is_rejected() {
    let mut changes = QUIET.to_vec();
    changes.push(("defect_rate = 0.05", "defect_rate = 0.5"));
    let seed = 3;
    let (outcome, records) = shift(&config(&changes, 80, seed), model(|| Box::new(StainFinder)));
    // For people to look at; its drawing is tested in `hmi::screen`.
    let look_at = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panel.png");
    std::fs::write(&look_at, outcome.screen.png().unwrap()).unwrap();
    let report = outcome.report;
    assert_eq!((report.parts, report.records, records.len()), (80, 80, 80), "seed {seed}");
    let stains = report.kinds["stain"];
    assert!(stains.defective >= 3, "seed {seed}: {stains:?}");
    assert_eq!(stains.missed, 0, "seed {seed}: {report}");
    assert_eq!((report.uninspected, report.late, report.false_rejects), (0, 0, 0), "seed {seed}: {report}");
    assert!(report.missed > 0, "seed {seed}: the finder is blind to other kinds, and the table says so: {report}");
    assert_eq!(report.defective, report.found + report.missed);
}

#[test]
fn under_every_fault_each_part_has_one_record_and_none_passes_unproven() {
    for seed in 0..3 {
        let (outcome, records) = shift(&config(&ROUGH, 100, seed), model(|| Box::new(Blind)));
        let report = outcome.report;
        assert_eq!((report.parts, report.records), (100, 100), "seed {seed}: {report}");
        assert_eq!((report.passed_uninspected, report.gate_disagrees), (0, 0), "seed {seed}: {report}");
        let mut numbers: Vec<PartId> = records.iter().map(|record| record.get().part).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), records.len(), "seed {seed}: a part has two records");
        for code in ["NO_FRAME", "UNKNOWN_PART"] {
            assert!(report.reasons.contains_key(code), "seed {seed}: {code} was not provoked: {report}");
        }
        assert!(report.bounced > 0 && report.late > 0, "seed {seed}: {report}");
        assert!(records.iter().all(|record| record.get().simulation), "seed {seed}");
    }
}

#[test]
fn on_a_belt_that_runs_backwards_nothing_passes_unproven_and_each_part_is_recorded() {
    for seed in 0..3 {
        let mut changes = ROUGH.to_vec();
        changes.push(("reversals_per_minute = 0.0", "reversals_per_minute = 20.0"));
        changes.push(("reversal_mm = 0.0", "reversal_mm = 200.0"));
        let (outcome, records) = shift(&config(&changes, 100, seed), model(|| Box::new(Blind)));
        let report = outcome.report;
        assert!(report.is_sound() && report.records_without_part == 0, "seed {seed}: {report}");
        assert_eq!(records.len() as u32, report.records + report.returned, "seed {seed}: {report}");
        assert!(report.returned > 0, "seed {seed}: {report}");
    }
}

/// Whatever happens to the network, everything is rejected.
#[test]
fn without_a_network_nothing_passes() {
    let none = || Model { inspectors: Vec::new(), ..model(|| Box::new(Blind)) };
    let cases: [(&str, Model, Reason); 3] = [
        ("it fails", model(|| Box::new(Broken)), Reason::ModelFault),
        ("its threads die", model(|| Box::new(Dying)), Reason::ModelFault),
        ("there is none", none(), Reason::ModelFault),
    ];
    for (case, model, reason) in cases {
        let (outcome, records) = shift(&config(&QUIET, 30, 2), model);
        let report = outcome.report;
        assert_eq!((report.records, report.uninspected), (30, 30), "{case}: {report}");
        assert_eq!((report.missed, report.passed_uninspected), (0, 0), "{case}: {report}");
        assert!(records.iter().all(|r| r.get().verdict == Verdict::Uninspected(reason)), "{case}: {report}");
    }
}

#[test]
fn a_network_that_says_good_too_late_lets_nothing_pass() {
    let mut changes = QUIET.to_vec();
    changes[3] = ("spike_rate = 0.003", "spike_rate = 1.0");
    let (outcome, records) = shift(&config(&changes, 30, 2), model(|| Box::new(Blind)));
    let report = outcome.report;
    assert_eq!((report.records, report.uninspected, report.missed), (30, 30, 0), "{report}");
    assert!(report.late > 0, "{report}");
    assert!(records.iter().all(|record| !record.get().passed));
}

#[test]
fn a_sink_that_cannot_write_ends_the_shift() {
    struct Full;
    impl RecordSink for Full {
        fn append(&mut self, _: &Record, _: Option<&Evidence>) -> Result<(), AuditError> {
            Err(StoreError::QueueFull { capacity: 256 }.into())
        }
    }
    let config = config(&QUIET, 5, 1);
    let error = simulate(&config, simulation(&config), model(|| Box::new(Blind)), &mut Full).unwrap_err();
    assert!(error.to_string().contains("256 records wait"), "{error}");
}
