//! Faults for any light barrier and any camera: bounces, missed edges, lost pictures.
//!
//! Takes a device, rates and a seeded generator; gives a device of the same role that goes wrong now and then. The same
//! generator gives the same faults. It invents no edge that is not a bounce, and no picture.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use shared::units::Micros;

use crate::hw::roles::{Edge, FrameSource, HwFault, Picture, Sensor, TriggerInput};

/// How often what goes wrong; each a share of all occasions, 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// Exposures that give no picture.
    pub missing_frame: f64,
    /// Edges of the trigger that are followed by a second one within 4 milliseconds.
    pub bounce: f64,
    /// Parts that the trigger does not see.
    pub missed_trigger: f64,
}

/// A device with faults.
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    rates: Rates,
    rng: ChaCha8Rng,
    bounce: Option<Edge>,
}

impl<S> Faulty<S> {
    /// Wraps a device.
    pub fn new(inner: S, rates: Rates, rng: ChaCha8Rng) -> Self {
        Self { inner, rates, rng, bounce: None }
    }

    fn happens(&mut self, rate: f64) -> bool {
        self.rng.random_bool(rate.clamp(0.0, 1.0))
    }
}

impl<S: TriggerInput> TriggerInput for Faulty<S> {
    fn next(&mut self, until: Micros) -> Option<Edge> {
        loop {
            let bounce = self.bounce.filter(|edge| edge.at <= until);
            let limit = bounce.map_or(until, |edge| edge.at);
            let Some(edge) = self.inner.next(limit) else {
                if bounce.is_some() {
                    self.bounce = None;
                }
                return bounce;
            };
            if edge.sensor == Sensor::Trigger {
                if self.happens(self.rates.missed_trigger) {
                    continue;
                }
                if self.happens(self.rates.bounce) {
                    let later = Micros(self.rng.random_range(500..4_000));
                    // The belt hardly moves within a bounce, so that the reading is that of the edge itself.
                    self.bounce = Some(Edge { at: edge.at.saturating_add(later), ..edge });
                }
            }
            return Some(edge);
        }
    }
}

impl<S: FrameSource> FrameSource for Faulty<S> {
    fn expose(&mut self) -> Result<(), HwFault> {
        if self.happens(self.rates.missing_frame) { Ok(()) } else { self.inner.expose() }
    }

    fn ready_at(&self) -> Option<Micros> {
        self.inner.ready_at()
    }

    fn take(&mut self) -> Result<Option<Picture>, HwFault> {
        self.inner.take()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use shared::units::Travel;

    use super::*;

    /// An edge every second.
    struct Regular(u64);

    impl TriggerInput for Regular {
        fn next(&mut self, until: Micros) -> Option<Edge> {
            let at = Micros((self.0 + 1) * 1_000_000);
            (at <= until).then(|| {
                self.0 += 1;
                Edge { at, travel: Travel(at.0 as i64), sensor: Sensor::Trigger }
            })
        }
    }

    fn edges(rates: Rates, seed: u64) -> Vec<Edge> {
        let mut faulty = Faulty::new(Regular(0), rates, ChaCha8Rng::seed_from_u64(seed));
        std::iter::from_fn(|| faulty.next(Micros(1_000_500_000))).collect()
    }

    #[test]
    fn without_rates_nothing_changes() {
        assert_eq!(edges(Rates::default(), 1).len(), 1_000);
    }

    #[test]
    fn bounces_follow_their_edge_in_order_and_about_as_often_as_asked() {
        let seen = edges(Rates { bounce: 0.1, ..Rates::default() }, 2);
        assert!(seen.is_sorted_by_key(|edge| edge.at));
        assert!((60..150).contains(&(seen.len() - 1_000)), "{} bounces", seen.len() - 1_000);
        for pair in seen.windows(2) {
            let apart = pair[1].at.0 - pair[0].at.0;
            assert!(!(4_000..=990_000).contains(&apart), "{pair:?}");
        }
    }

    #[test]
    fn missed_edges_are_gone_and_the_same_seed_misses_the_same() {
        let rates = Rates { missed_trigger: 0.1, ..Rates::default() };
        let seen = edges(rates, 3);
        assert!((850..940).contains(&seen.len()), "{} of 1000", seen.len());
        assert_eq!(seen, edges(rates, 3));
    }
}
