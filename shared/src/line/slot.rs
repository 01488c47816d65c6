//! One place in the shift register: a part, or a stretch of parts that were registered blind.
//!
//! Holds what is known and applies verdicts to it; it neither decides a fate nor emits anything. Positions are travel.

use serde::{Deserialize, Serialize};

use super::pulse::Window;
use crate::units::{PartId, Travel};
use crate::verdict::Verdict;

/// How far the part in a slot has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Between edge and commit point, with the verdict that stands so far.
    Waiting(Option<Verdict>),
    /// Past its commit point.
    Decided,
    /// Parts beyond capacity, rejected from the start; their window is still to come.
    Blind,
    /// The same, with the gate open for them.
    BlindOpen,
}

/// One place in the shift register.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Slot {
    /// The part, or the first of a blind stretch.
    pub first: PartId,
    /// Parts here: 1, or more in a blind stretch, numbered consecutively.
    pub count: u32,
    /// Trigger edge of the part that came last.
    pub edge: Travel,
    /// From the first part's commit point to the last part's window's end.
    pub window: Window,
    /// How far it has come.
    pub stage: Stage,
    /// Where the photogate met the part.
    pub met: Option<Travel>,
}

impl Slot {
    /// Whether the slot holds `part`.
    pub fn holds(&self, part: PartId) -> bool {
        part.0.wrapping_sub(self.first.0) < self.count
    }

    /// The number after the slot's last part.
    pub fn following(&self) -> PartId {
        PartId(self.first.0.wrapping_add(self.count))
    }

    /// Whether the slot is a blind stretch.
    pub fn is_blind(&self) -> bool {
        matches!(self.stage, Stage::Blind | Stage::BlindOpen)
    }

    /// Whether an edge at `at` is this part's edge once more. A decided part has travelled far from the trigger: what is
    /// there now, after a long reversal, is registered anew and has to prove itself.
    pub fn bounces(&self, at: Travel, lockout: Travel) -> bool {
        self.stage != Stage::Decided && within(self.edge, at, lockout)
    }

    /// Whether the part is proven good so far, or has passed.
    ///
    /// A decided slot counts as cleared even if rejected: then the open gate itself speaks for it.
    pub fn cleared(&self) -> bool {
        match self.stage {
            Stage::Waiting(verdict) => verdict.is_some_and(Verdict::passes),
            Stage::Decided => true,
            Stage::Blind | Stage::BlindOpen => false,
        }
    }

    /// Takes a verdict before the decision. The first one stands, except that `Good` gives way to anything worse: no
    /// order of arrival lets doubt be talked away. Gives false if there is nothing left to decide.
    pub fn judge(&mut self, verdict: Verdict) -> bool {
        let Stage::Waiting(standing) = &mut self.stage else {
            return false;
        };
        if standing.is_none_or(|standing| standing.passes() && !verdict.passes()) {
            *standing = Some(verdict);
        }
        true
    }
}

/// Whether two positions are less than `distance` apart, in either direction.
pub(super) fn within(one: Travel, other: Travel, distance: Travel) -> bool {
    i128::from(one.0.abs_diff(other.0)) < i128::from(distance.0)
}
