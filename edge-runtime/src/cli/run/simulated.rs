//! `run` on the virtual line, in virtual time.
//!
//! Takes what `command` has opened; prints the table on standard output, and may write the same as JSON and the panel as PNG.

use std::num::NonZero;

use anyhow::{Context as _, Result};
use shared::units::Micros;

use super::command::{Args, Opened, refuse, told};
use crate::app::{Model, Outcome, simulate};
use crate::cli::exit::Exit;
use crate::cli::pictures::write_whole;
use crate::config::Simulation;
use crate::hw::clock::{Monotonic, WallClock};
use crate::hw::roles::Clock as _;
use crate::stage::shift::ShiftError;
use crate::store::EndReason;

/// Threads that judge at most; a simulated line keeps no more busy, since only two shots may wait.
const MOST_WORKERS: usize = 2;

/// Threads that judge, on this machine.
pub(super) fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST_WORKERS)
}

pub(super) fn run(line: &Opened<'_>, model: Model, simulation: &Simulation) -> Result<Exit> {
    // A simulated line's clock begins at 0.
    let mut store = match line.store(line.start(Micros(0), true)) {
        Ok(store) => store,
        Err(error) => return Ok(refuse(&error, Exit::Internal)),
    };
    let (clock, plan) = (Monotonic::start(), simulation.plan());
    eprintln!("SIMULATION: {}, {} parts, seed {}", line.config.name(), plan.parts, plan.seed);
    let outcome = simulate(line.config, simulation, model, &mut store.paced());
    // What was recorded is kept whatever ended the shift.
    let (run, ended) = (store.run(), if outcome.is_ok() { EndReason::Rest } else { EndReason::Fault });
    let kept = store.finish(WallClock.now(), ended);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error @ ShiftError::Hardware(_)) => return Ok(refuse(&error, Exit::Engine)),
        Err(error @ ShiftError::Audit(_)) => return Ok(refuse(&error, Exit::Internal)),
    };
    deliver(line.args, &outcome)?;
    told(run, kept?, line.config);
    eprintln!("computed in {:.1} s", clock.now().as_millis_f64() / 1e3);
    if !outcome.report.is_sound() {
        eprintln!(
            "error: the station did not keep its promises; see the lines of the table that must be 0, and the records"
        );
        return Ok(Exit::Internal);
    }
    Ok(Exit::Done)
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
