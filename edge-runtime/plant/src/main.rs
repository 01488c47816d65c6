//! `edge-plant`: reads the command line, runs one command, ends with its exit code. Everything else is in the library.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use edge_plant::cli::Cli;
use tracing::Level;

fn main() -> ExitCode {
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colours).with_max_level(Level::INFO).init();
    Cli::parse().run().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(edge_plant::cli::INTERNAL)
    })
}
