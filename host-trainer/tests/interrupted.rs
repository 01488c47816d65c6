//! Whole runs of the program that are killed, or find no room to write: nothing is half written, and what was learnt is
//! gone on from. Needs the feature `torch`.
#![cfg(feature = "torch")]
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;
use std::process::{Command, Stdio};

use image::{Rgb, RgbImage};

/// More than the 200 steps between checkpoints, so that a killed run has one.
const STEPS: &str = "450";

fn photographs(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for at in 0..12_u8 {
        let picture = RgbImage::from_fn(32, 32, |x, y| Rgb([100 + at, 90 + (x / 4) as u8, 80 + (y / 4) as u8]));
        picture.save(folder.join(format!("{at:02}.png"))).unwrap();
    }
}

/// The arguments of a run with all its files in `folder`.
fn arguments(folder: &Path, name: &str) -> Vec<String> {
    let file = |ending: &str| folder.join(format!("{name}.{ending}")).display().to_string();
    let photos = folder.join("photos").display().to_string();
    let (out, json) = (file("draem"), file("json"));
    ["train-and-export", "--data", &photos, "--out", &out, "--json", &json, "--preset", "nano", "--size", "32"]
        .into_iter()
        .chain(["--batch", "2", "--steps", STEPS, "--precision", "f32", "--device", "cpu", "--false-reject", "0.2"])
        .map(str::to_owned)
        .collect()
}

/// On one thread, since sums over threads may round differently from run to run.
fn prepared(folder: &Path, mut command: Command) -> Command {
    command.env("OMP_NUM_THREADS", "1").env("HOME", folder).env_remove("XDG_CONFIG_HOME");
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn trainer(folder: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-trainer"));
    command.args(arguments);
    prepared(folder, command)
}

fn finish(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn scores(json: &Path) -> serde_json::Value {
    let outcome: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    outcome["held_out"].clone()
}

#[test]
fn a_killed_run_goes_on_to_what_it_would_have_given() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    photographs(&folder.join("photos"));
    let (code, said) = finish(trainer(folder, &arguments(folder, "straight")));
    assert_eq!(code, Some(0), "{said}");

    let arguments = arguments(folder, "killed");
    let mut command = trainer(folder, &arguments);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let checkpoint = folder.join("killed.work/checkpoint.safetensors");
    while !checkpoint.exists() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let (code, said) = finish(trainer(folder, &[arguments, vec!["--resume".to_owned()]].concat()));
    assert_eq!(code, Some(0), "{said}");
    let [straight, resumed] = ["straight", "killed"].map(|name| scores(&folder.join(format!("{name}.json"))));
    assert_eq!(resumed, straight);
}

/// A limit on the size of files stands for the full disk: writing fails in the middle, with the signal for it ignored as on
/// a disk that is full.
#[test]
fn without_room_nothing_is_half_written_and_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    photographs(&folder.join("photos"));
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_host-trainer")]);
    shell.args(arguments(folder, "full"));
    let (code, said) = finish(prepared(folder, shell));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("checkpoint.safetensors"), "{said}");
    let left: Vec<_> = std::fs::read_dir(folder.join("full.work")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!folder.join("full.draem").exists());
}
