//! `[drift]`: from which move of a figure on people are warned.
//!
//! Takes the section as written, every key of which has a value of its own; gives checked tolerances. It watches nothing.

use serde::Deserialize;
use shared::drift::Tolerances;

use super::checker::Checker;
use super::error::ConfigError;

/// The section as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawDrift {
    pub watch: bool,
    pub brightness: f64,
    pub sharpness: f64,
}

/// A lamp loses a twentieth long before eyes see it, and a lens that was touched loses more than a quarter of its sharpness.
impl Default for RawDrift {
    fn default() -> Self {
        Self { watch: true, brightness: 0.05, sharpness: 0.25 }
    }
}

/// `None` where nothing is to be watched.
pub(super) fn check(checker: &Checker<'_>, raw: &RawDrift) -> Result<Option<Tolerances>, ConfigError> {
    let brightness = checker.range("drift.brightness", raw.brightness, 0.01, 1.0)?;
    let sharpness = checker.range("drift.sharpness", raw.sharpness, 0.05, 10.0)?;
    Ok(raw.watch.then_some(Tolerances { brightness, sharpness }))
}

/// For a table.
pub(super) fn table(tolerances: Option<Tolerances>) -> String {
    let Some(Tolerances { brightness, sharpness }) = tolerances else { return "not watched".to_owned() };
    format!("brightness by {:.0} %, sharpness by {:.0} %, scores", brightness * 100.0, sharpness * 100.0)
}
