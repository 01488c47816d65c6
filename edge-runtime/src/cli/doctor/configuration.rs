//! Whether the configuration can be used: what `check-config` asks.

use std::path::Path;

use super::row::Row;
use crate::cli::exit::Exit;
use crate::config::{Config, Hardware};

const WHAT: &str = "configuration";

/// Reads the file. Gives its row, and the configuration if it can be used.
pub(super) fn check(file: &Path) -> (Row, Option<Config>) {
    match Config::read(file) {
        Err(error) => {
            let remedy = "correct the file; the rows below are those that need no configuration";
            (Row::fail(WHAT, error.to_string(), remedy, Exit::Usage), None)
        }
        Ok(config) => {
            let kind = match config.hardware() {
                Hardware::Simulation(_) => "a SIMULATION",
                Hardware::Board(_) => "a board",
            };
            (Row::ok(WHAT, format!("{}: {}, {kind}", file.display(), config.name())), Some(config))
        }
    }
}

/// None was named.
pub(super) fn none() -> Row {
    let remedy = "name it with --config FILE: bundle, speed, camera, lines and disk are looked at then";
    Row::look(WHAT, "none was named; only what every station needs is looked at", remedy)
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
