//! Questions to the store, asked aside: the thread that serves pages never waits for a disk.
//!
//! Two are asked at a time, each within a limit, so that a reader who wants all of five million records is told to choose a shorter time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::link::Station;
use crate::store::{Reader, StoreError};

/// Questions at a time.
const ASKED: usize = 2;

/// A question that takes longer is given up.
const LIMIT: Duration = Duration::from_secs(3);

/// From one look for a new picture to the next.
const LOOK: Duration = Duration::from_millis(500);

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum RecordsError {
    /// Nobody has said yet where the store is.
    #[error("the station has not said where its records are")]
    Unknown,
    /// It took too long.
    #[error("given up after {} s", LIMIT.as_secs())]
    TooLong,
    /// The store has none.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// The store, as the pages know it.
#[derive(Debug, Clone)]
pub struct Records {
    folder: Option<PathBuf>,
    station: Station,
    room: Arc<Semaphore>,
}

impl Records {
    /// `folder` is the configuration's, in place of what the station says.
    #[must_use]
    pub fn new(folder: Option<PathBuf>, station: Station) -> Self {
        Self { folder, station, room: Arc::new(Semaphore::new(ASKED)) }
    }

    /// Asks.
    ///
    /// # Errors
    /// [`RecordsError`].
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, RecordsError> {
        let said = self.station.line().greeting.as_ref().map(|greeting| PathBuf::from(&greeting.store));
        let folder = self.folder.clone().or(said).ok_or(RecordsError::Unknown)?;
        let Ok(Ok(room)) = timeout(LIMIT, Arc::clone(&self.room).acquire_owned()).await else {
            return Err(RecordsError::TooLong);
        };
        let (begun, interrupt) = std::sync::mpsc::sync_channel(1);
        let mut asked = tokio::task::spawn_blocking(move || {
            // Held until the question has really ended.
            let _room = room;
            let reader = Reader::open(&folder)?;
            // Whoever waits may have given up already.
            let _ = begun.send(reader.interrupt());
            question(&reader)
        });
        match timeout(LIMIT, &mut asked).await {
            // A question that panics is a fault of this program, and is told as such on standard error.
            Ok(Err(_)) => Err(RecordsError::TooLong),
            Ok(Ok(answer)) => Ok(answer?),
            Err(_) => {
                if let Ok(interrupt) = interrupt.try_recv() {
                    interrupt.interrupt();
                }
                Err(RecordsError::TooLong)
            }
        }
    }

    /// Keeps the newest picture of the run known, once for all viewers.
    pub async fn watch_pictures(self) {
        let (mut line, mut told) = (self.station.watch(), None);
        loop {
            let run = line.borrow_and_update().greeting.as_ref().map(|greeting| greeting.run);
            if let Some(run) = run {
                match self.ask(move |reader| reader.newest_picture(run)).await {
                    Ok(kept) => {
                        told = None;
                        self.station.pictured(kept);
                    }
                    // Said once: the page shows that there is no picture.
                    Err(error) => {
                        let words = error.to_string();
                        if told.as_ref() != Some(&words) {
                            tracing::warn!("{words}");
                            told = Some(words);
                        }
                    }
                }
            }
            sleep(LOOK).await;
            if line.changed().await.is_err() {
                return;
            }
        }
    }
}
