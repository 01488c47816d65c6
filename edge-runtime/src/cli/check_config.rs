//! `check-config`: says whether a configuration can work before a belt does.
//!
//! Takes a file; prints what was understood as a table, and checks every recipe too. Opens no bundle and touches no device.

use std::path::PathBuf;

use anyhow::Result;

use super::exit::Exit;
use crate::config::Config;
use crate::recipes::Recipes;

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
            Ok(config.recipes().map_or(Exit::Done, |folder| recipes(Recipes::new(folder.to_owned()), &config)))
        }
    }
}

/// One line for each recipe; the first that cannot be used decides the exit.
fn recipes(recipes: Recipes, config: &Config) -> Exit {
    let chosen = recipes.chosen();
    let all = match recipes.all(config) {
        Ok(all) => all,
        Err(error) => {
            eprintln!("error: {error}");
            return Exit::Usage;
        }
    };
    let mut exit = Exit::Done;
    for (name, recipe) in all {
        match recipe {
            Ok(recipe) => {
                let mark = if chosen.as_ref().is_ok_and(|chosen| *chosen == name) { ", chosen" } else { "" };
                println!(
                    "{:<18}{name}, number {}, {}{mark}",
                    "recipe",
                    recipe.number,
                    recipe.config.bundle().display()
                );
                if let Some(most) = config.greatest_selected().filter(|most| recipe.number > *most) {
                    eprintln!("warning: {name} cannot be chosen at the inputs: they say 0 to {most}");
                }
            }
            Err(error) => {
                eprintln!("error: {error}");
                exit = Exit::Usage;
            }
        }
    }
    if let Err(error) = chosen {
        eprintln!("error: {error}");
        exit = Exit::Usage;
    }
    exit
}
