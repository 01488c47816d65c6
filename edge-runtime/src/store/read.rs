//! Reads a store, while a station writes it or while none does.
//!
//! Takes a folder and a [`Filter`]; gives runs and entries in the order in which they were made. Holds no lock between two pages,
//! so that a long reading never keeps the writer's log from being emptied. Changes nothing.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use shared::units::Score;
use shared::wall::WallTime;

use super::entry::{self, COLUMNS, Entry};
use super::error::StoreError;
use super::retain::Key;
use super::run::RunId;
use super::schema;

/// Entries that are read at once: some hundred kilobytes.
const PAGE: i64 = 500;

/// Which entries are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Parts that left at this time or later.
    pub since: Option<WallTime>,
    /// Parts that left before this time.
    pub until: Option<WallTime>,
    /// Parts of this verdict.
    pub verdict: Option<Kind>,
}

/// The kinds of verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Proven good, though perhaps rejected for another reason.
    Good,
    /// Judged bad.
    Bad,
    /// Not judged.
    Uninspected,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Uninspected => "uninspected",
        }
    }
}

/// One run, as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// When it started, by the clock on the wall.
    pub started_at: WallTime,
    /// The station's name.
    pub station: String,
    /// The product.
    pub product: String,
    /// The bundle's SHA-256, in hexadecimal.
    pub bundle_sha256: String,
    /// The threshold.
    pub threshold: Option<Score>,
    /// Bundles that took over in its course, in order: number 1 is the first.
    pub takeovers: Vec<TakenOver>,
    /// Whether the belt was a simulated one.
    pub simulation: bool,
    /// The program's version.
    pub software: String,
    /// When and how it ended. `None`: it was killed, or still goes on.
    pub end: Option<(WallTime, String)>,
}

/// A bundle that took over in the course of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenOver {
    /// Its number, as records name it.
    pub number: u32,
    /// When, by the clock on the wall.
    pub since: WallTime,
    /// The product.
    pub product: String,
    /// Its SHA-256, in hexadecimal.
    pub bundle_sha256: String,
    /// Its threshold.
    pub threshold: Option<Score>,
}

/// A store, open for reading.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    database: PathBuf,
    connection: Connection,
}

impl Reader {
    /// Opens the store in `folder`.
    ///
    /// # Errors
    /// [`StoreError`], also when there is none.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let database = folder.join(schema::FILE);
        std::fs::metadata(&database).map_err(StoreError::file(&database))?;
        let connection = schema::open_read_only(&database)?;
        Ok(Self { folder: folder.to_owned(), database, connection })
    }

    /// Where records and pictures are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All runs, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn runs(&self) -> Result<Vec<Run>, StoreError> {
        let sql = "SELECT run, started_us, station, product, bundle_sha256, threshold, simulation, software, ended_us, end_reason
                   FROM runs ORDER BY run";
        let read = |row: &rusqlite::Row<'_>| {
            let ended: Option<i64> = row.get(8)?;
            let reason: Option<String> = row.get(9)?;
            Ok(Run {
                id: RunId(row.get(0)?),
                started_at: WallTime(row.get(1)?),
                station: row.get(2)?,
                product: row.get(3)?,
                bundle_sha256: row.get(4)?,
                threshold: Score::new(row.get(5)?),
                takeovers: Vec::new(),
                simulation: row.get(6)?,
                software: row.get(7)?,
                end: ended.map(WallTime).zip(reason),
            })
        };
        let runs = || {
            let mut runs: Vec<Run> = self.connection.prepare(sql)?.query_map([], read)?.collect::<Result<_, _>>()?;
            for (run, taken) in self.takeovers()? {
                if let Some(run) = runs.iter_mut().find(|other| other.id == run) {
                    run.takeovers.push(taken);
                }
            }
            Ok(runs)
        };
        runs().map_err(StoreError::database(&self.database))
    }

    fn takeovers(&self) -> rusqlite::Result<Vec<(RunId, TakenOver)>> {
        let sql = "SELECT run, bundle, since_us, product, bundle_sha256, threshold FROM bundles ORDER BY run, bundle";
        let read = |row: &rusqlite::Row<'_>| {
            let taken = TakenOver {
                number: row.get(1)?,
                since: WallTime(row.get(2)?),
                product: row.get(3)?,
                bundle_sha256: row.get(4)?,
                threshold: Score::new(row.get(5)?),
            };
            Ok((RunId(row.get(0)?), taken))
        };
        self.connection.prepare(sql)?.query_map([], read)?.collect()
    }

    /// The entries that a filter wants, by run and part.
    #[must_use]
    pub fn entries(&self, filter: Filter) -> Entries<'_> {
        Entries { reader: self, filter, page: VecDeque::new(), after: Some((i64::MIN, i64::MIN)) }
    }

    /// SQLite's own check of the whole file. Takes a while on a large one.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] with the first finding.
    pub fn check(&self) -> Result<(), StoreError> {
        let check = |sql, ok: &str| {
            let finding: Option<String> = match self.connection.query_row(sql, [], |row| row.get(0)) {
                Err(rusqlite::Error::QueryReturnedNoRows) => None,
                other => Some(other.map_err(StoreError::database(&self.database))?),
            };
            match finding.filter(|finding| finding != ok) {
                Some(finding) => Err(StoreError::Integrity { path: self.database.clone(), finding }),
                None => Ok(()),
            }
        };
        check("PRAGMA integrity_check(1)", "ok")?;
        check("PRAGMA foreign_key_check", "")
    }

    fn page(&self, filter: &Filter, after: Key) -> Result<VecDeque<Entry>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM records WHERE (run, part) > (?1, ?2) AND wall_us >= ?3 AND wall_us < ?4
             AND (?5 IS NULL OR verdict = ?5) ORDER BY run, part LIMIT ?6"
        );
        let failed = || StoreError::database(&self.database);
        let mut statement = self.connection.prepare(&sql).map_err(failed())?;
        let since = filter.since.map_or(i64::MIN, |since| since.0);
        let until = filter.until.map_or(i64::MAX, |until| until.0);
        let verdict = filter.verdict.map(Kind::word);
        let mut rows = statement.query(params![after.0, after.1, since, until, verdict, PAGE]).map_err(failed())?;
        let mut page = VecDeque::new();
        while let Some(row) = rows.next().map_err(failed())? {
            page.push_back(entry::read(row, &self.database)?);
        }
        Ok(page)
    }
}

/// Entries, page by page. Ends behind the first error.
#[derive(Debug)]
pub struct Entries<'a> {
    reader: &'a Reader,
    filter: Filter,
    page: VecDeque<Entry>,
    /// The last entry read; `None` at the end.
    after: Option<Key>,
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() {
            match self.reader.page(&self.filter, self.after?) {
                Ok(page) => self.page = page,
                Err(error) => {
                    self.after = None;
                    return Some(Err(error));
                }
            }
            self.after = self.page.back().map(|last| (last.run.0, i64::from(last.record.get().part.0)));
        }
        self.page.pop_front().map(Ok)
    }
}
