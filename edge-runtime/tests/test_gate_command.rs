//! `test-gate` on twins, with answers from a pipe: what is asked, what is kept, and how it ends when nobody answers or somebody stops it.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/sim.toml");

fn start() -> (Child, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-runtime"));
    command.args(["test-gate", "--config", CONFIG, "--json"]).arg(folder.path().join("gate.json"));
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    (child, folder)
}

/// Waits for the end. Gives the exit code, what was printed, and the protocol.
fn end(child: Child, folder: &TempDir) -> (Option<i32>, String, Value) {
    let output = child.wait_with_output().unwrap();
    let protocol = std::fs::read(folder.path().join("gate.json")).unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), serde_json::from_slice(&protocol).unwrap())
}

fn answered(answers: &str) -> (Option<i32>, String, Value) {
    let (mut child, folder) = start();
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    end(child, &folder)
}

fn steps(protocol: &Value) -> Vec<(&str, bool)> {
    let answers = protocol["answers"].as_array().unwrap().iter();
    answers.map(|answer| (answer["step"].as_str().unwrap(), answer["yes"].as_bool().unwrap())).collect()
}

#[test]
fn a_gate_that_does_all_it_must_passes_and_all_of_it_is_kept() {
    let (code, printed, protocol) = answered("y\ny\ny\nwhat?\nyes\ny\ny\ny\n");
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.ends_with("PASSED\n"), "{printed}");
    let asked = ["clear", "safe", "passing", "fire", "fired", "emergency", "stood"];
    assert_eq!(steps(&protocol), asked.map(|step| (step, true)));
    assert_eq!(protocol["outcome"], "passed");
    assert_eq!(protocol["simulation"], true);
    assert_eq!(protocol["station"], "Crown caps, demonstration");
    assert_eq!(protocol["config_sha256"].as_str().unwrap().len(), 64);
    // 56 mm of window at 300 mm/s, and a twin whose part is seen when the gate has risen.
    assert!((protocol["pulse_ms"].as_f64().unwrap() - 186.666).abs() < 0.01, "{protocol}");
    assert!(protocol["confirmed_after_ms"].as_f64().unwrap() >= 10.0, "{protocol}");
}

#[test]
fn what_was_not_seen_fails_and_who_does_not_agree_moves_nothing() {
    let (code, printed, protocol) = answered("y\nn\ny\ny\ny\ny\ny\n");
    assert_eq!((code, &protocol["outcome"]), (Some(4), &Value::from("failed")), "{printed}");
    assert!(printed.contains("NO\n") && printed.contains("the line must not run"), "{printed}");
    let (code, _, protocol) = answered("n\n");
    assert_eq!((code, &protocol["outcome"]), (Some(4), &Value::from("not_finished")));
    assert_eq!(steps(&protocol), [("clear", false)]);
    assert!(protocol["confirmed_after_ms"].is_null());
}

#[test]
fn when_nobody_answers_any_more_it_ends_and_says_so() {
    let (code, printed, protocol) = answered("y\ny\n");
    assert_eq!(code, Some(4), "{printed}");
    assert_eq!(protocol["why"], "standard input has ended: nobody answers");
    assert_eq!(steps(&protocol).len(), 2);
}

#[test]
fn ctrl_c_ends_it_and_the_protocol_is_written() {
    let (mut child, folder) = start();
    let mut heard = BufReader::new(child.stderr.take().unwrap()).lines();
    while !heard.next().expect("a question").unwrap().ends_with("[y/n]") {}
    // To wait for a child closes its standard input, and an input that ends could be noticed before the signal.
    let _somebody_who_could_answer = child.stdin.take().unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let (code, printed, protocol) = end(child, &folder);
    assert_eq!(code, Some(4), "{printed}");
    assert_eq!(
        (&protocol["outcome"], &protocol["why"]),
        (&Value::from("not_finished"), &Value::from("somebody stopped it"))
    );
}
