//! A station is killed at moments that it does not choose, again and again, in one and the same store.
//!
//! The child is this program itself: it runs simulated shifts into the store and prints each part whose record it was told is
//! safe. `DRAEM_KILLS` sets the number of kills, `DRAEM_KILL_SEED` the chance behind their moments.

#![allow(clippy::unwrap_used, reason = "what a test builds on is valid, or the test fails")]

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use edge_runtime::app::{Model, simulate};
use edge_runtime::config::{Config, Hardware};
use edge_runtime::hw::clock::Monotonic;
use edge_runtime::hw::roles::Clock as _;
use edge_runtime::stage::audit::{AuditError, RecordSink};
use edge_runtime::stage::workers::Evidence;
use edge_runtime::store::{Filter, Keep, Limits, Reader, RunStart, Store};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use shared::record::{RawRecord, Record};
use shared::units::{Micros, PartId, Score, Travel};
use shared::verdict::{Reason, Verdict};
use shared::wall::WallTime;

/// Where the child finds its store.
const STORE: &str = "DRAEM_KILL_STORE";

/// Longest time from the child's first word to its end.
const LONGEST: Duration = Duration::from_millis(700);

/// Longest time from the child's start to its end, for those that are killed while they open and repair the store.
const LONGEST_OF_START: Duration = Duration::from_millis(60);

/// When a child is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    AfterStart(Duration),
    AfterFirstRecord(Duration),
}

impl Moment {
    /// The first child makes the store, so that there is one to examine; of the others every fifth or so dies early.
    fn chance(kill: u64, rng: &mut ChaCha8Rng) -> Self {
        let (early, share) = (rng.random_bool(0.2), rng.random_range(0.0..1.0));
        if early && kill > 1 {
            Self::AfterStart(LONGEST_OF_START.mul_f64(share))
        } else {
            Self::AfterFirstRecord(LONGEST.mul_f64(share))
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Says which parts are safe, in the order in which they left.
struct Telling {
    store: Store,
    appended: VecDeque<PartId>,
    told: u64,
}

impl RecordSink for Telling {
    fn append(&mut self, record: &Record, _: Option<&Evidence>) -> Result<(), AuditError> {
        // No network runs in this test, so that parts leave as fast as the store takes them. Not every one leaves a picture, so
        // that pictures do not set the pace.
        let evidence = Evidence {
            width: 16,
            input: vec![90; 768],
            heatmap: vec![0.1; 256],
            original: None,
            bundle: 0,
            drift: None,
        };
        let pictured = record.get().part.0.is_multiple_of(10);
        self.store.paced().append(record, pictured.then_some(&evidence))?;
        self.appended.push_back(record.get().part);
        let (run, safe) = (self.store.run(), self.store.acknowledged());
        let mut out = std::io::stdout().lock();
        while self.told < safe {
            let part = self.appended.pop_front().unwrap();
            writeln!(out, "safe {run} {}", part.0).unwrap();
            self.told += 1;
        }
        out.flush().unwrap();
        Ok(())
    }
}

#[test]
#[ignore = "the child of the test below: does nothing without a store to write"]
fn child() {
    let Ok(folder) = std::env::var(STORE) else { return };
    // Ends the line that the test harness began.
    println!();
    let text = include_str!("../config/sim.toml");
    let config = Config::parse(text, "sim.toml", Path::new(".")).unwrap().with_parts(1_000_000);
    let day = 86_400_000_000;
    let limits = Limits {
        // Few enough for old pictures to make room all the time.
        max_pictures: 40,
        max_picture_bytes: 1 << 30,
        max_picture_age: Micros(30 * day),
        min_free_bytes: 0,
        max_records: 10_000_000,
        max_record_age: Micros(365 * day),
    };
    let start = RunStart {
        started_at: WallTime(1_780_000_000_000_000),
        clock_at_start: Micros(0),
        station: "killed".to_owned(),
        product: "cap".to_owned(),
        bundle_sha256: [0; 32],
        threshold: Score::new(0.5).unwrap(),
        config_sha256: config.text_sha256(),
        simulation: true,
        software: "test".to_owned(),
    };
    let store = Store::open(Path::new(&folder), limits, Keep { good_one_in: 3, near_threshold: 0.8 }, start).unwrap();
    let simulated = store.run().0 % 2 == 1;
    let mut telling = Telling { store, appended: VecDeque::new(), told: 0 };
    if simulated {
        let model = Model { inspectors: Vec::new(), product: "cap".to_owned(), threshold: Score::default() };
        let Hardware::Simulation(simulation) = config.hardware() else { panic!("sim.toml is a virtual line") };
        drop(simulate(&config, simulation, model, &mut telling).unwrap());
    } else {
        bursts(&mut telling);
    }
}

/// Parts far faster than a simulated line has them, so that many records share a write and the kill falls between them. The
/// pauses bound what has to be read after each kill.
fn bursts(telling: &mut Telling) {
    for part in 0..1_000_000 {
        let record = RawRecord {
            part: PartId(part),
            seen_at: Micros(0),
            seen_travel: Travel(0),
            decided_at: Micros(u64::from(part)),
            verdict: Verdict::Uninspected(Reason::NoFrame),
            passed: false,
            override_reason: None,
            late_verdict: None,
            simulation: true,
        };
        telling.append(&Record::check(record).unwrap(), None).unwrap();
        if part % 100 == 99 {
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

/// One life of the child, from start to kill. Gives what it said was safe.
fn life(store: &Path, moment: Moment) -> Vec<(i64, u32)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(STORE, store)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let (say, heard) = channel();
    let listener = std::thread::spawn(move || {
        let mut lines = out;
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            // A line that the kill cut off ends without its end.
            if line.ends_with('\n') && say.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
    let mut lines: Vec<String> = Vec::new();
    let safe = |line: &String| line.starts_with("safe ");
    let until = match moment {
        Moment::AfterStart(until) => until,
        Moment::AfterFirstRecord(until) => {
            while !lines.last().is_some_and(safe) {
                lines.push(heard.recv_timeout(Duration::from_secs(60)).expect("the child says nothing"));
            }
            until
        }
    };
    let clock = Monotonic::start();
    loop {
        let left = until.saturating_sub(Duration::from_micros(clock.now().0));
        match heard.recv_timeout(left) {
            Ok(line) => lines.push(line),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => panic!("the child ended by itself: {:?}", child.wait()),
        }
        if left.is_zero() {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    listener.join().unwrap();
    lines.extend(heard.try_iter());
    let pair = |line: &String| {
        let (run, part) = line.strip_prefix("safe ")?.trim_end().split_once(' ')?;
        Some((run.parse().unwrap(), part.parse().unwrap()))
    };
    lines.iter().filter_map(pair).collect()
}

/// The store as the kill left it, before anybody repairs anything. Gives its records and the number of its pictures.
fn examine(store: &Path, case: &str) -> (BTreeSet<(i64, u32)>, usize) {
    let reader = Reader::open(store).unwrap_or_else(|error| panic!("{case}: {error}"));
    reader.check().unwrap_or_else(|error| panic!("{case}: {error}"));
    let (mut there, mut pictures) = (BTreeSet::new(), 0);
    for entry in reader.entries(Filter::default()) {
        let entry = entry.unwrap_or_else(|error| panic!("{case}: {error}"));
        there.insert((entry.run.0, entry.record.get().part.0));
        for name in entry.pictures.iter().flat_map(|pictures| [&pictures.view, &pictures.original]) {
            image::open(store.join(name)).unwrap_or_else(|error| panic!("{case}: {name}: {error}"));
            pictures += 1;
        }
    }
    (there, pictures)
}

#[test]
fn after_any_kill_what_was_acknowledged_is_there_and_every_named_picture_decodes() {
    let (kills, seed) = (number("DRAEM_KILLS", 8), number("DRAEM_KILL_SEED", 1));
    let (store, mut rng) = (tempfile::tempdir().unwrap(), ChaCha8Rng::seed_from_u64(seed));
    let (mut safe, mut most_unsaid, mut pictures) = (BTreeSet::new(), 0, 0);
    for kill in 1..=kills {
        let moment = Moment::chance(kill, &mut rng);
        let case = format!("kill {kill} of {kills}, seed {seed}, {moment:?}");
        let told = life(store.path(), moment);
        assert!(matches!(moment, Moment::AfterStart(_)) || !told.is_empty(), "{case}");
        safe.extend(told);
        let (there, decoded) = examine(store.path(), &case);
        let lost: Vec<_> = safe.difference(&there).collect();
        assert!(lost.is_empty(), "{case}: {} acknowledged records are lost, the first is {:?}", lost.len(), lost[0]);
        most_unsaid = most_unsaid.max(there.len() - safe.len());
        pictures += decoded;
        // What was written and not yet said counts from now on: it must not vanish either.
        safe.extend(there);
    }
    assert!(pictures > 0, "no picture was ever decoded");
    println!(
        "{kills} kills: {} records, {pictures} pictures decoded, at most {most_unsaid} records unsaid",
        safe.len()
    );
}
