//! Where the virtual belt is at which time, and when it will be where.
//!
//! Takes a seed and speeds; gives an exact, continuous relation between time (microseconds) and position. The speed changes
//! every fraction of a second within the permitted variation; now and then the belt stops for a while, or runs a little
//! backwards. Positions are picometres inside, so that a speed in micrometres a second is one picometre a microsecond and
//! all arithmetic is exact; outside they are [`Travel`], micrometres, rounded down. In the long run it goes forwards, so that
//! every place is reached. It knows no part.

use std::collections::VecDeque;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use shared::units::{Micros, Travel};

use super::Stream;

const PICOMETRES: i64 = 1_000_000;

/// Stretches in a minute of running: one lasts a quarter of a second on average.
const STRETCHES_PER_MINUTE: f64 = 240.0;

/// How the belt runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// Speed meant, micrometres a second.
    pub speed_um_s: i64,
    /// Greatest departure from it, as a share of it; 0 to 1.
    pub variation: f64,
    /// Stops a minute of running, on average.
    pub stops_per_minute: f64,
    /// Stretches backwards a minute of running, on average. Together they must be shorter than what it runs forwards.
    pub reversals_per_minute: f64,
    /// The longest of them, micrometres.
    pub reversal_um: i64,
}

/// A stretch of constant speed, or a piece of one. Negative speeds are backwards.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    from: u64,
    until: u64,
    start_pm: i64,
    speed: i64,
}

impl Stretch {
    /// Its last moment.
    #[must_use]
    pub fn until(&self) -> Micros {
        Micros(self.until)
    }

    /// Where the belt is at its last moment.
    #[must_use]
    pub fn end(&self) -> Travel {
        Travel(self.end_pm().div_euclid(PICOMETRES))
    }

    /// The first microsecond after its beginning at which the belt is at `place` or beyond, if it comes from before it.
    #[must_use]
    pub fn rises_to(&self, place: Travel) -> Option<Micros> {
        let target = place.0.saturating_mul(PICOMETRES);
        let ticks = (self.start_pm < target && target <= self.end_pm())
            .then(|| (target - self.start_pm + self.speed - 1) / self.speed);
        ticks.map(|ticks| Micros(self.from + ticks as u64))
    }

    /// The first microsecond after its beginning at which the belt is before `place`, if it comes from there or beyond.
    #[must_use]
    pub fn falls_below(&self, place: Travel) -> Option<Micros> {
        let target = place.0.saturating_mul(PICOMETRES);
        let ticks =
            (self.end_pm() < target && target <= self.start_pm).then(|| (self.start_pm - target) / -self.speed + 1);
        ticks.map(|ticks| Micros(self.from + ticks as u64))
    }

    fn at_pm(&self, at: u64) -> i64 {
        self.start_pm + self.speed * at.saturating_sub(self.from) as i64
    }

    fn end_pm(&self) -> i64 {
        self.at_pm(self.until)
    }
}

/// The belt's motion over time.
///
/// # Invariants
/// Stretches follow each other without a gap in time or position, and there is always at least one. Stretches that ended
/// before the last [`Belt::forget_before`] are gone, so that a shift of any length takes a bounded number of them.
#[derive(Debug, Clone)]
pub struct Belt {
    motion: Motion,
    rng: ChaCha8Rng,
    reversals: ChaCha8Rng,
    stretches: VecDeque<Stretch>,
}

impl Belt {
    /// A belt that starts at position 0 at time 0.
    #[must_use]
    pub fn new(motion: Motion, seed: u64) -> Self {
        let first = Stretch { from: 0, until: 200_000, start_pm: 0, speed: motion.speed_um_s };
        Self {
            motion,
            rng: Stream::Belt.chance(seed),
            reversals: Stream::Reversals.chance(seed),
            stretches: VecDeque::from([first]),
        }
    }

    /// A belt that runs at each of these speeds for its time, one after the other.
    #[cfg(test)]
    pub(crate) fn along(course: &[(i64, u64)]) -> Self {
        let speed_um_s = course[0].0;
        let still =
            Motion { speed_um_s, variation: 0.0, stops_per_minute: 0.0, reversals_per_minute: 0.0, reversal_um: 0 };
        let mut belt = Self::new(still, 0);
        belt.stretches[0].until = course[0].1;
        course[1..].iter().for_each(|&(speed, length)| belt.append(speed, length));
        belt
    }

    /// Where the belt is at a time that has not been forgotten.
    pub fn travel_at(&mut self, at: Micros) -> Travel {
        Travel(self.stretch_at(at).at_pm(at.0).div_euclid(PICOMETRES))
    }

    /// The first microsecond, no earlier than `from`, at which the belt is at `place` or beyond.
    pub fn time_at(&mut self, place: Travel, from: Micros) -> Micros {
        if self.travel_at(from) >= place {
            return from;
        }
        let mut piece = self.piece(from, Micros(u64::MAX));
        loop {
            match piece.rises_to(place) {
                Some(at) => return at,
                None => piece = self.piece(piece.until(), Micros(u64::MAX)),
            }
        }
    }

    /// The first microsecond, no earlier than `from`, at which the belt is before `place`; `None` if that is not before
    /// `until`.
    pub fn falls_below(&mut self, place: Travel, from: Micros, until: Micros) -> Option<Micros> {
        if self.travel_at(from) < place {
            return Some(from);
        }
        let mut from = from;
        while from < until {
            let piece = self.piece(from, until);
            if let Some(at) = piece.falls_below(place) {
                return Some(at).filter(|at| *at < until);
            }
            from = piece.until();
        }
        None
    }

    /// The piece of constant speed that begins at `from` and ends at `until` at the latest, which must be later.
    pub fn piece(&mut self, from: Micros, until: Micros) -> Stretch {
        let whole = self.stretch_at(from);
        let from = from.0.max(whole.from);
        Stretch { from, until: whole.until.min(until.0), start_pm: whole.at_pm(from), speed: whole.speed }
    }

    /// Drops everything that nobody will ask for again.
    pub fn forget_before(&mut self, at: Micros) {
        while self.stretches.len() > 1 && self.stretches[0].until < at.0 {
            self.stretches.pop_front();
        }
    }

    /// The stretch that goes on after a moment.
    fn stretch_at(&mut self, at: Micros) -> Stretch {
        while self.last().until <= at.0 {
            self.extend();
        }
        let index = self.stretches.partition_point(|s| s.until <= at.0);
        self.stretches[index]
    }

    fn last(&self) -> Stretch {
        // Never empty, by the invariant.
        self.stretches[self.stretches.len() - 1]
    }

    fn extend(&mut self) {
        self.reverse();
        let length: u64 = self.rng.random_range(100_000..400_000);
        let change: f64 = self.rng.random_range(-1.0..=1.0);
        let stops = self.rng.random_bool((self.motion.stops_per_minute / STRETCHES_PER_MINUTE).clamp(0.0, 1.0));
        let pause: u64 = self.rng.random_range(1_000_000..3_000_000);
        if stops && self.last().speed != 0 {
            self.append(0, pause);
        } else {
            let speed = self.motion.speed_um_s as f64 * (1.0 + self.motion.variation * change);
            self.append((speed.round() as i64).max(1), length);
        }
    }

    /// Now and then, a stretch backwards at the speed meant.
    fn reverse(&mut self) {
        let Motion { speed_um_s, reversals_per_minute, reversal_um, .. } = self.motion;
        let share = (reversals_per_minute / STRETCHES_PER_MINUTE).clamp(0.0, 1.0);
        if reversal_um > 0 && self.reversals.random_bool(share) {
            let length = self.reversals.random_range(1..=reversal_um);
            let time = (length as f64 * 1e6 / speed_um_s as f64) as u64;
            self.append(-speed_um_s, time.max(1));
        }
    }

    fn append(&mut self, speed: i64, length: u64) {
        let last = self.last();
        let (from, until) = (last.until, last.until + length);
        self.stretches.push_back(Stretch { from, until, start_pm: last.end_pm(), speed });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESTLESS: Motion = Motion {
        speed_um_s: 300_000,
        variation: 0.2,
        stops_per_minute: 30.0,
        reversals_per_minute: 0.0,
        reversal_um: 0,
    };
    const TO_AND_FRO: Motion = Motion { reversals_per_minute: 40.0, reversal_um: 200_000, ..RESTLESS };
    const START: Micros = Micros(0);

    #[test]
    fn a_steady_belt_is_where_speed_times_time_says() {
        let mut belt = Belt::new(Motion { variation: 0.0, stops_per_minute: 0.0, ..RESTLESS }, 1);
        assert_eq!(belt.travel_at(Micros(10_000_000)), Travel(3_000_000));
        assert_eq!(belt.time_at(Travel(3_000_000), START), Micros(10_000_000));
        assert_eq!(belt.time_at(Travel(1), START), Micros(4), "a third of a micrometre each microsecond, rounded up");
    }

    #[test]
    fn time_at_is_the_first_microsecond_that_reaches_the_place() {
        for (seed, motion) in (0..20).flat_map(|seed| [(seed, RESTLESS), (seed, TO_AND_FRO)]) {
            let mut belt = Belt::new(motion, seed);
            for place in (1..200).map(|i| Travel(i * 37_013)) {
                let at = belt.time_at(place, START);
                assert!(belt.travel_at(at) >= place, "seed {seed}, {place:?}");
                let before = belt.travel_at(Micros(at.0 - 1));
                assert!(before < place, "seed {seed}, {place:?}: there already at {before:?}");
            }
        }
    }

    #[test]
    fn it_runs_backwards_and_comes_back_to_every_place() {
        let mut belt = Belt::new(TO_AND_FRO, 5);
        let (mut turns, mut now) = (0, START);
        while now < Micros(60_000_000) {
            let here = belt.travel_at(now);
            let soon = now.saturating_add(Micros(2_000_000));
            let Some(back) = belt.falls_below(here, now, soon) else {
                now = soon;
                continue;
            };
            turns += 1;
            assert!(belt.travel_at(back) < here && belt.travel_at(Micros(back.0 - 1)) >= here, "{here:?} at {back:?}");
            let again = belt.time_at(here, back);
            assert!(again > back && belt.travel_at(again) >= here, "{here:?} at {again:?}");
            now = again.max(soon);
        }
        assert!(turns > 3, "{turns} in a minute");
    }

    #[test]
    fn without_reversals_it_never_runs_backwards() {
        let mut belt = Belt::new(RESTLESS, 5);
        let mut last = Travel(0);
        for ms in 0..60_000 {
            let here = belt.travel_at(Micros(ms * 1_000));
            assert!(here >= last, "{ms} ms");
            last = here;
        }
    }

    #[test]
    fn it_stops_and_runs_on() {
        let mut belt = Belt::new(RESTLESS, 3);
        let stood = (0..600).filter(|i| {
            let at = |k: u64| Micros(k * 100_000);
            belt.travel_at(at(*i)) == belt.travel_at(at(i + 1))
        });
        let stood = stood.count();
        assert!((10..500).contains(&stood), "{stood} of 600 tenths of a second");
    }

    #[test]
    fn forgetting_changes_nothing_that_is_asked_later() {
        let (mut all, mut short) = (Belt::new(TO_AND_FRO, 9), Belt::new(TO_AND_FRO, 9));
        for i in 1..100 {
            let at = Micros(i * 130_000);
            short.forget_before(at);
            assert_eq!(all.travel_at(at), short.travel_at(at));
        }
        assert!(short.stretches.len() < 5, "{}", short.stretches.len());
    }
}
