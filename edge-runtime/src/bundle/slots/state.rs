//! Which slot holds what, and how that may change.
//!
//! A [`State`] is a value: every change gives a new one, or none where it does not apply. Names bundles by the SHA-256 of their
//! files and orders them by the second at which they were made. Reads and writes nothing.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The reason for which a slot is bad is cut off here, in characters: a state is a small file.
const WHY_CHARS: usize = 400;

/// One of the two places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// Its bundle's file name in the slots' folder.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::A => "a.draem",
            Self::B => "b.draem",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// How a slot's bundle stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Standing {
    /// To be tried, or being tried.
    Trial {
        /// How often it was put in charge without having been committed.
        starts: u32,
    },
    /// It was committed once; whether it is now, the state says.
    Proven,
    /// Somebody went back from it.
    Withdrawn,
    /// It failed.
    Bad {
        /// How.
        why: String,
    },
}

/// What a slot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// SHA-256 of the bundle's file.
    pub sha256: [u8; 32],
    /// Seconds since 1970 at which it was made. Of two bundles, the one made later is the newer.
    pub created: u64,
    /// Name of the product.
    pub product: String,
    /// How it stands.
    pub standing: Standing,
}

/// Both slots, as they were last written down.
///
/// # Invariants
/// The committed slot is proven and no newer than `highest`; at most one slot is on trial.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    slots: [Option<Held>; 2],
    committed: Option<Slot>,
    highest: u64,
}

/// Why a state is none.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum StateError {
    /// Its last line is not the checksum of what stands before it.
    #[error("damaged or changed by hand: its last line must be the checksum of the rest")]
    Checksum,
    /// The checksum is right, and yet it is no state.
    #[error("not a state of slots: {reason}")]
    Malformed {
        /// The parser's words.
        reason: String,
    },
    /// Written by a later program.
    #[error("format {got}, this program knows {expected}; install the newer program")]
    Format {
        /// The format known.
        expected: u32,
        /// Its format.
        got: u32,
    },
    /// The committed slot holds no proven bundle.
    #[error("slot {slot} is committed and holds no proven bundle")]
    Committed {
        /// The slot.
        slot: Slot,
    },
    /// The committed bundle is newer than any that was ever committed.
    #[error("slot {slot} is committed and newer than the newest bundle that ever was")]
    Highest {
        /// The slot.
        slot: Slot,
    },
    /// Two bundles are on trial.
    #[error("both slots are on trial")]
    Trials,
}

impl State {
    /// Checks the rules of a state.
    ///
    /// # Errors
    /// The first [`StateError`].
    pub fn check(a: Option<Held>, b: Option<Held>, committed: Option<Slot>, highest: u64) -> Result<Self, StateError> {
        let state = Self { slots: [a, b], committed, highest };
        if let Some(slot) = committed {
            match state.held(slot) {
                Some(held) if held.standing != Standing::Proven => return Err(StateError::Committed { slot }),
                None => return Err(StateError::Committed { slot }),
                Some(held) if held.created > highest => return Err(StateError::Highest { slot }),
                Some(_) => {}
            }
        }
        let trials = state.slots.iter().flatten().filter(|held| matches!(held.standing, Standing::Trial { .. }));
        if trials.count() > 1 { Err(StateError::Trials) } else { Ok(state) }
    }

    /// What a slot holds.
    #[must_use]
    pub fn held(&self, slot: Slot) -> Option<&Held> {
        self.slots[slot as usize].as_ref()
    }

    /// The slot whose bundle is proven and in use. `None`: the factory's bundle is.
    #[must_use]
    pub fn committed(&self) -> Option<Slot> {
        self.committed
    }

    /// The slot on trial, and how often it was put in charge.
    #[must_use]
    pub fn trial(&self) -> Option<(Slot, u32)> {
        Slot::BOTH.into_iter().find_map(|slot| match self.held(slot)?.standing {
            Standing::Trial { starts } => Some((slot, starts)),
            _ => None,
        })
    }

    /// When the newest bundle that was ever committed was made, in seconds since 1970; 0 before the first.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// The slots that failed, with the reasons.
    pub fn bad(&self) -> impl Iterator<Item = (Slot, &str)> {
        Slot::BOTH.into_iter().filter_map(|slot| match &self.held(slot)?.standing {
            Standing::Bad { why } => Some((slot, why.as_str())),
            _ => None,
        })
    }

    /// Where the next bundle goes: never over the committed one, and over a bad or untried one before a proven one.
    #[must_use]
    pub fn free(&self) -> Slot {
        let worth = |slot: Slot| match self.held(slot).map(|held| &held.standing) {
            // Two trials at once must not be.
            Some(Standing::Trial { .. }) => 0,
            None => 1,
            Some(Standing::Bad { .. } | Standing::Withdrawn) => 2,
            Some(Standing::Proven) => 3,
        };
        match self.committed {
            Some(slot) => slot.other(),
            None if worth(Slot::B) < worth(Slot::A) => Slot::B,
            None => Slot::A,
        }
    }

    /// The same with a slot emptied. `None` for the committed one.
    #[must_use]
    pub fn emptied(&self, slot: Slot) -> Option<Self> {
        let mut state = self.clone();
        state.slots[slot as usize] = None;
        (self.committed != Some(slot)).then_some(state)
    }

    /// The same with a bundle to be tried in the free slot.
    #[must_use]
    pub fn installed(&self, sha256: [u8; 32], created: u64, product: String) -> Self {
        let mut state = self.clone();
        let standing = Standing::Trial { starts: 0 };
        state.slots[self.free() as usize] = Some(Held { sha256, created, product, standing });
        state
    }

    /// The same with one more start of the bundle on trial. `None` where that bundle is not on trial.
    #[must_use]
    pub fn started(&self, slot: Slot, sha256: &[u8; 32]) -> Option<Self> {
        self.on_trial(slot, sha256, |starts| Standing::Trial { starts: starts.saturating_add(1) })
    }

    /// The same with a start taken back, of a line that ended as it should. `None` where that bundle is not on trial.
    #[must_use]
    pub fn ended_well(&self, slot: Slot, sha256: &[u8; 32]) -> Option<Self> {
        self.on_trial(slot, sha256, |starts| Standing::Trial { starts: starts.saturating_sub(1) })
    }

    /// The same with the trial's bundle committed. `None` where that bundle is not on trial.
    #[must_use]
    pub fn proven(&self, slot: Slot, sha256: &[u8; 32]) -> Option<Self> {
        let mut state = self.on_trial(slot, sha256, |_| Standing::Proven)?;
        state.committed = Some(slot);
        state.highest = state.highest.max(state.held(slot)?.created);
        Some(state)
    }

    /// The same with a bundle marked as bad. A committed one gives way to the other slot's, if that is proven, or to the factory's.
    /// `None` where the slot holds another bundle.
    #[must_use]
    pub fn condemned(&self, slot: Slot, sha256: &[u8; 32], why: &str) -> Option<Self> {
        self.left(slot, sha256, Standing::Bad { why: why.chars().take(WHY_CHARS).collect() })
    }

    /// The same one step back, as a person wants it: from the trial to the committed bundle, or from that to the one before it.
    /// `None` where the factory's bundle judges and nothing is on trial.
    #[must_use]
    pub fn rolled_back(&self) -> Option<Self> {
        let slot = self.trial().map(|(slot, _)| slot).or(self.committed)?;
        let sha256 = self.held(slot)?.sha256;
        self.left(slot, &sha256, Standing::Withdrawn)
    }

    fn on_trial(&self, slot: Slot, sha256: &[u8; 32], becomes: impl FnOnce(u32) -> Standing) -> Option<Self> {
        let mut state = self.clone();
        let held = state.slots[slot as usize].as_mut().filter(|held| held.sha256 == *sha256)?;
        let Standing::Trial { starts } = held.standing else { return None };
        held.standing = becomes(starts);
        Some(state)
    }

    fn left(&self, slot: Slot, sha256: &[u8; 32], standing: Standing) -> Option<Self> {
        let mut state = self.clone();
        state.slots[slot as usize].as_mut().filter(|held| held.sha256 == *sha256)?.standing = standing;
        if state.committed == Some(slot) {
            let proven = |slot: &Slot| state.held(*slot).is_some_and(|held| held.standing == Standing::Proven);
            state.committed = Some(slot.other()).filter(proven);
        }
        Some(state)
    }
}
