//! `run`: inspects a line with a configuration, and says at the end what became of its parts.
//!
//! Takes a configuration file and what overrides it; opens and tests the bundle and opens the store, and hands all of it to
//! `simulated` or `live`. Records and pictures go to the audit folder.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use shared::manifest::Precision;
use shared::units::Micros;

use super::bundle::{self, Chosen, Maker, Unfit};
use super::{live, simulated};
use crate::blackbox::{Header, Judge, Recorder, Settings};
use crate::bundle::Identity;
use crate::bundle::slots::Running;
use crate::cli::exit::Exit;
use crate::cli::model_option::ModelOption;
use crate::config::{BlackBox, Config, Hardware, Recipe};
use crate::hw::clock::WallClock;
use crate::hw::realtime;
use crate::recipes::Recipes;
use crate::store::{RunId, RunStart, Store, StoreError, Summary};

/// Runs an inspection line and prints what became of its parts.
///
/// A board's line runs until SIGTERM or Ctrl-C, and ends with all outputs in their safe state; SIGUSR1 keeps the last minutes for replay. A
/// simulated line runs in virtual time, unless --real-time is given.
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
    /// Runs a simulated line in real time, with the threads of a board. It ends when its parts have passed, or at Ctrl-C.
    #[arg(long)]
    pub real_time: bool,
    /// Priority that the gate's thread asks for in real time, 1 to 99, instead of the configuration's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=99))]
    pub gate_priority: Option<u8>,
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
    let base = match Config::read(&args.config) {
        Ok(config) => overridden(config, args),
        Err(error) => return Ok(refuse(&error, Exit::Usage)),
    };
    let recipe = base.recipes().map(|folder| Recipes::new(folder.to_owned()).at_start(&base)).transpose();
    let recipe = match recipe {
        Ok(recipe) => recipe,
        // Which product lies on the belt is not to be guessed.
        Err(error) => return Ok(refuse(&error, Exit::Usage)),
    };
    if let Some(Recipe { name, number, .. }) = &recipe {
        eprintln!("recipe               {name}, number {number}");
    }
    let config = recipe.as_ref().map_or_else(|| base.clone(), |recipe| recipe.config.clone());
    if let (Hardware::Board(_), Some(option)) = (config.hardware(), args.of_a_simulation()) {
        eprintln!("error: {option} is for simulated lines, and {} is a board's", args.config.display());
        return Ok(Exit::Usage);
    }
    if let Hardware::Board(board) = config.hardware()
        && let Some(core) = board.gate().core
        && let Err(refusal) = realtime::leave_core(core)
    {
        // Before any other thread is started, since they inherit it.
        tracing::warn!(%refusal, "the gate's thread shares its core with others");
    }
    let in_real_time = args.real_time || matches!(config.hardware(), Hardware::Board(_));
    let workers = if in_real_time { 1 } else { simulated::workers() };
    let started = Maker::new(&config, args.model, workers).and_then(|maker| {
        let chosen = bundle::choose(&maker, in_real_time)?;
        Ok((maker, chosen))
    });
    let (maker, Chosen { bundle, model, running, bad }) = match started {
        Ok(started) => started,
        Err(Unfit { exit, words }) => {
            eprintln!("error: {words}");
            return Ok(exit);
        }
    };
    let recipe = recipe.as_ref().map(|recipe| (recipe, &base));
    let line = Opened { args, config: &config, recipe, bundle: &bundle, maker: &maker, running, bad };
    match config.hardware() {
        Hardware::Simulation(simulation) if args.real_time => live::twins(&line, model, simulation),
        Hardware::Simulation(simulation) => simulated::run(&line, model, simulation),
        Hardware::Board(board) => live::board(&line, model, board),
    }
}

/// What every kind of line is run from.
pub(super) struct Opened<'a> {
    pub args: &'a Args,
    pub config: &'a Config,
    /// The recipe of the start and what recipes are written over, where products may be changed.
    pub recipe: Option<(&'a Recipe, &'a Config)>,
    pub bundle: &'a Identity,
    /// Makes other bundles ready.
    pub maker: &'a Maker<'a>,
    /// Where the bundle is from.
    pub running: Running,
    /// Whether a bundle was given up.
    pub bad: bool,
}

impl Args {
    /// The first option that makes no sense on a board.
    fn of_a_simulation(&self) -> Option<&'static str> {
        let given = [
            ("--parts", self.parts.is_some()),
            ("--seed", self.seed.is_some()),
            ("--json", self.json.is_some()),
            ("--panel", self.panel.is_some()),
            ("--real-time", self.real_time),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
    }
}

pub(super) fn refuse(error: &dyn std::error::Error, exit: Exit) -> Exit {
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

impl Opened<'_> {
    /// A run that starts when the line's clock reads this, now.
    pub fn start(&self, clock_at_start: Micros, simulation: bool) -> RunStart {
        let manifest = self.bundle.manifest();
        RunStart {
            started_at: WallClock.now(),
            clock_at_start,
            station: self.config.name().to_owned(),
            product: manifest.product().to_owned(),
            bundle_sha256: self.bundle.sha256(),
            threshold: manifest.threshold(),
            config_sha256: self.config.text_sha256(),
            simulation,
            software: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The store, with a new run.
    pub fn store(&self, start: RunStart) -> Result<Store, StoreError> {
        let audit = self.config.audit();
        Store::open(audit.dir(), audit.limits(), audit.keep(), start)
    }
}

impl Opened<'_> {
    /// What records the last minutes, where that is wished for.
    pub fn recorder(&self, simulation: bool) -> Result<Option<Recorder>> {
        let Some(BlackBox { limits, files }) = self.config.black_box() else { return Ok(None) };
        let (audit, manifest) = (self.config.audit(), self.bundle.manifest());
        let dir = audit.dir().join("black-box");
        let settings = Settings { limits, dir, files, min_free_bytes: audit.limits().min_free_bytes };
        let header = Header {
            software: env!("CARGO_PKG_VERSION").to_owned(),
            why: String::new(),
            kept_at_us: 0,
            config: self.config.text().to_owned(),
            judges: vec![Judge {
                number: 0,
                product: manifest.product().to_owned(),
                sha256: self.bundle.sha256(),
                threshold: manifest.threshold(),
                quality: self.config.quality().map(|limits| limits.raw()),
            }],
            float32: manifest.precision() == Precision::Float32,
            simulation,
        };
        Ok(Some(Recorder::start(settings, header, || WallClock.now()).context("no thread for the black box")?))
    }
}

/// Says what was kept.
pub(super) fn told(run: RunId, kept: Summary, config: &Config) {
    let Summary { records, pictures, pictures_lost } = kept;
    eprintln!("run {run}: {records} records, pictures of {pictures} parts in {}", config.audit().dir().display());
    if pictures_lost > 0 {
        eprintln!("pictures of {pictures_lost} more parts could not be kept");
    }
}
