//! The tables, and how their file is opened.
//!
//! Takes a path; gives a connection whose tables are of [`VERSION`]. Times are microseconds, positions micrometres, verdicts and
//! reasons the words of `shared::verdict`, flags 0 or 1. The tables themselves refuse a part that passed without being proven
//! good. Reads and writes no record.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, FileControl, OpenFlags, TransactionBehavior};

use super::error::StoreError;

/// Name of the database in a store's folder.
pub const FILE: &str = "records.db";

/// Marks the file as ours: `DRAE` in ASCII.
const APPLICATION: i64 = 0x4452_4145;

/// How long to wait for a lock that somebody else's tool holds. The line does not wait meanwhile: its queue does.
const BUSY: Duration = Duration::from_secs(5);

/// Bytes to which the write-ahead log shrinks again after a reader has held it open.
const LOG_BYTES: i64 = 16 << 20;

/// The version of the tables: how many of the [`STEPS`] have been taken.
pub const VERSION: i64 = STEPS.len() as i64;

/// From nothing to the tables of today. A step that has been released is never changed; a new version is a new step.
const STEPS: [&str; 2] = [
    "
CREATE TABLE runs (
    run INTEGER PRIMARY KEY AUTOINCREMENT,
    started_us INTEGER NOT NULL,
    station TEXT NOT NULL,
    product TEXT NOT NULL,
    bundle_sha256 TEXT NOT NULL,
    threshold REAL NOT NULL,
    config_sha256 TEXT NOT NULL,
    simulation INTEGER NOT NULL CHECK (simulation IN (0, 1)),
    software TEXT NOT NULL,
    ended_us INTEGER,
    end_reason TEXT CHECK (end_reason IN ('rest', 'stopped', 'fault'))
) STRICT;

CREATE TABLE records (
    run INTEGER NOT NULL REFERENCES runs (run),
    part INTEGER NOT NULL,
    wall_us INTEGER NOT NULL,
    seen_us INTEGER NOT NULL,
    seen_travel_um INTEGER NOT NULL,
    decided_us INTEGER NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('good', 'bad', 'uninspected')),
    score REAL,
    reason TEXT,
    passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
    override_reason TEXT,
    late_verdict TEXT CHECK (late_verdict IN ('good', 'bad', 'uninspected')),
    late_score REAL,
    late_reason TEXT,
    simulation INTEGER NOT NULL CHECK (simulation IN (0, 1)),
    fire_error_us INTEGER,
    planned_travel_um INTEGER,
    fired_travel_um INTEGER,
    frame_residual_us INTEGER,
    inference_us INTEGER,
    kept INTEGER CHECK (kept IN (0, 1, 2)),
    picture TEXT,
    original TEXT,
    picture_bytes INTEGER,
    PRIMARY KEY (run, part),
    CHECK (passed = (verdict = 'good' AND override_reason IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX records_by_wall ON records (wall_us);
CREATE INDEX pictures_by_worth ON records (kept, run, part) WHERE picture IS NOT NULL;
CREATE INDEX pictures_by_wall ON records (wall_us) WHERE picture IS NOT NULL;
",
    // Bundles that took over in the course of a run, and which one judged a part: 0 is the run's own. Older rows have none.
    "
CREATE TABLE bundles (
    run INTEGER NOT NULL REFERENCES runs (run),
    bundle INTEGER NOT NULL CHECK (bundle > 0),
    since_us INTEGER NOT NULL,
    product TEXT NOT NULL,
    bundle_sha256 TEXT NOT NULL,
    threshold REAL NOT NULL,
    PRIMARY KEY (run, bundle)
) STRICT, WITHOUT ROWID;

ALTER TABLE records ADD COLUMN bundle INTEGER CHECK (bundle >= 0);
",
];

/// Opens for writing, making or updating the tables as needed. What is committed survives a power cut.
pub fn open(path: &Path) -> Result<Connection, StoreError> {
    let failed = || StoreError::database(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed())?;
    connection.busy_timeout(BUSY).map_err(failed())?;
    // Before anything is changed: a strange file stays as it is.
    version(&connection, path)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed())?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed())?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed())?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES).map_err(failed())?;
    // Without the log's files a reader would need the right to create them.
    connection.file_control(Some("main"), FileControl::PersistWal(&mut 1)).map_err(failed())?;
    migrate(&mut connection, path, &STEPS)?;
    Ok(connection)
}

/// Opens for reading, beside a station that writes or without one. Changes nothing.
pub fn open_read_only(path: &Path) -> Result<Connection, StoreError> {
    let failed = || StoreError::database(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed())?;
    connection.busy_timeout(BUSY).map_err(failed())?;
    match version(&connection, path)? {
        0 => Err(StoreError::NotAStore { path: path.to_owned() }),
        found if found < VERSION => Err(StoreError::Older { path: path.to_owned(), found, known: VERSION }),
        _ => Ok(connection),
    }
}

/// The version of a store of ours, 0 of an empty file.
fn version(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let failed = || StoreError::database(path);
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed());
    let (application, found) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).map_err(failed())?;
    match (application, found, tables) {
        (APPLICATION, found, _) if found > VERSION => {
            Err(StoreError::Newer { path: path.to_owned(), found, known: VERSION })
        }
        (APPLICATION, found, _) => Ok(found),
        (0, 0, 0) => Ok(0),
        _ => Err(StoreError::NotAStore { path: path.to_owned() }),
    }
}

/// Takes the steps that are missing. A kill in between leaves the version before or behind a step.
fn migrate(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<(), StoreError> {
    let failed = || StoreError::database(path);
    let taken: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed())?;
    for (step, version) in steps.iter().zip(1..).skip(usize::try_from(taken).unwrap_or(0)) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
        transaction.execute_batch(step).map_err(failed())?;
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed())?;
        transaction.pragma_update(None, "user_version", version).map_err(failed())?;
        transaction.commit().map_err(failed())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> T {
        connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_is_committed_is_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join(FILE)).unwrap();
        assert_eq!(pragma::<String>(&connection, "journal_mode"), "wal");
        assert_eq!(pragma::<i64>(&connection, "synchronous"), 2, "FULL");
        assert_eq!(pragma::<i64>(&connection, "foreign_keys"), 1);
        assert_eq!(pragma::<i64>(&connection, "user_version"), VERSION);
    }

    #[test]
    fn missing_steps_are_taken_and_what_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let mut connection = Connection::open(&path).unwrap();
        let steps = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y DEFAULT 7", "CREATE TABLE b (z)"];
        migrate(&mut connection, &path, &steps[..1]).unwrap();
        connection.execute("INSERT INTO a VALUES (1)", []).unwrap();
        for _ in 0..2 {
            migrate(&mut connection, &path, &steps).unwrap();
            assert_eq!(pragma::<i64>(&connection, "user_version"), 3);
        }
        let row = connection.query_row("SELECT x, y FROM a", [], |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(row.unwrap(), (1, 7));
        let broken = [steps[0], steps[1], steps[2], "CREATE TABLE c (x); CREATE TABLE c (x)"];
        assert!(migrate(&mut connection, &path, &broken).is_err());
        assert_eq!(pragma::<i64>(&connection, "user_version"), 3, "half a step is none");
        assert!(connection.query_row("SELECT x FROM c", [], |_| Ok(())).is_err());
    }

    #[test]
    fn a_newer_file_a_strange_one_and_rubbish_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let newer = folder.path().join("newer.db");
        open(&newer).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
        let strange = folder.path().join("strange.db");
        Connection::open(&strange).unwrap().execute_batch("CREATE TABLE thesis (years)").unwrap();
        let rubbish = folder.path().join("rubbish.db");
        std::fs::write(&rubbish, "not a database, but long enough for one to look ".repeat(100)).unwrap();
        for (path, newer) in [(&newer, true), (&strange, false), (&rubbish, false)] {
            let before = std::fs::read(path).unwrap();
            for error in [open(path).unwrap_err(), open_read_only(path).unwrap_err()] {
                match error {
                    StoreError::Newer { found, known, .. } => assert!(newer && found == known + 1),
                    error => assert!(!newer && matches!(error, StoreError::NotAStore { .. }), "{error}"),
                }
            }
            assert_eq!(std::fs::read(path).unwrap(), before, "{}", path.display());
        }
        assert!(matches!(open_read_only(&folder.path().join("none.db")), Err(StoreError::Unwritable { .. })));
    }

    #[test]
    fn the_tables_know_that_nothing_unproven_passes() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join(FILE)).unwrap();
        connection.execute_batch("INSERT INTO runs VALUES (1, 0, '', '', '', 0.5, '', 1, '', NULL, NULL)").unwrap();
        let insert = |verdict: &str, passed: i64| {
            connection.execute(
                "INSERT INTO records (run, part, wall_us, seen_us, seen_travel_um, decided_us, verdict, passed, simulation)
                 VALUES (1, 1, 0, 0, 0, 0, ?1, ?2, 1)",
                (verdict, passed),
            )
        };
        assert!(insert("bad", 1).is_err() && insert("uninspected", 1).is_err() && insert("good", 0).is_err());
        assert!(insert("good", 1).is_ok());
        assert!(connection.execute("INSERT INTO records SELECT * FROM records", []).is_err(), "one record a part");
    }
}
