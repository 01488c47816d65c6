//! The gate's thread.
//!
//! Takes a [`Conductor`], the line's inputs, and orders by a queue; gives its words by another. It waits on the inputs with an
//! absolute end and on nothing else: no lock, no disk, no full queue. A verdict need not wake it: whatever has been ordered is
//! heard before anything is decided.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError};

use shared::limits::DESK_QUEUE;
use shared::units::Micros;
use thiserror::Error;

use super::line::Note;
use crate::blackbox::{Entry, Tape};
use crate::hw::roles::{Clock, HwFault, LineInput, SignalKind};
use crate::hw::wrap::taped::Taped;
use crate::stage::conductor::{Conductor, Order};

/// The line's standing is told to the black box this often.
const SEGMENT: Micros = Micros::from_millis(2_000);

/// Orders are heard at least this often, so that permit and alarm follow the desk soon.
const TURN: Micros = Micros::from_millis(20);

/// Why the gate's thread ended. All outputs are in their safe state.
#[derive(Debug, Error)]
pub enum GateError {
    /// An input or output failed.
    #[error("{0}")]
    Hardware(#[from] HwFault),
    /// Nobody takes in what happens to the parts.
    #[error("the desk does not keep up: {DESK_QUEUE} words wait")]
    DeskBehind,
    /// The desk has gone without a word.
    #[error("the desk has gone")]
    DeskGone,
}

/// Runs until it is told to finish, or until nothing will ever come of the inputs. Counts its turns, for those who watch whether
/// it lives, and notes on the tape all that the machine takes in, reads of the clock, and gives.
///
/// # Errors
/// [`GateError`].
pub fn run(
    mut conductor: Conductor,
    mut input: Box<dyn LineInput>,
    orders: &Receiver<Order>,
    desk: &SyncSender<Note>,
    turns: &AtomicU64,
    tape: &Tape,
    clock: &dyn Clock,
) -> Result<(), GateError> {
    let taped = &Taped::new(clock, tape.clone());
    let mut segment_ends = Micros(0);
    loop {
        let now = clock.now();
        if now >= segment_ends && tape.is_recorded() {
            segment_ends = now.saturating_add(SEGMENT);
            tape.note(Entry::Standing(now, Box::new(conductor.standing())));
        }
        let until = conductor.step_at().min(now.saturating_add(TURN));
        let heard = input.next(until)?;
        turns.fetch_add(1, Ordering::Relaxed);
        let mut finish = false;
        loop {
            match orders.try_recv() {
                Ok(Order::Finish) => finish = true,
                Ok(order) => {
                    tape.note(Entry::Order(order));
                    conductor.order(order, taped)?;
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err(GateError::DeskGone),
            }
        }
        match heard {
            Some(signal) if signal.kind == SignalKind::End => finish = true,
            Some(signal) => {
                tape.note(Entry::Signal(signal));
                conductor.signal(signal, taped)?;
            }
            None => {
                tape.note(Entry::Due);
                conductor.due(taped)?;
            }
        }
        if finish {
            tape.note(Entry::Order(Order::Finish));
            conductor.finish(taped)?;
        }
        for said in conductor.said() {
            tape.note(Entry::Said(said));
            desk.try_send(Note::Gate(said)).map_err(|refused| match refused {
                TrySendError::Full(_) => GateError::DeskBehind,
                TrySendError::Disconnected(_) => GateError::DeskGone,
            })?;
        }
        if finish {
            return Ok(());
        }
    }
}
