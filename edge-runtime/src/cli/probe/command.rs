//! Prints cameras with their formats and controls, GPIO chips with their named lines, I2C buses, SPI devices and framebuffers,
//! by the names that a configuration wants.
//!
//! Takes nothing; sets and starts nothing. Where nothing is found it says what to check; that too is an answer, so that the
//! command still succeeds.

use std::path::Path;

use anyhow::Result;

#[cfg(any(feature = "camera", target_arch = "aarch64"))]
use super::cameras;
use super::{chips, nodes};
use crate::cli::exit::Exit;

/// Lists cameras, GPIO lines, buses and displays that a station can use here.
///
/// Example: edge-runtime probe
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also formats that the station cannot use, and controls that cannot be set.
    #[arg(long)]
    all: bool,
}

/// Prints what there is.
///
/// # Errors
/// None.
pub fn run(args: &Args) -> Result<Exit> {
    print!("{}", cameras(args.all));
    print!("{}", chips::table(&chips::find()));
    for kind in &nodes::KINDS {
        print!("{}", nodes::table(kind, &nodes::find(Path::new("/dev"), kind)));
    }
    Ok(Exit::Done)
}

#[cfg(any(feature = "camera", target_arch = "aarch64"))]
fn cameras(all: bool) -> String {
    cameras::table(&edge_video::survey(), all)
}

#[cfg(not(any(feature = "camera", target_arch = "aarch64")))]
fn cameras(_: bool) -> String {
    "CAMERAS\n  this program was built without them: build it with `--features camera`, which needs libclang\n"
        .to_owned()
}
