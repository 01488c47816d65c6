//! Every failure that a station must stand, provoked once, and what came of it: one golden row each.
//!
//! Most run on a line in real time with the threads of a board, on twins of which one goes wrong (`rig`, `faults`); those of the whole
//! process run the program itself (`process`). What a row says does not depend on how fast the machine is; a line that the machine itself
//! kept waiting (`host`) runs again by itself. In each: no part passes that
//! was not proven good, no part is without its one record, and the outputs end in their safe state.
//!
//! What needs a kernel of its own (a display that is unplugged, the system's clock set by years, a camera that the kernel loses) is
//! provoked on the emulated board, `tests/board`.

#![allow(clippy::unwrap_used, reason = "what a test builds on is valid, or the test fails")]
#![allow(
    clippy::disallowed_methods,
    reason = "lines in real time are waited for, and some faults are nothing but waiting"
)]

mod beside;
mod faults;
mod host;
mod process;
mod rig;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use faults::{Fault, SCENARIOS};

const GOLDEN: &str = "tests/golden/fault_matrix.txt";

/// Lines that run at once: they wait most of the time. Those whose log panics are not together with others that log the same.
const AT_ONCE: usize = 6;

/// How often a line runs again that the machine kept waiting.
const AGAIN: usize = 4;

/// What a fault came to.
#[derive(Debug, Default)]
pub struct Row {
    /// Alarms and failures that people were shown.
    pub shown: String,
    /// Why parts were rejected that were not judged bad.
    pub reasons: String,
    /// How it ended.
    pub end: String,
    /// A part may have passed that should not, and people are told so.
    pub told: bool,
    /// What must not be; empty when nothing of it was.
    pub broken: String,
    /// The machine kept the line waiting longer than its times bear.
    pub held_up: bool,
}

fn line(name: &str, row: &Row) -> String {
    let word = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let promises = match (row.broken.is_empty(), row.told) {
        (true, false) => "kept",
        (true, true) => "told",
        (false, _) => "BROKEN",
    };
    format!("{name:<46} {:<18} {:<30} {:<42} {promises}", word(&row.shown), word(&row.reasons), row.end)
}

#[test]
fn every_fault_has_its_consequence_and_no_part_passes_unproven() {
    let mut table = line(
        "fault",
        &Row { shown: "shown".into(), reasons: "rejected for".into(), end: "end".into(), ..Row::default() },
    );
    table = table.replace("kept", "promises") + "\n";
    tracing::subscriber::set_global_default(beside::Log).unwrap();
    report_only_what_is_not_provoked();
    let mut broken = String::new();
    let mut rows: Vec<(String, Row)> = Vec::new();
    let whole = std::thread::spawn(process::rows);
    for some in SCENARIOS.chunks(AT_ONCE) {
        let run = |&(name, fault): &(&str, Fault)| (name.to_owned(), rig::run(fault));
        rows.extend(std::thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|scenario| scope.spawn(move || run(scenario))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        }));
    }
    rows.extend(whole.join().unwrap());
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    for ((name, row), (_, fault)) in rows.iter_mut().zip(SCENARIOS) {
        let other = |row: &Row| row.broken.is_empty() && !expected.lines().any(|known| known == line(name, row));
        for _ in 0..AGAIN {
            if row.held_up && other(row) {
                println!("held up by the machine, and run again: {}", line(name, row));
                *row = rig::run(fault);
            }
        }
    }
    assert_eq!(beside::still_armed(), BTreeSet::new(), "threads that were to panic and did not");
    for (name, row) in &rows {
        table.push_str(&line(name, row));
        table.push('\n');
        if !row.broken.is_empty() {
            writeln!(broken, "{name}: {}", row.broken).unwrap();
        }
    }
    assert!(broken.is_empty(), "promises were not kept\n{broken}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &table).unwrap();
    }
    let only = |in_this: &str, in_that: &str, sign: &str| -> String {
        let rows = in_this.lines().filter(|row| !in_that.lines().any(|other| other == *row));
        rows.map(|row| format!("{sign} {row}\n")).collect()
    };
    let differing = only(&table, &expected, "+") + &only(&expected, &table, "-");
    assert!(table == expected, "differs from {GOLDEN} in\n{differing}UPDATE_GOLDEN=1 writes it anew");
}

/// Reports of a dozen provoked panics, each with where it came from, would hide what a row is told to be.
fn report_only_what_is_not_provoked() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.payload_as_str().is_some_and(|message| message.contains("provoked")) {
            usual(panic);
        }
    }));
}
