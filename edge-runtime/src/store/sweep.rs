//! Deletes what is too much, and at the start what a kill left behind.
//!
//! Takes the connection between two writes; asks [`retain`](super::retain) what must go. Rows stop naming a picture first, and
//! that is on the disk before the file goes: a kill in between leaves a file without a name, which [`orphans`] removes. Does a
//! bounded amount of work each time, so that records never wait long.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use shared::limits::SWEEP_BATCH;
use shared::wall::WallTime;

use super::durable::TEMPORARY;
use super::error::StoreError;
use super::keep::Class;
use super::retain::{self, Held, Key, Limits, Totals, cutoff, surplus};
use super::run::RunStart;

/// Folder of the pictures below a store's own.
pub const PICTURES: &str = "pictures";

/// Keeps the store within its limits.
#[derive(Debug)]
pub struct Sweeper {
    folder: PathBuf,
    limits: Limits,
    totals: Totals,
    records: u64,
    /// `None` when this run's clock is not trusted to tell ages.
    now: Option<WallTime>,
}

impl Sweeper {
    /// Counts what is there.
    pub fn new(connection: &Connection, folder: &Path, limits: Limits, start: &RunStart) -> rusqlite::Result<Self> {
        let count = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
        let newest = "SELECT wall_us FROM records ORDER BY run DESC, part DESC LIMIT 1";
        let newest = connection.query_row(newest, [], |row| row.get(0)).optional()?.map(WallTime);
        let age = limits.max_picture_age.min(limits.max_record_age);
        Ok(Self {
            folder: folder.to_owned(),
            limits,
            totals: Totals {
                pictures: count("SELECT count(*) FROM records WHERE picture IS NOT NULL")?,
                bytes: count("SELECT coalesce(sum(picture_bytes), 0) FROM records WHERE picture IS NOT NULL")?,
            },
            records: count("SELECT count(*) FROM records")?,
            now: retain::trusted(start.started_at, newest, age).then_some(start.started_at),
        })
    }

    /// A record was written at this time, by a clock that is never set during a run.
    pub fn record(&mut self, at: WallTime) {
        self.records += 1;
        self.now = self.now.map(|now| now.max(at));
    }

    /// A row names a picture.
    pub fn picture(&mut self, bytes: u64) {
        self.totals.pictures += 1;
        self.totals.bytes += bytes;
    }

    /// Deletes some of what is too much, if anything is.
    pub fn sweep(&mut self, connection: &mut Connection) -> rusqlite::Result<()> {
        self.records_too_many(connection)?;
        let held = self.candidates(connection)?;
        let going = surplus(&held, self.totals, free(&self.folder), self.now, &self.limits);
        self.forget(connection, &going, "UPDATE records SET picture = NULL, original = NULL, picture_bytes = NULL")
    }

    fn records_too_many(&mut self, connection: &mut Connection) -> rusqlite::Result<()> {
        let too_many = self.records.saturating_sub(self.limits.max_records);
        let first = "SELECT run, part FROM records ORDER BY run, part LIMIT ?1";
        let mut going = keys(connection, first, params![too_many.min(SWEEP_BATCH as u64) as i64])?;
        if let Some(cutoff) = cutoff(self.now, self.limits.max_record_age) {
            let old = "SELECT run, part FROM records WHERE wall_us >= ?1 AND wall_us < ?2 ORDER BY wall_us LIMIT ?3";
            going.extend(keys(connection, old, params![retain::EARLIEST.0, cutoff.0, SWEEP_BATCH as i64])?);
        }
        going.sort_unstable();
        going.dedup();
        self.forget(connection, &going, "DELETE FROM records")?;
        self.records = self.records.saturating_sub(going.len() as u64);
        Ok(())
    }

    /// The pictures that would go first for want of room, and the oldest.
    fn candidates(&self, connection: &Connection) -> rusqlite::Result<Vec<Held>> {
        let within =
            self.totals.pictures <= self.limits.max_pictures && self.totals.bytes <= self.limits.max_picture_bytes;
        let room = free(&self.folder).is_none_or(|free| free >= self.limits.min_free_bytes);
        let mut held = Vec::new();
        if !(within && room) {
            held.extend(pictures(connection, "ORDER BY kept, run, part", i64::MAX)?);
        }
        if let Some(cutoff) = cutoff(self.now, self.limits.max_picture_age) {
            held.extend(pictures(connection, "ORDER BY wall_us", cutoff.0)?);
        }
        held.sort_unstable_by_key(|held| held.key);
        held.dedup_by_key(|held| held.key);
        Ok(held)
    }

    /// Makes rows forget their pictures by `change`, then deletes the files.
    fn forget(&mut self, connection: &mut Connection, going: &[Key], change: &str) -> rusqlite::Result<()> {
        if going.is_empty() {
            return Ok(());
        }
        let mut files = Vec::new();
        let mut after = self.totals;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut named = transaction
                .prepare("SELECT picture, original, picture_bytes FROM records WHERE run = ?1 AND part = ?2")?;
            let mut change = transaction.prepare(&format!("{change} WHERE run = ?1 AND part = ?2"))?;
            for key in going {
                let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<i64>>(2)?));
                let (view, original, bytes): (Option<String>, Option<String>, _) = named.query_row(*key, row)?;
                if view.is_some() {
                    after.pictures = after.pictures.saturating_sub(1);
                    after.bytes = after.bytes.saturating_sub(bytes.unwrap_or_default().unsigned_abs());
                }
                files.extend([view, original].into_iter().flatten());
                change.execute(*key)?;
            }
        }
        transaction.commit()?;
        self.totals = after;
        for name in files {
            remove(&self.folder.join(name));
        }
        Ok(())
    }
}

fn keys(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<Vec<Key>> {
    connection.prepare(sql)?.query_map(params, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn pictures(connection: &Connection, order: &str, before: i64) -> rusqlite::Result<Vec<Held>> {
    let sql = format!(
        "SELECT run, part, kept, wall_us, picture_bytes FROM records
         WHERE picture IS NOT NULL AND wall_us < ?1 {order} LIMIT ?2"
    );
    let held = |row: &rusqlite::Row<'_>| {
        Ok(Held {
            key: (row.get(0)?, row.get(1)?),
            class: Class::of(row.get(2)?).unwrap_or(Class::Rejected),
            taken_at: WallTime(row.get(3)?),
            bytes: row.get::<_, i64>(4)?.unsigned_abs(),
        })
    };
    connection.prepare(&sql)?.query_map(params![before, SWEEP_BATCH as i64], held)?.collect()
}

/// Bytes that are free on a folder's disk, where the system says.
pub fn free(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn remove(path: &Path) {
    // A file that stays is an orphan now, and removed when the store is next opened.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "a picture that is no longer wanted stays");
        }
        _ => {}
    }
}

/// Removes the pictures that no row names, and the temporary files of a killed writer; gives how many. Files that no store makes
/// stay. Nobody else may have the store open for writing.
///
/// # Errors
/// The rows or the folders cannot be read.
pub fn orphans(connection: &Connection, database: &Path, folder: &Path) -> Result<u64, StoreError> {
    let named = named(connection).map_err(StoreError::database(database))?;
    let (root, mut removed) = (folder.join(PICTURES), 0);
    for run in names(&root)? {
        let below = root.join(&run);
        if !below.is_dir() {
            continue;
        }
        for name in names(&below)? {
            let ours = name.starts_with(TEMPORARY) || (name.starts_with("part-") && name.ends_with(".png"));
            if ours && !named.contains(&format!("{PICTURES}/{run}/{name}")) {
                remove(&below.join(name));
                removed += 1;
            }
        }
        // Stays as long as anything is in it.
        drop(std::fs::remove_dir(&below));
    }
    Ok(removed)
}

fn named(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    let sql = "SELECT picture FROM records WHERE picture IS NOT NULL
               UNION ALL SELECT original FROM records WHERE picture IS NOT NULL";
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = std::fs::read_dir(folder).map_err(StoreError::file(folder))?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().into_string().ok()));
    // A name that is not UTF-8 is none of ours.
    names.filter_map(Result::transpose).collect::<Result<_, _>>().map_err(StoreError::file(folder))
}
