//! Where the belt is: an encoder's steps, or a steady speed, made into travel at any moment.
//!
//! Takes steps with their times; gives travel at a time ([`Travel`], micrometres), and when a place is worth looking for.
//! Between two steps it goes on at the last speed, but never as far as the next step: what the encoder has not said has not
//! happened. It reads no clock, and does not judge whether the encoder still works.

use serde::{Deserialize, Serialize};
use shared::units::{Micros, Travel};

/// Slower than this from step to step the belt stands or begins to move, and says nothing of its speed.
const SLOWEST_STEP: Micros = Micros(1_000_000);

/// No belt has run farther, in micrometres: a million kilometres.
pub(super) const FARTHEST: i64 = 1 << 50;

/// The belt's position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Odometer {
    /// From an encoder.
    Encoder(Encoder),
    /// From time alone.
    Steady(Steady),
}

/// What an encoder has said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    step: i64,
    travel: i64,
    last: Option<Micros>,
    /// From one step to the next, while the belt runs.
    period: Option<Micros>,
    forwards: bool,
}

/// A belt whose speed holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Steady {
    speed_um_s: i64,
    since: Micros,
}

impl Odometer {
    /// An encoder at 0, with this much belt from step to step, at least 1.
    #[must_use]
    pub fn encoder(step: Travel) -> Self {
        Self::Encoder(Encoder { step: step.0.max(1), travel: 0, last: None, period: None, forwards: true })
    }

    /// A belt that is at 0 now and runs at this speed, at least 1, in micrometres a second.
    #[must_use]
    pub fn steady(speed_um_s: i64, now: Micros) -> Self {
        Self::Steady(Steady { speed_um_s: speed_um_s.max(1), since: now })
    }

    /// Whether its numbers can be a belt's: what was read from a file need not be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Steady(Steady { speed_um_s, .. }) => (1..=FARTHEST).contains(speed_um_s),
            Self::Encoder(Encoder { step, travel, period, .. }) => {
                (1..=FARTHEST).contains(step)
                    && (-FARTHEST..=FARTHEST).contains(travel)
                    && period.is_none_or(|period| period >= Micros(1))
            }
        }
    }

    /// The encoder made a step. Without an encoder nothing follows from it.
    pub fn step(&mut self, at: Micros, forwards: bool) {
        let Self::Encoder(encoder) = self else { return };
        let turned = encoder.forwards != forwards;
        let apart = encoder.last.map(|last| at.saturating_sub(last));
        encoder.period = match apart.filter(|apart| !turned && (Micros(1)..SLOWEST_STEP).contains(apart)) {
            None if turned => None,
            known => known.or(encoder.period),
        };
        encoder.travel = encoder.travel.saturating_add(if forwards { encoder.step } else { -encoder.step });
        encoder.forwards = forwards;
        encoder.last = Some(encoder.last.map_or(at, |last| last.max(at)));
    }

    /// Where the belt was or is at a time near now.
    #[must_use]
    pub fn travel_at(&self, at: Micros) -> Travel {
        match self {
            Self::Steady(Steady { speed_um_s, since }) => {
                let run = i128::from(at.saturating_sub(*since).0) * i128::from(*speed_um_s) / 1_000_000;
                Travel(i64::try_from(run).unwrap_or(i64::MAX))
            }
            Self::Encoder(encoder) => Travel(encoder.travel.saturating_add(encoder.beyond(at))),
        }
    }

    /// Where the belt is at a time if it has gone on at its last speed, steps that have not been heard yet included.
    #[must_use]
    pub fn going_on_at(&self, at: Micros) -> Travel {
        let Self::Encoder(encoder) = self else { return self.travel_at(at) };
        let (Some(last), Some(period)) = (encoder.last.filter(|last| at > *last), encoder.period) else {
            return self.travel_at(at);
        };
        let run = i128::from(at.saturating_sub(last).0) * i128::from(encoder.step) / i128::from(period.0.max(1));
        let run = i64::try_from(run).unwrap_or(i64::MAX);
        Travel(encoder.travel.saturating_add(if encoder.forwards { run } else { -run }))
    }

    /// When the belt was, or will be, at a place near where it is now, as well as its last speed tells.
    #[must_use]
    pub fn time_at(&self, place: Travel) -> Micros {
        let Self::Encoder(encoder) = self else { return self.reaches(place) };
        let (Some(last), Some(period)) = (encoder.last, encoder.period) else {
            return encoder.last.unwrap_or_default();
        };
        let ahead = if encoder.forwards { place.0 - encoder.travel } else { encoder.travel - place.0 };
        let time = i128::from(ahead) * i128::from(period.0) / i128::from(encoder.step);
        Micros(u64::try_from(i128::from(last.0) + time).unwrap_or(0))
    }

    /// When a place is worth looking for: never later than the belt is there, unless a step comes first. The end of time where
    /// only a further step can bring it nearer.
    #[must_use]
    pub fn reaches(&self, target: Travel) -> Micros {
        match self {
            Self::Steady(Steady { speed_um_s, since }) => {
                let ticks = (i128::from(target.0.max(0)) * 1_000_000).div_euclid(i128::from(*speed_um_s));
                let more = i128::from((i128::from(target.0.max(0)) * 1_000_000) % i128::from(*speed_um_s) > 0);
                since.saturating_add(Micros(u64::try_from(ticks + more).unwrap_or(u64::MAX)))
            }
            Self::Encoder(encoder) => encoder.reaches(target.0),
        }
    }
}

impl Encoder {
    /// How far the belt has run since the last step, less than a step. Before the last step, as it came there.
    fn beyond(&self, at: Micros) -> i64 {
        let (Some(last), Some(period)) = (self.last, self.period) else { return 0 };
        let part = |time: Micros| {
            let run = i128::from(time.0) * i128::from(self.step) / i128::from(period.0.max(1));
            i64::try_from(run).unwrap_or(i64::MAX).min(self.step - 1)
        };
        let run = if at >= last { part(at.saturating_sub(last)) } else { -part(last.saturating_sub(at)) };
        if self.forwards { run } else { -run }
    }

    fn reaches(&self, target: i64) -> Micros {
        let never = Micros(u64::MAX);
        let Some(last) = self.last else { return if target <= self.travel { Micros(0) } else { never } };
        let ahead = target.saturating_sub(self.travel);
        if ahead <= 0 {
            return last;
        }
        match self.period {
            Some(period) if self.forwards && ahead < self.step => {
                let ticks = (i128::from(ahead) * i128::from(period.0)).div_euclid(i128::from(self.step));
                // A microsecond on, since `beyond` rounds down.
                last.saturating_add(Micros(u64::try_from(ticks).unwrap_or(u64::MAX))).saturating_add(Micros(1))
            }
            _ => never,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEP: Travel = Travel(1_000);

    fn running() -> Odometer {
        let mut odometer = Odometer::encoder(STEP);
        for at in [10_000, 20_000, 30_000] {
            odometer.step(Micros(at), true);
        }
        odometer
    }

    #[test]
    fn between_steps_it_goes_on_at_the_last_speed_and_stops_short_of_the_next() {
        let odometer = running();
        for (at, travel) in [(25_000, 2_500), (30_000, 3_000), (35_000, 3_500), (39_999, 3_999), (90_000, 3_999)] {
            assert_eq!(odometer.travel_at(Micros(at)), Travel(travel), "at {at}");
        }
    }

    #[test]
    fn a_belt_that_is_heard_late_is_further_on_than_its_steps() {
        let odometer = running();
        for (at, travel) in [(25_000, 2_500), (30_000, 3_000), (35_000, 3_500), (70_000, 7_000)] {
            assert_eq!(odometer.going_on_at(Micros(at)), Travel(travel), "at {at}");
        }
        assert_eq!(Odometer::encoder(STEP).going_on_at(Micros(5)), Travel(0), "nothing is known of its speed");
    }

    #[test]
    fn a_place_is_looked_for_within_the_step_that_it_lies_in() {
        let odometer = running();
        assert_eq!(odometer.reaches(Travel(2_000)), Micros(30_000), "passed already");
        assert_eq!(odometer.reaches(Travel(3_400)), Micros(34_001));
        assert_eq!(odometer.reaches(Travel(4_000)), Micros(u64::MAX), "the next step says it");
        assert_eq!(Odometer::encoder(STEP).reaches(Travel(1)), Micros(u64::MAX), "a belt that stands");
    }

    #[test]
    fn backwards_it_counts_down_and_a_turn_says_nothing_of_the_speed() {
        let mut odometer = running();
        odometer.step(Micros(33_000), false);
        assert_eq!(odometer.travel_at(Micros(34_000)), Travel(2_000));
        odometer.step(Micros(43_000), false);
        assert_eq!(odometer.travel_at(Micros(48_000)), Travel(500));
        assert_eq!(odometer.reaches(Travel(1_500)), Micros(u64::MAX));
    }

    #[test]
    fn a_pause_leaves_the_speed_as_it_was() {
        let mut odometer = running();
        odometer.step(Micros(5_000_000), true);
        assert_eq!(odometer.travel_at(Micros(5_005_000)), Travel(4_500));
    }

    #[test]
    fn without_an_encoder_time_is_travel() {
        let odometer = Odometer::steady(300_000, Micros(1_000));
        assert_eq!(odometer.travel_at(Micros(501_000)), Travel(150_000));
        assert_eq!(odometer.reaches(Travel(150_000)), Micros(501_000));
        assert_eq!(odometer.reaches(Travel(150_001)), Micros(501_004));
    }

    proptest! {
        #[test]
        fn a_place_looked_for_in_time_is_there(
            steps in prop::collection::vec((1u64..50_000, prop::bool::weighted(0.9)), 1..40),
            ahead in 0i64..2_000,
        ) {
            let (mut odometer, mut now) = (Odometer::encoder(STEP), Micros(0));
            for (apart, forwards) in steps {
                now = now.saturating_add(Micros(apart));
                odometer.step(now, forwards);
            }
            let target = odometer.travel_at(now).saturating_add(Travel(ahead));
            let at = odometer.reaches(target);
            if at < Micros(u64::MAX) {
                prop_assert!(odometer.travel_at(at) >= target);
                prop_assert!(at <= now || odometer.travel_at(Micros(at.0 - 2)) < target);
            }
        }

        #[test]
        fn travel_never_runs_back_while_the_belt_runs_forwards(
            steps in prop::collection::vec(1u64..50_000, 1..40),
            looks in prop::collection::vec(0u64..50_000, 1..10),
        ) {
            let (mut odometer, mut now, mut seen) = (Odometer::encoder(STEP), Micros(0), Travel(i64::MIN));
            for apart in steps {
                let mut offsets: Vec<u64> = looks.iter().map(|look| look % apart).collect();
                offsets.sort_unstable();
                for offset in offsets {
                    let travel = odometer.travel_at(now.saturating_add(Micros(offset)));
                    prop_assert!(travel >= seen);
                    seen = travel;
                }
                now = now.saturating_add(Micros(apart));
                odometer.step(now, true);
            }
        }
    }
}
