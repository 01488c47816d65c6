//! `run`: inspects a line with a configuration, and says at the end what became of its parts.
//!
//! Takes a configuration file and what overrides it; opens and tests the bundle, runs the shift, prints the table on standard
//! output, and may write the same as JSON and the panel as PNG. Records and pictures go to the audit folder. Only simulated
//! lines so far: the configuration's check refuses others.

use std::num::NonZero;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use shared::units::Micros;

use super::exit::Exit;
use super::model_option::ModelOption;
use super::pictures::write_whole;
use crate::app::{Model, Outcome, simulate};
use crate::bundle::{OpenBundle, TrustedKeys, parity};
use crate::config::Config;
use crate::engine::{Inspector, choice};
use crate::hw::clock::{Monotonic, WallClock};
use crate::hw::roles::Clock as _;
use crate::stage::shift::ShiftError;
use crate::store::{EndReason, RunStart, Store, StoreError, Summary};

/// Threads that judge at most; a simulated line keeps no more busy, since only two shots may wait.
const MOST_WORKERS: usize = 2;

/// Runs an inspection line and prints what became of its parts.
///
/// Example: edge-runtime run --config edge-runtime/config/sim.toml --parts 200 --panel panel.png
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Parts of a simulated shift, instead of the configuration's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub parts: Option<u32>,
    /// Seed of a simulated shift, instead of the configuration's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The bundle, instead of the configuration's.
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// A public key to trust, instead of the configuration's; may be given several times.
    #[arg(long, value_name = "FILE.pub")]
    pub trust: Vec<PathBuf>,
    /// Writes the table as JSON; the same seed gives the same bytes.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Writes the panel's last picture.
    #[arg(long, value_name = "FILE.png")]
    pub panel: Option<PathBuf>,
    /// The folder for records and pictures, instead of the configuration's.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Which of the bundle's models runs, and its threshold.
    #[command(flatten)]
    pub model: ModelOption,
}

/// Runs. The exit tells configuration, bundle, and network or hardware apart; the reason is on standard error.
///
/// # Errors
/// An output cannot be written.
pub fn run(args: &Args) -> Result<Exit> {
    let config = match Config::read(&args.config) {
        Ok(config) => overridden(config, args),
        Err(error) => return Ok(refuse(&error, Exit::Usage)),
    };
    let bundle = match TrustedKeys::load(config.trust()) {
        Ok(trusted) => match OpenBundle::read(config.bundle(), &trusted) {
            Ok(bundle) => match args.model.apply(bundle, config.false_reject()) {
                Ok(bundle) => bundle,
                Err(error) => return Ok(refuse(&error, Exit::Usage)),
            },
            Err(error) => return Ok(refuse(&error, Exit::BundleRefused)),
        },
        Err(error) => return Ok(refuse(&error, Exit::BundleRefused)),
    };
    let model = match model(&bundle, args.model) {
        Ok(model) => model,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(Exit::Engine);
        }
    };
    let mut store = match open_store(&config, &bundle) {
        Ok(store) => store,
        Err(error) => return Ok(refuse(&error, Exit::Internal)),
    };
    let (clock, plan) = (Monotonic::start(), config.plan());
    eprintln!("SIMULATION: {}, {} parts, seed {}", config.name(), plan.parts, plan.seed);
    let outcome = simulate(&config, model, &mut store.paced());
    // What was recorded is kept whatever ended the shift.
    let (run, ended) = (store.run(), if outcome.is_ok() { EndReason::Rest } else { EndReason::Fault });
    let kept = store.finish(WallClock.now(), ended);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error @ ShiftError::Hardware(_)) => return Ok(refuse(&error, Exit::Engine)),
        Err(error @ ShiftError::Audit(_)) => return Ok(refuse(&error, Exit::Internal)),
    };
    deliver(args, &outcome)?;
    let Summary { records, pictures, pictures_lost } = kept?;
    eprintln!("run {run}: {records} records, pictures of {pictures} parts in {}", config.audit().dir().display());
    if pictures_lost > 0 {
        eprintln!("pictures of {pictures_lost} more parts could not be kept");
    }
    eprintln!("computed in {:.1} s", clock.now().as_millis_f64() / 1e3);
    if !outcome.report.is_sound() {
        eprintln!(
            "error: the station did not keep its promises; see the lines of the table that must be 0, and the records"
        );
        return Ok(Exit::Internal);
    }
    Ok(Exit::Done)
}

fn refuse(error: &dyn std::error::Error, exit: Exit) -> Exit {
    eprintln!("error: {error}");
    exit
}

fn overridden(mut config: Config, args: &Args) -> Config {
    if let Some(parts) = args.parts {
        config = config.with_parts(parts);
    }
    if let Some(seed) = args.seed {
        config = config.with_seed(seed);
    }
    if let Some(bundle) = &args.bundle {
        config = config.with_bundle(bundle.clone());
    }
    if !args.trust.is_empty() {
        config = config.with_trust(args.trust.clone());
    }
    if let Some(out) = &args.out {
        config = config.with_audit_dir(out.clone());
    }
    config
}

/// The store, with a new run whose line's clock begins at 0, as a simulated one does.
fn open_store(config: &Config, bundle: &OpenBundle) -> Result<Store, StoreError> {
    let audit = config.audit();
    let start = RunStart {
        started_at: WallClock.now(),
        clock_at_start: Micros(0),
        station: config.name().to_owned(),
        product: bundle.manifest().product().to_owned(),
        bundle_sha256: bundle.sha256(),
        threshold: bundle.manifest().threshold(),
        config_sha256: config.text_sha256(),
        simulation: true,
        software: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Store::open(audit.dir(), audit.limits(), audit.keep(), start)
}

/// An inspector for each worker, of which the first has passed the bundle's own test.
fn model(bundle: &OpenBundle, option: ModelOption) -> Result<Model> {
    let manifest = bundle.manifest();
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST_WORKERS);
    let mut inspectors = Vec::with_capacity(workers);
    for _ in 0..workers {
        let engine = choice::load(bundle, option.engine(), option.threads())?;
        let emulated = engine.emulates(bundle);
        let mut inspector = Inspector::new(manifest.clone(), Box::new(engine));
        if inspectors.is_empty() {
            parity::check(bundle, &mut inspector, emulated)?;
        }
        inspectors.push(inspector);
    }
    Ok(Model { inspectors, product: manifest.product().to_owned(), threshold: manifest.threshold() })
}

fn deliver(args: &Args, outcome: &Outcome) -> Result<()> {
    print!("{}", outcome.report);
    if let Some(path) = &args.json {
        let mut json = serde_json::to_vec_pretty(&outcome.report).context("cannot write the table as JSON")?;
        json.push(b'\n');
        write_whole(path, &json)?;
        eprintln!("table as JSON in {}", path.display());
    }
    if let Some(path) = &args.panel {
        write_whole(path, &outcome.screen.png()?)?;
        eprintln!("panel in {}", path.display());
    }
    Ok(())
}
