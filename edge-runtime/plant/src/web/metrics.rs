//! Prometheus' text format, and whether all is well.
//!
//! Figures are those of the station's run: they begin anew with it, as counters may. While no station is connected there are none of it but
//! `draem_up`, so that nothing old is taken for something of now. The log's head and refused sign-ins are this process's own.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::verdict::FAILURES;

use super::admit;
use super::routes::Needs;
use super::serve::Shared;
use crate::line::{Line, Shown};
use crate::log::Chain;
use crate::roles::Visitor;
use crate::wire::Histogram;
use crate::wire::histogram::{BOUNDS, FIRE_ERROR_US, LATENCY_US, SCORE_MILLIONTHS};

/// `GET /metrics`: figures in the text format of Prometheus.
pub async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let text = page(&shared.station.line(), shared.journal.chain().as_ref(), shared.access.refused());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// The whole text: of the line, of the log of changes where one is kept, of sign-ins that were refused.
#[must_use]
pub fn page(line: &Line, log: Option<&Chain>, refused: u64) -> String {
    of_access(refused) + &log.map(of_log).unwrap_or_default() + &text(line)
}

/// `GET /healthz`: 200 while a station is connected and says how it stands. A line that an alarm has stopped is well in this sense: that
/// is a matter for people, and restarting programs does not help. Whatever watches services is answered too where only who is signed in may
/// look, and is told no more than that.
pub async fn healthz(State(shared): State<Arc<Shared>>, Extension(visitor): Extension<Visitor>) -> Response {
    let line = shared.station.line();
    if visitor.role < admit::needed(Needs::Look, shared.look) {
        return match line.shown() {
            Shown::Unknown => (StatusCode::SERVICE_UNAVAILABLE, "not well\n").into_response(),
            _ => "well\n".into_response(),
        };
    }
    match line.shown() {
        Shown::Unknown => {
            let why = line.trouble.as_deref().unwrap_or("not connected yet");
            (StatusCode::SERVICE_UNAVAILABLE, format!("no station: {why}\n")).into_response()
        }
        Shown::Starting => "starting\n".into_response(),
        Shown::Run => "running\n".into_response(),
        Shown::Fault => "stopped by an alarm\n".into_response(),
        Shown::Changeover => "changing products\n".into_response(),
    }
}

/// The log's end, so that whoever collects figures can tell later that the end is missing, or that all was written anew.
fn of_log(chain: &Chain) -> String {
    let mut out = Text::default();
    out.one("draem_log_entries", "gauge", "Entries of the log of changes.", chain.entries as f64);
    out.head("draem_log_head", "gauge", "Number and hash of its newest entry, for edge-plant verify-log --head.");
    out.line(format_args!("draem_log_head{{head=\"{}:{}\"}} 1", chain.entries, escaped(&chain.head)));
    out.0
}

fn of_access(refused: u64) -> String {
    let mut out = Text::default();
    let help = "Tries to sign in that were refused since this process runs.";
    out.one("draem_sign_ins_refused_total", "counter", help, refused as f64);
    out.0
}

/// Writes families one after the other.
#[derive(Default)]
struct Text(String);

impl Text {
    /// Writing to a string cannot fail.
    fn line(&mut self, arguments: std::fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(arguments);
        self.0.push('\n');
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.head(name, kind, help);
        self.line(format_args!("{name} {value}"));
    }

    fn each<'a>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, f64)>,
    ) {
        self.head(name, kind, help);
        for (of, value) in values {
            self.line(format_args!("{name}{{{label}=\"{}\"}} {value}", escaped(of)));
        }
    }

    fn histogram(&mut self, name: &str, help: &str, bounds: &[i64; BOUNDS], histogram: &Histogram) {
        self.head(name, "histogram", help);
        let mut below = 0u64;
        for (&bound, &count) in bounds.iter().zip(&histogram.counts) {
            below = below.saturating_add(count);
            self.line(format_args!("{name}_bucket{{le=\"{}\"}} {below}", bound as f64 / 1e6));
        }
        let total = histogram.total();
        self.line(format_args!("{name}_bucket{{le=\"+Inf\"}} {total}"));
        self.line(format_args!("{name}_sum {}\n{name}_count {total}", histogram.sum as f64 / 1e6));
    }
}

/// A label's value: backslash, quote and end of line are what the format escapes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn text(line: &Line) -> String {
    let mut out = Text::default();
    let flag = |set: bool| f64::from(u8::from(set));
    out.one("draem_up", "gauge", "Whether a station is connected and says how it stands.", flag(line.now().is_some()));
    let (Some(greeting), Some(standing)) = (&line.greeting, line.now()) else { return out.0 };
    let [station, product, software] =
        [&greeting.station, &standing.product, &greeting.software].map(|text| escaped(text));
    out.head("draem_station_info", "gauge", "Who the station is.");
    out.line(format_args!(
        "draem_station_info{{station=\"{station}\",product=\"{product}\",software=\"{software}\",simulation=\"{}\"}} 1",
        greeting.simulation
    ));
    out.one("draem_run", "gauge", "Number of the run in the station's records.", greeting.run as f64);
    out.one("draem_line_running", "gauge", "Whether the line may run.", flag(line.shown() == Shown::Run));
    out.one("draem_threshold", "gauge", "A part is bad when its score is greater.", standing.threshold.get().into());
    out.one("draem_bundle", "gauge", "Number of the bundle that judges, within the run.", standing.bundle.into());
    let counters = &standing.counters;
    out.one("draem_parts_total", "counter", "Parts that have left.", counters.parts as f64);
    out.one(
        "draem_parts_passed_total",
        "counter",
        "Parts that were proven good and let through.",
        counters.passed as f64,
    );
    let reasons = FAILURES.iter().zip(counters.reasons).map(|(failure, count)| (failure.code, count as f64));
    let rejected = std::iter::once(("BAD", counters.bad as f64)).chain(reasons);
    out.each("draem_parts_rejected_total", "counter", "Parts that were rejected.", "reason", rejected);
    out.one("draem_bounces_total", "counter", "Edges of the trigger that were no parts.", counters.bounced as f64);
    out.one("draem_late_verdicts_total", "counter", "Verdicts that came too late.", counters.late as f64);
    out.one("draem_gate_pulses_total", "counter", "Pulses of the gate.", counters.fired as f64);
    out.histogram("draem_score", "Scores of parts that were judged.", &SCORE_MILLIONTHS, &standing.scores);
    let help = "From picture handed in to verdict.";
    out.histogram("draem_judging_seconds", help, &LATENCY_US, &standing.latency);
    let help = "How much later than due the gate moved; earlier is negative.";
    out.histogram("draem_fire_error_seconds", help, &FIRE_ERROR_US, &standing.fire_error);
    let queues = standing.queues;
    let queues = [
        ("records", queues.records),
        ("pictures", queues.pictures),
        ("shots", queues.shots),
        ("frames", queues.frames),
    ];
    let help = "What waits: records and pictures for the disk, shots for the network, frames for the desk.";
    out.each("draem_queue_length", "gauge", help, "queue", queues.map(|(queue, length)| (queue, length as f64)));
    let drops = [("frames", standing.drops.frames as f64), ("pictures", standing.drops.pictures as f64)];
    out.each("draem_dropped_total", "counter", "Frames, and pictures of parts, that found no place.", "what", drops);
    let ages = standing.ages;
    let ages = [("camera", ages.camera), ("gate", ages.gate), ("judging", ages.judging)];
    let help = "How long ago the watchdog saw a thread turn; for judging, the age of the oldest picture.";
    out.each(
        "draem_watchdog_age_seconds",
        "gauge",
        help,
        "thread",
        ages.map(|(thread, age)| (thread, age.0 as f64 / 1e6)),
    );
    if let Some(heat) = standing.readings.hottest_millicelsius {
        out.one("draem_temperature_celsius", "gauge", "The board's hottest place.", f64::from(heat) / 1e3);
    }
    if let Some(throttled) = standing.readings.throttled {
        out.one("draem_throttled", "gauge", "Whether the kernel slows the processor down.", flag(throttled));
    }
    if let Some(free) = standing.readings.free_bytes {
        out.one("draem_disk_free_bytes", "gauge", "Room on the disk of the records.", free as f64);
    }
    if let Some(speed) = standing.speed_um_s {
        out.one("draem_belt_speed_metres_per_second", "gauge", "Between the last two parts.", speed as f64 / 1e6);
    }
    out.head(
        "draem_alarm",
        "gauge",
        "Alarms that are active: 2 while the cause is there, 1 while they wait to be acknowledged.",
    );
    for alarm in &standing.alarms {
        let value = if alarm.present { 2 } else { 1 };
        out.line(format_args!("draem_alarm{{code=\"{}\",stops=\"{}\"}} {value}", escaped(&alarm.code), alarm.stops));
    }
    out.one(
        "draem_untold_parts_total",
        "counter",
        "Parts that the station could not tell this process of.",
        line.lost as f64,
    );
    out.0
}

#[cfg(test)]
mod tests {
    use shared::units::Score;

    use super::*;
    use crate::wire::{Alarm, Greeting, Standing, State, ToPlant};

    #[test]
    fn nothing_old_is_told_and_what_is_told_is_escaped() {
        let mut line = Line::default();
        assert_eq!(text(&line).lines().last(), Some("draem_up 0"));
        line.hear(&ToPlant::Greeting(Greeting {
            software: "0.1.0".to_owned(),
            station: "caps \"north\"\\2\n".to_owned(),
            product: "before".to_owned(),
            bundle_sha256: [0; 32],
            threshold: Score::default(),
            run: 7,
            simulation: false,
            store: String::new(),
            started_us: 0,
            clock_at_start: shared::units::Micros(0),
        }));
        assert_eq!(text(&line).lines().last(), Some("draem_up 0"), "greeted, and no standing yet");
        let mut standing = Standing { state: State::Fault, product: "cap".to_owned(), ..Standing::default() };
        standing.counters.parts = 3;
        standing.counters.bad = 1;
        standing.fire_error.observe(&FIRE_ERROR_US, -250);
        standing.fire_error.observe(&FIRE_ERROR_US, 90);
        let (code, remedy) = ("BIN_FULL".to_owned(), String::new());
        standing.alarms.push(Alarm { code, remedy, stops: true, present: true, latched: false, since_us: 0 });
        line.hear(&ToPlant::Standing(Box::new(standing)));
        let told = text(&line);
        for expected in [
            "draem_up 1",
            r#"draem_station_info{station="caps \"north\"\\2\n",product="cap",software="0.1.0",simulation="false"} 1"#,
            "draem_line_running 0",
            "draem_parts_total 3",
            r#"draem_parts_rejected_total{reason="BAD"} 1"#,
            r#"draem_parts_rejected_total{reason="NO_FRAME"} 0"#,
            r#"draem_fire_error_seconds_bucket{le="-0.001"} 0"#,
            r#"draem_fire_error_seconds_bucket{le="-0.0001"} 1"#,
            r#"draem_fire_error_seconds_bucket{le="0.0001"} 2"#,
            r#"draem_fire_error_seconds_bucket{le="+Inf"} 2"#,
            "draem_fire_error_seconds_sum -0.00016",
            "draem_fire_error_seconds_count 2",
            r#"draem_alarm{code="BIN_FULL",stops="true"} 2"#,
        ] {
            assert!(told.lines().any(|line| line == expected), "{expected} is not in\n{told}");
        }
        assert!(!told.contains("draem_temperature"), "the board does not tell");
        line.gone("it ended".to_owned());
        assert_eq!(text(&line).lines().last(), Some("draem_up 0"));
    }

    #[test]
    fn every_family_has_one_head_and_counters_are_named_as_such() {
        let mut line = Line { connected: true, ..Line::default() };
        line.greeting = None;
        line.hear(&ToPlant::Standing(Box::default()));
        let told = text(&line);
        let heads: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        for (at, head) in heads.iter().enumerate() {
            let (name, kind) = head.split_once(' ').unwrap();
            assert!(heads[..at].iter().all(|other| !other.starts_with(&format!("{name} "))), "{name}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
        }
    }
}
