//! What the line's threads write into.
//!
//! Takes entries; hands them to the recorder by a bounded queue. It never waits: with the queue full an entry is lost, and the next one
//! that finds room comes behind an [`Entry::Gap`]. Without a recorder it does nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::entry::Entry;
use super::file::Judge;

/// Entries that may wait: more than a second of a fast encoder, in which the recorder has only to encode them.
const QUEUE: usize = 16_384;

/// What the recorder hears.
#[derive(Debug)]
pub enum Note {
    /// Something happened.
    Entry(Entry),
    /// Another bundle judges from now on.
    Judge(Judge),
    /// What there is, is to be kept; the reason is part of the file's name.
    Keep(&'static str),
    /// Nothing more will come.
    End,
}

/// The recorder's end.
pub(super) type Notes = Receiver<Note>;

/// Where entries go. Clones write to the same recording.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    post: Option<SyncSender<Note>>,
    lost: Arc<AtomicBool>,
}

impl Tape {
    /// A tape with its recorder's end.
    pub(super) fn with_notes() -> (Self, Notes) {
        let (post, notes) = sync_channel(QUEUE);
        (Self { post: Some(post), lost: Arc::default() }, notes)
    }

    /// A tape that nobody records.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether anybody records.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        self.post.is_some()
    }

    /// Records an entry, or that one was lost.
    pub fn note(&self, entry: Entry) {
        let Some(post) = &self.post else { return };
        // Two threads may both tell of the same gap; a second one says nothing new.
        if self.lost.load(Ordering::Relaxed) && post.try_send(Note::Entry(Entry::Gap)).is_ok() {
            self.lost.store(false, Ordering::Relaxed);
        }
        if self.lost.load(Ordering::Relaxed) || post.try_send(Note::Entry(entry)).is_err() {
            self.lost.store(true, Ordering::Relaxed);
        }
    }

    /// Says that another bundle judges from now on.
    pub fn judge(&self, judge: Judge) {
        if self.post.as_ref().is_some_and(|post| post.try_send(Note::Judge(judge)).is_err()) {
            tracing::warn!("the black box does not keep up: it does not know the bundle that judges");
        }
    }

    /// Asks for what there is to be kept. It is not, where the recorder does not keep up.
    pub fn keep(&self, why: &'static str) {
        if self.post.as_ref().is_some_and(|post| post.try_send(Note::Keep(why)).is_err()) {
            tracing::warn!(why, "the black box does not keep up: no recording is kept");
        }
    }

    /// The last entry has been noted. Waits until the recorder has room to hear it.
    pub(super) fn end(&self) {
        if let Some(post) = &self.post {
            // A recorder that has gone has ended already.
            drop(post.send(Note::End));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(notes: &Notes) -> Vec<Entry> {
        let entries = notes.try_iter().map(|note| match note {
            Note::Entry(entry) => entry,
            other => panic!("{other:?}"),
        });
        entries.collect()
    }

    #[test]
    fn what_finds_no_room_leaves_a_gap_before_what_does() {
        let (tape, notes) = Tape::with_notes();
        for _ in 0..QUEUE + 3 {
            tape.note(Entry::Due);
        }
        assert_eq!(heard(&notes), vec![Entry::Due; QUEUE]);
        tape.note(Entry::Due);
        tape.note(Entry::Due);
        assert_eq!(heard(&notes), [Entry::Gap, Entry::Due, Entry::Due]);
    }

    #[test]
    fn without_a_recorder_nothing_happens() {
        Tape::none().note(Entry::Due);
        Tape::none().keep("ASKED");
        Tape::none().end();
        assert!(!Tape::none().is_recorded());
    }
}
