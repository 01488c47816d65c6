//! `[alarms]`: what of a line's course stops it, or makes somebody look.
//!
//! Takes the section as written, every key of which has a value of its own; gives checked limits. It watches nothing.

use serde::Deserialize;
use shared::units::Travel;

use super::checker::Checker;
use super::error::ConfigError;
use crate::health::alarms::Limits;
use crate::health::readings::MilliCelsius;

/// The section as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawAlarms {
    /// The line stops after so many rejected parts in a row, with REJECTS_IN_A_ROW; 0 is never.
    pub consecutive_rejects: u32,
    /// The line stops after so many parts in a row that were not judged in time, with UNJUDGED_IN_A_ROW; 0 is never.
    pub consecutive_unjudged: u32,
    /// MANY_REJECTS warns above so many rejects in a hundred parts; 0 is never.
    pub rejects_in_hundred: u32,
    /// A rejected part must be seen by `board.lines.confirm` this soon after the gate has opened, or REJECT_UNCONFIRMED stops the line.
    pub confirm_within_ms: Option<f64>,
    /// A bin that is full for this long stops the line with BIN_FULL.
    pub bin_full_ms: f64,
    /// TOO_HOT warns from this temperature on, degrees Celsius, until the board is 5 degrees cooler.
    pub too_hot_c: f64,
}

/// What inspection lines usually have.
impl Default for RawAlarms {
    fn default() -> Self {
        Self {
            consecutive_rejects: 5,
            consecutive_unjudged: 3,
            rejects_in_hundred: 10,
            confirm_within_ms: None,
            bin_full_ms: 4_000.0,
            // Boards slow themselves down at 80 to 85.
            too_hot_c: 80.0,
        }
    }
}

/// `gate_slack` is what a part's window leaves of the belt's way while the gate rises.
pub(super) fn check(checker: &Checker<'_>, raw: &RawAlarms, gate_slack: Travel) -> Result<Limits, ConfigError> {
    let count = |key, got: u32, most| checker.range(key, f64::from(got), 0.0, most).map(|count| count as u32);
    Ok(Limits {
        consecutive_rejects: count("alarms.consecutive_rejects", raw.consecutive_rejects, 1e6)?,
        consecutive_unjudged: count("alarms.consecutive_unjudged", raw.consecutive_unjudged, 1e6)?,
        rejects_in_hundred: count("alarms.rejects_in_hundred", raw.rejects_in_hundred, 100.0)?,
        confirm_within: match raw.confirm_within_ms {
            None => None,
            Some(within) => Some(checker.millis("alarms.confirm_within_ms", within, 1.0)?),
        },
        gate_slack,
        bin_full_after: checker.millis("alarms.bin_full_ms", raw.bin_full_ms, 0.0)?,
    })
}

/// From which temperature on the board is too hot.
pub(super) fn check_heat(checker: &Checker<'_>, raw: &RawAlarms) -> Result<MilliCelsius, ConfigError> {
    Ok(MilliCelsius((checker.range("alarms.too_hot_c", raw.too_hot_c, 30.0, 120.0)? * 1e3) as i32))
}

/// For a table.
pub(super) fn table(limits: &Limits, too_hot: MilliCelsius) -> String {
    let number = |count: u32| if count == 0 { "any".to_owned() } else { count.to_string() };
    let Limits { consecutive_rejects, consecutive_unjudged, rejects_in_hundred, .. } = *limits;
    format!(
        "{} rejects in a row, {} unjudged in a row, above {} in a hundred, {too_hot}",
        number(consecutive_rejects),
        number(consecutive_unjudged),
        number(rejects_in_hundred)
    )
}
