//! What the line, the writer and the pictures' thread know of each other.
//!
//! Takes each one's news; gives answers at once, or waits where somebody chose to wait. The lock is held for a few assignments
//! and never while the disk works, so that the line can ask.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::wall::WallTime;

use super::error::StoreError;
use super::run::EndReason;

/// # Invariants
/// `acknowledged` never falls, and counts records in the order in which they were taken in.
#[derive(Debug, Default)]
struct State {
    acknowledged: u64,
    failure: Option<StoreError>,
    refused: bool,
    pictures_open: usize,
    pictures_kept: u64,
    pictures_lost: u64,
    end: Option<(WallTime, EndReason)>,
    closing: bool,
    ended: bool,
}

/// Shared by the three.
#[derive(Debug, Default)]
pub struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is a single assignment, so that a panic elsewhere leaves a sound state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Records are on the disk. A failure that was of the disk is over.
    pub fn written(&self, records: u64) {
        self.change(|state| {
            state.acknowledged += records;
            if !state.refused {
                state.failure = None;
            }
        });
    }

    /// The disk cannot be written; what was to be written waits.
    pub fn failed(&self, error: StoreError) {
        self.change(|state| {
            state.failure.get_or_insert(error);
        });
    }

    /// A record was refused: an error that stays.
    pub fn refused(&self, error: StoreError) {
        self.change(|state| {
            state.refused = true;
            state.failure = Some(error);
        });
    }

    /// A picture is to be made.
    pub fn picture_opened(&self) {
        self.change(|state| state.pictures_open += 1);
    }

    /// A picture that was to be made is named by its row, or will never be.
    pub fn picture_closed(&self, kept: bool) {
        self.change(|state| {
            state.pictures_open = state.pictures_open.saturating_sub(1);
            *if kept { &mut state.pictures_kept } else { &mut state.pictures_lost } += 1;
        });
    }

    /// No more will come: whoever waits for a better disk waits no longer.
    pub fn close(&self, end: Option<(WallTime, EndReason)>) {
        self.change(|state| {
            state.closing = true;
            state.end = end;
        });
    }

    /// Whether [`close`](Self::close) was called.
    pub fn closing(&self) -> bool {
        self.lock().closing
    }

    /// The writer is gone.
    pub fn ended(&self) {
        self.change(|state| state.ended = true);
    }

    /// How the run ended, once it was closed.
    pub fn end(&self) -> Option<(WallTime, EndReason)> {
        self.lock().end
    }

    /// Records that survive a power cut.
    pub fn acknowledged(&self) -> u64 {
        self.lock().acknowledged
    }

    /// Pictures kept, and pictures that should have been.
    pub fn pictures(&self) -> (u64, u64) {
        let state = self.lock();
        (state.pictures_kept, state.pictures_lost)
    }

    /// Pictures that are being made or wait for it.
    pub fn pictures_open(&self) -> usize {
        self.lock().pictures_open
    }

    /// What is wrong now.
    pub fn failure(&self) -> Option<StoreError> {
        let state = self.lock();
        state.failure.clone().or(state.ended.then_some(StoreError::Ended))
    }

    /// Waits until so many records are on the disk and no picture is being made.
    pub fn wait_for(&self, records: u64) -> Result<(), StoreError> {
        let waits = |state: &mut State| {
            let done = state.acknowledged >= records && state.pictures_open == 0;
            !(done || state.failure.is_some() || state.ended)
        };
        let state = self.changed.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        let done = state.acknowledged >= records;
        drop(state);
        self.failure().filter(|error| !done || !matches!(error, StoreError::Ended)).map_or(Ok(()), Err)
    }

    /// Waits before another try; `false` when there shall be none, since the run is closing.
    pub fn wait_to_retry(&self, pause: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), pause, |state| !state.closing);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.closing
    }
}
