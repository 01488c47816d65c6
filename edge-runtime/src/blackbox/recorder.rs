//! The recorder's thread, and the files that it leaves.
//!
//! Takes entries from a [`Tape`]; holds the last of them in memory and writes them to a file when somebody asks for it. Files are
//! written by a further thread, whole or not at all, so that recording goes on meanwhile; the oldest make way for the newest. A
//! recorder that fails costs recordings and nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use shared::wall::WallTime;

use super::file::{self, Header};
use super::ring::{Limits, Ring, Segment};
use super::tape::{Note, Notes, Tape};
use crate::store::durable;

/// How the names of recordings end.
pub const EXTENSION: &str = "box";

/// What is recorded, and where it goes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How much is held in memory.
    pub limits: Limits,
    /// The folder of the files.
    pub dir: PathBuf,
    /// Files that are kept.
    pub files: usize,
    /// Room that must be left on the disk, in bytes.
    pub min_free_bytes: u64,
}

/// Records as long as it is there.
#[derive(Debug)]
pub struct Recorder {
    tape: Tape,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts to record. `header` says of what; why and when are filled in as files are kept. `now` reads the wall clock.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn start(
        settings: Settings,
        header: Header,
        now: impl Fn() -> WallTime + Send + 'static,
    ) -> std::io::Result<Self> {
        let (tape, notes) = Tape::with_notes();
        let thread = std::thread::Builder::new().name("black box".to_owned());
        let thread = thread.spawn(move || record(&settings, header, &notes, &now))?;
        Ok(Self { tape, thread: Some(thread) })
    }

    /// Where entries go.
    #[must_use]
    pub fn tape(&self) -> Tape {
        self.tape.clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.tape.end();
        if let Some(thread) = self.thread.take() {
            // Its last words are on standard error.
            drop(thread.join());
        }
    }
}

fn record(settings: &Settings, mut header: Header, notes: &Notes, now: &dyn Fn() -> WallTime) {
    let mut ring = Ring::new(settings.limits);
    let mut writing: Option<JoinHandle<()>> = None;
    while let Ok(note) = notes.recv() {
        match note {
            Note::Entry(entry) => ring.push(entry),
            Note::Judge(judge) => header.judges.push(judge),
            Note::Keep(why) => {
                if writing.as_ref().is_some_and(|thread| !thread.is_finished()) {
                    tracing::warn!(why, "the recording before is still being written: none is kept of this");
                    continue;
                }
                let (segments, settings) = (ring.cut(), settings.clone());
                let header = Header { why: why.to_owned(), kept_at_us: now().0, ..header.clone() };
                let thread = std::thread::Builder::new().name("box writer".to_owned());
                match thread.spawn(move || keep(&settings, &header, &segments)) {
                    Ok(thread) => writing = Some(thread),
                    Err(error) => tracing::warn!(why, %error, "no thread to keep a recording"),
                }
            }
            Note::End => break,
        }
    }
    if let Some(thread) = writing {
        drop(thread.join());
    }
}

fn keep(settings: &Settings, header: &Header, segments: &[Arc<Segment>]) {
    match kept(settings, header, segments) {
        Ok(path) => tracing::warn!(recording = %path.display(), "the last minutes are kept"),
        Err(error) => tracing::warn!(why = header.why, %error, "a recording could not be kept"),
    }
}

fn kept(settings: &Settings, header: &Header, segments: &[Arc<Segment>]) -> std::io::Result<PathBuf> {
    durable::folder(&settings.dir)?;
    let free = rustix::fs::statvfs(&settings.dir)?;
    let (free, needed) = (free.f_bavail.saturating_mul(free.f_frsize), segments.iter().map(|one| one.size()).sum());
    if free.saturating_sub(needed) < settings.min_free_bytes {
        return Err(std::io::Error::other(format!("the disk has {free} bytes left, and the recording takes {needed}")));
    }
    // Without what other systems do not allow in names.
    let at = header.kept_at().to_string().replace(['-', ':'], "");
    let name = format!("{at}-{}.{EXTENSION}", header.why);
    durable::stream(&settings.dir, &name, |out| file::write(out, header, segments))?;
    forget(&settings.dir, settings.files)?;
    Ok(settings.dir.join(name))
}

/// Removes the oldest recordings but so many, and what a kill left unfinished. Names begin with their time.
fn forget(dir: &Path, files: usize) -> std::io::Result<()> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with(durable::TEMPORARY) {
            std::fs::remove_file(&path)?;
        } else if path.extension().is_some_and(|extension| extension == EXTENSION) {
            names.push(path);
        }
    }
    names.sort();
    let old = names.len().saturating_sub(files);
    names[..old].iter().try_for_each(std::fs::remove_file)
}
