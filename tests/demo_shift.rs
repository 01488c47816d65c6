//! The bundle in `models/` on the simulated line, through the station's own command line.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::{Path, PathBuf};

use edge_runtime::cli::exit::Exit;
use edge_runtime::cli::model_option::ModelOption;
use edge_runtime::cli::run::{Args, run};
use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn shift(folder: &Path, name: &str, parts: u32, seed: u64) -> Vec<u8> {
    shift_of(&Path::new(ROOT).join("edge-runtime/config/sim.toml"), folder, name, parts, seed)
}

fn shift_of(config: &Path, folder: &Path, name: &str, parts: u32, seed: u64) -> Vec<u8> {
    let json = folder.join(format!("{name}.json"));
    let args = Args {
        model: ModelOption::default(),
        config: config.to_owned(),
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

/// The demonstration's configuration with another light from a part on, in a folder.
fn with_light(folder: &Path, from_part: u32, factor: f64) -> PathBuf {
    let text = std::fs::read_to_string(Path::new(ROOT).join("edge-runtime/config/sim.toml")).unwrap();
    let text = text.replace("../../models", &format!("{ROOT}/models"));
    let light = format!("{text}\n[sim.light]\nfrom_part = {from_part}\nfactor = {factor}\n");
    let path = folder.join("sim.toml");
    std::fs::write(&path, light).unwrap();
    path
}

/// What drifted, each with the parts after which it was noticed.
fn drifts(table: &[u8]) -> Vec<(u64, String)> {
    let table: Value = serde_json::from_slice(table).unwrap();
    let Some(drifts) = table["drifts"].as_array() else { return Vec::new() };
    let said = |drift: &Value| (drift["after_parts"].as_u64().unwrap(), drift["what"].as_str().unwrap().to_owned());
    drifts.iter().map(said).collect()
}

#[test]
fn a_tenth_less_light_is_warned_of_within_150_parts_and_a_steady_line_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let parts = std::env::var("DRAEM_DRIFT_PARTS").map_or(250, |parts| parts.parse().unwrap());
    let steady = shift(folder.path(), "steady", parts, 11);
    assert_eq!(drifts(&steady), [], "{parts} parts in a steady light");
    for factor in [0.9, 1.1] {
        let config = with_light(folder.path(), 50, factor);
        let table = shift_of(&config, folder.path(), "other", 200, 12);
        let noticed = drifts(&table).into_iter().find(|(_, what)| what.contains("brightness"));
        let (after, what) = noticed.unwrap_or_else(|| panic!("nothing noticed at {factor}: {:?}", drifts(&table)));
        assert!((50..200).contains(&after), "after {after}: {what}");
    }
}

#[test]
fn the_bundle_stays_below_a_mebibyte() {
    let bytes = std::fs::metadata(Path::new(ROOT).join("models/demo/cap-nano.draem")).unwrap().len();
    assert!(bytes < 1 << 20, "{bytes} bytes");
}
