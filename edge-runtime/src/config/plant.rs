//! `[plant]`: where the plant's process finds the station, and what it may change.
//!
//! Takes the section as written; gives a checked path. It opens nothing.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use serde::Deserialize;

use super::checker::Checker;
use super::error::ConfigError;

/// The section as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPlant {
    /// The socket that is opened; with its folder at most 107 bytes.
    pub socket: PathBuf,
    /// Whether an engineer who is signed in to `edge-plant` may set the threshold.
    #[serde(default = "yes")]
    pub set_threshold: bool,
}

/// Plants expect that an engineer can move a limit at the line, with a password, a reason and an entry in a log, none of which the station
/// gives away; where the limit was validated, the file says otherwise.
const fn yes() -> bool {
    true
}

/// Bytes of the longest path that the kernel takes for a socket, without the zero behind it.
const LONGEST: usize = 107;

/// `None` where nothing is to be opened.
pub(super) fn check(checker: &Checker<'_>, raw: Option<&RawPlant>) -> Result<Option<PathBuf>, ConfigError> {
    let Some(RawPlant { socket, .. }) = raw else { return Ok(None) };
    let path = checker.base.join(socket);
    let written = socket.display().to_string();
    if socket.file_name().is_none() {
        return Err(checker.value("plant.socket", &written, "the path of a socket to be made is needed"));
    }
    if path.as_os_str().as_bytes().len() > LONGEST {
        return Err(checker.value(
            "plant.socket",
            &written,
            "too long for the kernel, at most 107 bytes with its folder",
        ));
    }
    Ok(Some(path))
}
