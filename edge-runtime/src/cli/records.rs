//! `records`: shows what became of parts.
//!
//! Takes a store's folder and what of it is wanted; prints a table, or JSON with everything that is known of each part. Works
//! while the station runs and changes nothing.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
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
                writeln!(
                    out,
                    "run {}: {}, {}{simulated}, started {}, {ended}",
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

/// Which bundle the records that follow are of.
fn judged_by(run: Option<&Run>, number: u32) -> String {
    let taken = run.and_then(|run| run.takeovers.iter().find(|taken| taken.number == number));
    let (product, sha256, since) = match (taken, run) {
        (Some(taken), _) => (&taken.product, &taken.bundle_sha256, taken.since),
        (None, Some(run)) if number == 0 => (&run.product, &run.bundle_sha256, run.started_at),
        _ => return format!("bundle {number}, of which nothing is known"),
    };
    format!("bundle {number}: {product}, SHA-256 {}..., since {since}", sha256.get(..16).unwrap_or(sha256))
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
