//! Which commands there are.

use clap::{Parser, Subcommand};

use super::exit::Exit;
use super::{
    bench, bundles, check_config, doctor, export, inspect, install_bundle, probe, records, render, replay, rollback,
    run, simulate, test_gate, verify_bundle,
};

/// Inspects parts on a line and rejects what is not proven good.
///
/// Data goes to standard output, everything else to standard error. A line is described by a configuration file, and what a good part looks
/// like by a bundle that a trainer has signed.
#[derive(Debug, Parser)]
#[command(name = "edge-runtime", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Simulate(simulate::Args),
    Inspect(inspect::Args),
    VerifyBundle(verify_bundle::Args),
    InstallBundle(install_bundle::Args),
    Bundles(bundles::Args),
    Rollback(rollback::Args),
    CheckConfig(check_config::Args),
    Records(records::Args),
    Export(export::Args),
    Render(render::Args),
    Replay(replay::Args),
    Bench(bench::Args),
    Probe(probe::Args),
    Doctor(doctor::Args),
    TestGate(test_gate::Args),
}

impl Cli {
    /// Runs the command. `allocations` tells how often the program has asked for memory so far.
    ///
    /// # Errors
    /// What went wrong, in the words that the user sees.
    pub fn run(self, allocations: &dyn Fn() -> u64) -> anyhow::Result<Exit> {
        match self.command {
            Command::Run(args) => run::run(&args),
            Command::Simulate(args) => simulate::run(&args),
            Command::Inspect(args) => inspect::run(&args),
            Command::VerifyBundle(args) => verify_bundle::run(&args),
            Command::InstallBundle(args) => install_bundle::run(&args),
            Command::Bundles(args) => bundles::run(&args),
            Command::Rollback(args) => rollback::run(&args),
            Command::CheckConfig(args) => check_config::run(&args),
            Command::Records(args) => records::run(&args),
            Command::Export(args) => export::run(&args),
            Command::Render(args) => render::run(&args),
            Command::Replay(args) => replay::run(&args),
            Command::Bench(args) => bench::run(&args, allocations),
            Command::Probe(args) => probe::run(&args),
            Command::Doctor(args) => doctor::run(&args),
            Command::TestGate(args) => test_gate::run(&args),
        }
    }
}
