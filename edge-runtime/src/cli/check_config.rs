//! `check-config`: says whether a configuration can work before a belt does.
//!
//! Takes a file; prints what was understood as a table. Opens no bundle and touches no device.

use std::path::PathBuf;

use anyhow::Result;

use super::exit::Exit;
use crate::config::Config;

/// Checks a configuration file and prints what was understood.
///
/// Example: edge-runtime check-config edge-runtime/config/sim.toml
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file.
    file: PathBuf,
}

/// Checks and prints. [`Exit::Usage`] when the file cannot be used, with the reason on standard error.
///
/// # Errors
/// None.
pub fn run(args: &Args) -> Result<Exit> {
    match Config::read(&args.file) {
        Err(error) => {
            eprintln!("error: {error}");
            Ok(Exit::Usage)
        }
        Ok(config) => {
            for (key, value) in config.table() {
                println!("{key:<18}{value}");
            }
            Ok(Exit::Done)
        }
    }
}
