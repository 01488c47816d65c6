//! What is said in each topic, as JSON: one type a payload, and THE table of their keys, from which the manual's is made.
//!
//! Times are UTC as in `2026-05-30T14:05:06.789Z`, from the clock on the wall, which may be set at any time. Keys are added, and none is
//! changed. Takes what is known; sends nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use shared::verdict::FAILURES;
use shared::wall::WallTime;

use crate::line::{Line, Shown};
use crate::store::Entry;

/// Topic, key, and what it says; `null` is what is not known, or does not apply.
pub const KEYS: [(&str, &str, &str); 47] = [
    ("state", "time", "when it became so, UTC"),
    ("state", "line", "`run`, `fault`, `changeover`, `starting`, or `unknown` while no station says how it stands"),
    ("state", "station", "its name in its own configuration"),
    ("state", "product", "what is inspected now"),
    ("state", "bundle", "number of what judges, bundle and threshold, within the run; 0 is what judged from its start"),
    ("state", "bundle_sha256", "of the bundle that judges"),
    ("state", "threshold", "a part is bad when its score is greater"),
    ("state", "run", "the run's number in the records"),
    ("state", "simulation", "whether the line is a simulated one"),
    ("state", "software", "the station's version"),
    ("part", "run", "the run's number in the records"),
    ("part", "part", "its number within the run; with the run it is the same in each message about this part"),
    ("part", "time", "when it was decided, UTC"),
    ("part", "code", "`GOOD`, `BAD`, or a code of the failure table"),
    ("part", "passed", "whether it was let through"),
    ("part", "score", "where it was judged"),
    ("part", "threshold", "by which it was judged"),
    ("part", "product", "of the bundle that judged it"),
    ("part", "bundle", "number of what judged it, bundle and threshold, within the run"),
    ("part", "late_verdict", "what a verdict that came too late would have said: `good`, `bad` or `uninspected`"),
    ("part", "decided_after_us", "from trigger to decision, in microseconds"),
    ("part", "inference_us", "from picture handed in to verdict, in microseconds"),
    ("part", "frame_residual_us", "from the wanted moment to the exposure, in microseconds"),
    ("part", "fire_error_us", "how much later than due the gate moved, in microseconds"),
    ("part", "simulation", "whether the line is a simulated one"),
    ("alarm", "time", "when it was raised or cleared, UTC; the same in each message about this"),
    ("alarm", "code", "the word for it"),
    ("alarm", "raised", "`true`: raised; `false`: cleared"),
    ("alarm", "stops", "whether it stops the line"),
    ("alarm", "remedy", "what to do about it, in English"),
    ("counters", "time", "when, UTC"),
    ("counters", "run", "the run's number in the records"),
    ("counters", "parts", "that have left since the run began"),
    ("counters", "passed", "of these"),
    ("counters", "bad", "of these, judged bad"),
    (
        "counters",
        "reasons",
        "of these, rejected for another reason: how many by the code of the failure table; what there was none of is left out",
    ),
    ("counters", "late", "verdicts that came too late"),
    ("counters", "bounced", "edges that were no parts"),
    ("counters", "fired", "pulses of the gate"),
    ("told", "time", "when, UTC"),
    ("told", "waiting", "parts that wait to be told, to be acknowledged by the broker, or for their record"),
    ("told", "lost_parts", "parts that no message was or will be sent of, since the mark was first set"),
    ("told", "lost_alarms", "messages about alarms that were left out, since then"),
    ("answer", "time", "when, UTC"),
    ("answer", "command", "`acknowledge`"),
    ("answer", "id", "as the command had it"),
    (
        "answer",
        "result",
        "`acknowledged`; `on_its_way`: an earlier press still is; `no_station`, `no_answer`; `no_log`: it cannot be written down, and is not done; `refused`: another secret; `malformed`; \
         `retained`: kept by the broker from some time before, and not obeyed",
    ),
];

/// The table of keys, for the manual.
#[must_use]
pub fn table() -> String {
    let mut text = "| topic | key | says |\n|---|---|---|\n".to_owned();
    for (topic, key, about) in KEYS {
        let _ = writeln!(text, "| `{topic}` | `{key}` | {about} |");
    }
    text
}

/// Topic `state`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct State {
    time: String,
    line: &'static str,
    station: Option<String>,
    product: Option<String>,
    bundle: Option<u32>,
    bundle_sha256: Option<String>,
    threshold: Option<f64>,
    run: Option<i64>,
    simulation: Option<bool>,
    software: Option<String>,
}

impl State {
    /// Of now, as far as it is known.
    #[must_use]
    pub fn of(line: &Line, at: WallTime) -> Self {
        let standing = line.now();
        let greeting = line.greeting.as_ref().filter(|_| line.connected);
        let shown = match line.shown() {
            Shown::Unknown => "unknown",
            Shown::Starting => "starting",
            Shown::Run => "run",
            Shown::Fault => "fault",
            Shown::Changeover => "changeover",
        };
        let bundle = standing.map(|standing| standing.bundle);
        let sha256 = line.basis.as_ref().map(|basis| hex(&basis.bundle_sha256));
        Self {
            time: at.to_string(),
            line: shown,
            station: greeting.map(|greeting| greeting.station.clone()),
            product: standing.map(|standing| standing.product.clone()),
            bundle,
            bundle_sha256: sha256.filter(|_| standing.is_some()),
            threshold: standing.map(|standing| rounded(standing.threshold.get().into())),
            run: greeting.map(|greeting| greeting.run),
            simulation: greeting.map(|greeting| greeting.simulation),
            software: greeting.map(|greeting| greeting.software.clone()),
        }
    }

    /// Whether it says the same, but for the time.
    #[must_use]
    pub fn says_as(&self, other: &Self) -> bool {
        Self { time: String::new(), ..self.clone() } == Self { time: String::new(), ..other.clone() }
    }
}

/// Topic `part`.
#[derive(Debug, Serialize)]
pub struct Part<'a> {
    run: i64,
    part: u32,
    time: String,
    code: &'a str,
    passed: bool,
    score: Option<f64>,
    threshold: f64,
    product: &'a str,
    bundle: Option<u32>,
    late_verdict: Option<&'a str>,
    decided_after_us: i64,
    inference_us: Option<i64>,
    frame_residual_us: Option<i64>,
    fire_error_us: Option<i64>,
    simulation: bool,
}

impl<'a> From<&'a Entry> for Part<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            run: entry.key.run,
            part: entry.key.part,
            time: WallTime(entry.key.wall_us).to_string(),
            code: &entry.code,
            passed: entry.passed,
            score: entry.score.map(rounded),
            threshold: rounded(entry.threshold),
            product: &entry.product,
            bundle: entry.bundle,
            late_verdict: entry.late.as_deref(),
            decided_after_us: entry.decided_after_us,
            inference_us: entry.inference_us,
            frame_residual_us: entry.frame_residual_us,
            fire_error_us: entry.fire_error_us,
            simulation: entry.simulation,
        }
    }
}

/// Topic `alarm/CODE`.
#[derive(Debug, Serialize)]
pub struct Alarm<'a> {
    /// When this was first seen.
    pub time: &'a str,
    /// The word for it.
    pub code: &'a str,
    /// Whether it was raised; otherwise it was cleared.
    pub raised: bool,
    /// Whether it stops the line.
    pub stops: bool,
    /// What a line engineer does about it, in English.
    pub remedy: &'a str,
}

/// Topic `counters`.
#[derive(Debug, Serialize)]
pub struct Counters {
    time: String,
    run: Option<i64>,
    parts: u64,
    passed: u64,
    bad: u64,
    reasons: BTreeMap<&'static str, u64>,
    late: u64,
    bounced: u64,
    fired: u64,
}

impl Counters {
    /// Of now; `None` where no station says how it stands.
    #[must_use]
    pub fn of(line: &Line, at: WallTime) -> Option<Self> {
        let counters = line.now()?.counters;
        let reasons = FAILURES.iter().map(|row| row.reason.code()).zip(counters.reasons);
        Some(Self {
            time: at.to_string(),
            run: line.greeting.as_ref().map(|greeting| greeting.run),
            parts: counters.parts,
            passed: counters.passed,
            bad: counters.bad,
            reasons: reasons.filter(|(_, count)| *count > 0).collect(),
            late: counters.late,
            bounced: counters.bounced,
            fired: counters.fired,
        })
    }
}

/// Topic `told`.
#[derive(Debug, Serialize)]
pub struct Told {
    /// When.
    pub time: String,
    /// Parts that wait to be told, to be acknowledged, or for their record.
    pub waiting: u64,
    /// Parts that no message was or will be sent of, since the mark was first set.
    pub lost_parts: u64,
    /// Alarms' messages that were left out, since then.
    pub lost_alarms: u64,
}

/// Topic `answer`.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    /// When.
    pub time: String,
    /// The command's name.
    pub command: &'a str,
    /// As the command had it.
    pub id: Option<&'a str>,
    /// What became of it.
    pub result: &'a str,
}

/// As JSON. None of the types above can fail: their keys are texts.
#[must_use]
pub fn json(payload: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(payload).unwrap_or_default()
}

/// A score's six places, without the noise of its conversions.
fn rounded(score: f64) -> f64 {
    (score * 1e6).round() / 1e6
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_manual_has_the_table() {
        let table = super::table();
        assert!(include_str!("../../README.md").contains(&table), "README.md must have this table:\n{table}");
    }
}
