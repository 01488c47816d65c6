//! What the gate and the desk say to each other. Only words; who says what when is `machine`'s and the desk's business.

use serde::{Deserialize, Serialize};
use shared::line::{Fate, Layout};
use shared::units::{Micros, PartId, Travel};
use shared::verdict::Verdict;

/// What the desk tells the gate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// A verdict.
    Judged {
        /// The part.
        part: PartId,
        /// What is known of it.
        verdict: Verdict,
    },
    /// Whether the line may run and whether the alarm is on, as far as the desk knows. Also says that the desk lives.
    State {
        /// The permit.
        permit: bool,
        /// The alarm.
        alarm: bool,
    },
    /// Somebody acknowledges what is latched, otherwise than by the button.
    Reset,
    /// The station ends.
    Finish,
    /// Another product is to come: what is in flight, and what comes before [`Order::Changed`], is flushed.
    Changeover,
    /// Parts of the other product come from now on.
    Changed {
        /// Their geometry.
        layout: Layout,
    },
}

/// What the gate tells the desk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Said {
    /// A part was registered.
    Seen {
        /// Its number.
        part: PartId,
        /// Time of its edge.
        at: Micros,
        /// Where the belt was.
        travel: Travel,
    },
    /// An edge that was no new part.
    Bounced,
    /// A part's fate.
    Decided {
        /// The part.
        part: PartId,
        /// When.
        at: Micros,
        /// Where the belt was.
        travel: Travel,
        /// What becomes of it.
        fate: Fate,
    },
    /// The gate's output was moved for a part.
    Fired {
        /// The part.
        part: PartId,
        /// Where the belt was to be.
        planned: Travel,
        /// Where it was, as far as its last speed tells.
        travel: Travel,
        /// How much later than the belt was there, in microseconds.
        error_us: i64,
    },
    /// A verdict that came too late, for a part that may have left.
    Late {
        /// The part.
        part: PartId,
        /// What it would have been.
        verdict: Verdict,
    },
    /// A part has left.
    Left {
        /// The part.
        part: PartId,
        /// When.
        at: Micros,
    },
    /// Something was seen behind the gate.
    Confirmed {
        /// When.
        at: Micros,
    },
    /// The bin became full, or free again.
    BinFull(bool),
    /// The button was pressed.
    Reset {
        /// When.
        at: Micros,
    },
    /// The belt's position is lost: parts come and the encoder stands, or edges were dropped.
    EncoderLost {
        /// When.
        at: Micros,
        /// Whether the encoder stood still.
        stalled: bool,
    },
}
