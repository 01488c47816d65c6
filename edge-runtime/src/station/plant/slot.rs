//! What waits between the line's loop and the plant's thread.
//!
//! Each side holds the lock for as long as it takes to move some values. Whatever finds no place is counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use edge_plant::wire::{Basis, Part, Standing};
use shared::limits::PLANT_QUEUE;
use shared::units::Score;

use crate::station::recipes::Exchange;

/// What the thread takes away at once.
#[derive(Debug, Default)]
pub struct News {
    /// What a threshold is chosen from, if it is another now.
    pub basis: Option<Arc<Basis>>,
    /// The newest standing, if there is one.
    pub standing: Option<Box<Standing>>,
    /// Parts, the oldest first.
    pub parts: VecDeque<Part>,
    /// Parts that found no place.
    pub lost: u64,
}

/// A threshold that is to hold for a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// SHA-256 of the bundle.
    pub sha256: [u8; 32],
    /// The threshold.
    pub threshold: Score,
}

#[derive(Debug, Default)]
struct Slot {
    news: News,
    basis: Arc<Basis>,
    wanted: Option<Wanted>,
    closing: bool,
    ended: bool,
}

/// Both sides' end.
#[derive(Debug, Default)]
pub struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
    reset: AtomicBool,
    /// Where changes of products are asked for, and what is known of them.
    pub exchange: Arc<Exchange>,
}

impl Shared {
    /// Nothing waits. A threshold is chosen from `basis`; changes of products go through `exchange`.
    pub fn new(basis: Basis, exchange: Arc<Exchange>) -> Self {
        Self { slot: Mutex::new(Slot { basis: Arc::new(basis), ..Slot::default() }), exchange, ..Self::default() }
    }

    /// Nothing panics while it holds the slot, so that its content is whole even if somebody panicked elsewhere.
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves parts behind those that wait, and a standing in place of the one that waits. Never waits.
    pub fn give(&self, parts: impl Iterator<Item = Part>, lost: u64, standing: Option<Box<Standing>>) {
        let mut slot = self.slot();
        let news = &mut slot.news;
        news.lost = news.lost.saturating_add(lost);
        for part in parts {
            if news.parts.len() < PLANT_QUEUE {
                news.parts.push_back(part);
            } else {
                news.lost = news.lost.saturating_add(1);
            }
        }
        if standing.is_some() {
            news.standing = standing;
        }
        drop(slot);
        self.changed.notify_all();
    }

    /// What a threshold is chosen from is another now. Never waits.
    pub fn give_basis(&self, basis: Arc<Basis>) {
        let mut slot = self.slot();
        slot.basis = Arc::clone(&basis);
        slot.news.basis = Some(basis);
    }

    /// What a threshold is chosen from.
    pub fn basis(&self) -> Arc<Basis> {
        Arc::clone(&self.slot().basis)
    }

    /// Somebody wants another threshold, in place of one that the line has not heard of yet.
    pub fn ask_for_threshold(&self, wanted: Wanted) {
        self.slot().wanted = Some(wanted);
    }

    /// The threshold that is wanted, once.
    pub fn threshold_wanted(&self) -> Option<Wanted> {
        self.slot().wanted.take()
    }

    /// Waits for news for a time at most. `None`: the thread is to end.
    pub fn take(&self, limit: Duration) -> Option<News> {
        let slot = self.slot();
        let nothing = |slot: &mut Slot| !slot.closing && slot.news.parts.is_empty() && slot.news.standing.is_none();
        let waited = self.changed.wait_timeout_while(slot, limit, nothing);
        let mut slot = waited.unwrap_or_else(PoisonError::into_inner).0;
        (!slot.closing).then(|| std::mem::take(&mut slot.news))
    }

    /// Somebody wants a reset. Gives whether the line will hear of it: not while it has not heard of the one before.
    pub fn ask_for_reset(&self) -> bool {
        !self.reset.swap(true, Ordering::Relaxed)
    }

    /// Whether a reset is wanted, once.
    pub fn reset_wanted(&self) -> bool {
        self.reset.swap(false, Ordering::Relaxed)
    }

    /// The thread is to end. Waits for that, but not longer than `patience`; gives whether it has.
    pub fn close(&self, patience: Duration) -> bool {
        let mut slot = self.slot();
        slot.closing = true;
        self.changed.notify_all();
        let ended = self.changed.wait_timeout_while(slot, patience, |slot| !slot.ended);
        ended.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    /// The thread has ended.
    pub fn ended(&self) {
        self.slot().ended = true;
        self.changed.notify_all();
    }
}
