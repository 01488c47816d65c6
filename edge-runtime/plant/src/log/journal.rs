//! The log as the server writes it: aside, one entry after the other, and within a time.
//!
//! Whoever changes something writes first and goes on only when that is done. Without a folder nothing is written, as the configuration says.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::units::Micros;
use thiserror::Error;
use tokio::time::timeout;

use super::chain::{Chain, Entry, Note};
use super::check::Found;
use super::files::{LIMITS, Log, LogError};
use super::read;
use crate::clock::{self, Moment};
use crate::roles::limit::{Limit, Pace};

/// An entry that is not on the disk after this is not waited for, and what it speaks of is not done.
const LIMIT: Duration = Duration::from_secs(5);

/// A check of the whole log is as good as a new one for this long.
const FRESH: Duration = Duration::from_secs(60);

/// Entries at once, and then one each time that so much has passed: whoever changes things again and again must not push older entries out of
/// the log before somebody reads them.
const CHANGES: Limit = Limit { burst: 60, every: Micros(5_000_000) };

/// Why an entry is not written, or none is read.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The disk takes too long, or another program holds the log.
    #[error("the log cannot be used within {} s", LIMIT.as_secs())]
    TooLong,
    /// Too many changes.
    #[error("too many changes in a short time: again in {} s", wait.0.div_ceil(1_000_000))]
    TooMany {
        /// How long to wait.
        wait: Micros,
    },
    /// The log itself.
    #[error("{0}")]
    Log(#[from] LogError),
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    log: Mutex<Log>,
    /// The end of the chain, for those who must not wait for the disk.
    chain: Mutex<Chain>,
    /// One at a time, so that a disk that hangs holds one thread.
    turn: Arc<tokio::sync::Mutex<()>>,
    checked: Mutex<Option<(Found, Moment)>>,
    begun: Moment,
    pace: Mutex<Pace>,
}

/// The log of a server, or none.
#[derive(Debug, Clone, Default)]
pub struct Journal(Option<Arc<Inner>>);

impl Journal {
    /// Opens the log in a folder.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(folder: &Path) -> Result<Self, LogError> {
        let log = Log::open(folder, LIMITS, clock::wall())?;
        let (folder, chain) = (folder.to_owned(), Mutex::new(log.chain().clone()));
        let (log, turn, checked, pace) = (Mutex::new(log), Arc::default(), Mutex::default(), Mutex::default());
        let begun = Moment::now();
        Ok(Self(Some(Arc::new(Inner { folder, log, chain, turn, checked, begun, pace }))))
    }

    /// The end of the chain as this process wrote it; nothing where there is no log.
    #[must_use]
    pub fn chain(&self) -> Option<Chain> {
        let chain = self.0.as_ref()?.chain.lock().unwrap_or_else(PoisonError::into_inner);
        Some(chain.clone())
    }

    /// Does something with the log on a thread that may wait for the disk.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, LogError> + Send + 'static,
    ) -> Result<Option<T>, JournalError> {
        let Some(inner) = self.0.clone() else { return Ok(None) };
        let begun = timeout(LIMIT, Arc::clone(&inner.turn).lock_owned()).await;
        let turn = begun.map_err(|_| JournalError::TooLong)?;
        let working = tokio::task::spawn_blocking(move || {
            // Held until it has really ended.
            let _turn = turn;
            work(&inner)
        });
        match timeout(LIMIT, working).await {
            Ok(Ok(done)) => Ok(Some(done?)),
            // A fault of this program, told on standard error as such, or a disk that does not answer.
            Ok(Err(_)) | Err(_) => Err(JournalError::TooLong),
        }
    }

    /// Writes an entry; when this is done, it is on the disk.
    ///
    /// # Errors
    /// [`JournalError`]: what the entry speaks of must not be done.
    pub async fn write(&self, note: Note) -> Result<(), JournalError> {
        if let Some(inner) = &self.0 {
            let now = Micros(u64::try_from(inner.begun.age().as_micros()).unwrap_or(u64::MAX));
            let taken = inner.pace.lock().unwrap_or_else(PoisonError::into_inner).take(now, CHANGES);
            taken.map_err(|wait| JournalError::TooMany { wait })?;
        }
        let write = move |inner: &Inner| {
            let mut log = inner.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.append(clock::wall(), &note)?;
            *inner.chain.lock().unwrap_or_else(PoisonError::into_inner) = log.chain().clone();
            Ok(())
        };
        self.aside(write).await.map(drop)
    }

    /// At most `count` entries before one, or of all, the newest first; nothing where there is no log.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn newest(
        &self,
        before: Option<u64>,
        count: usize,
    ) -> Result<Option<Vec<Result<Entry, String>>>, JournalError> {
        self.aside(move |inner| read::newest(&inner.folder, before, count)).await
    }

    /// What a check of the whole log found, within the last minute; nothing where there is no log.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn verify(&self) -> Result<Option<Found>, JournalError> {
        self.aside(|inner| {
            let mut checked = inner.checked.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((found, _)) = checked.as_ref().filter(|(_, at)| at.age() < FRESH) {
                return Ok(found.clone());
            }
            let found = read::verify(&inner.folder, None)?;
            *checked = Some((found.clone(), Moment::now()));
            Ok(found)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_not_filled_in_a_moment() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let journal = Journal::open(folder.path()).unwrap();
            let mut written = 0;
            while journal.write(Note::default()).await.is_ok() {
                written += 1;
            }
            assert!((60..80).contains(&written), "{written}");
            assert_eq!(journal.chain().unwrap().entries, written);
            assert!(matches!(journal.write(Note::default()).await, Err(JournalError::TooMany { .. })));
            assert!(journal.verify().await.unwrap().unwrap().whole());
            assert!(Journal::default().write(Note::default()).await.is_ok(), "no log is kept");
        });
    }
}
