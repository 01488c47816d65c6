//! What is deleted, so that the disk never fills and the least is lost.
//!
//! Takes what is kept, how much of it, and how much room there is; gives what must go. Pictures go by age whatever they show;
//! for want of room good parts' pictures go first, then those near the threshold, then those of rejected parts, the oldest of
//! each first. What is older is told by the order of runs and parts, which no clock can disturb; only age rests on the wall
//! clock. Deletes nothing itself.

use shared::units::Micros;
use shared::wall::WallTime;

use super::keep::Class;

/// The beginning of 2020. A clock that shows less has never been set, so that the age of what it stamped is not known.
pub const EARLIEST: WallTime = WallTime(1_577_836_800_000_000);

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Pictures, each with the frame beside it.
    pub max_pictures: u64,
    /// Bytes of all pictures.
    pub max_picture_bytes: u64,
    /// Age of a picture.
    pub max_picture_age: Micros,
    /// Bytes that stay free on the disk: below, pictures go, and no new ones are written, so that records find room.
    pub min_free_bytes: u64,
    /// Records.
    pub max_records: u64,
    /// Age of a record. Its picture goes with it.
    pub max_record_age: Micros,
}

/// Names a record: its run and its part. Greater is later.
pub type Key = (i64, i64);

/// One part's picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Whose.
    pub key: Key,
    /// What for.
    pub class: Class,
    /// When it was taken, by the wall clock of that day.
    pub taken_at: WallTime,
    /// Bytes on the disk.
    pub bytes: u64,
}

/// All pictures together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many.
    pub pictures: u64,
    /// Bytes on the disk.
    pub bytes: u64,
}

/// The pictures that must go, in the order in which they go.
///
/// `held` is all of them or those that would go first; `free` the room on the disk, where known; `now` the time that ages are
/// told by, where one can be trusted.
#[must_use]
pub fn surplus(
    held: &[Held],
    mut totals: Totals,
    free: Option<u64>,
    now: Option<WallTime>,
    limits: &Limits,
) -> Vec<Key> {
    let mut order: Vec<&Held> = held.iter().collect();
    order.sort_unstable_by_key(|held| (held.class, held.key));
    let (too_old, rest): (Vec<&Held>, Vec<&Held>) =
        order.into_iter().partition(|held| expired(held.taken_at, now, limits.max_picture_age));
    let mut short = free.map_or(0, |free| limits.min_free_bytes.saturating_sub(free));
    let mut going = Vec::new();
    let mut go = |held: &Held, totals: &mut Totals, short: &mut u64| {
        going.push(held.key);
        totals.pictures = totals.pictures.saturating_sub(1);
        totals.bytes = totals.bytes.saturating_sub(held.bytes);
        *short = short.saturating_sub(held.bytes);
    };
    for held in too_old {
        go(held, &mut totals, &mut short);
    }
    for held in rest {
        if totals.pictures <= limits.max_pictures && totals.bytes <= limits.max_picture_bytes && short == 0 {
            break;
        }
        go(held, &mut totals, &mut short);
    }
    going
}

/// Stamps before this are too old; `None` when no age can be told.
#[must_use]
pub fn cutoff(now: Option<WallTime>, max_age: Micros) -> Option<WallTime> {
    now.map(|now| now.saturating_sub(max_age)).filter(|&cutoff| cutoff > EARLIEST)
}

fn expired(taken_at: WallTime, now: Option<WallTime>, max_age: Micros) -> bool {
    taken_at >= EARLIEST && cutoff(now, max_age).is_some_and(|cutoff| taken_at < cutoff)
}

/// Whether ages may be told by a clock that showed `started_at` when the run began. Not when it was never set, nor when
/// everything that is kept would be too old at once: a station that was off that long waits one run more, and a clock that was set
/// wrong deletes nothing.
#[must_use]
pub fn trusted(started_at: WallTime, newest: Option<WallTime>, max_age: Micros) -> bool {
    started_at >= EARLIEST && newest.is_none_or(|newest| newest.saturating_add(max_age) >= started_at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: u64 = 86_400_000_000;
    const NOW: WallTime = WallTime(EARLIEST.0 + 1_000 * DAY as i64);

    fn limits() -> Limits {
        Limits {
            max_pictures: 100,
            max_picture_bytes: 1_000,
            max_picture_age: Micros(30 * DAY),
            min_free_bytes: 500,
            max_records: 1_000,
            max_record_age: Micros(365 * DAY),
        }
    }

    fn held(part: i64, class: Class, days: u64, bytes: u64) -> Held {
        Held { key: (1, part), class, taken_at: NOW.saturating_sub(Micros(days * DAY)), bytes }
    }

    fn gone(held: &[Held], free: Option<u64>, now: Option<WallTime>, limits: Limits) -> Vec<i64> {
        let bytes = held.iter().map(|held| held.bytes).sum();
        let totals = Totals { pictures: held.len() as u64, bytes };
        surplus(held, totals, free, now, &limits).into_iter().map(|(_, part)| part).collect()
    }

    #[test]
    fn what_goes_first() {
        use Class::{Good, Near, Rejected};
        let all = [
            held(1, Rejected, 9, 300),
            held(2, Near, 8, 100),
            held(3, Good, 7, 50),
            held(4, Rejected, 6, 200),
            held(5, Good, 5, 50),
            held(6, Near, 4, 100),
        ];
        let plenty = Some(10_000);
        let rest = limits();
        let cases: [(&str, Option<u64>, Limits, &[i64]); 10] = [
            ("there is room for all", plenty, rest, &[]),
            ("by number", plenty, Limits { max_pictures: 5, ..rest }, &[3]),
            ("both good ones, then the older near one", plenty, Limits { max_pictures: 3, ..rest }, &[3, 5, 2]),
            ("by bytes", plenty, Limits { max_picture_bytes: 650, ..rest }, &[3, 5, 2]),
            (
                "the oldest rejected one last but one",
                plenty,
                Limits { max_picture_bytes: 200, ..rest },
                &[3, 5, 2, 6, 1],
            ),
            ("none is wanted", plenty, Limits { max_pictures: 0, ..rest }, &[3, 5, 2, 6, 1, 4]),
            ("too little room on the disk", Some(440), rest, &[3, 5]),
            ("no room on the disk", Some(0), rest, &[3, 5, 2, 6, 1]),
            ("room unknown", None, rest, &[]),
            ("by age, whatever the class", plenty, Limits { max_picture_age: Micros(7 * DAY + 1), ..rest }, &[2, 1]),
        ];
        for (case, free, limits, expected) in cases {
            assert_eq!(gone(&all, free, Some(NOW), limits), expected, "{case}");
        }
    }

    #[test]
    fn what_has_gone_by_age_makes_room() {
        let all = [held(1, Class::Rejected, 40, 500), held(2, Class::Good, 1, 600)];
        assert_eq!(gone(&all, Some(0), Some(NOW), limits()), [1]);
    }

    #[test]
    fn no_age_is_told_by_a_clock_that_was_never_set() {
        let never = Held { taken_at: WallTime(7), ..held(1, Class::Good, 0, 1) };
        assert_eq!(gone(&[never], None, Some(NOW), limits()), [0; 0], "stamped in 1970");
        assert_eq!(gone(&[held(1, Class::Good, 900, 1)], None, None, limits()), [0; 0], "now is not known");
        assert_eq!(gone(&[held(1, Class::Good, 900, 1)], None, Some(NOW), limits()), [1]);
    }

    #[test]
    fn a_clock_that_would_make_everything_too_old_is_not_trusted() {
        let age = Micros(30 * DAY);
        let before = |days: u64| NOW.saturating_sub(Micros(days * DAY));
        assert!(trusted(NOW, None, age), "an empty store");
        assert!(trusted(NOW, Some(before(3)), age));
        assert!(trusted(before(1), Some(NOW), age), "the clock was set back");
        assert!(!trusted(NOW, Some(before(31)), age), "everything would go");
        assert!(!trusted(WallTime(99), None, age), "1970");
    }

    proptest! {
        #[test]
        fn afterwards_everything_is_within_its_limits(
            parts in prop::collection::vec((0i64..50, 0i64..3, 0u64..60, 1u64..300), 0..40),
            max_pictures in 0u64..40,
            max_picture_bytes in 0u64..4_000,
            free in 0u64..1_000,
        ) {
            let limits = Limits { max_pictures, max_picture_bytes, ..limits() };
            let all: Vec<Held> = parts.iter().enumerate().map(|(at, &(run, class, days, bytes))| {
                Held { key: (run, at as i64), ..held(0, Class::of(class).unwrap(), days, bytes) }
            }).collect();
            let sum = |held: &[Held]| held.iter().map(|held| held.bytes).sum::<u64>();
            let totals = Totals { pictures: all.len() as u64, bytes: sum(&all) };
            let going = surplus(&all, totals, Some(free), Some(NOW), &limits);
            let (gone, left): (Vec<Held>, Vec<Held>) = all.iter().partition(|held| going.contains(&held.key));
            prop_assert_eq!(gone.len(), going.len(), "each goes once");
            prop_assert!(left.len() as u64 <= max_pictures && sum(&left) <= max_picture_bytes);
            prop_assert!(free + sum(&gone) >= limits.min_free_bytes || left.is_empty());
            let old = |held: &Held| expired(held.taken_at, Some(NOW), limits.max_picture_age);
            prop_assert!(!left.iter().any(old));
            for kept in &left {
                let later = gone.iter().filter(|gone| !old(gone) && (gone.class, gone.key) > (kept.class, kept.key));
                prop_assert_eq!(later.count(), 0, "a picture outlives one worth less");
            }
        }
    }
}
