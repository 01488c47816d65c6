//! `[audit]`: what is kept of each part, where, and for how long.
//!
//! Takes the section as written; gives limits in bytes and microseconds, each in its range. Creates no folder.

use std::fmt;
use std::path::{Path, PathBuf};

use shared::units::Micros;

use super::checker::Checker;
use super::error::ConfigError;
use super::raw;
use crate::store::{Keep, Limits};

const MEGABYTE: f64 = 1e6;
const DAY: f64 = 86_400e6;

/// What is kept, checked.
#[derive(Debug, Clone)]
pub struct Audit {
    pub(super) dir: PathBuf,
    limits: Limits,
    keep: Keep,
}

impl Audit {
    pub(super) fn check(checker: &Checker<'_>, raw: &raw::Audit) -> Result<Self, ConfigError> {
        let bytes = |key, got| checker.range(key, got, 0.0, 1e9).map(|megabytes| (megabytes * MEGABYTE) as u64);
        let age = |key, got| checker.range(key, got, 1.0, 36_500.0).map(|days| Micros((days * DAY) as u64));
        let count =
            |key, got: u32, least, most| checker.range(key, f64::from(got), least, most).map(|count| count as u64);
        Ok(Self {
            dir: checker.base.join(&raw.dir),
            limits: Limits {
                max_pictures: count("audit.max_pictures", raw.max_pictures, 0.0, 1e6)?,
                max_picture_bytes: bytes("audit.max_bytes_mb", raw.max_bytes_mb)?,
                max_picture_age: age("audit.max_age_days", raw.max_age_days)?,
                min_free_bytes: bytes("audit.min_free_mb", raw.min_free_mb)?,
                max_records: count("audit.max_records", raw.max_records, 1_000.0, 1e9)?,
                max_record_age: age("audit.max_record_age_days", raw.max_record_age_days)?,
            },
            keep: Keep {
                good_one_in: raw.good_one_in,
                near_threshold: checker.share("audit.near_threshold", raw.near_threshold)? as f32,
            },
        })
    }

    /// The folder of records and pictures.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How much is kept.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Which parts leave a picture.
    #[must_use]
    pub fn keep(&self) -> Keep {
        self.keep
    }
}

/// Which pictures, how many, how long, for a table.
impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limits { max_pictures, max_picture_bytes, max_picture_age, .. } = self.limits;
        let (megabytes, days) = (max_picture_bytes as f64 / MEGABYTE, max_picture_age.0 as f64 / DAY);
        match self.keep.good_one_in {
            0 => f.write_str("no good part's")?,
            count => write!(f, "one good part in {count}")?,
        }
        write!(f, ", at most {max_pictures}, {megabytes:.0} MB, {days:.0} days")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const SIM: &str = include_str!("../../config/sim.toml");

    fn with(line: &str) -> Result<Config, ConfigError> {
        let (start, end) = SIM.split_once("[audit]").unwrap();
        let (_, end) = end.split_once("\n[").unwrap();
        Config::parse(&format!("{start}[audit]\ndir = \"a\"\n{line}\n[{end}"), "sim.toml", Path::new("base"))
    }

    #[test]
    fn an_old_section_still_works_and_a_full_one_is_understood() {
        let old = with("max_pictures = 7").unwrap();
        assert_eq!(old.audit().dir(), Path::new("base/a"));
        assert_eq!(old.audit().limits().max_pictures, 7);
        assert_eq!(old.audit().keep(), Keep { good_one_in: 100, near_threshold: 0.8 });
        let keys = "max_pictures = 9\nmax_bytes_mb = 1.5\nmax_age_days = 2\nmin_free_mb = 3\nmax_records = 4000\n\
                    max_record_age_days = 5\ngood_one_in = 0\nnear_threshold = 1.0";
        let full = with(keys).unwrap();
        let day = 86_400_000_000;
        let limits = Limits {
            max_pictures: 9,
            max_picture_bytes: 1_500_000,
            max_picture_age: Micros(2 * day),
            min_free_bytes: 3_000_000,
            max_records: 4_000,
            max_record_age: Micros(5 * day),
        };
        assert_eq!(full.audit().limits(), limits);
        assert_eq!(full.audit().to_string(), "no good part's, at most 9, 2 MB, 2 days");
        assert_ne!(old.text_sha256(), full.text_sha256());
    }

    #[test]
    fn values_out_of_range_are_named() {
        for (line, key) in [
            ("max_pictures = 1000001", "audit.max_pictures"),
            ("max_pictures = 1\nmax_age_days = 0.5", "audit.max_age_days"),
            ("max_pictures = 1\nmax_bytes_mb = nan", "audit.max_bytes_mb"),
            ("max_pictures = 1\nmin_free_mb = -1.0", "audit.min_free_mb"),
            ("max_pictures = 1\nmax_records = 10", "audit.max_records"),
            ("max_pictures = 1\nnear_threshold = 1.1", "audit.near_threshold"),
        ] {
            let message = with(line).unwrap_err().to_string();
            assert!(message.starts_with(&format!("sim.toml: {key} = ")), "{line}: {message}");
        }
    }
}
