//! A whole station in real time with a plant's process beside it: told of every part, and its reset button heard.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use edge_plant::wire::{self, Decoder, PREFACE, Part, State, ToPlant, ToStation};
use edge_runtime::store::{Filter, Reader};
use rustix::process::{Pid, Signal, kill_process};
use shared::units::Score;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/demo");

/// A line whose every part is spoilt, and that three rejects stop.
fn station(folder: &Path) -> Station {
    let mut text = include_str!("../config/sim.toml").to_owned();
    for (from, to) in [
        ("../../models/demo", DEMO),
        ("dir = \"../../target/audit\"", "dir = \"audit\""),
        ("parts = 1000\n", "parts = 100000\n"),
        ("defect_rate = 0.05", "defect_rate = 1.0"),
        ("stops_per_minute = 1.0", "stops_per_minute = 0.0"),
        ("[audit]", "[plant]\nsocket = \"plant.sock\"\n\n[alarms]\nconsecutive_rejects = 3\n\n[audit]"),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    std::fs::write(folder.join("station.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-runtime"));
    command.args(["run", "--config", "station.toml", "--real-time"]).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    Station(command.spawn().unwrap())
}

/// A station that does not outlive a test that fails.
struct Station(Child);

impl Drop for Station {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

struct Plant {
    stream: UnixStream,
    decoder: Decoder,
}

impl Plant {
    fn connect(socket: &Path) -> Option<Self> {
        for _ in 0..1_200 {
            if let Ok(stream) = UnixStream::connect(socket) {
                stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
                return Some(Self { stream, decoder: Decoder::default() });
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        None
    }

    /// `None` when the station has ended.
    fn next(&mut self) -> Option<ToPlant> {
        loop {
            if let Some(word) = self.decoder.message().unwrap() {
                return Some(word);
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes).unwrap() {
                0 => return None,
                read => self.decoder.push(&bytes[..read]),
            }
        }
    }
}

#[test]
fn a_plant_hears_of_every_part_and_its_reset_clears_what_is_latched() {
    let folder = tempfile::tempdir().unwrap();
    let mut station = station(folder.path());
    let mut plant = Plant::connect(&folder.path().join("plant.sock")).expect("the station opens its socket");
    let Some(ToPlant::Greeting(greeting)) = plant.next() else { panic!("no greeting") };
    assert_eq!((greeting.run, greeting.simulation, greeting.station.as_str()), (1, true, "Crown caps, demonstration"));
    assert_eq!(std::fs::canonicalize(&greeting.store).unwrap(), folder.path().join("audit").canonicalize().unwrap());

    let Some(ToPlant::Basis(basis)) = plant.next() else { panic!("no basis") };
    assert_eq!((basis.bundle_sha256, basis.own, basis.may_be_set), (greeting.bundle_sha256, greeting.threshold, true));
    assert!(basis.good_scores.len() > 10 && basis.good_scores.is_sorted());

    let mut parts: BTreeMap<u32, Part> = BTreeMap::new();
    let mut out = PREFACE.to_vec();
    // Stopped by rejects, acknowledged, running again, and stopped again; then a threshold that lets every part pass: that is the course.
    let (mut stopped, mut answered, mut ran, mut raised) = (false, false, false, false);
    let high = Score::new(0.999_99).unwrap();
    loop {
        match plant.next().expect("the station runs") {
            ToPlant::Part(part) => {
                parts.insert(part.number.0, part);
                if part.bundle == Some(1) && part.passed {
                    assert!(part.verdict.score().unwrap() > basis.own, "it would have been bad before");
                    break;
                }
            }
            ToPlant::Standing(standing) => {
                let latched = standing.alarms.iter().any(|alarm| alarm.code == "REJECTS_IN_A_ROW" && alarm.latched);
                assert_eq!(standing.state == State::Fault, standing.alarms.iter().any(|alarm| alarm.stops));
                if latched && !stopped {
                    stopped = true;
                    wire::encode(&ToStation::Acknowledge { number: 42 }, &mut out).unwrap();
                    plant.stream.write_all(&out).unwrap();
                }
                ran |= answered && standing.state == State::Run;
                if ran && latched && !raised {
                    raised = true;
                    assert_eq!(standing.counters.parts, parts.len() as u64, "a standing comes behind its parts");
                    assert!(standing.latency.total() > 0 && standing.fire_error.total() > 0);
                    assert_eq!((standing.bundle, standing.threshold), (0, basis.own));
                    let (bundle_sha256, threshold) = (basis.bundle_sha256, Some(high));
                    let mut out = Vec::new();
                    wire::encode(&ToStation::SetThreshold { number: 43, bundle_sha256, threshold }, &mut out).unwrap();
                    plant.stream.write_all(&out).unwrap();
                } else if raised && standing.alarms.iter().any(|alarm| alarm.latched) {
                    // Parts that were judged before stop it again.
                    let mut out = Vec::new();
                    wire::encode(&ToStation::Acknowledge { number: 44 }, &mut out).unwrap();
                    plant.stream.write_all(&out).unwrap();
                }
                assert!(standing.bundle == 0 || standing.threshold == high);
            }
            ToPlant::Answer { number, taken } => {
                assert!(matches!((number, taken), (42 | 43, true) | (44, _)));
                answered = true;
            }
            other => panic!("{other:?}"),
        }
    }
    kill_process(Pid::from_child(&station.0), Signal::TERM).unwrap();
    while let Some(word) = plant.next() {
        if let ToPlant::Part(part) = word {
            parts.insert(part.number.0, part);
        }
    }
    assert!(station.0.wait().unwrap().success());
    assert!(!folder.path().join("plant.sock").exists());

    let reader = Reader::open(&folder.path().join("audit")).unwrap();
    let entries: Vec<_> = reader.entries(Filter::default()).map(Result::unwrap).collect();
    for entry in &entries {
        let raw = entry.record.get();
        // Parts that were on the belt when the line ended have a record and are not told any more.
        let Some(told) = parts.remove(&raw.part.0) else { continue };
        assert_eq!((told.verdict, told.passed, told.decided_at), (raw.verdict, raw.passed, raw.decided_at));
        assert_eq!((told.wall_us, told.fire_error_us), (entry.wall.0, entry.details.fire_error_us));
    }
    assert!(parts.is_empty(), "told of parts that have no record: {parts:?}");
    let taken: Vec<_> =
        reader.runs().unwrap()[0].takeovers.iter().map(|taken| (taken.number, taken.threshold)).collect();
    assert_eq!(taken, [(1, Some(high))]);

    // A restart goes on with it.
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-runtime"));
    command.args(["run", "--config", "station.toml", "--parts", "1"]).current_dir(folder.path());
    let again = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(again.status.success() && said.contains("0.99999, as it was set on this station"), "{said}");
    assert_eq!(reader.runs().unwrap()[1].threshold, Some(high));
}
