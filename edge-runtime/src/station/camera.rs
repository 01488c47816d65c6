//! The camera's thread.
//!
//! Takes a [`FrameStream`]; gives its pictures and faults to the desk, and says of each picture whether it is the same as the
//! one before: a sensor's noise makes that impossible, so that a repeated picture proves nothing. When the desk does not keep
//! up, pictures are dropped here. It matches nothing and judges nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;

use shared::limits::CAMERA_QUEUE;
use shared::units::Micros;

use super::line::Note;
use crate::hw::roles::{Clock, FrameStream, Picture};

/// The thread looks this often whether it is to end.
const TURN: Micros = Micros::from_millis(100);

/// What the thread and the rest of the station see of each other.
#[derive(Debug, Default)]
pub struct Shared {
    /// Set from outside: the thread is to end.
    pub end: AtomicBool,
    /// Pictures that wait for the desk, which takes each off as it comes.
    pub waiting: AtomicUsize,
    /// Pictures that found no place.
    pub dropped: AtomicU64,
    /// Turns that the thread has made, with pictures or without.
    pub turns: AtomicU64,
}

/// Runs until it is told to end, or the desk has gone.
pub fn run(mut stream: Box<dyn FrameStream>, shared: &Shared, desk: &SyncSender<Note>, clock: &dyn Clock) {
    let mut last: Option<Arc<Picture>> = None;
    while !shared.end.load(Ordering::Relaxed) {
        let note = match stream.next(clock.now().saturating_add(TURN)) {
            Ok(None) => None,
            Ok(Some(picture)) => {
                let picture = Arc::new(picture);
                let repeated = last.as_ref().is_some_and(|last| last.bytes == picture.bytes);
                last = Some(Arc::clone(&picture));
                let room = shared.waiting.load(Ordering::Acquire) < CAMERA_QUEUE;
                if room {
                    shared.waiting.fetch_add(1, Ordering::AcqRel);
                } else {
                    shared.dropped.fetch_add(1, Ordering::Relaxed);
                }
                room.then_some(Note::Picture { picture, repeated })
            }
            Err(fault) => Some(Note::CameraFault(fault)),
        };
        shared.turns.fetch_add(1, Ordering::Relaxed);
        if note.is_some_and(|note| desk.send(note).is_err()) {
            return;
        }
    }
}
