//! `records`: shows what became of parts.
//!
//! Takes a store's folder and what of it is wanted; prints a table, or JSON with everything that is known of each part. Works
//! while the station runs and changes nothing.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
use shared::units::Score;
use shared::verdict::{Reason, Verdict};

use super::exit::Exit;
use super::period::Period;
use super::pictures::write_whole_with;
use crate::hw::clock::WallClock;
use crate::store::read::{Kind, Run};
use crate::store::{Entry, Filter, Reader};

/// Shows the records of a stretch of time.
///
/// Example: edge-runtime records --dir target/audit --since 8h --verdict bad
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of records and pictures.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// Which time.
    #[command(flatten)]
    pub period: Period,
    /// Only parts of this verdict.
    #[arg(long, value_enum)]
    pub verdict: Option<Wanted>,
    /// Writes all that is known of each part as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// The verdicts by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Wanted {
    /// Proven good.
    Good,
    /// Judged bad.
    Bad,
    /// Not judged.
    Uninspected,
}

impl From<Wanted> for Kind {
    fn from(wanted: Wanted) -> Self {
        match wanted {
            Wanted::Good => Self::Good,
            Wanted::Bad => Self::Bad,
            Wanted::Uninspected => Self::Uninspected,
        }
    }
}

/// Prints. [`Exit::Usage`] when the folder holds no store that can be read, with the reason on standard error.
///
/// # Errors
/// An output cannot be written, or the store is damaged.
pub fn run(args: &Args) -> Result<Exit> {
    let reader = match Reader::open(&args.dir) {
        Ok(reader) => reader,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(Exit::Usage);
        }
    };
    let filter = Filter { verdict: args.verdict.map(Kind::from), ..args.period.filter(WallClock.now()) };
    match &args.json {
        None => finished(table(&reader, filter, &mut BufWriter::new(io::stdout().lock())))?,
        Some(path) if path == Path::new("-") => {
            finished(json(&reader, filter, &mut BufWriter::new(io::stdout().lock())))?;
        }
        Some(path) => write_whole_with(path, |file| json(&reader, filter, file))?,
    }
    Ok(Exit::Done)
}

/// Whoever reads the output may stop early, as `head` does.
fn finished(written: Result<()>) -> Result<()> {
    match written {
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) => {
            Ok(())
        }
        other => other,
    }
}

fn json(reader: &Reader, filter: Filter, out: &mut dyn Write) -> Result<()> {
    let mut separator = "[\n";
    for entry in reader.entries(filter) {
        let fields = entry?.fields().into_iter().map(|(name, value)| (name.to_owned(), value));
        write!(out, "{separator}{}", Value::Object(fields.collect::<Map<_, _>>()))?;
        separator = ",\n";
    }
    writeln!(out, "{}]", if separator == ",\n" { "\n" } else { "[" })?;
    Ok(out.flush()?)
}

fn table(reader: &Reader, filter: Filter, out: &mut dyn Write) -> Result<()> {
    let mut counts = [0_u64; 3];
    let (mut run, mut bundle) = (None, 0);
    let runs = reader.runs()?;
    for entry in reader.entries(filter) {
        let entry = entry?;
        if run != Some(entry.run) {
            run = Some(entry.run);
            bundle = 0;
            if let Some(run) = runs.iter().find(|run| run.id == entry.run) {
                let simulated = if run.simulation { ", SIMULATION" } else { "" };
                let ended =
                    run.end.as_ref().map_or("goes on, or was killed".to_owned(), |(at, why)| format!("{why} {at}"));
                let threshold = threshold_of(run.threshold);
                writeln!(
                    out,
                    "run {}: {}, {}{threshold}{simulated}, started {}, {ended}",
                    run.id, run.station, run.product, run.started_at
                )?;
            }
            writeln!(
                out,
                "{:>10}  {:<24}  {:<11}  {:>6}  {:<8}  {:<13}  picture",
                "part", "left", "verdict", "score", "fate", "reason"
            )?;
        }
        if let Some(number) = entry.details.bundle.filter(|number| *number != bundle) {
            bundle = number;
            writeln!(out, "{}", judged_by(runs.iter().find(|run| run.id == entry.run), number))?;
        }
        let raw = entry.record.get();
        counts[match raw.verdict {
            Verdict::Good(_) => 0,
            Verdict::Bad(_) => 1,
            Verdict::Uninspected(_) => 2,
        }] += 1;
        writeln!(out, "{}", line(&entry))?;
    }
    let [good, bad, uninspected] = counts;
    writeln!(out, "{} records: {good} good, {bad} bad, {uninspected} uninspected", good + bad + uninspected)?;
    out.flush().context("cannot write the table")
}

/// Which bundle with which threshold the records that follow are of.
fn judged_by(run: Option<&Run>, number: u32) -> String {
    let taken = run.and_then(|run| run.takeovers.iter().find(|taken| taken.number == number));
    let (product, sha256, threshold, since) = match (taken, run) {
        (Some(taken), _) => (&taken.product, &taken.bundle_sha256, taken.threshold, taken.since),
        (None, Some(run)) if number == 0 => (&run.product, &run.bundle_sha256, run.threshold, run.started_at),
        _ => return format!("bundle {number}, of which nothing is known"),
    };
    let (sha256, threshold) = (sha256.get(..16).unwrap_or(sha256), threshold_of(threshold));
    format!("bundle {number}: {product}, SHA-256 {sha256}...{threshold}, since {since}")
}

/// As a further thing that is told; nothing of what is not known.
fn threshold_of(threshold: Option<Score>) -> String {
    threshold.map_or(String::new(), |threshold| format!(", threshold {}", threshold.get()))
}

fn line(entry: &Entry) -> String {
    let raw = entry.record.get();
    let (verdict, reason) = match raw.verdict {
        Verdict::Good(_) => ("good", raw.override_reason),
        Verdict::Bad(_) => ("bad", None),
        Verdict::Uninspected(reason) => ("uninspected", Some(reason)),
    };
    let line = format!(
        "{:>10}  {:<24}  {verdict:<11}  {:>6}  {:<8}  {:<13}  {}",
        raw.part.0,
        entry.wall.to_string(),
        raw.verdict.score().map_or(String::new(), |score| format!("{:.3}", score.get())),
        if raw.passed { "passed" } else { "rejected" },
        reason.map_or("", Reason::code),
        entry.pictures.as_ref().map_or("", |pictures| pictures.view.as_str()),
    );
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use shared::wall::WallTime;

    use super::*;
    use crate::store::RunId;
    use crate::store::read::TakenOver;

    #[test]
    fn a_threshold_that_was_set_while_the_line_ran_is_told_from_there_on() {
        let (product, bundle_sha256) = ("caps".to_owned(), "ab".repeat(32));
        let taken = TakenOver {
            number: 1,
            since: WallTime(1_000_000),
            product: product.clone(),
            bundle_sha256: bundle_sha256.clone(),
            threshold: Score::new(0.375),
        };
        let run = Run {
            id: RunId(7),
            started_at: WallTime(0),
            station: "north".to_owned(),
            product,
            bundle_sha256,
            threshold: Score::new(0.25),
            takeovers: vec![taken],
            simulation: false,
            software: String::new(),
            end: None,
        };
        let of = |number| judged_by(Some(&run), number);
        let bundle = "caps, SHA-256 abababababababab..., threshold";
        assert_eq!(of(0), format!("bundle 0: {bundle} 0.25, since 1970-01-01T00:00:00.000Z"));
        assert_eq!(of(1), format!("bundle 1: {bundle} 0.375, since 1970-01-01T00:00:01.000Z"));
        assert_eq!(of(2), "bundle 2, of which nothing is known");
        assert_eq!(threshold_of(None), "");
    }
}
