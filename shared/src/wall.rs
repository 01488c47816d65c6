//! The time that a clock on the wall shows, and how people write it.
//!
//! Only for people and for how old something is: wall clocks are set, and a board without a battery starts with a wrong one, so
//! that no decision about a part rests on them. UTC throughout, by the Gregorian calendar; leap seconds do not exist here.

use core::fmt;
use core::str::FromStr;

use crate::units::Micros;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Microseconds since the beginning of 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(pub i64);

/// A text that is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallTimeError;

impl fmt::Display for WallTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected is a date such as 2026-05-30, or with a time of day, UTC, such as 2026-05-30T14:05 or ...T14:05:06")
    }
}

impl core::error::Error for WallTimeError {}

impl WallTime {
    /// Later by a length of time, held at the end of the range.
    pub fn saturating_add(self, length: Micros) -> Self {
        Self(self.0.saturating_add_unsigned(length.0))
    }

    /// Earlier by a length of time, held at the end of the range.
    pub fn saturating_sub(self, length: Micros) -> Self {
        Self(self.0.saturating_sub_unsigned(length.0))
    }
}

/// As in `2026-05-30T14:05:06.789Z`; what is finer than a millisecond is left out.
impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0.div_euclid(DAY));
        let millis = self.0.rem_euclid(DAY) / 1_000;
        let (hour, minute, second) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1_000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", millis % 1_000)
    }
}

impl FromStr for WallTime {
    type Err = WallTimeError;

    /// Reads a date, or a date, `T` or a space, and a time of day to the minute, the second or a fraction of it, with or
    /// without `Z`.
    fn from_str(text: &str) -> Result<Self, WallTimeError> {
        let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
        let mut parts = date.splitn(3, '-');
        let mut next = |length, least, most| field(parts.next(), length, least, most);
        let (year, month, day) = (next(4, 1, 9999)?, next(2, 1, 12)?, next(2, 1, 31)?);
        let days = days(year, month, day);
        if civil(days) != (year, month, day) {
            return Err(WallTimeError);
        }
        let mut parts = time.strip_suffix('Z').unwrap_or(time).splitn(3, ':');
        let (hour, minute) = (field(parts.next(), 2, 0, 23)?, field(parts.next(), 2, 0, 59)?);
        let micros = parts.next().map_or(Ok(0), seconds)?;
        Ok(Self(days * DAY + (hour * 60 + minute) * 60 * SECOND + micros))
    }
}

fn field(text: Option<&str>, length: usize, least: i64, most: i64) -> Result<i64, WallTimeError> {
    let text = text.filter(|text| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()));
    let value = text.and_then(|text| text.parse().ok()).ok_or(WallTimeError)?;
    if (least..=most).contains(&value) { Ok(value) } else { Err(WallTimeError) }
}

/// Seconds with at most six places, in microseconds.
fn seconds(text: &str) -> Result<i64, WallTimeError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let places = u32::try_from(fraction.len()).ok().filter(|places| (1..=6).contains(places)).ok_or(WallTimeError)?;
    let fraction = field(Some(fraction), fraction.len(), 0, SECOND - 1)?;
    Ok(field(Some(whole), 2, 0, 59)? * SECOND + fraction * 10_i64.pow(6 - places))
}

/// Days of the 400 years after which the calendar repeats.
const ERA: i64 = 146_097;

/// From 1 March of the year 0, where a year of this reckoning begins, to 1 January 1970.
const TO_1970: i64 = 719_468;

/// Year, month and day of a day since 1 January 1970. Years begin in March, so that the leap day is a year's last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + TO_1970;
    let (era, of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - TO_1970
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_times_read_and_write_as_people_do() {
        // From `date -u -d ... +%s`.
        let cases = [
            ("1970-01-01", 0, "1970-01-01T00:00:00.000Z"),
            ("2000-02-29 12:00", 951_825_600_000_000, "2000-02-29T12:00:00.000Z"),
            ("2026-05-30T14:05:06.789Z", 1_780_149_906_789_000, "2026-05-30T14:05:06.789Z"),
            ("1969-12-31T23:59:59.5", -500_000, "1969-12-31T23:59:59.500Z"),
        ];
        for (text, micros, written) in cases {
            assert_eq!(text.parse(), Ok(WallTime(micros)), "{text}");
            assert_eq!(WallTime(micros).to_string(), written);
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "2026", "2026-13-01", "2026-02-29", "2026-5-30", "2026-05-30T", "2026-05-30T24:00", "yesterday"]
                .into_iter()
                .chain(["2026-05-30T14", "2026-05-30T14:05:60", "2026-05-30T14:05:06.", "2026-05-30T14:05:06+02:00"])
        {
            assert_eq!(text.parse::<WallTime>(), Err(WallTimeError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_to_the_millisecond(millis in -62_000_000_000_000i64..253_402_300_800_000) {
            let time = WallTime(millis * 1_000);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn no_number_and_no_text_is_too_much(micros: i64, text in "[0-9TZ:. -]{0,30}") {
            let _ = WallTime(micros).to_string();
            let _ = text.parse::<WallTime>();
        }
    }
}
