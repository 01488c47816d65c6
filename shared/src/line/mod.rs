//! Where each part stands, and when the gate fires: the part tracker.
//!
//! Takes trigger edges, verdicts and belt movement as [`Event`]s, each with the belt's [`Travel`](crate::units::Travel);
//! gives [`Action`]s for the reject output and for the records. One axis only: travel along the belt, forwards positive.
//! With the trigger edge of a part at `edge`:
//!
//! ```text
//!   edge                        commit point                 gate            window's end
//!    |------ gate_distance - window_before ------|-- before --|---- after ----|
//!    a part is born here, uninspected            it is decided here           it has left here
//! ```
//!
//! **Positive release.** Only a `Good` verdict before the commit point lets a part pass. Everything else, silence included,
//! opens the gate from the commit point to the window's end. Fire times come from the edge alone; how long inference took
//! never enters them.
//!
//! It does not read a clock, touch an output, keep records, or know what a frame is; it cannot measure a part's length,
//! since it hears of leading edges only.

mod event;
mod layout;
mod pulse;
mod register;
mod slot;
#[cfg(test)]
mod tests;

pub use event::{Action, Cause, Event, Fate};
pub use layout::{Layout, LayoutError, RawLayout};
pub use register::Line;
