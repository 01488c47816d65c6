//! `rollback`: goes one bundle back.
//!
//! Takes the station's configuration; gives up the trial, or, without one, goes back from the committed bundle to the one before it,
//! or to the factory's. A station that runs follows by itself.

use std::path::PathBuf;

use anyhow::Result;

use super::exit::Exit;
use super::install_bundle::no_slots;
use crate::bundle::slots::{Place, Slots, SlotsError, State};
use crate::config::Config;

/// Goes one bundle back: gives up the trial, or leaves the committed bundle for the one before it.
///
/// Example: edge-runtime rollback --config /etc/draem-edge/station.toml
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station's configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Goes back. [`Exit::Usage`] when there is nothing to go back from, with the reason on standard error.
///
/// # Errors
/// The slots cannot be written.
pub fn run(args: &Args) -> Result<Exit> {
    let refuse = |words: &str| {
        eprintln!("error: {words}");
        Ok(Exit::Usage)
    };
    let config = match Config::read(&args.config) {
        Ok(config) => config,
        Err(error) => return refuse(&error.to_string()),
    };
    let Some(folder) = config.slots() else { return refuse(&no_slots(&args.config)) };
    let mut went = false;
    let state = Slots::new(folder.to_owned()).change(|state| {
        let back = state.rolled_back();
        went = back.is_some();
        back
    });
    match state {
        Ok(_) if !went => refuse("the factory's bundle judges: there is nothing to go back from"),
        Ok(state) => {
            println!("{}", judges(&state));
            Ok(Exit::Done)
        }
        Err(error @ (SlotsError::State { .. } | SlotsError::Missing { .. })) => refuse(&error.to_string()),
        Err(error) => Err(error.into()),
    }
}

fn judges(state: &State) -> String {
    match state.wanted() {
        Place::Factory => "the factory's bundle judges".to_owned(),
        Place::Slot(slot) => format!("slot {slot} judges"),
    }
}
