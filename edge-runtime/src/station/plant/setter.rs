//! A threshold that the plant sets.
//!
//! Takes what the plant wants; keeps it beside the records, for the bundle that judges, and only then leaves it for the line, so that a restart at
//! any moment goes on with what was answered. Waits for the disk, on the plant's thread, which nobody waits for. Whether somebody may set it,
//! and that it is written to a log, is the plant's process's business.

use edge_plant::wire::{Basis, NotSet};
use shared::manifest::{Manifest, Precision};
use shared::units::Score;

use super::slot::{Shared, Wanted};
use crate::bundle::Identity;
use crate::bundle::settings::Settings;

/// Keeps thresholds.
#[derive(Debug)]
pub struct Setter {
    /// Where; nowhere, where none may be set.
    pub settings: Option<Settings>,
    /// Which of the bundles' models judges.
    pub precision: Precision,
}

impl Setter {
    /// Keeps a threshold, or that none is set, and leaves it for the line.
    ///
    /// # Errors
    /// [`NotSet`]; what held before holds.
    pub fn set(&self, shared: &Shared, sha256: &[u8; 32], threshold: Option<Score>) -> Result<(), NotSet> {
        let (Some(settings), basis) = (&self.settings, shared.basis()) else { return Err(NotSet::Fixed) };
        if basis.bundle_sha256 != *sha256 {
            return Err(NotSet::OtherBundle);
        }
        let wanted = Wanted { sha256: *sha256, threshold: threshold.unwrap_or(basis.own) };
        if wanted.threshold.get() >= 1.0 {
            return Err(NotSet::NoThreshold);
        }
        settings.set(sha256, self.precision, threshold).map_err(|error| {
            tracing::error!(%error, "the threshold stays as it is");
            NotSet::NotKept
        })?;
        tracing::warn!(threshold = wanted.threshold.get(), "the plant's process sets the threshold");
        shared.ask_for_threshold(wanted);
        Ok(())
    }
}

/// What the plant is told of a bundle that is to judge.
#[must_use]
pub fn basis(bundle: &Identity, may_be_set: bool) -> Basis {
    let manifest: &Manifest = bundle.manifest();
    Basis {
        bundle_sha256: bundle.sha256(),
        own: manifest.own_threshold(),
        may_be_set,
        // Checked to be scores when the bundle was opened.
        good_scores: manifest.good_scores().iter().filter_map(|&score| Score::new(score)).collect(),
        good_parts: manifest.good_parts().to_vec(),
    }
}
