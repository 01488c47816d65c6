//! `export`: a stretch of time as a folder to train with.
//!
//! Takes a store's folder and a stretch of time; writes frames in the layout that the trainer takes, and a table of all records.
//! The work is [`crate::store::export`]'s. Works while the station runs.

use std::path::PathBuf;

use anyhow::Result;

use super::exit::Exit;
use super::period::Period;
use crate::hw::clock::WallClock;
use crate::store::Reader;
use crate::store::export::{ExportError, export};

/// Exports the kept pictures of a stretch of time in MVTec layout, with a table of all records.
///
/// Example: edge-runtime export --dir target/audit --since 7d --out last-week
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of records and pictures.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// Which time.
    #[command(flatten)]
    pub period: Period,
    /// The folder to write. Must be new or empty.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// What all parts of this time were, if somebody knows it, whatever the station said.
    #[arg(long = "as", value_enum, value_name = "WHAT")]
    pub known: Option<Known>,
}

/// What somebody knows of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Known {
    /// All of them were good.
    Good,
}

/// Exports. [`Exit::Usage`] when there is no store that can be read, or the folder holds something, with the reason on standard
/// error.
///
/// # Errors
/// A file cannot be read or written, or the store is damaged.
pub fn run(args: &Args) -> Result<Exit> {
    let usage = |error: &dyn std::error::Error| {
        eprintln!("error: {error}");
        Ok(Exit::Usage)
    };
    let reader = match Reader::open(&args.dir) {
        Ok(reader) => reader,
        Err(error) => return usage(&error),
    };
    let all_good = args.known == Some(Known::Good);
    match export(&reader, args.period.filter(WallClock.now()), all_good, &args.out) {
        Err(error @ ExportError::Occupied { .. }) => usage(&error),
        Err(error) => Err(error.into()),
        Ok(exported) => {
            let out = args.out.display();
            eprintln!("{} records, {} good and {} bad frames in {out}", exported.records, exported.good, exported.bad);
            if exported.gone > 0 {
                eprintln!("{} frames were deleted for want of room before they could be copied", exported.gone);
            }
            if exported.good == 0 {
                eprintln!("no good frames: nothing to train with; see [audit] good_one_in, or a longer time");
            }
            Ok(Exit::Done)
        }
    }
}
