//! Marked parts as folders that the trainer takes.
//!
//! Takes the marks, the station's records and a new folder; writes `good/` and `bad/` with the frames as the camera gave them, and `marks.json` with
//! every mark and the file of its frame. The folder appears whole or not at all. A frame that the station has deleted meanwhile, and a part of
//! another store, is counted and stands only in the list.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use shared::wall::WallTime;
use thiserror::Error;

use crate::marks::{Marked, Marks, MarksError};
use crate::store::{Entry, Reader, StoreError, Which};

/// Name of the list.
const LIST: &str = "marks.json";

/// Why there is no export.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The marks cannot be read.
    #[error("{0}")]
    Marks(#[from] MarksError),
    /// The records cannot be read.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What was exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Frames in `good/`.
    pub good: usize,
    /// Frames in `bad/`.
    pub bad: usize,
    /// Marked parts without a frame.
    pub gone: usize,
}

/// One line of the list.
#[derive(Debug, Serialize)]
struct Line {
    /// The frame, within the folder; `null` where there is none any more.
    file: Option<String>,
    mark: &'static str,
    run: i64,
    part: u32,
    time: String,
    /// What the station said: `BAD`, or a code of the failure table; `null` where the record is gone.
    code: Option<String>,
    score: Option<f64>,
    threshold: Option<f64>,
    product: Option<String>,
    marked_by: String,
    marked_at: String,
}

/// Exports into `out`, which must not be there, or be empty.
///
/// # Errors
/// [`ExportError`]; `out` is as it was.
pub fn export(marks: &Marks, store: &Path, out: &Path) -> Result<Exported, ExportError> {
    let (marked, reader) = (marks.all()?, Reader::open(store)?);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ExportError::File { path, source }
    };
    if out.read_dir().is_ok_and(|mut names| names.next().is_some()) {
        return Err(failed(out)(io::Error::new(io::ErrorKind::DirectoryNotEmpty, "name a new or an empty folder")));
    }
    let mut partial = out.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    for folder in [partial.clone(), partial.join("good"), partial.join("bad")] {
        std::fs::create_dir(&folder).map_err(failed(&folder))?;
    }
    let written = write(&marked, &reader, &partial).and_then(|exported| {
        std::fs::rename(&partial, out).map_err(failed(out))?;
        Ok(exported)
    });
    if written.is_err() {
        // What is left is named as unfinished.
        let _ = std::fs::remove_dir_all(&partial);
    }
    written
}

fn write(marked: &[Marked], reader: &Reader, folder: &Path) -> Result<Exported, ExportError> {
    let (mut exported, mut lines) = (Exported::default(), Vec::new());
    for one in marked {
        let (run, part) = (one.key.run, one.key.part);
        let entry = reader.part(run, part)?.filter(|entry| entry.key == one.key);
        let frame = match &entry {
            Some(_) => reader.picture(run, part, Which::Original)?,
            None => None,
        };
        let file = frame.is_some().then(|| format!("{}/run-{run:06}-part-{part:06}.png", one.mark.word()));
        if let Some((file, frame)) = file.as_ref().zip(frame) {
            let path = folder.join(file);
            std::fs::write(&path, frame).map_err(|source| ExportError::File { path, source })?;
        }
        match (file.is_some(), one.mark) {
            (false, _) => exported.gone += 1,
            (true, crate::marks::Mark::Good) => exported.good += 1,
            (true, crate::marks::Mark::Bad) => exported.bad += 1,
        }
        lines.push(line(one, entry, file));
    }
    let path = folder.join(LIST);
    let list = serde_json::to_vec_pretty(&lines).map_err(io::Error::from);
    list.and_then(|list| std::fs::write(&path, list)).map_err(|source| ExportError::File { path, source })?;
    Ok(exported)
}

fn line(one: &Marked, entry: Option<Entry>, file: Option<String>) -> Line {
    let (code, score, threshold, product) = entry.map_or((None, None, None, None), |entry| {
        (Some(entry.code), entry.score, Some(entry.threshold), Some(entry.product))
    });
    Line {
        file,
        mark: one.mark.word(),
        run: one.key.run,
        part: one.key.part,
        time: WallTime(one.key.wall_us).to_string(),
        code,
        score,
        threshold,
        product,
        marked_by: one.who.clone(),
        marked_at: one.at.to_string(),
    }
}
