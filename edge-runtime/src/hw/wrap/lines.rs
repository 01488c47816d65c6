//! Faults for the sensors of any line: bounces and missed edges of light barriers, and an encoder that stands for a while.
//!
//! Takes a line's sensors, rates and seeded generators; gives sensors of the same role that go wrong now and then. The steps
//! of a stalled encoder are gone for good: its count lags behind the belt from then on. The same generators give the same
//! faults. It invents no edge that is not a bounce, and no step.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use shared::units::Micros;

use super::faulty::Rates;
use crate::hw::roles::{HwFault, LineInput, Sensor, Signal, SignalKind};

const MINUTE: f64 = 60e6;

/// How often an encoder stands although the belt runs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stalls {
    /// A minute, on average.
    pub per_minute: f64,
    /// How long each.
    pub length: Micros,
}

/// The sensors of a line, with faults. Of its [`Rates`] those of pictures are a camera's and mean nothing here.
#[derive(Debug)]
pub struct FaultyLines<S> {
    inner: S,
    rates: Rates,
    trigger: ChaCha8Rng,
    bounce: Option<Signal>,
    stalls: Stalls,
    encoder: ChaCha8Rng,
    /// From when to when the encoder stands next.
    stall: Option<(Micros, Micros)>,
}

impl<S> FaultyLines<S> {
    /// Wraps a line's sensors. `trigger` and `encoder` are the generators of the faults of each.
    pub fn new(inner: S, rates: Rates, trigger: ChaCha8Rng, stalls: Stalls, encoder: ChaCha8Rng) -> Self {
        let mut lines = Self { inner, rates, trigger, bounce: None, stalls, encoder, stall: None };
        lines.stall = lines.next_stall(Micros(0));
        lines
    }

    /// What it is wrapped round.
    pub fn inner(&mut self) -> &mut S {
        &mut self.inner
    }

    fn happens(&mut self, rate: f64) -> bool {
        self.trigger.random_bool(rate.clamp(0.0, 1.0))
    }

    fn next_stall(&mut self, after: Micros) -> Option<(Micros, Micros)> {
        let Stalls { per_minute, length } = self.stalls;
        if per_minute <= 0.0 || length == Micros(0) {
            return None;
        }
        let pause = MINUTE / per_minute * self.encoder.random_range(0.0..2.0);
        let from = after.saturating_add(Micros(pause as u64));
        Some((from, from.saturating_add(length)))
    }

    fn stalled(&mut self, at: Micros) -> bool {
        while let Some((from, until)) = self.stall.filter(|(from, _)| *from <= at) {
            if at < until {
                return true;
            }
            self.stall = self.next_stall(from.max(until));
        }
        false
    }
}

impl<S: LineInput> LineInput for FaultyLines<S> {
    fn next(&mut self, until: Micros) -> Result<Option<Signal>, HwFault> {
        loop {
            let bounce = self.bounce.filter(|signal| signal.at <= until);
            let limit = bounce.map_or(until, |signal| signal.at);
            let Some(signal) = self.inner.next(limit)? else {
                if bounce.is_some() {
                    self.bounce = None;
                }
                return Ok(bounce);
            };
            match signal.kind {
                SignalKind::Step { .. } if self.stalled(signal.at) => continue,
                SignalKind::Edge(Sensor::Trigger) if self.happens(self.rates.missed_trigger) => continue,
                SignalKind::Edge(Sensor::Trigger) if self.happens(self.rates.bounce) => {
                    let later = Micros(self.trigger.random_range(500..4_000));
                    self.bounce = Some(Signal { at: signal.at.saturating_add(later), ..signal });
                }
                _ => {}
            }
            return Ok(Some(signal));
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    /// A step every millisecond, and an edge behind every hundredth.
    struct Regular(u64);

    impl LineInput for Regular {
        fn next(&mut self, until: Micros) -> Result<Option<Signal>, HwFault> {
            let (hundreds, nth) = (self.0 / 101, self.0 % 101);
            let (after, kind) = match nth {
                100 => (100_500, SignalKind::Edge(Sensor::Trigger)),
                step => ((step + 1) * 1_000, SignalKind::Step { forwards: true }),
            };
            let signal = Signal { at: Micros(hundreds * 100_000 + after), kind };
            Ok((signal.at <= until).then(|| {
                self.0 += 1;
                signal
            }))
        }
    }

    fn ten_minutes(rates: Rates, stalls: Stalls) -> Vec<Signal> {
        let chance = ChaCha8Rng::seed_from_u64;
        let mut lines = FaultyLines::new(Regular(0), rates, chance(1), stalls, chance(2));
        std::iter::from_fn(|| lines.next(Micros(600_000_000)).unwrap()).collect()
    }

    fn steps(signals: &[Signal]) -> Vec<Micros> {
        let steps = signals.iter().filter(|signal| matches!(signal.kind, SignalKind::Step { .. }));
        steps.map(|signal| signal.at).collect()
    }

    #[test]
    fn without_rates_nothing_changes() {
        let signals = ten_minutes(Rates::default(), Stalls::default());
        assert_eq!((steps(&signals).len(), signals.len()), (600_000, 605_999));
    }

    #[test]
    fn steps_of_a_stalled_encoder_are_gone_and_its_edges_are_not() {
        let signals = ten_minutes(Rates::default(), Stalls { per_minute: 3.0, length: Micros::from_millis(200) });
        let steps = steps(&signals);
        let gaps = steps.windows(2).filter(|pair| pair[1].0 - pair[0].0 > 1_000);
        let gaps: Vec<u64> = gaps.map(|pair| pair[1].0 - pair[0].0).collect();
        assert!((15..50).contains(&gaps.len()), "{} stalls in ten minutes", gaps.len());
        assert!(gaps.iter().all(|gap| (200_000..202_000).contains(gap)), "{gaps:?}");
        assert_eq!(signals.len() - steps.len(), 5_999);
    }

    #[test]
    fn bounces_and_missed_edges_keep_the_order_of_time() {
        let rates = Rates { bounce: 0.1, missed_trigger: 0.1, ..Rates::default() };
        let signals = ten_minutes(rates, Stalls::default());
        assert!(signals.is_sorted_by_key(|signal| signal.at));
        let edges: Vec<Micros> =
            signals.iter().filter(|signal| signal.kind == SignalKind::Edge(Sensor::Trigger)).map(|s| s.at).collect();
        let bounced = edges.windows(2).filter(|pair| pair[1].0 - pair[0].0 < 4_000).count();
        assert!((400..700).contains(&bounced), "{bounced} bounces");
        assert!((5_300..5_500).contains(&(edges.len() - bounced)), "{} edges", edges.len() - bounced);
        assert_eq!(signals, ten_minutes(rates, Stalls::default()), "the same generator, the same faults");
    }
}
