//! `bundles`: shows what the slots hold, and forgets a bundle that was given up.
//!
//! Takes the station's configuration; opens every bundle as the station would. Works while the station runs.

use std::path::{Path, PathBuf};

use anyhow::Result;
use shared::wall::WallTime;

use super::exit::Exit;
use super::install_bundle::no_slots;
use crate::bundle::slots::{Held, Place, Slot, Slots, Standing, State};
use crate::bundle::{OpenBundle, TrustedKeys};
use crate::config::Config;

/// Shows which bundles a station has, and which one judges.
///
/// Example: edge-runtime bundles --config /etc/draem-edge/station.toml
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station's configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Forgets bundles that were given up, and with them the warning.
    #[arg(long)]
    pub clear: bool,
}

/// Shows. [`Exit::Usage`] when configuration or slots cannot be used, [`Exit::BundleRefused`] when the keys cannot.
///
/// # Errors
/// The slots cannot be written.
pub fn run(args: &Args) -> Result<Exit> {
    let config = match Config::read(&args.config) {
        Ok(config) => config,
        Err(error) => return Ok(refuse(&error, Exit::Usage)),
    };
    let trusted = match TrustedKeys::load(config.trust()) {
        Ok(trusted) => trusted,
        Err(error) => return Ok(refuse(&error, Exit::BundleRefused)),
    };
    let Some(folder) = config.slots() else {
        eprintln!("error: {}", no_slots(&args.config));
        return Ok(Exit::Usage);
    };
    let slots = Slots::new(folder.to_owned());
    let state = match slots.load() {
        Ok(state) => state,
        Err(error) => return Ok(refuse(&error, Exit::Usage)),
    };
    let state = if args.clear { slots.change(cleared)? } else { state };
    let wanted = state.wanted();
    for slot in Slot::BOTH {
        let mark = if wanted == Place::Slot(slot) { "judges" } else { "" };
        match state.held(slot) {
            None => println!("{:<9}{mark:<8}empty", format!("slot {slot}")),
            Some(held) => {
                println!("{:<9}{mark:<8}{}", format!("slot {slot}"), described(held, state.committed() == Some(slot)));
                seen(&slots.path(slot), &trusted, Some(held));
            }
        }
    }
    let mark = if wanted == Place::Factory { "judges" } else { "" };
    println!("{:<9}{mark:<8}{}", "factory", config.bundle().display());
    seen(config.bundle(), &trusted, None);
    match state.highest() {
        0 => println!("nothing was ever committed"),
        newest => println!("refused is what was made before {}", date(newest)),
    }
    Ok(Exit::Done)
}

fn refuse(error: &dyn std::error::Error, exit: Exit) -> Exit {
    eprintln!("error: {error}");
    exit
}

/// The same without bundles that were given up; nothing where there are none.
fn cleared(state: &State) -> Option<State> {
    let bad: Vec<Slot> = state.bad().map(|(slot, _)| slot).collect();
    (!bad.is_empty()).then(|| bad.into_iter().fold(state.clone(), |state, slot| state.emptied(slot).unwrap_or(state)))
}

fn described(held: &Held, committed: bool) -> String {
    match &held.standing {
        Standing::Trial { starts: 0 } => "to be tried".to_owned(),
        Standing::Trial { starts } => format!("on trial, put in charge {starts} times"),
        Standing::Proven if committed => "committed".to_owned(),
        Standing::Proven => "was committed before".to_owned(),
        Standing::Withdrawn => "withdrawn by hand".to_owned(),
        Standing::Bad { why } => format!("given up: {why}"),
    }
}

/// What its file says, and whether it is what was installed.
fn seen(path: &Path, trusted: &TrustedKeys, held: Option<&Held>) {
    match OpenBundle::read(path, trusted) {
        Err(error) => println!("{:17}{error}", ""),
        Ok(bundle) => {
            let (manifest, sha256) = (bundle.manifest(), bundle.sha256());
            let short: String = sha256[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            println!("{:17}{}, made {}, SHA-256 {short}...", "", manifest.product(), date(manifest.created()));
            if held.is_some_and(|held| held.sha256 != sha256) {
                println!("{:17}and yet not the bundle that was installed", "");
            }
        }
    }
}

fn date(seconds: u64) -> WallTime {
    WallTime(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000))
}
