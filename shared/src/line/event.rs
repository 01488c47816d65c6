//! What the tracker hears and what it says: [`Event`] in, [`Action`] out, and the [`Fate`] of a part with its [`Cause`].
//!
//! Only words and their meaning; no state and no decision. Belt positions travel beside the event, in
//! [`Line::step`](super::Line::step)'s argument.

use serde::{Deserialize, Serialize};

use crate::units::{PartId, Score};
use crate::verdict::{Reason, Verdict};

/// Something that happened on the line at one belt position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The trigger sensor saw a leading edge. Its position is the edge's own, even if the belt has moved on since.
    Seen,
    /// A verdict has arrived. Its position is where the belt is now, not where the picture was taken.
    Judged {
        /// The part that was judged.
        part: PartId,
        /// What is known of it. `Uninspected` says early that nothing better will come.
        verdict: Verdict,
    },
    /// The belt is here now: moved, stood still, or ran backwards.
    Moved,
    /// The photogate saw a leading edge. It stands at the gate or up to `window_before` upstream of it, so that a tracked
    /// part reaches it at the beginning of its own window, no later than the lock-out behind the gate.
    AtGate,
    /// Every part in flight that is not decided yet becomes `Uninspected` for this reason, good verdicts included; one
    /// already known to be bad or uninspected keeps the reason it has.
    Flush(Reason),
}

/// What follows from an event. Actions of one step come in belt order and must be carried out in that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new part is followed from this edge on.
    Registered {
        /// Its new number.
        part: PartId,
    },
    /// An edge inside the lock-out of a part that is already followed: no new part.
    Bounced,
    /// Energise the reject output now.
    Open {
        /// The part whose window begins.
        part: PartId,
        /// Why it is rejected.
        reason: Cause,
    },
    /// The reject output is energised already and stays so through another part's window.
    Extend {
        /// The part whose window begins.
        part: PartId,
        /// Why it is rejected.
        reason: Cause,
    },
    /// Release the reject output now.
    Close,
    /// The part's fate, once and for all, exactly once for each part. At its commit point; at once for a part that was
    /// registered blind ([`Action::Overflow`]) or first met at the gate, for which this is the first word.
    Decided {
        /// The part.
        part: PartId,
        /// What becomes of it.
        fate: Fate,
    },
    /// A verdict for a part whose fate is decided already. It changes nothing; it is worth recording.
    Late {
        /// The part.
        part: PartId,
        /// What it would have said.
        verdict: Verdict,
    },
    /// A verdict for a part that is not in flight.
    Unknown {
        /// The number it came with.
        part: PartId,
    },
    /// The part's window is over, exactly once for each part: nothing about it follows any more.
    Left {
        /// The part.
        part: PartId,
    },
    /// An edge for which there is no place left. The part gets a number and its stretch of belt is rejected blind;
    /// [`Action::Registered`] is not said for it, since no verdict could help.
    Overflow {
        /// Its new number.
        part: PartId,
    },
}

/// What becomes of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Proven good in time; the gate stays closed for it.
    Passed(Score),
    /// The gate is open from the part's commit point to its window's end.
    Rejected(Cause),
}

/// Why a part is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// Judged bad, with its score.
    Bad(Score),
    /// Not proven good in time.
    Uninspected(Reason),
    /// Judged good, with its score, but its window overlaps that of a part which is not.
    Neighbour(Score),
}

impl Cause {
    /// The row of the failure table that this is; none for a part that was judged bad, which is no failure of the line.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Bad(_) => None,
            Self::Uninspected(reason) => Some(reason),
            Self::Neighbour(_) => Some(Reason::Neighbour),
        }
    }
}

impl Fate {
    /// What was known of the part when it was decided.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Passed(score) | Self::Rejected(Cause::Neighbour(score)) => Verdict::Good(score),
            Self::Rejected(Cause::Bad(score)) => Verdict::Bad(score),
            Self::Rejected(Cause::Uninspected(reason)) => Verdict::Uninspected(reason),
        }
    }

    /// Whether the part is let through.
    pub const fn passed(self) -> bool {
        matches!(self, Self::Passed(_))
    }

    /// Why a part with a good verdict is rejected all the same; none where the verdict itself says everything.
    pub const fn override_reason(self) -> Option<Reason> {
        match self {
            Self::Rejected(Cause::Neighbour(_)) => Some(Reason::Neighbour),
            _ => None,
        }
    }
}
