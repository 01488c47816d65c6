//! What people say a part really was, for the next training: marks in a file of this process's own.
//!
//! Takes a part as its record has it; keeps whether somebody who looked at it calls it good or bad, who, and when. The station's records stay
//! as they are. A mark is on the disk when it is answered. Each use opens the file, asks and closes it, aside. Decides nothing about the line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use shared::wall::WallTime;
use thiserror::Error;

use crate::store::Key;

/// Name of the file in the folder of `[roles]`.
const FILE: &str = "marks.db";

/// Marks the file as ours: `DRAM` in ASCII.
const APPLICATION: i64 = 0x4452_414d;

/// The version of its table.
const VERSION: i64 = 1;

/// Marks at most: more than anybody looks at, and some megabytes.
const MOST: i64 = 100_000;

/// How long to wait while another request holds the file.
const BUSY: Duration = Duration::from_secs(2);

/// A part's number may be given again by another store, its time hardly.
const TABLE: &str = "
CREATE TABLE marks (
    run INTEGER NOT NULL,
    part INTEGER NOT NULL,
    wall_us INTEGER NOT NULL,
    good INTEGER NOT NULL CHECK (good IN (0, 1)),
    who TEXT NOT NULL,
    marked_us INTEGER NOT NULL,
    PRIMARY KEY (run, part, wall_us)
) STRICT, WITHOUT ROWID;";

/// Why there is no mark.
#[derive(Debug, Error)]
pub enum MarksError {
    /// SQLite refuses.
    #[error("{path}: {source}")]
    Database {
        /// The file.
        path: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file is no list of marks, or one of another release.
    #[error("{path}: version {found} of the marks, this program knows {VERSION}")]
    Version {
        /// The file.
        path: String,
        /// Its version; 0 where it is something else.
        found: i64,
    },
    /// There is no room.
    #[error("{path}: {MOST} parts are marked already; edge-plant export-marks, then move the file away")]
    Full {
        /// The file.
        path: String,
    },
}

/// What somebody calls a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Good, whatever the station said.
    Good,
    /// Bad.
    Bad,
}

impl Mark {
    /// The word for it in forms, files and the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

/// A part that is marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Which.
    pub key: Key,
    /// As what.
    pub mark: Mark,
    /// By whom.
    pub who: String,
    /// When.
    pub at: WallTime,
}

/// The marks of a folder.
#[derive(Debug, Clone)]
pub struct Marks {
    path: PathBuf,
}

impl Marks {
    /// In this folder. Opens nothing.
    #[must_use]
    pub fn within(folder: &Path) -> Self {
        Self { path: folder.join(FILE) }
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> MarksError + '_ {
        |source| MarksError::Database { path: self.path.display().to_string(), source }
    }

    /// `None` where there is no file and none is to be made.
    fn open(&self, make: bool) -> Result<Option<Connection>, MarksError> {
        if !make && !self.path.exists() {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(self.failed())?;
        connection.busy_timeout(BUSY).map_err(self.failed())?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(self.failed())?;
        let pragma =
            |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(self.failed());
        let tables = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0));
        if tables.map_err(self.failed())? == 0 {
            let make = format!(
                "BEGIN IMMEDIATE; {TABLE} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
            );
            connection.execute_batch(&make).map_err(self.failed())?;
        }
        let found = if pragma("application_id")? == APPLICATION { pragma("user_version")? } else { 0 };
        if found != VERSION {
            return Err(MarksError::Version { path: self.path.display().to_string(), found });
        }
        Ok(Some(connection))
    }

    /// Marks a part, in place of what it was marked as, or takes its mark away.
    ///
    /// # Errors
    /// [`MarksError`]; it is marked as it was.
    pub fn set(&self, key: Key, mark: Option<Mark>, who: &str, at: WallTime) -> Result<(), MarksError> {
        let Some(connection) = self.open(mark.is_some())? else { return Ok(()) };
        let Key { wall_us, run, part } = key;
        let Some(mark) = mark else {
            let remove = "DELETE FROM marks WHERE run = ?1 AND part = ?2 AND wall_us = ?3";
            return connection.execute(remove, params![run, part, wall_us]).map(drop).map_err(self.failed());
        };
        let insert = "
            INSERT INTO marks (run, part, wall_us, good, who, marked_us)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE (SELECT count(*) FROM marks) < ?7
            ON CONFLICT DO UPDATE SET good = excluded.good, who = excluded.who, marked_us = excluded.marked_us";
        let good = i64::from(mark == Mark::Good);
        let written = connection.execute(insert, params![run, part, wall_us, good, who, at.0, MOST]);
        match written.map_err(self.failed())? {
            0 => Err(MarksError::Full { path: self.path.display().to_string() }),
            _ => Ok(()),
        }
    }

    /// As what these parts are marked; those that are not are left out.
    ///
    /// # Errors
    /// [`MarksError`].
    pub fn of(&self, keys: &[Key]) -> Result<BTreeMap<(i64, u32), Mark>, MarksError> {
        let Some(connection) = self.open(false)? else { return Ok(BTreeMap::new()) };
        let ask = || {
            let mut statement =
                connection.prepare("SELECT good FROM marks WHERE run = ?1 AND part = ?2 AND wall_us = ?3")?;
            let mut found = BTreeMap::new();
            for Key { wall_us, run, part } in keys {
                let good: Option<bool> =
                    statement.query_row(params![run, part, wall_us], |row| row.get(0)).optional()?;
                if let Some(good) = good {
                    found.insert((*run, *part), mark(good));
                }
            }
            Ok(found)
        };
        ask().map_err(self.failed())
    }

    /// All of them, in the order of runs and parts.
    ///
    /// # Errors
    /// [`MarksError`].
    pub fn all(&self) -> Result<Vec<Marked>, MarksError> {
        let Some(connection) = self.open(false)? else { return Ok(Vec::new()) };
        let ask = || {
            let sql = "SELECT wall_us, run, part, good, who, marked_us FROM marks ORDER BY run, part, wall_us";
            let mut statement = connection.prepare(sql)?;
            let marked = statement.query_map([], |row| {
                let key = Key { wall_us: row.get(0)?, run: row.get(1)?, part: row.get(2)? };
                Ok(Marked { key, mark: mark(row.get(3)?), who: row.get(4)?, at: WallTime(row.get(5)?) })
            })?;
            marked.collect::<Result<Vec<_>, _>>()
        };
        ask().map_err(self.failed())
    }
}

const fn mark(good: bool) -> Mark {
    if good { Mark::Good } else { Mark::Bad }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: Key = Key { wall_us: 5, run: 3, part: 2 };

    #[test]
    fn the_newest_mark_of_a_part_holds_until_it_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let marks = Marks::within(folder.path());
        assert_eq!((marks.of(&[PART]).unwrap().len(), marks.all().unwrap()), (0, vec![]));
        marks.set(PART, None, "anna", WallTime(1)).unwrap();
        assert!(!folder.path().join(FILE).exists(), "nothing to take away, nothing to write");
        marks.set(PART, Some(Mark::Good), "anna", WallTime(1)).unwrap();
        marks.set(PART, Some(Mark::Bad), "emil", WallTime(2)).unwrap();
        let other = Key { wall_us: 6, ..PART };
        assert_eq!(marks.of(&[PART, other]).unwrap(), BTreeMap::from([((3, 2), Mark::Bad)]));
        assert_eq!(marks.of(&[other]).unwrap(), BTreeMap::new(), "another store's part of the same number");
        marks.set(Key { part: 1, ..PART }, Some(Mark::Good), "anna", WallTime(3)).unwrap();
        let all: Vec<_> = marks.all().unwrap().into_iter().map(|one| (one.key.part, one.mark, one.who)).collect();
        assert_eq!(all, [(1, Mark::Good, "anna".to_owned()), (2, Mark::Bad, "emil".to_owned())]);
        marks.set(PART, None, "anna", WallTime(4)).unwrap();
        assert_eq!(marks.all().unwrap().len(), 1);
    }

    #[test]
    fn another_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let marks = Marks::within(folder.path());
        Connection::open(folder.path().join(FILE)).unwrap().execute_batch("CREATE TABLE thesis (years)").unwrap();
        let refused = marks.set(PART, Some(Mark::Good), "anna", WallTime(1));
        assert!(matches!(refused, Err(MarksError::Version { found: 0, .. })), "{refused:?}");
        std::fs::write(folder.path().join(FILE), "no database at all, ".repeat(100)).unwrap();
        assert!(matches!(marks.all(), Err(MarksError::Database { .. })));
    }
}
