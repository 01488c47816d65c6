//! From a score, or a fault, to a verdict; and THE failure table: what each failure does to part, line and lamp.
//!
//! A part starts as `Uninspected` and only a verdict in time clears it: what was not proven good is rejected.
//! Nothing here acts; the gate and the lamp read the table.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::units::Score;

/// The decision on one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Inspected, and not above the threshold.
    Good(Score),
    /// Inspected, and above the threshold.
    Bad(Score),
    /// Not proven good, for the reason given.
    Uninspected(Reason),
}

impl Verdict {
    /// The verdict on a score: `Bad` if it lies above `threshold`, so that a part exactly on it passes.
    pub fn of(score: Score, threshold: Score) -> Self {
        if score > threshold { Self::Bad(score) } else { Self::Good(score) }
    }

    /// Whether the part may pass.
    pub const fn passes(self) -> bool {
        matches!(self, Self::Good(_))
    }

    /// The score, where the part was inspected.
    pub const fn score(self) -> Option<Score> {
        match self {
            Self::Good(score) | Self::Bad(score) => Some(score),
            Self::Uninspected(_) => None,
        }
    }
}

/// Why a part was not proven good. The numbers are written to records: never renumber, only append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Reason {
    /// The part reached the gate and nothing had been heard of it.
    NotJudged = 0,
    /// The verdict came after the gate had to decide.
    Late = 1,
    /// No frame belongs to the part's trigger edge.
    NoFrame = 2,
    /// The camera reported an error or has fallen silent.
    CameraFault = 3,
    /// The network failed or gave something that is not a probability.
    ModelFault = 4,
    /// The frame was damaged, dark, saturated or blurred.
    BadPicture = 5,
    /// The network was still busy with earlier parts.
    InferBusy = 6,
    /// Two trigger edges nearer than parts can be.
    DoubleTrigger = 7,
    /// A part at the gate that no trigger announced.
    UnknownPart = 8,
    /// More parts in flight than can be followed.
    Overflow = 9,
    /// In flight while products were changed or the line was cleared.
    Flushed = 10,
    /// Judged good, but so near a rejected part that the gate takes both.
    Neighbour = 11,
    /// Longer than a part can be: two that touch, or a jam.
    TooLong = 12,
    /// On the belt before the station was ready.
    Boot = 13,
    /// The encoder failed, so that nobody knows where the part was.
    EncoderFault = 14,
}

/// What the line does about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineAction {
    /// Runs on; the part is rejected.
    Continue,
    /// Runs on; the operator is warned.
    Warn,
    /// The line must stop: nothing that follows can be trusted to be inspected.
    Stop,
}

/// What the lamp shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lamp {
    /// Steady: running.
    Green,
    /// Running, with something to look at.
    Amber,
    /// Stopped.
    Red,
}

/// One row of the failure table. Every row rejects its part.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// The failure.
    pub reason: Reason,
    /// The word for it in records, JSON and on the screen.
    pub code: &'static str,
    /// What it does to the line.
    pub line: LineAction,
    /// What the lamp shows.
    pub lamp: Lamp,
    /// What a line engineer does about it.
    pub remedy: &'static str,
}

/// The failure table, in the order of [`Reason`]'s numbers.
pub const FAILURES: [Failure; 15] = {
    use Lamp::{Amber, Green, Red};
    use LineAction::{Continue, Stop, Warn};
    const fn row(reason: Reason, code: &'static str, line: LineAction, lamp: Lamp, remedy: &'static str) -> Failure {
        Failure { reason, code, line, lamp, remedy }
    }
    [
        row(Reason::NotJudged, "NOT_JUDGED", Warn, Amber, "no verdict at the gate: check camera and load"),
        row(Reason::Late, "LATE", Warn, Amber, "slow the belt, move the gate away, or take a smaller model"),
        row(Reason::NoFrame, "NO_FRAME", Warn, Amber, "check trigger position, camera cable and exposure time"),
        row(Reason::CameraFault, "CAMERA_FAULT", Stop, Red, "check the camera's cable and power"),
        row(Reason::ModelFault, "MODEL_FAULT", Stop, Red, "install the bundle again; run verify-bundle"),
        row(
            Reason::BadPicture,
            "BAD_PICTURE",
            Warn,
            Amber,
            "check light, lens and focus, and that parts lie alone and whole in view",
        ),
        row(Reason::InferBusy, "INFER_BUSY", Warn, Amber, "slow the belt or take a smaller model"),
        row(Reason::DoubleTrigger, "DOUBLE_TRIGGER", Continue, Green, "check the trigger sensor; parts may touch"),
        row(Reason::UnknownPart, "UNKNOWN_PART", Warn, Amber, "a part came on behind the trigger: check guards"),
        row(Reason::Overflow, "OVERFLOW", Stop, Red, "parts too close or gate too far: check spacing"),
        row(Reason::Flushed, "FLUSHED", Continue, Green, "expected when products change"),
        row(Reason::Neighbour, "NEIGHBOUR", Continue, Green, "parts too close to separate at the gate"),
        row(Reason::TooLong, "TOO_LONG", Warn, Amber, "touching parts or a jam at the trigger"),
        row(Reason::Boot, "BOOT", Continue, Green, "expected after a start"),
        row(Reason::EncoderFault, "ENCODER_FAULT", Stop, Red, "check the encoder's cable and coupling, then reset"),
    ]
};

impl Reason {
    /// The failure table's row.
    pub const fn failure(self) -> &'static Failure {
        &FAILURES[self as usize]
    }

    /// The word for it in records, JSON and on the screen.
    pub const fn code(self) -> &'static str {
        self.failure().code
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_finds_its_own_row() {
        for (number, failure) in FAILURES.iter().enumerate() {
            assert_eq!(failure.reason as usize, number, "{}", failure.code);
        }
    }

    #[test]
    fn codes_differ() {
        for (at, failure) in FAILURES.iter().enumerate() {
            assert!(FAILURES[..at].iter().all(|other| other.code != failure.code), "{}", failure.code);
        }
    }

    #[test]
    fn a_part_on_the_threshold_passes() {
        let [below, on, above] = [0.4, 0.5, 0.6].map(|value| Score::new(value).unwrap());
        assert_eq!(Verdict::of(below, on), Verdict::Good(below));
        assert_eq!(Verdict::of(on, on), Verdict::Good(on));
        assert_eq!(Verdict::of(above, on), Verdict::Bad(above));
    }
}
