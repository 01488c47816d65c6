//! The station's records and pictures, read while it writes them.
//!
//! Takes the folder that the station names; gives parts and picture files. Records come from the store rather than from what was heard
//! over the socket: the store has those of every shift, has no gaps, and names a picture only once it is on the disk. Every question opens
//! the file, asks once and closes it, so that the writer's log never waits for a reader; the connection cannot write.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};
use shared::wall::WallTime;
use thiserror::Error;

use crate::log::chain::hex;

/// Name of the database in a store's folder.
const FILE: &str = "records.db";

/// Marks the file as a station's: `DRAE` in ASCII.
const APPLICATION: i64 = 0x4452_4145;

/// The version of the tables that this program reads.
const VERSION: i64 = 2;

/// Below it lie all pictures.
const PICTURES: &str = "pictures";

/// How long to wait while the writer holds the file.
const BUSY: Duration = Duration::from_secs(1);

/// Bytes of the largest picture that is served: a frame of the largest camera, hardly compressed.
const MOST_PICTURE_BYTES: u64 = 32 << 20;

/// Runs of one [`Page`]: three a day for a year.
pub const RUNS: usize = 1_000;

/// Parts of one page of rejects.
pub const PAGE: usize = 24;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum StoreError {
    /// SQLite refuses, or was interrupted.
    #[error("{path}: {source}")]
    Database {
        /// The file.
        path: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file is no station's, or one of another release's.
    #[error("{path}: version {found} of the tables, this program reads {VERSION}: install both of one release")]
    Version {
        /// The file.
        path: String,
        /// Its version; 0 where it is no station's file.
        found: i64,
    },
    /// A picture cannot be read.
    #[error("{path}: {source}")]
    Picture {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A row names a picture elsewhere than below the pictures' folder, or one larger than any.
    #[error("{name}: no picture of this store")]
    Strange {
        /// What it names.
        name: String,
    },
}

/// A part whose pictures are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The run.
    pub run: i64,
    /// The part.
    pub part: u32,
    /// `GOOD`, `BAD`, or a code of the failure table.
    pub code: String,
    /// Its score, where it was judged.
    pub score: Option<f64>,
}

/// A place in the order in which parts left, from newest to oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// When, by the clock on the wall, in microseconds.
    pub wall_us: i64,
    /// The run.
    pub run: i64,
    /// The part.
    pub part: u32,
}

/// What the store has of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where it stands among all.
    pub key: Key,
    /// `GOOD`, `BAD`, or a code of the failure table.
    pub code: String,
    /// Whether it was let through.
    pub passed: bool,
    /// Its score, where it was judged.
    pub score: Option<f64>,
    /// A part was bad above this.
    pub threshold: f64,
    /// The product, as the bundle that judged says.
    pub product: String,
    /// What a verdict that came too late would have said: `good`, `bad` or `uninspected`.
    pub late: Option<String>,
    /// From trigger to decision, in microseconds.
    pub decided_after_us: i64,
    /// From picture handed in to verdict, in microseconds.
    pub inference_us: Option<i64>,
    /// From the wanted moment to the exposure, in microseconds.
    pub frame_residual_us: Option<i64>,
    /// How much later than due the gate moved, in microseconds.
    pub fire_error_us: Option<i64>,
    /// Whether the line was a simulated one.
    pub simulation: bool,
    /// Whether there are pictures.
    pub pictured: bool,
    /// Number of the bundle that judged it, within the run.
    pub bundle: Option<u32>,
    /// SHA-256 of that bundle, in hexadecimal; of the run's first one where none judged it.
    pub bundle_sha256: String,
}

/// What a part scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Its score, where it was judged in time.
    pub score: Option<f64>,
    /// Whether it was judged good, and rejected for another reason.
    pub overridden: bool,
    /// Whether the bundle that is asked about judged it.
    pub this_bundle: bool,
}

/// Which rejected parts are wanted, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this code alone.
    pub code: Option<String>,
    /// That left at this time or later.
    pub since: Option<WallTime>,
    /// Behind this place.
    pub before: Option<Key>,
}

/// A run, and a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    /// The run.
    pub run: i64,
    /// When it began, by the clock on the wall, in microseconds.
    pub started_us: i64,
    /// The part; 0 is before the first.
    pub part: u32,
}

/// Records of a run in the order of their numbers, behind one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The run, if there is such a one, and those behind it, each with the newest part that has a record; [`RUNS`] at most.
    pub runs: Vec<Newest>,
    /// Whether the run is over, and no record of it comes any more.
    pub ended: bool,
    /// The records.
    pub parts: Vec<Entry>,
}

/// Which of a part's two pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// For people: the network's input on the left, the heatmap over it on the right.
    View,
    /// The frame as the camera gave it.
    Original,
}

/// A store, open for one question.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    path: String,
    connection: Connection,
}

const COLUMNS: &str = "
    records.wall_us, records.run, records.part,
    coalesce(override_reason, reason, upper(verdict)),
    passed, score, coalesce(bundles.threshold, runs.threshold), coalesce(bundles.product, runs.product), late_verdict,
    decided_us - seen_us, inference_us, frame_residual_us, fire_error_us, records.simulation, picture IS NOT NULL, records.bundle,
    coalesce(bundles.bundle_sha256, runs.bundle_sha256)
FROM records JOIN runs ON runs.run = records.run
LEFT JOIN bundles ON bundles.run = records.run AND bundles.bundle = records.bundle";

/// Runs with their newest parts.
const NEWEST: &str = "
SELECT run, started_us, (SELECT coalesce(max(part), 0) FROM records WHERE records.run = runs.run) FROM runs";

impl Reader {
    /// Opens the store in a folder.
    ///
    /// # Errors
    /// [`StoreError`], also when there is none.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let file = folder.join(FILE);
        let path = file.display().to_string();
        let failed = |source| StoreError::Database { path: path.clone(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&file, flags).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
        let found = if pragma("application_id")? == APPLICATION { pragma("user_version")? } else { 0 };
        if found != VERSION {
            return Err(StoreError::Version { path, found });
        }
        Ok(Self { folder: folder.to_owned(), path, connection })
    }

    /// Ends what is being asked, from another thread.
    #[must_use]
    pub fn interrupt(&self) -> rusqlite::InterruptHandle {
        self.connection.get_interrupt_handle()
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> StoreError + '_ {
        |source| StoreError::Database { path: self.path.clone(), source }
    }

    /// The newest part of a run whose pictures are kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn newest_picture(&self, run: i64) -> Result<Option<Kept>, StoreError> {
        // One step down the index of each class, however many parts without a picture came since.
        let newest = |class| {
            format!("SELECT max(part) AS part FROM records WHERE kept = {class} AND run = ?1 AND picture IS NOT NULL")
        };
        let newest = [0, 1, 2].map(newest).join(" UNION ALL ");
        let sql =
            format!("SELECT {COLUMNS} WHERE records.run = ?1 AND records.part = (SELECT max(part) FROM ({newest}))");
        let entry = self.connection.query_row(&sql, [run], entry).optional().map_err(self.failed())?;
        Ok(entry.map(|Entry { key, code, score, .. }| Kept { run: key.run, part: key.part, code, score }))
    }

    /// Rejected parts, the newest first, [`PAGE`] at most.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rejects(&self, filter: &Filter) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} WHERE passed = 0 AND records.wall_us >= ?1
             AND (records.wall_us, records.run, records.part) < (?2, ?3, ?4)
             AND (?5 IS NULL OR coalesce(override_reason, reason, upper(verdict)) = ?5)
             ORDER BY records.wall_us DESC, records.run DESC, records.part DESC LIMIT {PAGE}"
        );
        let since = filter.since.map_or(i64::MIN, |since| since.0);
        let Key { wall_us, run, part } =
            filter.before.unwrap_or(Key { wall_us: i64::MAX, run: i64::MAX, part: u32::MAX });
        let ask = || {
            let mut statement = self.connection.prepare(&sql)?;
            statement.query_map(params![since, wall_us, run, part, filter.code], entry)?.collect::<Result<Vec<_>, _>>()
        };
        ask().map_err(self.failed())
    }

    /// What parts scored that left at a time or later, one after the other; in no order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn scores(
        &self,
        since: Option<WallTime>,
        bundle_sha256: &[u8; 32],
        mut each: impl FnMut(Scored),
    ) -> Result<(), StoreError> {
        let sql = "
            SELECT score, override_reason IS NOT NULL, coalesce(bundles.bundle_sha256, runs.bundle_sha256) = ?2
            FROM records JOIN runs ON runs.run = records.run
            LEFT JOIN bundles ON bundles.run = records.run AND bundles.bundle = records.bundle
            WHERE records.wall_us >= ?1";
        let mut ask = || {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query(params![since.map_or(i64::MIN, |since| since.0), hex(bundle_sha256)])?;
            while let Some(row) = rows.next()? {
                each(Scored { score: row.get(0)?, overridden: row.get(1)?, this_bundle: row.get(2)? });
            }
            Ok(())
        };
        ask().map_err(self.failed())
    }

    /// One part.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn part(&self, run: i64, part: u32) -> Result<Option<Entry>, StoreError> {
        let sql = format!("SELECT {COLUMNS} WHERE records.run = ?1 AND records.part = ?2");
        self.connection.query_row(&sql, params![run, part], entry).optional().map_err(self.failed())
    }

    /// Where the newest record stands; in a store without runs, before all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn newest(&self) -> Result<Newest, StoreError> {
        let sql = format!("{NEWEST} ORDER BY run DESC LIMIT 1");
        let newest = self.connection.query_row(&sql, [], newest).optional().map_err(self.failed())?;
        Ok(newest.unwrap_or(Newest { run: 0, started_us: 0, part: 0 }))
    }

    /// Records behind a part of a run in the order of their numbers, `limit` at most.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn page(&self, run: i64, upto: u32, limit: usize) -> Result<Page, StoreError> {
        let ask = || {
            // All of one moment: a run that is over may have had its last records a moment ago.
            let all = self.connection.unchecked_transaction()?;
            let runs = format!("{NEWEST} WHERE run >= ?1 ORDER BY run LIMIT {RUNS}");
            let runs = all.prepare(&runs)?.query_map([run], newest)?.collect::<Result<_, _>>()?;
            let ended = "SELECT ended_us IS NOT NULL FROM runs WHERE run = ?1";
            let ended = all.query_row(ended, [run], |row| row.get(0)).optional()?.unwrap_or(false);
            let parts = format!(
                "SELECT {COLUMNS} WHERE records.run = ?1 AND records.part > ?2 ORDER BY records.part LIMIT {limit}"
            );
            let parts = all.prepare(&parts)?.query_map(params![run, upto], entry)?.collect::<Result<_, _>>()?;
            Ok(Page { runs, ended, parts })
        };
        ask().map_err(self.failed())
    }

    /// A part's picture as a PNG file; `None` where none is kept, or not any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn picture(&self, run: i64, part: u32, which: Which) -> Result<Option<Vec<u8>>, StoreError> {
        let column = match which {
            Which::View => "picture",
            Which::Original => "original",
        };
        let sql = format!("SELECT {column} FROM records WHERE run = ?1 AND part = ?2");
        let name: Option<Option<String>> =
            self.connection.query_row(&sql, params![run, part], |row| row.get(0)).optional().map_err(self.failed())?;
        let Some(name) = name.flatten() else { return Ok(None) };
        let relative = Path::new(&name);
        let below =
            relative.starts_with(PICTURES) && relative.components().all(|part| matches!(part, Component::Normal(_)));
        let path = self.folder.join(relative);
        let failed = |source| StoreError::Picture { path: path.display().to_string(), source };
        let size = match std::fs::symlink_metadata(&path) {
            // Pictures make room for newer ones at any time.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
            Ok(file) if file.is_file() && below => file.len(),
            Ok(_) => return Err(StoreError::Strange { name }),
        };
        if size > MOST_PICTURE_BYTES {
            return Err(StoreError::Strange { name });
        }
        std::fs::read(&path).map(Some).map_err(failed)
    }
}

fn newest(row: &Row<'_>) -> rusqlite::Result<Newest> {
    Ok(Newest { run: row.get(0)?, started_us: row.get(1)?, part: row.get(2)? })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        key: Key { wall_us: row.get(0)?, run: row.get(1)?, part: row.get(2)? },
        code: row.get(3)?,
        passed: row.get(4)?,
        score: row.get(5)?,
        threshold: row.get(6)?,
        product: row.get(7)?,
        late: row.get(8)?,
        decided_after_us: row.get(9)?,
        inference_us: row.get(10)?,
        frame_residual_us: row.get(11)?,
        fire_error_us: row.get(12)?,
        simulation: row.get(13)?,
        pictured: row.get(14)?,
        bundle: row.get(15)?,
        bundle_sha256: row.get(16)?,
    })
}
