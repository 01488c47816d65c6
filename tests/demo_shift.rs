//! The bundle in `models/` on the simulated line, through the station's own command line.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;

use edge_runtime::cli::exit::Exit;
use edge_runtime::cli::model_option::ModelOption;
use edge_runtime::cli::run::{Args, run};
use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn shift(folder: &Path, name: &str, parts: u32, seed: u64) -> Vec<u8> {
    let json = folder.join(format!("{name}.json"));
    let args = Args {
        model: ModelOption::default(),
        config: Path::new(ROOT).join("edge-runtime/config/sim.toml"),
        parts: Some(parts),
        seed: Some(seed),
        real_time: false,
        gate_priority: None,
        bundle: None,
        trust: Vec::new(),
        json: Some(json.clone()),
        panel: None,
        out: Some(folder.join(name)),
    };
    assert_eq!(run(&args).unwrap(), Exit::Done, "{name}");
    std::fs::read(json).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_shift_and_nothing_unproven_passes() {
    let folder = tempfile::tempdir().unwrap();
    let first = shift(folder.path(), "first", 120, 5);
    let table: Value = serde_json::from_slice(&first).unwrap();
    let count = |key: &str| table[key].as_u64().unwrap_or_else(|| panic!("{key} in {table}"));
    assert_eq!(count("parts"), 120);
    assert_eq!(count("records"), 120);
    assert_eq!(count("passed_uninspected"), 0);
    assert_eq!(count("found") + count("missed"), count("defective"));
    assert!(count("defective") > 0 && count("found") > count("missed"), "{table}");
    assert_eq!(shift(folder.path(), "again", 120, 5), first);
    assert_ne!(shift(folder.path(), "other", 120, 6), first);
}

#[test]
fn the_bundle_stays_below_a_mebibyte() {
    let bytes = std::fs::metadata(Path::new(ROOT).join("models/demo/cap-nano.draem")).unwrap().len();
    assert!(bytes < 1 << 20, "{bytes} bytes");
}
