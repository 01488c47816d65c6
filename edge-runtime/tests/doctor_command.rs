//! `doctor` on whatever machine the tests run: a configuration that works, one that is broken, a board's without its board, and none.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn config(name: &str) -> String {
    format!("{}/config/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs the command. Gives how it ended, what it printed, and the JSON that it wrote.
fn doctor(args: &[&str]) -> (Option<i32>, String, Value) {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("doctor.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-runtime"));
    let Output { status, stdout, stderr } = command.arg("doctor").args(args).arg("--json").arg(&json).output().unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    let written = std::fs::read(&json).unwrap_or_else(|_| panic!("{stdout}{}", String::from_utf8_lossy(&stderr)));
    (status.code(), stdout, serde_json::from_slice(&written).unwrap())
}

/// The mark of a row, and what it found.
fn row<'a>(table: &'a Value, what: &str) -> (&'a str, &'a str) {
    let rows = table["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["what"] == what).unwrap_or_else(|| panic!("no row {what}: {rows:#?}"));
    (row["mark"].as_str().unwrap(), row["finding"].as_str().unwrap())
}

/// Each row that is not OK says what to do, and people see all that programs do.
fn holds(printed: &str, table: &Value) {
    let rows = table["rows"].as_array().unwrap();
    for row in rows {
        assert_eq!(row["mark"] == "OK", row["remedy"].is_null(), "{row}");
        let first = row["finding"].as_str().unwrap().trim_end().lines().next().unwrap();
        assert!(printed.contains(first), "{first} is not in {printed}");
    }
    let counted: u64 = ["ok", "look", "fail"].iter().map(|mark| table["counts"][mark].as_u64().unwrap()).sum();
    assert_eq!(counted, rows.len() as u64);
}

#[test]
fn the_simulated_station_runs_on_any_machine() {
    let (code, printed, table) = doctor(&["--config", &config("sim.toml")]);
    holds(&printed, &table);
    assert_eq!(table["counts"]["fail"], 0, "{printed}");
    assert_eq!(code, Some(0), "{printed}");
    assert_eq!(table["station"], "Crown caps, demonstration");
    for what in ["camera", "lines", "display"] {
        assert_eq!(row(&table, what), ("OK", "simulated: the virtual line is part of the program"));
    }
    assert!(row(&table, "self-test").1.contains("stored pictures score as trained"), "{printed}");
    let (mark, speed) = row(&table, "speed");
    assert!(mark == "OK" && speed.contains("at the median") && speed.contains("at p99.9"), "{speed}");
    for what in ["configuration", "bundle", "engine", "clocks", "wall clock", "audit folder", "disk", "temperature"] {
        row(&table, what);
    }
}

#[test]
fn a_broken_configuration_is_a_row_and_the_rest_is_still_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.toml");
    let text = std::fs::read_to_string(config("sim.toml")).unwrap();
    std::fs::write(&file, text.replace("defect_rate = 0.05", "defect_rate = 1.5")).unwrap();
    let (code, printed, table) = doctor(&["--config", file.to_str().unwrap()]);
    holds(&printed, &table);
    assert_eq!(code, Some(2), "{printed}");
    let (mark, finding) = row(&table, "configuration");
    assert!(mark == "FAIL" && finding.contains("sim.defect_rate = 1.5, permitted is 0 to 1"), "{finding}");
    for what in ["clocks", "real-time priority", "locked memory", "temperature", "systemd watchdog"] {
        row(&table, what);
    }
    assert!(table["config_sha256"].is_null());
}

#[test]
fn a_board_that_is_not_there_is_a_row_for_each_thing_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("station.toml");
    let text = std::fs::read_to_string(config("board.example.toml")).unwrap();
    let absent = text
        .replace("/var/lib/draem-edge/", folder.path().join("absent/").to_str().unwrap())
        .replace("/dev/video0", "/dev/no-such-camera")
        .replace("\"GPIO", "\"no such line ");
    std::fs::write(&file, absent).unwrap();
    let (code, printed, table) = doctor(&["--config", file.to_str().unwrap()]);
    holds(&printed, &table);
    assert_eq!(code, Some(3), "the first that fails are the trusted keys: {printed}");
    for what in ["trusted keys", "camera"] {
        assert_eq!(row(&table, what).0, "FAIL", "{printed}");
    }
    // One row for all of them on a machine without chips, else one for each.
    let of_lines = |row: &&Value| row["what"].as_str().unwrap().starts_with("line");
    let lines: Vec<_> = table["rows"].as_array().unwrap().iter().filter(of_lines).collect();
    assert!(!lines.is_empty() && lines.iter().all(|row| row["mark"] == "FAIL"), "{printed}");
    assert!(row(&table, "audit folder").1.ends_with("is made at the first start"));
    assert!(!Path::new(&folder.path().join("absent")).exists(), "looking makes nothing");
}

#[test]
fn without_a_configuration_what_every_station_needs_is_looked_at() {
    let (code, printed, table) = doctor(&[]);
    holds(&printed, &table);
    assert_eq!(code, Some(0), "{printed}");
    assert_eq!(row(&table, "configuration").0, "LOOK");
    row(&table, "cameras");
    row(&table, "GPIO chips");
}
