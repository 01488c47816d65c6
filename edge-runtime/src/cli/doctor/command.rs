//! Asks one check after the other, prints what each found, and ends as the worst of them says.
//!
//! Works on a machine without any device and as a user without rights: whatever is missing is a row. It moves no output and keeps nothing
//! open.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::patience::within;
use super::row::Row;
use super::{camera, clocks, configuration, disk, display, heat, lines, model, realtime, service, table};
use crate::cli::exit::Exit;
use crate::cli::model_option::ModelOption;
use crate::cli::pictures::write_whole;
use crate::config::{Config, Hardware};
use crate::hw::clock::WallClock;
use crate::hw::realtime::Wanted;

/// Checks whether this machine can run this station, and says what to do where it cannot.
///
/// Each line is OK, LOOK (the station runs; somebody should look) or FAIL (it does not run, or not as configured). No output moves. Stop a
/// running station first: it holds camera and lines. Exit code 0 when nothing fails, else that of the first line that does.
///
/// Example: edge-runtime doctor --config /etc/draem-edge/station.toml
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station's configuration. Without it, only what every station needs is looked at.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Writes the table as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// As `run` is started.
    #[command(flatten)]
    model: ModelOption,
}

/// A check of devices may take so long: a slow camera needs ten seconds for its first picture.
const DEVICES: Duration = Duration::from_secs(30);
/// Opening and scoring a bundle may take so long, also on an emulated processor.
const MODEL: Duration = Duration::from_secs(180);
/// What asks no device needs far less.
const KERNEL: Duration = Duration::from_secs(10);

/// Checks and prints. The exit is that of the first row that fails.
///
/// # Errors
/// The JSON cannot be written.
pub fn run(args: &Args) -> Result<Exit> {
    let mut seen = Seen(Vec::new());
    let config = args.config.as_ref().and_then(|file| {
        let (row, config) = configuration::check(file);
        seen.add(vec![row]);
        config
    });
    if args.config.is_none() {
        seen.add(vec![configuration::none()]);
    }
    if let Some(config) = config.clone() {
        let option = args.model;
        seen.add(within("bundle", MODEL, move || model::check(&config, option)));
    }
    devices(&mut seen, config.as_ref());
    let wanted = config.as_ref().map(gate).unwrap_or_default();
    seen.add(within("clocks", KERNEL, || clocks::check(Path::new("/"))));
    seen.add(within("real time", KERNEL, move || realtime::check(wanted)));
    let audit = config.clone();
    seen.add(within("disk", KERNEL, move || audit.map_or_else(Vec::new, |config| disk::check(config.audit()))));
    let limits = config.as_ref().map(Config::readings);
    seen.add(within("heat", KERNEL, move || heat::check(Path::new("/sys"), limits)));
    seen.add(within("service", KERNEL, || service::check(Path::new("/"))));
    print!("{}", table::summary(&seen.0));
    if let Some(path) = &args.json {
        let report = table::Report {
            at: WallClock.now().to_string(),
            software: env!("CARGO_PKG_VERSION"),
            station: config.as_ref().map(Config::name),
            config_sha256: config.as_ref().map(|config| configuration::hex(&config.text_sha256())),
            counts: table::counts(&seen.0),
            rows: &seen.0,
        };
        let mut json = serde_json::to_vec_pretty(&report).context("cannot write the table as JSON")?;
        json.push(b'\n');
        write_whole(path, &json)?;
    }
    Ok(table::exit(&seen.0))
}

/// Rows so far, each printed as it comes: the whole takes some seconds.
struct Seen(Vec<Row>);

impl Seen {
    fn add(&mut self, rows: Vec<Row>) {
        for row in &rows {
            print!("{}", table::text(row));
        }
        self.0.extend(rows);
    }
}

fn devices(seen: &mut Seen, config: Option<&Config>) {
    match config.map(Config::hardware) {
        None => {
            seen.add(within("cameras", DEVICES, camera::any));
            seen.add(within("GPIO chips", DEVICES, || lines::chips(false)));
        }
        Some(Hardware::Simulation(_)) => {
            let simulated = "simulated: the virtual line is part of the program";
            seen.add(["camera", "lines", "display"].map(|what| Row::ok(what, simulated)).to_vec());
        }
        Some(Hardware::Board(board)) => {
            let (camera, lines) = (board.camera().clone(), board.lines().clone());
            seen.add(within("camera", DEVICES, move || camera::check(&camera)));
            seen.add(within("GPIO chips", DEVICES, || lines::chips(true)));
            seen.add(within("lines", DEVICES, move || lines::check(&lines)));
            let display = config.and_then(Config::display).cloned();
            seen.add(within("display", DEVICES, move || vec![display::check(display.as_ref())]));
        }
    }
}

fn gate(config: &Config) -> Wanted {
    match config.hardware() {
        Hardware::Simulation(_) => Wanted::default(),
        Hardware::Board(board) => board.gate(),
    }
}
