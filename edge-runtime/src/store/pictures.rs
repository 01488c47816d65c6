//! The thread that makes picture files.
//!
//! Takes parts with their evidence; writes both pictures of each and tells the writer, which then lets the part's row name them.
//! A picture that cannot be made is warned about and counted, also one whose making panics: it costs no record, and the line runs on.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use shared::record::Record;
use shared::units::PartId;
use shared::verdict::Verdict;
use thiserror::Error;

use super::durable;
use super::entry::Pictures;
use super::keep::Class;
use super::png::{self, PngError};
use super::progress::Progress;
use super::run::RunId;
use super::sweep::{PICTURES, free};
use super::writer::Message;
use crate::stage::workers::Evidence;

/// A part whose pictures are to be kept.
pub struct Job {
    pub record: Record,
    pub class: Class,
    pub evidence: Evidence,
}

/// Why a part's pictures are not kept.
#[derive(Debug, Error)]
enum PictureError {
    /// The pixels are no picture.
    #[error("{0}")]
    Png(#[from] PngError),
    /// The file cannot be written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is left of the disk is for records.
    #[error("{free} bytes are free on the disk, below {least} no picture is written")]
    NoRoom {
        /// Bytes free.
        free: u64,
        /// Bytes that shall stay free.
        least: u64,
    },
}

/// Makes the pictures of one run.
pub struct Maker {
    pub folder: PathBuf,
    pub run: RunId,
    pub min_free_bytes: u64,
    pub jobs: Receiver<Job>,
    pub writer: SyncSender<Message>,
    pub progress: Arc<Progress>,
}

impl Maker {
    /// Works until no more jobs can come.
    pub fn work(self) {
        while let Ok(job) = self.jobs.recv() {
            // The panic was told when it happened; what it began is swept away at the next start.
            let made = catch_unwind(AssertUnwindSafe(|| self.tried(&job))).ok().flatten();
            let sent = made.is_some_and(|pictures| {
                // Without a writer no row will name the files: the next start removes them.
                self.writer.send(Message::Pictures { part: job.record.get().part, pictures }).is_ok()
            });
            if !sent {
                self.progress.picture_closed(false);
            }
        }
    }

    fn tried(&self, job: &Job) -> Option<Pictures> {
        let warn = |error: &PictureError| {
            let part = job.record.get().part.0;
            tracing::warn!(%error, part, "a part's pictures are not kept");
        };
        self.make(job).inspect_err(warn).ok()
    }

    fn make(&self, job: &Job) -> Result<Pictures, PictureError> {
        let least = self.min_free_bytes;
        if let Some(free) = free(&self.folder).filter(|&free| free < least) {
            return Err(PictureError::NoRoom { free, least });
        }
        let (view, original) = (png::view(&job.evidence)?, png::original(&job.evidence)?);
        let below = format!("{PICTURES}/{:06}", self.run.0);
        let folder = self.folder.join(&below);
        let failed = |source| PictureError::File { path: folder.clone(), source };
        durable::folder(&folder).map_err(failed)?;
        let stem = stem(job.record.get().part, &job.record);
        let names = [format!("{stem}.png"), format!("{stem}-original.png")];
        durable::files(&folder, &[(&names[0], &view), (&names[1], &original)]).map_err(failed)?;
        let [view_name, original_name] = names.map(|name| format!("{below}/{name}"));
        let bytes = (view.len() + original.len()) as u64;
        Ok(Pictures { class: job.class, view: view_name, original: original_name, bytes })
    }
}

/// Part and outcome, so that a listing of the folder already tells something.
fn stem(part: PartId, record: &Record) -> String {
    let raw = record.get();
    let code = match (raw.override_reason, raw.verdict) {
        (Some(reason), _) | (None, Verdict::Uninspected(reason)) => reason.code(),
        (None, Verdict::Good(_)) => "GOOD",
        (None, Verdict::Bad(_)) => "BAD",
    };
    format!("part-{:06}-{code}", part.0)
}

/// The folder that all runs' pictures lie in, made if it is not there.
pub fn prepare(folder: &Path) -> io::Result<()> {
    durable::folder(&folder.join(PICTURES))
}
