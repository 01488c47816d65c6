//! A bundle, handed over from the page to the station: piece by piece, and written to the log before it can be anything there.
//!
//! Takes bytes as they come; gives what became of them. It holds one piece and some chunks, however large the bundle. When whoever sends
//! them goes away, the station is told to leave off. What is hashed is all that was sent, also of a bundle that is refused before its end, so
//! that the log says which file it was. It decides nothing about bundles.

use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::link::{Station, Unheard};
use crate::log::chain::hex;
use crate::log::journal::JournalError;
use crate::log::{Journal, Note};
use crate::wire::{MOST_PIECE, NotTaken, Offer, Step, Uploaded};

/// What an entry of an upload says.
pub const UPLOAD: &str = "upload";

/// Chunks of the sender's that wait: beyond it the sender waits.
const CHUNKS: usize = 4;

/// A piece waits for a change of products, whose bundle is tested meanwhile.
const PIECE: Duration = Duration::from_secs(180);

/// An upload is left off at once, or by itself.
const LEAVE: Duration = Duration::from_secs(5);

/// All of it is read, tested on a slow board, and brought to a slow disk.
const FINISH: Duration = Duration::from_secs(900);

/// Why a bundle was not taken.
#[derive(Debug, Error)]
pub enum UploadError {
    /// It cannot be written down.
    #[error("{0}")]
    Log(#[from] JournalError),
    /// The station does not hear it.
    #[error("{0}")]
    Unheard(#[from] Unheard),
    /// The station does not take it.
    #[error("{0}")]
    NotTaken(#[from] NotTaken),
    /// Whoever sent it left off.
    #[error("broken off")]
    BrokenOff,
}

/// What is handed over, by whom, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Who hands it over.
    pub who: String,
    /// In which role.
    pub role: String,
    /// The file's name at the sender's.
    pub file: String,
    /// Why.
    pub reason: String,
    /// What it is for.
    pub offer: Offer,
}

#[derive(Debug)]
enum Said {
    Chunk(Bytes),
    Whole,
}

/// The sender's end. Dropped before [`Handing::whole`], the bundle is abandoned.
#[derive(Debug)]
pub struct Handing {
    chunks: mpsc::Sender<Said>,
    done: JoinHandle<Result<Uploaded, UploadError>>,
}

impl Handing {
    /// Begins, within a runtime.
    #[must_use]
    pub fn begin(station: Station, journal: Journal, wanted: Wanted) -> Self {
        let (chunks, said) = mpsc::channel(CHUNKS);
        // On its own, so that a sender whose connection ends is one whose chunks end.
        let done = tokio::spawn(async move { Relay::new(station, journal, wanted).work(said).await });
        Self { chunks, done }
    }

    /// The next bytes. Waits for those before to be taken.
    pub async fn chunk(&self, chunk: Bytes) {
        // A relay that has gone says so at the end.
        let _ = self.chunks.send(Said::Chunk(chunk)).await;
    }

    /// All of it was sent: what becomes of it.
    ///
    /// # Errors
    /// [`UploadError`]; the station has what it had before, or, of one that does not answer any more, either of the two.
    pub async fn whole(self) -> Result<Uploaded, UploadError> {
        let _ = self.chunks.send(Said::Whole).await;
        drop(self.chunks);
        // A fault of this program, told on standard error as such.
        self.done.await.unwrap_or(Err(UploadError::BrokenOff))
    }
}

struct Relay {
    station: Station,
    journal: Journal,
    wanted: Wanted,
    hash: Sha256,
    bytes: u64,
    piece: Vec<u8>,
    /// Why nothing more is handed on.
    refused: Option<UploadError>,
}

impl Relay {
    fn new(station: Station, journal: Journal, wanted: Wanted) -> Self {
        Self { station, journal, wanted, hash: Sha256::new(), bytes: 0, piece: Vec::new(), refused: None }
    }

    async fn work(mut self, mut said: mpsc::Receiver<Said>) -> Result<Uploaded, UploadError> {
        self.step(Step::Begin(self.wanted.offer.clone()), PIECE).await;
        loop {
            match said.recv().await {
                Some(Said::Chunk(chunk)) => self.take(&chunk).await,
                Some(Said::Whole) => return self.whole().await,
                None => {
                    self.leave_off().await;
                    let why = self.refused.take().unwrap_or(UploadError::BrokenOff);
                    return Err(self.not_taken(why).await);
                }
            }
        }
    }

    async fn take(&mut self, chunk: &[u8]) {
        self.hash.update(chunk);
        self.bytes += chunk.len() as u64;
        let mut left = chunk;
        while self.refused.is_none() && !left.is_empty() {
            let fits = left.len().min(MOST_PIECE - self.piece.len());
            self.piece.extend_from_slice(&left[..fits]);
            left = &left[fits..];
            if self.piece.len() == MOST_PIECE {
                self.hand_on().await;
            }
        }
    }

    async fn hand_on(&mut self) {
        let piece = std::mem::take(&mut self.piece);
        if !piece.is_empty() && self.refused.is_none() {
            self.step(Step::Piece(piece), PIECE).await;
        }
    }

    /// A step that is not the last one: if the upload ends by it, it is refused.
    async fn step(&mut self, step: Step, patience: Duration) {
        self.refused = match self.station.step(step, patience).await {
            Ok(None) => return,
            Ok(Some(Err(why))) => Some(why.into()),
            // No station says so before it has all of it.
            Ok(Some(Ok(_))) => Some(NotTaken::OutOfTurn.into()),
            Err(unheard) => Some(unheard.into()),
        };
        if matches!(self.refused, Some(UploadError::Unheard(Unheard::NoAnswer))) {
            self.leave_off().await;
        }
    }

    async fn leave_off(&self) {
        // One that does not hear it gives the upload up by itself.
        let _ = self.station.step(Step::Abandon, LEAVE).await;
    }

    async fn whole(&mut self) -> Result<Uploaded, UploadError> {
        self.hand_on().await;
        if let Some(why) = self.refused.take() {
            return Err(self.not_taken(why).await);
        }
        let note = self.note(self.before(), self.said());
        if let Err(error) = self.journal.write(note).await {
            self.leave_off().await;
            return Err(error.into());
        }
        let sha256 = self.hash.clone().finalize().into();
        match self.station.step(Step::Finish { sha256 }, FINISH).await {
            Ok(Some(Ok(taken))) => Ok(taken),
            Ok(Some(Err(why))) => Err(self.not_taken(why.into()).await),
            Ok(None) => Err(self.not_taken(NotTaken::OutOfTurn.into()).await),
            Err(unheard) => Err(self.not_taken(unheard.into()).await),
        }
    }

    /// Writes down that nothing came of it. Nothing was changed, so that an entry that cannot be written holds nothing up; of one that was not
    /// answered it is not known.
    async fn not_taken(&self, why: UploadError) -> UploadError {
        let note = self.note(self.said(), format!("not taken: {why}"));
        if let Err(error) = self.journal.write(note).await {
            tracing::error!(%error, "a refused bundle cannot be written to the log");
        }
        why
    }

    fn note(&self, before: String, after: String) -> Note {
        let Wanted { who, role, .. } = self.wanted.clone();
        Note { who, role, what: UPLOAD.to_owned(), before, after }
    }

    /// What the recipe has now.
    fn before(&self) -> String {
        let line = self.station.line();
        let recipe = &self.wanted.offer.recipe;
        let there = line.products.as_ref().and_then(|all| all.list.iter().find(|product| product.name == *recipe));
        match there.map(|product| &product.bundle) {
            None => format!("{recipe}: no such recipe"),
            Some(Err(_)) => format!("{recipe}: no bundle that can be used"),
            Some(Ok(bundle)) => format!("{recipe}: {}, sha256 {}", bundle.product, hex(&bundle.sha256)),
        }
    }

    /// What was sent, for what, and why.
    fn said(&self) -> String {
        let Wanted { file, reason, offer, .. } = &self.wanted;
        let older = if offer.allow_older { ", even if older" } else { "" };
        let sha256 = hex(&self.hash.clone().finalize());
        format!("{}: {file}, {} bytes, sha256 {sha256}{older}: {reason}", offer.recipe, self.bytes)
    }
}
