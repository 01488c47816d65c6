//! `edge-runtime`: reads the command line, runs one command, ends with its exit code. Everything else is in the library.

use std::alloc::System;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use edge_runtime::cli::commands::Cli;
use edge_runtime::cli::exit::Exit;
use edge_runtime::cli::sentence::sentence;
use stats_alloc::StatsAlloc;
use tracing::Level;

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
    let outcome = Cli::parse().run(&allocations);
    outcome.map_or_else(
        |error| {
            eprintln!("error: {}", sentence(&error));
            Exit::Internal.into()
        },
        Into::into,
    )
}
