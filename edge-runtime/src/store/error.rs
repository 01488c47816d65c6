//! Why the store cannot do its work.
//!
//! One error may be told to several: it stands for as long as it lasts, so that it can be cloned. What the line does about it
//! is not decided here.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;
use shared::units::PartId;
use thiserror::Error;

use super::run::RunId;

/// Why records or pictures cannot be kept or read.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// A folder or a file cannot be created, listed or read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Another process writes into the folder.
    #[error("{}: another edge-runtime keeps its records here; stop it, or name another folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The file is no database, or somebody else's.
    #[error("{}: not a store of records; move it away, or name another folder", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// A later program has written it.
    #[error("{}: version {found} of the records, this program knows up to {known}; install the newer program", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version known.
        known: i64,
    },
    /// An earlier program has written it, and reading changes nothing.
    #[error("{}: version {found} of the records, this program reads {known}; `run` brings them up to date", path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version known.
        known: i64,
    },
    /// There is no room.
    #[error("{}: no room for records: {source}; make room on the disk", path.display())]
    Full {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// The disk refuses to be written.
    #[error("{}: cannot be written: {source}; check the disk, its mount and the folder's owner", path.display())]
    Unwritable {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// Anything else that SQLite reports: a damaged file, a lock that somebody holds.
    #[error("{}: {source}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// The disk is slower than the line.
    #[error("the disk is too slow: {capacity} records wait to be written, and no more may")]
    QueueFull {
        /// How many may wait.
        capacity: usize,
    },
    /// The tables do not take a record, such as a second one of the same part. The program is at fault.
    #[error("the record of part {} in run {run} is refused: {source}", part.0)]
    Refused {
        /// The run.
        run: RunId,
        /// The part.
        part: PartId,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// The thread that writes has panicked, holds what it was to write, and tries again. The program is at fault.
    #[error("the thread that writes records has panicked; it tries again")]
    Panicked,
    /// The thread that writes has died. The program is at fault.
    #[error("the thread that writes records has ended")]
    Ended,
    /// A row holds what no record can.
    #[error("{}: run {run}, part {part}: {column} cannot be {got}", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// The run.
        run: i64,
        /// The part.
        part: i64,
        /// The column.
        column: &'static str,
        /// Its value.
        got: String,
    },
    /// SQLite's own check of the file.
    #[error("{}: damaged: {finding}", path.display())]
    Integrity {
        /// The database.
        path: PathBuf,
        /// The first finding.
        finding: String,
    },
}

impl StoreError {
    /// Whether it may be over by itself or by what somebody does to the disk, so that what waits can still be written.
    #[must_use]
    pub const fn may_heal(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Unwritable { .. } | Self::Database { .. } | Self::Panicked)
    }

    /// For `map_err` behind file operations.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source: Arc::new(source) }
    }

    /// For `map_err` behind database operations: what an operator can do depends on the kind.
    pub(super) fn database(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        move |error| {
            let (path, code, source) = (path.to_owned(), error.sqlite_error_code(), Arc::new(error));
            match code {
                Some(ErrorCode::DiskFull) => Self::Full { path, source },
                Some(
                    ErrorCode::ReadOnly
                    | ErrorCode::CannotOpen
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::PermissionDenied,
                ) => Self::Unwritable { path, source },
                Some(ErrorCode::NotADatabase) => Self::NotAStore { path },
                _ => Self::Database { path, source },
            }
        }
    }
}
