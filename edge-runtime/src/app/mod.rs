//! The composition root: the only place that names concrete devices.
//!
//! [`simulated`] puts a station together on the virtual line, in virtual time; [`live`] on a real line's threads, with what
//! [`board`] opens or with twins in real time; [`gate_test`] opens no more than a test of the gate needs.
//! It parses nothing and prints nothing.

pub mod board;
pub mod gate_test;
pub mod live;
pub mod simulated;

use shared::units::Score;

pub use simulated::{Outcome, simulate};

use crate::engine::Inspector;

/// What judges.
pub struct Model {
    /// One for each worker thread. Without any, every part is uninspected and leaves at the gate.
    pub inspectors: Vec<Inspector>,
    /// Name of the product.
    pub product: String,
    /// A part is bad when its score is greater.
    pub threshold: Score,
}
