//! Two places for bundles, so that a new one can be tried while a proven one stays: A and B.
//!
//! | file | does | pure |
//! |---|---|---|
//! | [`state`] | which slot holds what, which is committed, and how each may change | yes |
//! | [`decide`] | which bundle judges at a start, and what follows from a trial | yes |
//! | `text` | the state as the text of a file, with its checksum | yes |
//! | [`folder`] | the folder with both slots and the state, each write whole and on the disk | disk |
//!
//! A bundle is installed into the slot that is not committed, and is on trial there. The trial ends when it has judged
//! [`decide::TRIAL_PARTS`] parts, which commits it; or when its model failed, or the station was started with it too often, which
//! goes back to the committed one. While nothing is committed, the configuration's own bundle judges: the factory's.
//!
//! The state has a checksum, not a signature. What keeps a strange bundle out is the bundle's own signature, which is verified
//! each time it is opened; that an older one is refused rests on the right to write the folder.

pub mod decide;
pub mod folder;
pub mod state;
pub mod text;

pub use decide::{AtStart, Place, Running, Step, Tally};
pub use folder::{Slots, SlotsError};
pub use state::{Held, Slot, Standing, State, StateError};
