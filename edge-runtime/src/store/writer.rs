//! The thread that writes the database: whatever waits goes to the disk in one commit.
//!
//! Takes records and the names of pictures in the order in which they were sent. While the disk cannot be written it keeps what
//! it holds and tries again, and so it does after a panic; what the end of the run finds unwritten goes to the log, record by
//! record, and is counted: nothing is lost silently.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, params};
use shared::limits::COMMIT_BATCH;
use shared::record::Record;
use shared::units::PartId;
use shared::wall::WallTime;

use super::entry::{self, Pictures};
use super::error::StoreError;
use super::progress::Progress;
use super::run::{RunId, RunStart, Takeover, hex};
use super::sweep::Sweeper;
use crate::stage::details::Details;

/// Pause before a failed commit is tried again: long enough for a full disk to be a state and not a load.
const RETRY: Duration = Duration::from_secs(1);

/// What the writer is told.
#[derive(Debug, Clone)]
pub enum Message {
    /// A part has left.
    Record { record: Record, details: Details },
    /// A part's pictures are on the disk. Sent after its record.
    Pictures { part: PartId, pictures: Pictures },
    /// Another bundle judges. Sent before the records that name it.
    Takeover(Takeover),
}

/// Writes one run.
pub struct Writer {
    pub connection: Connection,
    pub database: PathBuf,
    pub run: RunId,
    pub start: RunStart,
    pub inbox: Receiver<Message>,
    pub progress: Arc<Progress>,
    pub sweeper: Sweeper,
    /// What was received and is not on the disk yet.
    pub held: Vec<Message>,
}

/// Tells those who wait that the writer has ended, however it did.
struct Ending(Arc<Progress>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl Writer {
    /// Works until nobody can send any more.
    pub fn work(mut self) {
        let _ending = Ending(Arc::clone(&self.progress));
        while let Ok(first) = self.inbox.recv() {
            self.held.push(first);
            self.held.extend(self.inbox.try_iter().take(COMMIT_BATCH - 1));
            self.keep();
        }
        self.close();
    }

    /// Writes what is held, however long it takes and whatever fails meanwhile, until the run ends.
    fn keep(&mut self) {
        let mut last = self.progress.closing();
        while !self.held.is_empty() {
            // What is held and what is counted change together, behind the commit: a panic before it has changed nothing.
            let error = match catch_unwind(AssertUnwindSafe(|| self.turn())) {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => StoreError::database(&self.database)(error),
                Err(_) => StoreError::Panicked,
            };
            self.progress.failed(error);
            if last {
                return self.give_up();
            }
            // Whoever ends the run may have made room first.
            last = !self.progress.wait_to_retry(RETRY);
            if self.held.is_empty() {
                // It panicked behind the commit: nothing waits, and a line that has stopped sends nothing that would show it.
                self.progress.written(0);
            }
        }
    }

    /// Commits what is held, and makes room.
    fn turn(&mut self) -> rusqlite::Result<()> {
        if let Err(error) = self.commit() {
            // Once for as long as it lasts: a log on the same disk shall not fill it.
            if self.progress.failure().is_none() {
                tracing::error!(%error, waiting = self.held.len(), "records cannot be written, and wait");
            }
            return Err(error);
        }
        // What is too much now is too much at the next write too, and a disk that cannot be written fails there.
        if let Err(error) = self.sweeper.sweep(&mut self.connection) {
            tracing::warn!(%error, "what is too much in the store cannot be deleted");
        }
        Ok(())
    }

    /// Writes all of them or, with an error, none; a record that the tables refuse is left out and reported.
    fn commit(&mut self) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut rows = Vec::with_capacity(self.held.len());
        for message in &self.held {
            rows.push(match put(&transaction, self.run, &self.start, message) {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Err(error),
                other => Ok(other?),
            });
        }
        transaction.commit()?;
        let batch = std::mem::take(&mut self.held);
        let kept = |(message, rows): &(&Message, &rusqlite::Result<usize>)| {
            matches!(message, Message::Record { .. }) && rows.is_ok()
        };
        self.progress.written(batch.iter().zip(&rows).filter(kept).count() as u64);
        for (message, rows) in batch.iter().zip(rows) {
            match (message, rows) {
                (Message::Record { record, .. }, Ok(_)) => {
                    self.sweeper.record(self.start.wall_at(record.get().decided_at));
                }
                (Message::Record { record, .. }, Err(error)) => self.refuse(record, error),
                (Message::Pictures { pictures, .. }, Ok(1)) => {
                    self.sweeper.picture(pictures.bytes);
                    self.progress.picture_closed(true);
                }
                (Message::Takeover(_), Ok(_)) => {}
                (Message::Takeover(takeover), Err(error)) => {
                    tracing::error!(%error, ?takeover, "the tables do not take a change of bundles");
                }
                // The record was refused, or had to make room already: the files are orphans.
                (Message::Pictures { .. }, _) => self.progress.picture_closed(false),
            }
        }
        Ok(())
    }

    fn refuse(&self, record: &Record, error: rusqlite::Error) {
        let part = record.get().part;
        let error = StoreError::Refused { run: self.run, part, source: Arc::new(error) };
        tracing::error!(%error, ?record, "a record is not kept");
        self.progress.refused(error);
    }

    /// The run ends and the disk still refuses: what is not kept is told.
    fn give_up(&mut self) {
        for message in std::mem::take(&mut self.held) {
            match message {
                Message::Record { record, details } => {
                    tracing::error!(?record, ?details, "a record is lost: it could not be written");
                }
                Message::Pictures { .. } => self.progress.picture_closed(false),
                Message::Takeover(takeover) => tracing::error!(?takeover, "a change of bundles is lost"),
            }
        }
    }

    /// Notes how the run ended, and empties the log into the database.
    fn close(&mut self) {
        let noted = self.progress.end().map_or(Ok(0), |(at, reason)| {
            let end = params![self.run.0, at.0, reason.name()];
            self.connection.execute("UPDATE runs SET ended_us = ?2, end_reason = ?3 WHERE run = ?1", end)
        });
        // Only tidiness: the next start does it too, and a reader may hold the log at this moment.
        let emptied = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = noted.and(emptied) {
            tracing::warn!(%error, run = self.run.0, "the end of the run is not noted");
        }
    }
}

fn put(transaction: &Transaction<'_>, run: RunId, start: &RunStart, message: &Message) -> rusqlite::Result<usize> {
    match message {
        Message::Record { record, details } => {
            let wall: WallTime = details.wall.unwrap_or_else(|| start.wall_at(record.get().decided_at));
            entry::insert(&mut transaction.prepare(entry::INSERT)?, run, record, wall, details)
        }
        Message::Takeover(Takeover { number, at, product, sha256, threshold }) => transaction.execute(
            "INSERT INTO bundles (run, bundle, since_us, product, bundle_sha256, threshold) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![run.0, number, start.wall_at(*at).0, product, hex(sha256), threshold.get()],
        ),
        Message::Pictures { part, pictures } => transaction.execute(
            "UPDATE records SET kept = ?3, picture = ?4, original = ?5, picture_bytes = ?6 WHERE run = ?1 AND part = ?2",
            params![
                run.0,
                part.0,
                pictures.class as i64,
                pictures.view,
                pictures.original,
                i64::try_from(pictures.bytes).unwrap_or(i64::MAX)
            ],
        ),
    }
}
