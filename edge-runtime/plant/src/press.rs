//! The reset button, pressed from the page, by a controller or over MQTT: written to the log first, then asked of the station.
//!
//! Where the log cannot be written, nothing is pressed; the button at the line works all the same.

use thiserror::Error;

use crate::link::{Station, Unheard};
use crate::log::journal::JournalError;
use crate::log::{Journal, Note};

/// What an entry of a press says.
pub const ACKNOWLEDGE: &str = "acknowledge";

/// Why nothing came of a press.
#[derive(Debug, Error)]
pub enum PressError {
    /// It cannot be written down.
    #[error("{0}")]
    Log(#[from] JournalError),
    /// The station does not hear it.
    #[error("{0}")]
    Unheard(#[from] Unheard),
}

/// Presses the button for somebody. Gives whether the line is told; otherwise an earlier press is still on its way.
///
/// # Errors
/// [`PressError`].
pub async fn press(station: &Station, journal: &Journal, who: &str, role: &str) -> Result<bool, PressError> {
    if !station.line().connected {
        return Err(Unheard::NoStation.into());
    }
    let alarms = station.line().now().map_or_else(
        || "no station".to_owned(),
        |now| now.alarms.iter().map(|alarm| alarm.code.as_str()).collect::<Vec<_>>().join(", "),
    );
    let [who, role, what] = [who, role, ACKNOWLEDGE].map(str::to_owned);
    let note = Note { who, role, what, before: alarms, after: "pressed".to_owned() };
    journal.write(note.clone()).await?;
    let taken = station.acknowledge().await;
    let failed = match taken {
        Ok(true) => None,
        Ok(false) => Some("not taken: an earlier one is on its way".to_owned()),
        Err(unheard) => Some(format!("not taken: {unheard}")),
    };
    if let Some(after) = failed {
        // Nothing was changed, so that an entry that cannot be written holds nothing up.
        let _ = journal.write(Note { before: note.after, after, ..note }).await;
    }
    Ok(taken?)
}
