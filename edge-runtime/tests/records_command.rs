//! A shift's records through the commands that people use: `run` writes them, `records` shows them, `export` takes them out.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const PARTS: usize = 60;

fn command(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_edge-runtime")).args(args).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::str::from_utf8(&output.stdout).unwrap()
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn what_run_writes_records_shows_and_export_takes_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (audit, out) = (path("audit"), path("out"));
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/sim.toml");
    stdout(&command(&["run", "--config", config, "--parts", &PARTS.to_string(), "--seed", "5", "--out", &audit]));

    let records = |more: &[&str]| -> Vec<Value> {
        let output = command(&[&["records", "--dir", &audit, "--json", "-"], more].concat());
        serde_json::from_str(stdout(&output)).unwrap()
    };
    let all = records(&[]);
    let parts: Vec<_> = all.iter().map(|record| record["part"].as_u64().unwrap()).collect();
    assert!(parts.len() >= PARTS && parts.is_sorted_by(|a, b| a < b), "{parts:?}");
    assert!(all.iter().all(|record| record["run"] == 1 && record["simulation"] == true));
    let bad = records(&["--verdict", "bad"]);
    assert!(!bad.is_empty() && bad.iter().all(|record| record["verdict"] == "bad" && record["passed"] == false));
    assert_eq!(bad.len(), all.iter().filter(|record| record["verdict"] == "bad").count());
    assert_eq!(records(&["--until", "2020-01-01"]), [Value::Null; 0], "before the shift");
    assert_eq!(records(&["--since", "1d"]), all);
    let table = command(&["records", "--dir", &audit]);
    assert!(stdout(&table).contains("SIMULATION") && stdout(&table).contains(&format!("{} records: ", all.len())));

    stdout(&command(&["export", "--dir", &audit, "--since", "1d", "--out", &out]));
    let good = all.iter().filter(|record| record["passed"] == true && !record["original"].is_null()).count();
    assert_eq!(files(&Path::new(&out).join("train/good")), good);
    assert_eq!(files(&Path::new(&out).join("test/bad")), bad.len());
    assert_eq!(std::fs::read_to_string(Path::new(&out).join("records.csv")).unwrap().lines().count(), 1 + all.len());
    assert_eq!(command(&["export", "--dir", &audit, "--out", &out]).status.code(), Some(2), "it holds files already");
}

#[test]
fn a_folder_without_records_and_a_time_that_is_none_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    for args in [
        &["records", "--dir", dir][..],
        &["export", "--dir", dir, "--out", dir],
        &["records", "--dir", dir, "--since", "soon"],
    ] {
        let output = command(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(files(folder.path()), 0, "reading makes nothing");
}

#[test]
fn simulate_never_drives_a_board() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/board.example.toml");
    let output = command(&["simulate", "--config", config]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("drives a board"));
}
