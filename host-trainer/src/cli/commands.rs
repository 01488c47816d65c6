//! Which commands there are.

use clap::{Parser, Subcommand};

use super::{Exit, bench, evaluate, import, inspect, keygen, train_and_export};

/// Learns what a good part looks like from photographs of good parts, and writes it into one signed file for the station.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    TrainAndExport(Box<train_and_export::Args>),
    Evaluate(evaluate::Args),
    Import(import::Args),
    Keygen(keygen::Args),
    Inspect(inspect::Args),
    Bench(bench::Args),
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, in the words that the user sees.
    pub fn run(self) -> anyhow::Result<Exit> {
        #[cfg(all(feature = "torch", target_os = "linux", target_env = "gnu"))]
        if matches!(self.command, Command::TrainAndExport(_) | Command::Bench(_)) {
            super::memory::keep();
        }
        match self.command {
            Command::TrainAndExport(args) => train_and_export::run(&args),
            Command::Evaluate(args) => evaluate::run(&args),
            Command::Import(args) => import::run(&args),
            Command::Keygen(args) => keygen::run(&args),
            Command::Inspect(args) => inspect::run(&args),
            Command::Bench(args) => bench::run(&args),
        }
    }
}
