//! A stretch of time as a folder that the trainer takes, and a table of its records.
//!
//! Takes a reader, a filter and a new folder; writes `train/good` with the frames of parts that passed, `test/bad` with those of
//! parts judged bad, and `records.csv` with every record and the file of its frame. Parts that were not judged, or were judged
//! good and rejected, are neither good nor bad for certain and stand only in the table. Where somebody knows that all parts were
//! good, all go to `train/good`. The folder appears whole or not at all. Only parts whose pictures were kept have a frame.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use shared::verdict::Verdict;
use thiserror::Error;

use super::entry::Entry;
use super::error::StoreError;
use super::read::{Filter, Reader};

/// Name of the table.
const TABLE: &str = "records.csv";

/// Why there is no export.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The store cannot be read.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The folder holds something already.
    #[error("{}: holds files already; name a new or an empty folder", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What was exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Lines of the table.
    pub records: u64,
    /// Frames in `train/good`.
    pub good: u64,
    /// Frames in `test/bad`.
    pub bad: u64,
    /// Frames that were deleted for want of room while they were to be copied.
    pub gone: u64,
}

/// Exports. With `all_good` every part counts as good, whatever the station said.
///
/// # Errors
/// [`ExportError`]; the folder is as it was then.
pub fn export(reader: &Reader, filter: Filter, all_good: bool, out: &Path) -> Result<Exported, ExportError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ExportError::File { path, source }
    };
    match std::fs::read_dir(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(failed(out)(source)),
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(ExportError::Occupied { path: out.to_owned() });
            }
        }
    }
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(failed(parent))?;
    let made = tempfile::Builder::new().prefix(".export-").tempdir_in(parent).map_err(failed(parent))?;
    // Within the temporary folder, which others may not enter, as one that they may.
    let fresh = made.path().join("export");
    for folder in ["train/good", "test/bad"].map(|name| fresh.join(name)) {
        std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
    }
    let path = fresh.join(TABLE);
    let mut table = BufWriter::new(File::create(&path).map_err(failed(&path))?);
    let mut exported = Exported::default();
    for entry in reader.entries(filter) {
        let entry = entry?;
        let mut frame = None;
        if let (Some(folder), Some(pictures)) = (place(&entry, all_good), &entry.pictures) {
            let name = format!("{folder}/run-{:06}-part-{:06}.png", entry.run.0, entry.record.get().part.0);
            let from = reader.folder().join(&pictures.original);
            match std::fs::copy(&from, fresh.join(&name)) {
                Ok(_) => {
                    *if folder == GOOD { &mut exported.good } else { &mut exported.bad } += 1;
                    frame = Some(name);
                }
                // The station made room meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => exported.gone += 1,
                Err(source) => return Err(failed(&from)(source)),
            }
        }
        line(&mut table, &entry, frame, exported.records == 0).map_err(failed(&path))?;
        exported.records += 1;
    }
    table.flush().map_err(failed(&path))?;
    // All of it is on the disk before it has its name.
    let synced = File::open(&fresh).and_then(|folder| Ok(rustix::fs::syncfs(folder)?));
    synced.map_err(failed(&fresh))?;
    std::fs::rename(&fresh, out).map_err(failed(out))?;
    Ok(exported)
}

const GOOD: &str = "train/good";

/// Where a part's frame belongs, if it can be told.
fn place(entry: &Entry, all_good: bool) -> Option<&'static str> {
    let raw = entry.record.get();
    match raw.verdict {
        _ if all_good || raw.passed => Some(GOOD),
        Verdict::Bad(_) => Some("test/bad"),
        Verdict::Good(_) | Verdict::Uninspected(_) => None,
    }
}

/// Every value is a number, a word without commas, or absent, so that nothing needs quoting.
fn line(table: &mut impl io::Write, entry: &Entry, frame: Option<String>, first: bool) -> io::Result<()> {
    let mut fields = entry.fields();
    // They name files of the store, which the reader of the table may not have.
    fields.retain(|(name, _)| !matches!(*name, "picture" | "original"));
    fields.push(("frame", frame.map_or(Value::Null, Value::String)));
    if first {
        let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        writeln!(table, "{}", names.join(","))?;
    }
    let values = fields.into_iter().map(|(_, value)| match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    });
    writeln!(table, "{}", values.collect::<Vec<_>>().join(","))
}
