//! A clock, a gate and outputs whose every reading and movement is noted on a [`Tape`].
//!
//! Takes a device and a tape; gives a device of the same role that does the same. What fails is not noted. The heartbeat is left out:
//! nothing is decided by it.

use shared::line::Cause;
use shared::units::{Micros, PartId};

use crate::blackbox::{Entry, Movement, Tape};
use crate::hw::roles::{Clock, HwFault, LineSignals, RejectOutput};

/// A device with a tape.
#[derive(Debug)]
pub struct Taped<T> {
    inner: T,
    tape: Tape,
}

impl<T> Taped<T> {
    /// Wraps a device.
    pub const fn new(inner: T, tape: Tape) -> Self {
        Self { inner, tape }
    }

    fn moved(&self, done: Result<(), HwFault>, movement: Movement) -> Result<(), HwFault> {
        done.inspect(|()| self.tape.note(Entry::Moved(movement)))
    }
}

impl Clock for Taped<&dyn Clock> {
    fn now(&self) -> Micros {
        let now = self.inner.now();
        self.tape.note(Entry::Read(now));
        now
    }
}

impl RejectOutput for Taped<Box<dyn RejectOutput>> {
    fn take_control(&mut self) -> Result<(), HwFault> {
        let done = self.inner.take_control();
        self.moved(done, Movement::Control)
    }

    fn open(&mut self, part: PartId, cause: Cause) -> Result<(), HwFault> {
        let done = self.inner.open(part, cause);
        self.moved(done, Movement::Open(part))
    }

    fn extend(&mut self, part: PartId, cause: Cause) -> Result<(), HwFault> {
        let done = self.inner.extend(part, cause);
        self.moved(done, Movement::Extend(part))
    }

    fn close(&mut self) -> Result<(), HwFault> {
        let done = self.inner.close();
        self.moved(done, Movement::Close)
    }

    fn make_safe(&mut self) -> Result<(), HwFault> {
        let done = self.inner.make_safe();
        self.moved(done, Movement::Safe)
    }
}

impl LineSignals for Taped<Box<dyn LineSignals>> {
    fn permit(&mut self, run: bool) -> Result<(), HwFault> {
        let done = self.inner.permit(run);
        self.moved(done, Movement::Permit(run))
    }

    fn beat(&mut self) -> Result<(), HwFault> {
        self.inner.beat()
    }

    fn alarm(&mut self, on: bool) -> Result<(), HwFault> {
        let done = self.inner.alarm(on);
        self.moved(done, Movement::Alarm(on))
    }
}
