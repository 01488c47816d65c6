//! The store as the line sees it: takes a record at once, or says at once why it cannot.
//!
//! Takes records with their measurements and evidence; hands them to the threads that write. [`Store::take`] never waits for
//! the disk. Whoever can wait, as a simulated line can, puts a [`Paced`] in front.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, params};
use shared::limits::{PICTURE_QUEUE, RECORD_QUEUE};
use shared::record::Record;
use shared::wall::WallTime;

use super::durable;
use super::error::StoreError;
use super::keep::{Chooser, Keep};
use super::pictures::{self, Job, Maker};
use super::progress::Progress;
use super::retain::Limits;
use super::run::{EndReason, RunId, RunStart, Takeover, hex};
use super::schema;
use super::sweep::{self, Sweeper};
use super::writer::{Message, Writer};
use crate::stage::audit::{AuditError, RecordSink};
use crate::stage::details::Details;
use crate::stage::workers::Evidence;

/// File whose lock says that somebody writes. The system releases it when the process ends, however it does.
const LOCK: &str = "records.lock";

/// One run's place in a store.
///
/// # Invariants
/// `appended` records were handed over; of these the first `acknowledged` survive a power cut.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    run: RunId,
    chooser: Chooser,
    records: Option<SyncSender<Message>>,
    jobs: Option<SyncSender<Job>>,
    appended: u64,
    progress: Arc<Progress>,
    threads: Vec<JoinHandle<()>>,
    _lock: File,
}

/// What a run left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Records, all of them on the disk.
    pub records: u64,
    /// Parts whose pictures were kept, even if they had to make room since.
    pub pictures: u64,
    /// Parts whose pictures should have been kept and were not.
    pub pictures_lost: u64,
}

impl Store {
    /// Opens the store in `folder` for a new run, making it if it is not there, and removes what a kill left behind.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was begun then.
    pub fn open(folder: &Path, limits: Limits, keep: Keep, start: RunStart) -> Result<Self, StoreError> {
        durable::folder(folder).map_err(StoreError::file(folder))?;
        let lock = locked(folder)?;
        let database = folder.join(schema::FILE);
        let connection = schema::open(&database)?;
        let all = folder.join(sweep::PICTURES);
        pictures::prepare(folder).map_err(StoreError::file(&all))?;
        let removed = sweep::orphans(&connection, &database, folder)?;
        if removed > 0 {
            tracing::info!(removed, "removed pictures of a run that was killed");
        }
        Self::begin(folder, lock, connection, limits, keep, start)
    }

    /// [`Store::open`] behind the opening of the database.
    pub(super) fn begin(
        folder: &Path,
        lock: File,
        connection: Connection,
        limits: Limits,
        keep: Keep,
        start: RunStart,
    ) -> Result<Self, StoreError> {
        let database = folder.join(schema::FILE);
        let sweeper = Sweeper::new(&connection, folder, limits, &start).map_err(StoreError::database(&database))?;
        let run = enter(&connection, &start).map_err(StoreError::database(&database))?;
        let progress = Arc::new(Progress::default());
        let (records, inbox) = sync_channel(RECORD_QUEUE);
        let (jobs, waiting) = sync_channel(PICTURE_QUEUE);
        let chooser = Chooser::new(keep, start.threshold);
        let (of_writer, held) = (Arc::clone(&progress), Vec::new());
        let writer = Writer { connection, database, run, start, inbox, progress: of_writer, sweeper, held };
        let maker = Maker {
            folder: folder.to_owned(),
            run,
            min_free_bytes: limits.min_free_bytes,
            jobs: waiting,
            writer: records.clone(),
            progress: Arc::clone(&progress),
        };
        // In the order in which they end: the maker's last words are the writer's.
        let threads =
            vec![spawn("pictures", folder, move || maker.work())?, spawn("records", folder, move || writer.work())?];
        Ok(Self {
            folder: folder.to_owned(),
            run,
            chooser,
            records: Some(records),
            jobs: Some(jobs),
            appended: 0,
            progress,
            threads,
            _lock: lock,
        })
    }

    /// Where records and pictures are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// This run's number.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run
    }

    /// How many of the records, in the order in which they were appended, survive a power cut.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.progress.acknowledged()
    }

    /// Records that wait for the disk. At `RECORD_QUEUE` and what is being written, no more are taken.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.appended.saturating_sub(self.acknowledged())
    }

    /// Parts whose pictures wait for the disk.
    #[must_use]
    pub fn pictures_waiting(&self) -> usize {
        self.progress.pictures_open()
    }

    /// Parts whose pictures were to be kept and are not: too many at once, no room, or a fault of the disk.
    #[must_use]
    pub fn pictures_lost(&self) -> u64 {
        self.progress.pictures().1
    }

    /// What is wrong now, if anything is. What may heal (a full disk, a lock that somebody holds) costs no record as long as there is
    /// room for them to wait: the line has to stop meanwhile, and the parts that are still on the belt are written when it has healed.
    #[must_use]
    pub fn failure(&self) -> Option<StoreError> {
        self.progress.failure()
    }

    /// Waits until everything appended is on the disk, pictures too.
    ///
    /// # Errors
    /// [`StoreError`] when something is wrong; what was not written yet is still held.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.progress.wait_for(self.appended)
    }

    /// Writes everything, notes when and how the run ended, and ends the threads.
    ///
    /// # Errors
    /// [`StoreError`] when records could not be written; each of them is in the log.
    pub fn finish(mut self, at: WallTime, reason: EndReason) -> Result<Summary, StoreError> {
        self.close(Some((at, reason)));
        let (pictures, pictures_lost) = self.progress.pictures();
        match self.progress.failure() {
            Some(error) if !matches!(error, StoreError::Ended) || self.waiting() > 0 => Err(error),
            _ => Ok(Summary { records: self.acknowledged(), pictures, pictures_lost }),
        }
    }

    fn close(&mut self, end: Option<(WallTime, EndReason)>) {
        if self.threads.is_empty() {
            return;
        }
        self.progress.close(end);
        self.jobs = None;
        self.records = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked shows as one that ended early, in `failure`.
            drop(thread.join());
        }
    }

    /// Takes one record at once, without waiting for the disk.
    ///
    /// # Errors
    /// [`StoreError`]: the record is not taken.
    pub fn take(&mut self, record: &Record, details: &Details, evidence: Option<&Evidence>) -> Result<(), StoreError> {
        if let Some(error) = self.progress.failure().filter(|error| !error.may_heal()) {
            return Err(error);
        }
        let message = Message::Record { record: *record, details: *details };
        let Some(records) = &self.records else { return Err(StoreError::Ended) };
        match records.try_send(message) {
            Ok(()) => self.appended += 1,
            Err(TrySendError::Full(_)) => return Err(StoreError::QueueFull { capacity: RECORD_QUEUE }),
            Err(TrySendError::Disconnected(_)) => return Err(StoreError::Ended),
        }
        if let (Some(class), Some(evidence)) = (self.chooser.choose(record), evidence) {
            self.progress.picture_opened();
            let job = Job { record: *record, class, evidence: evidence.clone() };
            if self.jobs.as_ref().is_none_or(|jobs| jobs.try_send(job).is_err()) {
                let part = record.get().part.0;
                tracing::warn!(part, "pictures wait already, one part's more are not kept");
                self.progress.picture_closed(false);
            }
        }
        Ok(())
    }

    /// Another bundle judges from now on; records that name its number come later. Without waiting for the disk.
    ///
    /// # Errors
    /// [`StoreError`]: it is not taken.
    pub fn takeover(&mut self, takeover: &Takeover) -> Result<(), StoreError> {
        if let Some(error) = self.progress.failure() {
            return Err(error);
        }
        let Some(records) = &self.records else { return Err(StoreError::Ended) };
        records.try_send(Message::Takeover(takeover.clone())).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::QueueFull { capacity: RECORD_QUEUE },
            TrySendError::Disconnected(_) => StoreError::Ended,
        })?;
        self.chooser.threshold(takeover.threshold);
        Ok(())
    }

    /// A sink that waits for the disk instead of refusing, for a line whose time stands still meanwhile.
    pub fn paced(&mut self) -> Paced<'_> {
        Paced(self)
    }
}

impl Drop for Store {
    /// What was taken is still written; how the run ended is not noted.
    fn drop(&mut self) {
        self.close(None);
    }
}

impl RecordSink for Store {
    fn append(&mut self, record: &Record, evidence: Option<&Evidence>) -> Result<(), AuditError> {
        self.append_measured(record, &Details::default(), evidence)
    }

    fn append_measured(
        &mut self,
        record: &Record,
        details: &Details,
        evidence: Option<&Evidence>,
    ) -> Result<(), AuditError> {
        Ok(self.take(record, details, evidence)?)
    }

    fn takeover(&mut self, takeover: &Takeover) -> Result<(), AuditError> {
        Ok(Self::takeover(self, takeover)?)
    }
}

/// A [`Store`] that waits before its queues are full, so that a simulated shift, which computes faster than a disk writes, loses
/// neither record nor picture.
#[derive(Debug)]
pub struct Paced<'a>(&'a mut Store);

impl RecordSink for Paced<'_> {
    fn append(&mut self, record: &Record, evidence: Option<&Evidence>) -> Result<(), AuditError> {
        self.append_measured(record, &Details::default(), evidence)
    }

    fn append_measured(
        &mut self,
        record: &Record,
        details: &Details,
        evidence: Option<&Evidence>,
    ) -> Result<(), AuditError> {
        let Self(store) = self;
        if store.waiting() >= RECORD_QUEUE as u64 / 2 || store.progress.pictures_open() >= PICTURE_QUEUE / 2 {
            store.flush()?;
        }
        Ok(store.take(record, details, evidence)?)
    }

    fn takeover(&mut self, takeover: &Takeover) -> Result<(), AuditError> {
        let Self(store) = self;
        store.flush()?;
        Ok(store.takeover(takeover)?)
    }
}

/// Holds the folder against other writers.
pub(super) fn locked(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let file = File::options().create(true).append(true).open(&path).map_err(StoreError::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path: folder.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => Err(StoreError::file(&path)(source)),
    }
}

fn enter(connection: &Connection, start: &RunStart) -> rusqlite::Result<RunId> {
    connection.execute(
        "INSERT INTO runs (started_us, station, product, bundle_sha256, threshold, config_sha256, simulation, software)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            start.started_at.0,
            start.station,
            start.product,
            hex(&start.bundle_sha256),
            start.threshold.get(),
            hex(&start.config_sha256),
            start.simulation,
            start.software,
        ],
    )?;
    Ok(RunId(connection.last_insert_rowid()))
}

fn spawn(name: &str, folder: &Path, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(StoreError::file(folder))
}
