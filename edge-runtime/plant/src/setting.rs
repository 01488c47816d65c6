//! Another threshold, set from the page: written to the log first, then asked of the station.
//!
//! Where the log cannot be written, nothing is set. What the station keeps and what it refuses is its own business; a refusal is in the log too.

use shared::units::Score;
use thiserror::Error;

use crate::link::{Station, Unheard};
use crate::log::chain::hex;
use crate::log::journal::JournalError;
use crate::log::{Journal, Note};
use crate::wire::{NotSet, ToStation};

/// What an entry of a threshold says.
pub const THRESHOLD: &str = "threshold";

/// Characters of the longest reason: two lines of a report.
pub const MOST_REASON: usize = 200;

/// Why nothing was set.
#[derive(Debug, Error)]
pub enum SetError {
    /// It cannot be written down.
    #[error("{0}")]
    Log(#[from] JournalError),
    /// The station does not hear it.
    #[error("{0}")]
    Unheard(#[from] Unheard),
    /// The station does not do it.
    #[error("refused by the station: {0:?}")]
    Refused(NotSet),
}

/// What is to hold, for which bundle, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// SHA-256 of the bundle that was looked at.
    pub bundle_sha256: [u8; 32],
    /// The threshold, or the one that holds where none is set.
    pub threshold: Option<Score>,
    /// Why.
    pub reason: String,
}

/// Sets a threshold for somebody. When this is done, it is on the station's disk and holds from the next picture on.
///
/// # Errors
/// [`SetError`]; what held before holds.
pub async fn set(station: &Station, journal: &Journal, who: &str, role: &str, wanted: Wanted) -> Result<(), SetError> {
    let before = station.line().now().map(|standing| standing.threshold.get().to_string());
    let Some(before) = before else { return Err(Unheard::NoStation.into()) };
    let Wanted { bundle_sha256, threshold, reason } = wanted;
    let after = threshold.map_or("the bundle's own".to_owned(), |threshold| threshold.get().to_string());
    let bundle = hex(&bundle_sha256[..8]);
    let [who, role, what] = [who, role, THRESHOLD].map(str::to_owned);
    let note = Note { who, role, what, before, after: format!("{after}, bundle {bundle}: {reason}") };
    journal.write(note.clone()).await?;
    let heard = station.ask(ToStation::SetThreshold { number: 0, bundle_sha256, threshold }).await;
    let failed = match heard {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(why)) => SetError::Refused(why),
        Err(unheard) => SetError::Unheard(unheard),
    };
    // Of one that was not answered it is not known; of one that was refused nothing was changed. Neither is held up by the log.
    let _ = journal.write(Note { before: note.after, after: format!("not set: {failed}"), ..note }).await;
    Err(failed)
}
