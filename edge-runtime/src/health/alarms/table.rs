//! THE table of the station's alarms: what each does to line and lamp, and what to do about it.

use shared::drift::Figure;
use shared::verdict::{Lamp, LineAction};

use super::happening::Condition;

/// One row of the table of alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The word for it.
    pub code: &'static str,
    /// What it does to the line.
    pub line: LineAction,
    /// What the lamp shows.
    pub lamp: Lamp,
    /// Stays until somebody resets it.
    pub latched: bool,
    /// What a line engineer does about it.
    pub remedy: &'static str,
}

impl Row {
    /// Whether the line must stop.
    #[must_use]
    pub const fn stops(&self) -> bool {
        matches!(self.line, LineAction::Stop)
    }
}

/// Alarms of the station, in the order of `Alarm`'s numbers. The worst comes first.
pub const ALARMS: [Row; 16] = {
    use LineAction::{Stop, Warn};
    const fn row(code: &'static str, line: LineAction, latched: bool, remedy: &'static str) -> Row {
        let lamp = if matches!(line, Stop) { Lamp::Red } else { Lamp::Amber };
        Row { code, line, lamp, latched, remedy }
    }
    [
        row("CAMERA_SILENT", Stop, true, "check the camera's cable and power, then reset"),
        row("CAMERA_FROZEN", Stop, true, "unplug the camera and plug it in again, then reset"),
        row("STORE_FAILING", Stop, true, "check the disk: records cannot be written"),
        row("REJECTS_IN_A_ROW", Stop, true, "look at the rejected parts: is it the parts, the light or the model?"),
        row("UNJUDGED_IN_A_ROW", Stop, true, "verdicts do not come in time: check camera and load"),
        row("REJECT_UNCONFIRMED", Stop, true, "a rejected part was not seen leaving: check gate, air and bin sensor"),
        row(
            "GATE_LATE",
            Stop,
            true,
            "the gate moved too late: find the rejected part, slow the belt, free the computer, then reset",
        ),
        row("BIN_FULL", Stop, false, "empty the bin for rejected parts"),
        row("MANY_REJECTS", Warn, false, "more parts than usual are rejected: look at them"),
        row("TOO_HOT", Warn, false, "the board is too hot and will slow down: check its cooling"),
        row("DISK_LOW", Warn, false, "pictures are not kept any more: make room on the disk"),
        row("DISPLAY_AWAY", Warn, false, "check the display's cable"),
        row("BUNDLE_BAD", Warn, false, "a bundle was given up, a proven one judges: see edge-runtime bundles"),
        row(
            "LIGHT_DRIFT",
            Warn,
            false,
            "pictures are brighter or darker than those of the training: clean and check light and lens",
        ),
        row(
            "FOCUS_DRIFT",
            Warn,
            false,
            "pictures are more or less sharp than those of the training: check focus, lens and distance",
        ),
        row(
            "SCORE_DRIFT",
            Warn,
            false,
            "good parts score otherwise than in the training: look at passed parts, train anew if they changed",
        ),
    ]
};

/// An alarm by its name. Its number is its row's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alarm {
    CameraSilent,
    CameraFrozen,
    StoreFailing,
    RejectsInARow,
    UnjudgedInARow,
    RejectUnconfirmed,
    GateLate,
    BinFull,
    ManyRejects,
    TooHot,
    DiskLow,
    DisplayAway,
    BundleBad,
    LightDrift,
    FocusDrift,
    ScoreDrift,
}

/// The alarm of a figure that has moved.
pub(super) const fn alarm_of_drift(figure: Figure) -> Alarm {
    match figure {
        Figure::Brightness => Alarm::LightDrift,
        Figure::Sharpness => Alarm::FocusDrift,
        Figure::Scores => Alarm::ScoreDrift,
    }
}

/// The alarm of a condition.
pub(super) const fn alarm_of(condition: Condition) -> Alarm {
    match condition {
        Condition::CameraSilent => Alarm::CameraSilent,
        Condition::CameraFrozen => Alarm::CameraFrozen,
        Condition::StoreFailing => Alarm::StoreFailing,
        Condition::DiskLow => Alarm::DiskLow,
        Condition::TooHot => Alarm::TooHot,
        Condition::DisplayAway => Alarm::DisplayAway,
        Condition::BundleBad => Alarm::BundleBad,
    }
}
