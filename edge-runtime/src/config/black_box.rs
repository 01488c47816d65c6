//! `[black_box]`: how much of the last minutes is held, to be run again.
//!
//! Takes the section as written, every key of which has a value of its own; gives checked limits. It records nothing.

use serde::Deserialize;
use shared::units::Micros;

use super::checker::Checker;
use super::error::ConfigError;
use crate::blackbox::ring::Limits;

/// The section as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawBlackBox {
    /// How much is held, minutes; 0 holds nothing.
    pub minutes: f64,
    /// Megabytes of memory at most; pictures are left out first.
    pub max_mb: f64,
    /// Recordings that are kept on the disk; the oldest make way.
    pub files: u32,
}

/// Long enough to hold what led to an alarm; with the network `small` the station stays below 64 MiB.
impl Default for RawBlackBox {
    fn default() -> Self {
        Self { minutes: 2.0, max_mb: 20.0, files: 5 }
    }
}

/// What is held in memory, and how many files are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlackBox {
    /// How much is held.
    pub limits: Limits,
    /// Files that are kept, at least one.
    pub files: usize,
}

/// `None` where nothing is to be recorded.
pub(super) fn check(checker: &Checker<'_>, raw: &RawBlackBox) -> Result<Option<BlackBox>, ConfigError> {
    let minutes = checker.range("black_box.minutes", raw.minutes, 0.0, 60.0)?;
    let megabytes = checker.range("black_box.max_mb", raw.max_mb, 1.0, 1_000.0)?;
    let files = checker.range("black_box.files", f64::from(raw.files), 1.0, 1_000.0)?;
    let limits = Limits { longest: Micros((minutes * 60e6) as u64), most_bytes: (megabytes * 1e6) as usize };
    Ok((minutes > 0.0).then_some(BlackBox { limits, files: files as usize }))
}

/// For a table.
pub(super) fn table(black_box: Option<&BlackBox>) -> String {
    let Some(BlackBox { limits, files }) = black_box else { return "none".to_owned() };
    let (minutes, megabytes) = (limits.longest.0 as f64 / 60e6, limits.most_bytes as f64 / 1e6);
    format!("{minutes} minutes, at most {megabytes:.0} MB, {files} files")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    const SIM: &str = include_str!("../../config/sim.toml");

    fn with(section: &str) -> Result<Config, ConfigError> {
        Config::parse(&format!("{SIM}\n[black_box]\n{section}\n"), "sim.toml", Path::new("base"))
    }

    #[test]
    fn without_a_key_it_has_a_value_of_its_own_and_without_minutes_nothing_is_held() {
        let limits = Limits { longest: Micros::from_millis(120_000), most_bytes: 20_000_000 };
        assert_eq!(with("").unwrap().black_box(), Some(BlackBox { limits, files: 5 }));
        assert_eq!(with("minutes = 0").unwrap().black_box(), None);
        let limits = Limits { longest: Micros::from_millis(30_000), most_bytes: 1_500_000 };
        let full = with("minutes = 0.5\nmax_mb = 1.5\nfiles = 1").unwrap();
        assert_eq!(full.black_box(), Some(BlackBox { limits, files: 1 }));
        assert_eq!(table(full.black_box().as_ref()), "0.5 minutes, at most 2 MB, 1 files");
    }

    #[test]
    fn values_out_of_range_are_named() {
        for (line, key) in [
            ("minutes = 61", "black_box.minutes = 61, permitted is 0 to 60"),
            ("minutes = nan", "black_box.minutes = NaN"),
            ("max_mb = 0.5", "black_box.max_mb = 0.5, permitted is 1 to 1000"),
            ("files = 0", "black_box.files = 0, permitted is 1 to 1000"),
        ] {
            let message = with(line).expect_err(line).to_string();
            assert!(message.contains(key), "{line}: {message}");
        }
    }
}
