//! Where the virtual belt is at which time, and when it will be where.
//!
//! Takes a seed and speeds; gives an exact, monotone relation between time (microseconds) and position. The speed changes
//! every fraction of a second within the permitted variation, and now and then the belt stops for a while.
//! Positions are picometres inside, so that a speed in micrometres a second is one picometre a microsecond and all
//! arithmetic is exact; outside they are [`Travel`], micrometres. It never runs backwards and knows no part.

use std::collections::VecDeque;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use shared::units::{Micros, Travel};

use super::Stream;

const PICOMETRES: i64 = 1_000_000;

/// How the belt runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// Speed meant, micrometres a second.
    pub speed_um_s: i64,
    /// Greatest departure from it, as a share of it; 0 to 1.
    pub variation: f64,
    /// Stops a minute of running, on average.
    pub stops_per_minute: f64,
}

/// A stretch of constant speed.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: u64,
    until: u64,
    start_pm: i64,
    speed: i64,
}

impl Stretch {
    fn end_pm(&self) -> i64 {
        self.start_pm + self.speed * (self.until - self.from) as i64
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
    stretches: VecDeque<Stretch>,
}

impl Belt {
    /// A belt that starts at position 0 at time 0.
    #[must_use]
    pub fn new(motion: Motion, seed: u64) -> Self {
        let first = Stretch { from: 0, until: 200_000, start_pm: 0, speed: motion.speed_um_s };
        Self { motion, rng: Stream::Belt.chance(seed), stretches: VecDeque::from([first]) }
    }

    /// Where the belt is at a time that has not been forgotten.
    pub fn travel_at(&mut self, at: Micros) -> Travel {
        while self.last().until <= at.0 {
            self.extend();
        }
        let index = self.stretches.partition_point(|s| s.until <= at.0);
        let stretch = self.stretches[index];
        Travel((stretch.start_pm + stretch.speed * at.0.saturating_sub(stretch.from) as i64) / PICOMETRES)
    }

    /// The first microsecond at which the belt is at `travel` or beyond.
    pub fn time_at(&mut self, travel: Travel) -> Micros {
        let target = travel.0.saturating_mul(PICOMETRES);
        while self.last().end_pm() < target {
            self.extend();
        }
        let index = self.stretches.partition_point(|s| s.end_pm() < target);
        let stretch = self.stretches[index];
        let ahead = (target - stretch.start_pm).max(0);
        let ticks = if stretch.speed == 0 { 0 } else { (ahead + stretch.speed - 1) / stretch.speed };
        Micros(stretch.from + ticks as u64)
    }

    /// Drops everything that nobody will ask for again.
    pub fn forget_before(&mut self, at: Micros) {
        while self.stretches.len() > 1 && self.stretches[0].until < at.0 {
            self.stretches.pop_front();
        }
    }

    fn last(&self) -> Stretch {
        // Never empty, by the invariant.
        self.stretches[self.stretches.len() - 1]
    }

    fn extend(&mut self) {
        let last = self.last();
        let length: u64 = self.rng.random_range(100_000..400_000);
        let change: f64 = self.rng.random_range(-1.0..=1.0);
        // A stretch lasts a quarter of a second on average.
        let stops = self.rng.random_bool((self.motion.stops_per_minute / 240.0).clamp(0.0, 1.0));
        let pause: u64 = self.rng.random_range(1_000_000..3_000_000);
        let (speed, length) = if stops && last.speed != 0 {
            (0, pause)
        } else {
            let speed = self.motion.speed_um_s as f64 * (1.0 + self.motion.variation * change);
            ((speed.round() as i64).max(1), length)
        };
        self.stretches.push_back(Stretch {
            from: last.until,
            until: last.until + length,
            start_pm: last.end_pm(),
            speed,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESTLESS: Motion = Motion { speed_um_s: 300_000, variation: 0.2, stops_per_minute: 30.0 };

    #[test]
    fn a_steady_belt_is_where_speed_times_time_says() {
        let mut belt = Belt::new(Motion { variation: 0.0, stops_per_minute: 0.0, ..RESTLESS }, 1);
        assert_eq!(belt.travel_at(Micros(10_000_000)), Travel(3_000_000));
        assert_eq!(belt.time_at(Travel(3_000_000)), Micros(10_000_000));
        assert_eq!(belt.time_at(Travel(1)), Micros(4), "a third of a micrometre each microsecond, rounded up");
    }

    #[test]
    fn time_at_is_the_first_microsecond_that_reaches_the_place() {
        for seed in 0..20 {
            let mut belt = Belt::new(RESTLESS, seed);
            for place in (1..200).map(|i| Travel(i * 37_013)) {
                let at = belt.time_at(place);
                assert!(belt.travel_at(at) >= place, "seed {seed}, {place:?}");
                let before = belt.travel_at(Micros(at.0 - 1));
                assert!(before < place, "seed {seed}, {place:?}: there already at {before:?}");
            }
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
        let (mut all, mut short) = (Belt::new(RESTLESS, 9), Belt::new(RESTLESS, 9));
        for i in 1..100 {
            let at = Micros(i * 130_000);
            short.forget_before(at);
            assert_eq!(all.travel_at(at), short.travel_at(at));
        }
        assert!(short.stretches.len() < 5, "{}", short.stretches.len());
    }
}
