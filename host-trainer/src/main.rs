//! The trainer's command line.

use std::process::ExitCode;

use clap::Parser;
use host_trainer::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("host-trainer: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes; a cause that the error already tells is not told twice.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        _ if told.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}
