//! The signed file that a trainer made: which keys are trusted, opening it, and proving that this board computes the same.
//!
//! [`TrustedKeys`] are read first, [`OpenBundle`] is what passes, [`parity`] is the self-test before the first part.
//! [`settings`] has thresholds that were set for bundles on the station. [`slots`] keeps two of them, so that a new one can be tried and given up.

mod open;
pub mod parity;
pub mod settings;
pub mod slots;
mod trust;

pub use open::{Identity, OpenBundle, OpenError};
pub use parity::{ParityError, ParityReport};
pub use trust::{TrustError, TrustedKey, TrustedKeys};
