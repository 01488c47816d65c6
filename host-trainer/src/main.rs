//! The trainer's command line.

use std::process::ExitCode;

use clap::Parser;
use host_trainer::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("host-trainer: {error:#}");
            ExitCode::FAILURE
        }
    }
}
