//! Another product, wanted from the page or by a controller: written to the log first, then asked of the station.
//!
//! Takes a recipe's number, which the station must have named; the station's answer says whether it is heard, and what becomes of it is in
//! its [`Products`]. It decides nothing about bundles.

use thiserror::Error;

use crate::link::{Station, Unheard};
use crate::log::chain::hex;
use crate::log::journal::JournalError;
use crate::log::{Journal, Note};
use crate::wire::Products;

/// What an entry of a changeover says.
pub const CHANGEOVER: &str = "changeover";

/// Why nothing came of a wish.
#[derive(Debug, Error)]
pub enum SelectError {
    /// The station has no recipe with this number, or none at all.
    #[error("the station has no product with number {0}")]
    Unknown(u16),
    /// It cannot be written down.
    #[error("{0}")]
    Log(#[from] JournalError),
    /// The station does not hear it.
    #[error("{0}")]
    Unheard(#[from] Unheard),
}

/// Wants a product for somebody. Gives whether the station begins; otherwise a change before is still under way.
///
/// # Errors
/// [`SelectError`].
pub async fn select(
    station: &Station,
    journal: &Journal,
    who: &str,
    role: &str,
    number: u16,
) -> Result<bool, SelectError> {
    let known = {
        let line = station.line();
        if !line.connected {
            return Err(Unheard::NoStation.into());
        }
        line.products.as_ref().and_then(|products| Some((named(products, products.running)?, named(products, number)?)))
    };
    let Some((before, after)) = known else { return Err(SelectError::Unknown(number)) };
    let [who, role, what] = [who, role, CHANGEOVER].map(str::to_owned);
    let note = Note { who, role, what, before, after };
    journal.write(note.clone()).await?;
    let taken = station.select(number).await;
    let failed = match taken {
        Ok(true) => None,
        Ok(false) => Some("not taken: an earlier one is under way".to_owned()),
        Err(unheard) => Some(format!("not taken: {unheard}")),
    };
    if let Some(after) = failed {
        // Nothing was changed, so that an entry that cannot be written holds nothing up.
        let _ = journal.write(Note { before: note.after, after, ..note }).await;
    }
    Ok(taken?)
}

/// A product's number, recipe and bundle, as an entry has them: a recipe may have another bundle by now than the one that judges.
pub(crate) fn named(products: &Products, number: u16) -> Option<String> {
    let product = products.numbered(number)?;
    let is = product.bundle.as_ref().ok();
    let is = is.map(|bundle| format!("{}, bundle {}", bundle.product, hex(&bundle.sha256[..8])));
    Some(format!("{number} {} ({})", product.name, is.as_deref().unwrap_or("-")))
}
