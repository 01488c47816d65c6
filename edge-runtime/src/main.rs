//! `edge-runtime`: reads the command line, runs one command, ends with its exit code. Everything else is in the library.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use edge_runtime::cli::exit::Exit;
use edge_runtime::cli::{check_config, render};

/// Inspects parts on a line and rejects what is not proven good.
#[derive(Debug, Parser)]
#[command(name = "edge-runtime", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    CheckConfig(check_config::Args),
    Render(render::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::CheckConfig(args) => check_config::run(&args),
        Command::Render(args) => render::run(&args),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            Exit::Usage.into()
        }
    }
}
