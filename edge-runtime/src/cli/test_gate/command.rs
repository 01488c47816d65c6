//! Opens the outputs, leads a person through the test, and keeps the protocol.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use shared::units::Micros;

use super::drive::drive;
use super::protocol::{Outcome, Protocol, outcome, text};
use super::script::{Plan, Script};
use super::terminal::Terminal;
use crate::app::gate_test::GateSource;
use crate::cli::exit::Exit;
use crate::cli::pictures::write_whole;
use crate::config::{Belt, Config, Hardware};
use crate::hw::clock::WallClock;

/// Moves the reject gate once and then lets all outputs go, as an emergency would; asks at each step whether it was as it must be.
///
/// The belt is not permitted to run meanwhile. Ctrl-C ends the test with all outputs in their safe state. A running station must be stopped
/// first: it holds the lines. Exit code 0 when every step was as it must be, 4 otherwise.
///
/// Example: edge-runtime test-gate --config /etc/draem-edge/station.toml --json gate.json
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station's configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Writes the protocol as JSON, however the test ends.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Where the configuration does not say how soon a rejected part must be seen behind the gate.
const CONFIRM_WITHIN: Micros = Micros::from_millis(2_000);

/// Leads through the test. [`Exit::Usage`] for a configuration that cannot be used, [`Exit::Engine`] when the outputs cannot be had, a
/// step was not as it must be, or the test was not finished.
///
/// # Errors
/// The protocol cannot be written, or Ctrl-C cannot be listened for.
pub fn run(args: &Args) -> Result<Exit> {
    let config = match Config::read(&args.config) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(Exit::Usage);
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    let told_to = Arc::clone(&stop);
    ctrlc::set_handler(move || told_to.store(true, Ordering::Relaxed)).context("cannot listen for Ctrl-C")?;
    let mut terminal = Terminal::open().context("no thread for the terminal")?;
    let at = WallClock.now().to_string();
    let (plan, source) = (plan(&config), GateSource::of(&config));
    let simulation = source.is_simulation();
    if simulation {
        eprintln!("SIMULATION: no gate moves");
    }
    let mut script = Script::new(plan);
    let ended = drive(&mut script, &source, &mut terminal, &stop);
    let (outcome, why) = outcome(&script, &ended);
    print!("{}", text(plan, &script, outcome, why.as_deref()));
    if let Some(path) = &args.json {
        let millis = |time: Micros| time.as_millis_f64();
        let protocol = Protocol {
            at,
            station: config.name(),
            config_sha256: config.text_sha256().iter().map(|byte| format!("{byte:02x}")).collect(),
            software: env!("CARGO_PKG_VERSION"),
            simulation,
            outcome,
            why,
            pulse_ms: millis(plan.pulse),
            confirm_wired: plan.confirm_within.is_some(),
            confirmed_after_ms: script.confirmed_after().map(millis),
            answers: script.answers(),
        };
        let mut json = serde_json::to_vec_pretty(&protocol).context("cannot write the protocol as JSON")?;
        json.push(b'\n');
        write_whole(path, &json)?;
    }
    Ok(if outcome == Outcome::Passed { Exit::Done } else { Exit::Engine })
}

/// The pulse is what the gate does for one part at the belt's greatest speed.
fn plan(config: &Config) -> Plan {
    let within = config.alarms().confirm_within.unwrap_or(CONFIRM_WITHIN);
    let (speed_um_s, confirm, run_ok, alarm) = match config.hardware() {
        Hardware::Simulation(simulation) => (simulation.plan().motion.speed_um_s as f64, true, true, true),
        Hardware::Board(board) => {
            let speed = match board.belt() {
                Belt::Encoder { .. } => board.greatest_speed_um_s(),
                Belt::Steady { speed_um_s } => speed_um_s as f64,
            };
            let lines = board.lines();
            (speed, lines.confirm.is_some(), lines.run_ok.is_some(), lines.alarm.is_some())
        }
    };
    let pulse = Micros((config.layout().window().0 as f64 * 1e6 / speed_um_s) as u64);
    Plan { pulse, confirm_within: confirm.then_some(within.max(pulse)), run_ok, alarm }
}
