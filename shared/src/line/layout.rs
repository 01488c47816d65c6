//! The geometry of a line, raw and checked: [`RawLayout`] as configured, [`Layout`] as the tracker may rely on it.
//!
//! All fields are distances along the belt as [`Travel`]: micrometres where an encoder measures, microseconds where time
//! does. It knows nothing of speed: whether a verdict can be there in time is not checked here.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::units::Travel;

/// Distances as configured, unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawLayout {
    /// From the trigger sensor to the middle of the gate's effect, downstream.
    pub gate_distance: Travel,
    /// How far before the gate a part's window begins. Holds the part's leading tolerance and how far the belt runs while
    /// the actuator rises.
    pub window_before: Travel,
    /// How far beyond the gate a part's window ends. Holds the part's length behind its edge and its trailing tolerance.
    pub window_after: Travel,
    /// Edges nearer than this to a followed part's edge are the same part. Must be shorter than the shortest part, or a
    /// part that touches another is not noticed at all.
    pub lockout: Travel,
    /// Length of the longest part. Edges at least `lockout` and less than this apart cannot be matched to their frames:
    /// two parts touch, or one has a hole; both are rejected as `DoubleTrigger`. `None` turns that off.
    pub max_length: Option<Travel>,
}

/// Distances that fit together.
///
/// # Invariants
/// No distance is negative or above [`Layout::LONGEST`]; the window is not empty; a part that is registered while another
/// is decided cannot share a window with it: `gate_distance >= window_before + window_before + window_after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawLayout", into = "RawLayout")]
pub struct Layout {
    raw: RawLayout,
}

/// Why a layout cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// A distance is negative or absurdly large.
    OutOfRange {
        /// The field.
        field: &'static str,
        /// Its value.
        got: Travel,
        /// The largest permitted; the smallest is 0.
        largest: Travel,
    },
    /// Before and after are both 0, so that the gate would never open.
    EmptyWindow,
    /// A part would reach its commit point before all that can share its window have passed the trigger.
    GateTooNear {
        /// The distance to the gate.
        gate_distance: Travel,
        /// What the windows need.
        at_least: Travel,
    },
    /// No edge can lie between the lock-out and the longest part.
    LengthInsideLockout {
        /// The longest part.
        max_length: Travel,
        /// The lock-out, which must be shorter.
        lockout: Travel,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { field, got, largest } => {
                write!(f, "{field} is {} but must lie in 0..={}", got.0, largest.0)
            }
            Self::EmptyWindow => f.write_str("window_before and window_after are both 0: the gate would never open"),
            Self::GateTooNear { gate_distance, at_least } => write!(
                f,
                "gate_distance is {} but must be at least {} (window_before twice and window_after once)",
                gate_distance.0, at_least.0
            ),
            Self::LengthInsideLockout { max_length, lockout } => {
                write!(f, "max_length is {} but must be longer than lockout, {}", max_length.0, lockout.0)
            }
        }
    }
}

impl core::error::Error for LayoutError {}

impl TryFrom<RawLayout> for Layout {
    type Error = LayoutError;

    fn try_from(raw: RawLayout) -> Result<Self, LayoutError> {
        Self::check(&raw)
    }
}

impl From<Layout> for RawLayout {
    fn from(layout: Layout) -> Self {
        layout.raw
    }
}

impl Layout {
    /// The longest distance accepted, about a thousand kilometres or twelve days: far beyond any line, and small enough
    /// that sums of distances are exact.
    pub const LONGEST: Travel = Travel(1 << 40);

    /// Checks each distance and how they fit together.
    ///
    /// # Errors
    /// [`LayoutError`], with the field and what it must be.
    pub fn check(raw: &RawLayout) -> Result<Self, LayoutError> {
        let fields = [
            ("gate_distance", Some(raw.gate_distance)),
            ("window_before", Some(raw.window_before)),
            ("window_after", Some(raw.window_after)),
            ("lockout", Some(raw.lockout)),
            ("max_length", raw.max_length),
        ];
        for (field, value) in fields {
            if let Some(got) = value.filter(|value| !(0..=Self::LONGEST.0).contains(&value.0)) {
                return Err(LayoutError::OutOfRange { field, got, largest: Self::LONGEST });
            }
        }
        let window = Travel(raw.window_before.0 + raw.window_after.0);
        if window.0 == 0 {
            return Err(LayoutError::EmptyWindow);
        }
        let at_least = Travel(raw.window_before.0 + window.0);
        if raw.gate_distance < at_least {
            return Err(LayoutError::GateTooNear { gate_distance: raw.gate_distance, at_least });
        }
        match raw.max_length {
            Some(max_length) if max_length <= raw.lockout => {
                Err(LayoutError::LengthInsideLockout { max_length, lockout: raw.lockout })
            }
            _ => Ok(Self { raw: *raw }),
        }
    }

    /// From the trigger sensor to the gate.
    pub const fn gate_distance(&self) -> Travel {
        self.raw.gate_distance
    }

    /// How far before the gate a part's window begins.
    pub const fn window_before(&self) -> Travel {
        self.raw.window_before
    }

    /// How far beyond the gate a part's window ends.
    pub const fn window_after(&self) -> Travel {
        self.raw.window_after
    }

    /// Edges nearer than this are one part.
    pub const fn lockout(&self) -> Travel {
        self.raw.lockout
    }

    /// Length of the longest part, if edges nearer than that condemn both.
    pub const fn max_length(&self) -> Option<Travel> {
        self.raw.max_length
    }

    /// Length of the window of one part.
    pub const fn window(&self) -> Travel {
        Travel(self.raw.window_before.0 + self.raw.window_after.0)
    }

    /// Where the belt stands when a part with this edge is decided and its window begins.
    pub const fn commit(&self, edge: Travel) -> Travel {
        edge.saturating_add(Travel(self.raw.gate_distance.0 - self.raw.window_before.0))
    }

    /// Where the belt stands when the window of a part with this edge is over.
    pub const fn window_end(&self, edge: Travel) -> Travel {
        edge.saturating_add(Travel(self.raw.gate_distance.0 + self.raw.window_after.0))
    }

    /// Parts that are in flight at once when they follow each other at `pitch`; compare with
    /// [`MAX_PARTS_IN_FLIGHT`](crate::limits::MAX_PARTS_IN_FLIGHT), of which the last place serves overflow.
    pub const fn in_flight_at(&self, pitch: Travel) -> u64 {
        let pitch = if pitch.0 < 1 { 1 } else { pitch.0 };
        ((self.raw.gate_distance.0 + self.raw.window_after.0) / pitch) as u64 + 1
    }
}
