//! Reject windows and how they merge: [`Window`], a stretch of travel, and [`Pulse`], the state of the reject output.
//!
//! Takes windows in the order in which they begin; gives `Open`, `Extend` and `Close`. It does not know why a part is
//! rejected, and it merges by travel alone: what actuators need between two pulses belongs into the windows' lengths.

use serde::{Deserialize, Serialize};

use super::event::{Action, Cause};
use crate::units::{PartId, Travel};

/// The stretch of travel `from..until` during which one part is at the gate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Window {
    /// First position inside: the commit point.
    pub from: Travel,
    /// First position beyond.
    pub until: Travel,
}

/// The reject output: closed, or open until a position.
///
/// # Invariants
/// `Open` and `Close` alternate. The end of an open pulse never moves upstream, so a reversed belt keeps the gate open
/// until it has run forwards to the end again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pulse {
    open_until: Option<Travel>,
}

impl Pulse {
    /// Opens the gate, or keeps it open, until the end of a rejected part's window.
    pub fn reject(&mut self, part: PartId, reason: Cause, until: Travel, emit: &mut impl FnMut(Action)) {
        match &mut self.open_until {
            Some(end) => {
                *end = (*end).max(until);
                emit(Action::Extend { part, reason });
            }
            closed => {
                *closed = Some(until);
                emit(Action::Open { part, reason });
            }
        }
    }

    /// Releases the output.
    pub fn close(&mut self, emit: &mut impl FnMut(Action)) {
        if self.open_until.take().is_some() {
            emit(Action::Close);
        }
    }

    /// Where the open pulse ends.
    pub fn open_until(&self) -> Option<Travel> {
        self.open_until
    }

    /// Whether the gate is open into `window`. Windows that only touch do not overlap.
    pub fn reaches_into(&self, window: &Window) -> bool {
        self.open_until.is_some_and(|end| end > window.from)
    }
}

/// Whether an uncleared window lies in the run of overlapping windows that begins with `first`.
///
/// `following` are the windows that begin at or after it, in order, each with whether its part is cleared. The whole run
/// counts, not the nearest window alone: a part at its far end pulls the gate open for its neighbour, that for the next,
/// and so on back to `first`.
pub(super) fn uncleared_run(first: &Window, following: impl Iterator<Item = (Window, bool)>) -> bool {
    let mut end = first.until;
    for (window, cleared) in following {
        if window.from >= end {
            return false;
        }
        if !cleared {
            return true;
        }
        end = end.max(window.until);
    }
    false
}
