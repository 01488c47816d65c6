//! `--since` and `--until`: a stretch of time as people type it.
//!
//! Takes a date, a date with a time of day, or how long ago; gives wall-clock times. What is "ago" is reckoned from a time that
//! the caller names, so that nothing here reads a clock.

use std::str::FromStr;

use shared::units::Micros;
use shared::wall::WallTime;

use crate::store::Filter;

/// One end of a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// By the calendar.
    At(WallTime),
    /// So long before now.
    Ago(Micros),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = |letter| match letter {
            'm' => Some(60),
            'h' => Some(3_600),
            'd' => Some(86_400),
            _ => None,
        };
        let seconds = text.chars().last().and_then(unit);
        // The letter is ASCII, so that the text can be cut before it.
        let count = seconds.and_then(|_| text[..text.len() - 1].parse::<u32>().ok());
        match seconds.zip(count) {
            Some((seconds, count)) => Ok(Self::Ago(Micros(u64::from(count) * seconds * 1_000_000))),
            None => {
                let time = text.parse().map_err(|error| format!("{error}; or how long ago, such as 90m, 8h, 7d"))?;
                Ok(Self::At(time))
            }
        }
    }
}

impl Moment {
    fn before(self, now: WallTime) -> WallTime {
        match self {
            Self::At(time) => time,
            Self::Ago(length) => now.saturating_sub(length),
        }
    }
}

/// The stretch of time that a command is about.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Period {
    /// Parts that left then or later: 2026-05-30, 2026-05-30T14:05 (UTC), or 90m, 8h, 7d ago.
    #[arg(long, value_name = "T")]
    pub since: Option<Moment>,
    /// Parts that left before then.
    #[arg(long, value_name = "T")]
    pub until: Option<Moment>,
}

impl Period {
    /// As a filter, seen from `now`.
    #[must_use]
    pub fn filter(&self, now: WallTime) -> Filter {
        let time = |moment: Option<Moment>| moment.map(|moment| moment.before(now));
        Filter { since: time(self.since), until: time(self.until), verdict: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_lengths_of_time_are_told_apart() {
        let now = WallTime(10 * 86_400_000_000);
        let cases = [
            ("1970-01-02", 86_400_000_000),
            ("1970-01-02T00:01Z", 86_460_000_000),
            ("3d", 7 * 86_400_000_000),
            ("90m", 10 * 86_400_000_000 - 5_400_000_000),
            ("0h", 10 * 86_400_000_000),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Moment>().unwrap().before(now), WallTime(expected), "{text}");
        }
        for text in ["", "d", "-1d", "1.5h", "1w", "gestern", "ü"] {
            let message = text.parse::<Moment>().unwrap_err();
            assert!(message.contains("7d"), "{text}: {message}");
        }
    }
}
