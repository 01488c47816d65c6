//! How far the broker has heard, in a file that is there whole or as it was before.
//!
//! Takes the folder; reads and writes one file of JSON in it. What the file cannot say is told again rather than left out.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::alarms::ByCode;
use super::backlog::Mark;
use super::outbox::Done;

/// The file's name in its folder.
pub const FILE: &str = "mqtt.json";

/// The version of what is in it.
const VERSION: u32 = 1;

/// Bytes of the largest file: all numbers that may lie beyond a gap, and some hundred alarms, are far fewer.
const MOST_BYTES: u64 = 1 << 20;

/// Why there is no mark, or none can be kept.
#[derive(Debug, Error)]
#[error("{}: {source}", path.display())]
pub struct MarkError {
    path: PathBuf,
    source: io::Error,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    parts: Option<Mark>,
    alarms: ByCode,
    lost_alarms: u64,
}

/// What was done, as the file says; of a folder without one, nothing. A file that says nothing of use is gone on from as if nothing had
/// been told.
///
/// # Errors
/// [`MarkError`] where it cannot be read.
pub fn read(folder: &Path) -> Result<Done, MarkError> {
    let path = folder.join(FILE);
    let mut bytes = Vec::new();
    match File::open(&path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Done::default()),
        Err(source) => return Err(MarkError { path, source }),
    }
    match serde_json::from_slice(&bytes) {
        Ok(Written { version: VERSION, parts, alarms, lost_alarms }) => Ok(Done { parts, alarms, lost_alarms }),
        Ok(_) | Err(_) => {
            tracing::warn!("{}: damaged, or of another release; parts are told from the store's first", path.display());
            Ok(Done { parts: Some(Mark::default()), ..Done::default() })
        }
    }
}

/// Keeps what was done.
///
/// # Errors
/// [`MarkError`]; what was there stays.
pub fn write(folder: &Path, done: Done) -> Result<(), MarkError> {
    let path = folder.join(FILE);
    let failed = |source| MarkError { path: path.clone(), source };
    let Done { parts, alarms, lost_alarms } = done;
    let written = Written { version: VERSION, parts, alarms, lost_alarms };
    let bytes = serde_json::to_vec(&written).map_err(|error| failed(error.into()))?;
    let whole = folder.join(format!("{FILE}.new"));
    let put = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&whole)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&whole, &path)?;
        File::open(folder)?.sync_all()
    };
    put().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::super::alarms::Raised;
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_nothing_of_a_damaged_file_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), Done::default());
        let mark = Mark { run: 3, started_us: 7, upto: 9, beyond: [11, 12].into(), lost: 2 };
        let raised = Raised { since: "then".to_owned(), stops: true, remedy: "do".to_owned() };
        let done = Done { parts: Some(mark), alarms: [("BIN_FULL".to_owned(), raised)].into(), lost_alarms: 1 };
        write(folder.path(), done.clone()).unwrap();
        assert_eq!(read(folder.path()).unwrap(), done);
        let path = folder.path().join(FILE);
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let read = read(folder.path()).unwrap();
            assert_eq!(read, Done { parts: Some(Mark::default()), ..Done::default() }, "{length} bytes of it");
        }
        std::fs::write(&path, String::from_utf8(bytes).unwrap().replace("\"version\":1", "\"version\":2")).unwrap();
        assert_eq!(read(folder.path()).unwrap().parts, Some(Mark::default()));
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let message = write(Path::new("/nowhere/at/all"), Done::default()).unwrap_err().to_string();
        assert!(message.starts_with("/nowhere/at/all/mqtt.json: "), "{message}");
    }
}
