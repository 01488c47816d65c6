//! When a recording is kept: an alarm stops the line, somebody asks, the line ends by a fault.
//!
//! Takes what displays show; asks the recorder. A line that stands already is not kept again until it has run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::tape::Tape;
use crate::hmi::screen::{State, Status};

/// Watches for what makes a recording worth keeping.
#[derive(Debug)]
pub struct Trigger {
    tape: Tape,
    asked: Arc<AtomicBool>,
    stopped: bool,
}

impl Trigger {
    /// `asked` is set by whoever wants the last minutes kept.
    #[must_use]
    pub fn new(tape: Tape, asked: Arc<AtomicBool>) -> Self {
        Self { tape, asked, stopped: false }
    }

    /// Looks at what displays show, if it has changed.
    pub fn look(&mut self, news: Option<&Status>) {
        if self.asked.swap(false, Ordering::Relaxed) {
            self.tape.keep("ASKED");
        }
        let Some(status) = news else { return };
        let code = status.fault.filter(|_| status.state == State::Fault);
        if let Some(code) = code.filter(|_| !self.stopped) {
            self.tape.keep(code);
        }
        self.stopped = code.is_some();
    }
}
