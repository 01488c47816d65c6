//! `simulate`: `run`, but never on a board.
//!
//! Takes what `run` takes; refuses a configuration that drives devices before anything of it is opened.

use anyhow::Result;

use super::exit::Exit;
use super::run;
use crate::config::{Config, Hardware};

/// Runs a simulated line, and refuses a configuration that drives real devices.
///
/// Otherwise the same as `run`: for whoever wants to try something on a machine that is wired to a line.
///
/// Example: edge-runtime simulate --config edge-runtime/config/sim.toml --parts 200
// Both structs are called `Args`, and clap takes that for the name of their group.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    run: run::Args,
}

/// Runs. As `run`, and [`Exit::Usage`] for a board's configuration.
///
/// # Errors
/// An output cannot be written.
pub fn run(args: &Args) -> Result<Exit> {
    let file = &args.run.config;
    match Config::read(file) {
        Ok(config) if matches!(config.hardware(), Hardware::Board(_)) => {
            eprintln!(
                "error: {} drives a board: station.hardware = \"board\", \"simulation\" is needed",
                file.display()
            );
            Ok(Exit::Usage)
        }
        Ok(_) => run::run(&args.run),
        Err(error) => {
            eprintln!("error: {error}");
            Ok(Exit::Usage)
        }
    }
}
