//! What an alarm is raised or cleared by. Only words.

use shared::drift::Figure;
use shared::record::Record;
use shared::units::{Micros, Travel};
use shared::verdict::Reason;

/// Something about the station that is there or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The camera has gone or gives nothing.
    CameraSilent,
    /// The camera sends the same picture again and again.
    CameraFrozen,
    /// Records cannot be written.
    StoreFailing,
    /// The disk is nearly full: pictures are not kept any more.
    DiskLow,
    /// The board is too hot.
    TooHot,
    /// No display shows anything.
    DisplayAway,
    /// A bundle was given up.
    BundleBad,
}

/// What an alarm is raised or cleared by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Happening {
    /// A part has left.
    Record(Record),
    /// The gate was opened for a part.
    Fired {
        /// How far the belt was beyond the place where the gate was to be opened.
        beyond: Travel,
    },
    /// Something was seen behind the gate.
    Confirmed,
    /// The bin became full, or free again.
    BinFull(bool),
    /// A failure whose row stops the line.
    Failed(Reason),
    /// A condition begins or ends; the same again changes nothing.
    Condition {
        /// Which.
        condition: Condition,
        /// Whether it is there.
        present: bool,
    },
    /// A figure of the line has moved, or is back where it was.
    Drift {
        /// Which.
        figure: Figure,
        /// Since when; `None` when it has not moved.
        since: Option<Micros>,
    },
    /// Somebody acknowledges.
    Reset,
    /// Time has passed.
    Time,
}
