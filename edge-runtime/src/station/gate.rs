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
use crate::hw::roles::{Clock, HwFault, LineInput, SignalKind};
use crate::stage::conductor::{Conductor, Order};

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
/// it lives.
///
/// # Errors
/// [`GateError`].
pub fn run(
    mut conductor: Conductor,
    mut input: Box<dyn LineInput>,
    orders: &Receiver<Order>,
    desk: &SyncSender<Note>,
    turns: &AtomicU64,
    clock: &dyn Clock,
) -> Result<(), GateError> {
    loop {
        let until = conductor.step_at().min(clock.now().saturating_add(TURN));
        let heard = input.next(until)?;
        turns.fetch_add(1, Ordering::Relaxed);
        let mut finish = false;
        loop {
            match orders.try_recv() {
                Ok(Order::Finish) => finish = true,
                Ok(order) => conductor.order(order, clock)?,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err(GateError::DeskGone),
            }
        }
        match heard {
            Some(signal) if signal.kind == SignalKind::End => finish = true,
            Some(signal) => conductor.signal(signal, clock)?,
            None => conductor.due(clock)?,
        }
        if finish {
            conductor.finish(clock)?;
        }
        for said in conductor.said() {
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
