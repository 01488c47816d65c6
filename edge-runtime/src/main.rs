//! `edge-runtime`: reads the command line, runs one command, ends with its exit code. Everything else is in the library.

use std::alloc::System;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use edge_runtime::cli::exit::Exit;
use edge_runtime::cli::{
    bench, bundles, check_config, doctor, export, inspect, install_bundle, probe, records, render, replay, rollback,
    run, test_gate, verify_bundle,
};
use stats_alloc::StatsAlloc;
use tracing::Level;

/// Inspects parts on a line and rejects what is not proven good.
#[derive(Debug, Parser)]
#[command(name = "edge-runtime", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
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

/// Counts, so that `bench` can say that nothing is allocated from picture to picture.
#[global_allocator]
static ALLOCATOR: StatsAlloc<System> = StatsAlloc::system();

fn allocations() -> u64 {
    let stats = ALLOCATOR.stats();
    (stats.allocations + stats.reallocations) as u64
}

fn main() -> ExitCode {
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colours).with_max_level(Level::WARN).init();
    let outcome = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
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
        Command::Bench(args) => bench::run(&args, &allocations),
        Command::Probe(args) => probe::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::TestGate(args) => test_gate::run(&args),
    };
    outcome.map_or_else(
        |error| {
            eprintln!("error: {}", sentence(&error));
            Exit::Internal.into()
        },
        Into::into,
    )
}

/// The error and its causes; a cause that the error already tells is not told twice.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        _ if told.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}
