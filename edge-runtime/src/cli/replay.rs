//! `replay`: runs what a black box kept again, with the bundle that judged then or with another.
//!
//! Takes a recording and perhaps a bundle; prints what was compared and what became of each part that is not as it was. The pictures
//! go through the same preparation, network and threshold as on the line, and the gate's machine hears their verdicts when it heard
//! those of then. It moves no output and opens no device.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde::Serialize;
use shared::line::Fate;
use shared::manifest::Precision;
use shared::units::PartId;
use shared::verdict::Verdict;

use super::exit::Exit;
use super::model_option::ModelOption;
use super::pictures::write_whole;
use crate::blackbox::rerun::{Course, Rerun, rerun};
use crate::blackbox::{Entry, Judge, Recording, Shot, file};
use crate::bundle::OpenBundle;
use crate::config::Config;
use crate::engine::choice::EngineChoice;
use crate::engine::{Inspector, choice};
use crate::stage::conductor::Order;
use crate::stage::workers::{Demands, Worker};

/// Runs the last minutes that a station kept again, through the same pipeline.
///
/// A running station keeps them in the folder black-box beside its records when an alarm stops the line, when it ends by a fault, and at
/// SIGUSR1. Exit code 5 when the bundle of then, or none, does not do to the bit what it did.
///
/// Example: edge-runtime replay audit/black-box/20260530T140506.789Z-GATE_LATE.box --bundle new.draem --trust line.pub
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recording.
    recording: PathBuf,
    /// The bundle that judges the recorded pictures again. Without one, the recorded verdicts hold.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// A public key to trust; may be given several times.
    #[arg(long, value_name = "FILE.pub", requires = "bundle")]
    trust: Vec<PathBuf>,
    /// Writes what is printed as JSON, with every part.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Which of the bundle's models runs, and its threshold.
    #[command(flatten)]
    model: ModelOption,
}

/// Runs and prints. The exit is [`Exit::Internal`] when the recorded bundle, or none, does not do what it did then.
///
/// # Errors
/// An output cannot be written.
pub fn run(args: &Args) -> Result<Exit> {
    let recording = match file::read(&args.recording) {
        Ok(recording) => recording,
        Err(error) => return Ok(refuse(&error, Exit::Usage)),
    };
    let name = format!("the configuration in {}", args.recording.display());
    let config = match Config::parse(&recording.header.config, &name, Path::new("")) {
        Ok(config) => config,
        Err(error) => return Ok(refuse(&error, Exit::Usage)),
    };
    let judged = match &args.bundle {
        None => None,
        Some(path) => match judge(args, path, &recording, &config) {
            Ok(judged) => Some(judged),
            Err((error, exit)) => return Ok(refuse(&*error.into_boxed_dyn_error(), exit)),
        },
    };
    let verdicts = judged.as_ref().map_or_else(BTreeMap::new, |judged| judged.verdicts.clone());
    let outcome = match rerun(&recording.entries, &verdicts) {
        Ok(outcome) => outcome,
        Err(error) => return Ok(refuse(&error, Exit::Internal)),
    };
    let table = Table::of(&recording, &config, judged.as_ref(), &outcome);
    print!("{table}");
    if let Some(path) = &args.json {
        let mut json = serde_json::to_vec_pretty(&table).context("cannot write the table as JSON")?;
        json.push(b'\n');
        write_whole(path, &json)?;
    }
    Ok(if table.is_sound() { Exit::Done } else { Exit::Internal })
}

fn refuse(error: &dyn std::error::Error, exit: Exit) -> Exit {
    eprintln!("error: {error}");
    exit
}

/// The recorded pictures' verdicts by a bundle.
struct Judged {
    product: String,
    verdicts: BTreeMap<PartId, Verdict>,
    /// Parts that the same bundle judged then.
    same: BTreeSet<PartId>,
}

fn judge(args: &Args, path: &Path, recording: &Recording, config: &Config) -> Result<Judged, (anyhow::Error, Exit)> {
    let refused = |error| (error, Exit::BundleRefused);
    let bundle = args.model.open(path, &args.trust).map_err(refused)?;
    let mut worker = worker(args, &bundle, config).map_err(|error| (error, Exit::Engine))?;
    let judges = judges(recording);
    // The other model, or what runs it in floats, need not give the same bits.
    let same_model = (bundle.manifest().precision() == Precision::Float32) == recording.header.float32
        && args.model.engine() != EngineChoice::Tract;
    let (mut verdicts, mut same) = (BTreeMap::new(), BTreeSet::new());
    for entry in &recording.entries {
        let Entry::Shot(Shot { part, picture }) = entry else { continue };
        let (mut verdict, _) = worker.inspect(Arc::clone(picture));
        if let Some(then) = judges.get(part).filter(|then| same_model && then.sha256 == bundle.sha256()) {
            same.insert(*part);
            // The station may have moved the threshold.
            verdict = verdict.score().map_or(verdict, |score| Verdict::of(score, then.threshold));
        }
        verdicts.insert(*part, verdict);
    }
    Ok(Judged { product: bundle.manifest().product().to_owned(), verdicts, same })
}

impl Judged {
    /// Whether this bundle gave the verdicts of then. A part whose verdict was still to come has no bundle to compare with.
    fn is_by_the_bundle_of(&self, then: &BTreeMap<PartId, Verdict>) -> bool {
        self.verdicts.keys().filter(|part| then.contains_key(part)).all(|part| self.same.contains(part))
    }
}

/// The bundle that judged each part.
fn judges(recording: &Recording) -> BTreeMap<PartId, &Judge> {
    let judge = |number: u32| recording.header.judges.iter().find(|judge| judge.number == number);
    let judged = recording.entries.iter().filter_map(|entry| match entry {
        Entry::JudgedBy { part, bundle } => Some((*part, judge(*bundle)?)),
        _ => None,
    });
    judged.collect()
}

fn worker(args: &Args, bundle: &OpenBundle, config: &Config) -> Result<Worker> {
    let engine = choice::load(bundle, args.model.engine(), args.model.threads())?;
    // A picture that is run again says nothing of how the line is now.
    let demands = Demands { limits: config.quality(), drift: None };
    Ok(Worker::new(Inspector::new(bundle.manifest().clone(), Box::new(engine)), demands))
}

/// One part, then and now, in words.
#[derive(Debug, Serialize)]
struct Row {
    part: u32,
    then: String,
    now: String,
    same: bool,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Table {
    why: String,
    kept_at: String,
    station: String,
    simulation: bool,
    seconds: f64,
    stretches: usize,
    product_then: Vec<String>,
    product_now: Option<String>,
    same_bundle: bool,
    /// Pictures judged again.
    judged: Option<usize>,
    /// Of these, to the bit with the verdict of then.
    judged_the_same: Option<usize>,
    movements: usize,
    movements_the_same: usize,
    parts: Vec<Row>,
}

impl Table {
    fn of(recording: &Recording, config: &Config, judged: Option<&Judged>, outcome: &Rerun) -> Self {
        let header = &recording.header;
        let then = verdicts_then(&recording.entries);
        // A part whose verdict was still to come when the recording was kept has nothing to be compared with.
        let again = judged.map(|judged| {
            let pairs = judged.verdicts.iter().filter_map(|(part, now)| Some((then.get(part)?, now)));
            pairs.fold((0, 0), |(all, same), (then, now)| (all + 1, same + usize::from(then == now)))
        });
        let row = |(part, course): (&PartId, &Course)| Row {
            part: part.0,
            then: words(&course.then),
            now: words(&course.now),
            same: course.then == course.now,
        };
        Self {
            why: header.why.clone(),
            kept_at: header.kept_at().to_string(),
            station: config.name().to_owned(),
            simulation: header.simulation,
            seconds: outcome.length.as_millis_f64() / 1e3,
            stretches: outcome.stretches,
            product_then: header.judges.iter().map(|judge| judge.product.clone()).collect(),
            product_now: judged.map(|judged| judged.product.clone()),
            same_bundle: judged.is_none_or(|judged| judged.is_by_the_bundle_of(&then)),
            judged: again.map(|(all, _)| all),
            judged_the_same: again.map(|(_, same)| same),
            movements: outcome.movements.0,
            movements_the_same: outcome.movements.1,
            parts: outcome.parts.iter().map(row).collect(),
        }
    }

    /// With the bundle of then everything is as it was.
    fn is_sound(&self) -> bool {
        let differs = self.judged != self.judged_the_same
            || self.movements != self.movements_the_same
            || self.parts.iter().any(|row| !row.same);
        !(self.same_bundle && differs)
    }
}

/// The verdicts that the gate heard.
fn verdicts_then(entries: &[Entry]) -> BTreeMap<PartId, Verdict> {
    let judged = entries.iter().filter_map(|entry| match entry {
        Entry::Order(Order::Judged { part, verdict }) => Some((*part, *verdict)),
        _ => None,
    });
    judged.collect()
}

fn words(said: &[crate::stage::conductor::Said]) -> String {
    let Some(fate) = Course::fate(said) else { return "not decided".to_owned() };
    let what = match fate {
        Fate::Passed(_) => "passed",
        Fate::Rejected(_) => "rejected",
    };
    let why = match (fate.override_reason(), fate.verdict()) {
        (Some(reason), _) | (None, Verdict::Uninspected(reason)) => reason.failure().code.to_owned(),
        (None, Verdict::Good(score)) => format!("good, {:.4}", score.get()),
        (None, Verdict::Bad(score)) => format!("bad, {:.4}", score.get()),
    };
    format!("{what} ({why})")
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let simulated = if self.simulation { "SIMULATION, " } else { "" };
        writeln!(
            f,
            "recording    {simulated}{}: {:.1} s, kept at {} for {}",
            self.station, self.seconds, self.kept_at, self.why
        )?;
        if self.stretches != 1 {
            writeln!(f, "stretches    {}, between which entries were lost", self.stretches)?;
        }
        let same = self.parts.iter().filter(|row| row.same).count();
        writeln!(f, "parts        {}, of which {same} went as they did", self.parts.len())?;
        match (&self.product_now, self.judged, self.judged_the_same) {
            (Some(product), Some(all), Some(same)) => {
                let which = if self.same_bundle { "the same bundle" } else { "another bundle" };
                writeln!(f, "judged again {all} pictures by {which} ({product}), {same} verdicts the same to the bit")?;
            }
            _ => writeln!(f, "judged again nothing: the recorded verdicts hold")?,
        }
        writeln!(
            f,
            "outputs      {} movements, {} the same to the microsecond",
            self.movements, self.movements_the_same
        )?;
        let mut others = self.parts.iter().filter(|row| !row.same).peekable();
        if others.peek().is_some() {
            writeln!(f, "\n{:<10} {:<32} now", "part", "then")?;
        }
        for row in others {
            writeln!(f, "{:<10} {:<32} {}", row.part, row.then, row.now)?;
        }
        if !self.is_sound() {
            writeln!(
                f,
                "\nWith the same verdicts the gate must do what it did: this is a fault of the program; report it with the recording."
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use shared::verdict::Reason;

    use super::*;

    /// What these parts were, which does not matter here.
    fn verdicts(parts: &[u32]) -> BTreeMap<PartId, Verdict> {
        parts.iter().map(|part| (PartId(*part), Verdict::Uninspected(Reason::NotJudged))).collect()
    }

    #[test]
    fn a_part_whose_verdict_was_to_come_does_not_make_it_another_bundle() {
        let by_the_same = |then: &[u32], same: &[u32]| {
            let same = same.iter().map(|part| PartId(*part)).collect();
            let judged = Judged { product: String::new(), verdicts: verdicts(&[1, 2, 3]), same };
            judged.is_by_the_bundle_of(&verdicts(then))
        };
        assert!(by_the_same(&[1, 2, 3], &[1, 2, 3]));
        assert!(by_the_same(&[1, 2], &[1, 2]), "the third was in the network");
        assert!(!by_the_same(&[1, 2], &[1]), "another bundle judged the second");
        assert!(!by_the_same(&[1, 2, 3], &[]));
    }
}
