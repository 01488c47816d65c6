//! The thread that hears the inputs at which a product is chosen.
//!
//! Takes a [`SelectInput`]; leaves what is chosen in the [`Exchange`], as the plant does. It waits on nothing but its inputs, and nothing waits
//! for it but the end of the station, for one of its turns.

use shared::units::Micros;

use super::exchange::Exchange;
use super::strobe::Strobe;
use crate::hw::roles::{Clock, SelectInput};

/// It looks at least this often whether the station ends.
const TURN: Micros = Micros::from_millis(100);

/// Hears the inputs until the station ends. Inputs that cannot be read end it too: the product that is inspected goes on being inspected, and
/// others are wanted otherwise.
pub fn hear(mut input: Box<dyn SelectInput>, exchange: &Exchange, clock: &dyn Clock) {
    let mut strobe = Strobe::default();
    while !exchange.is_ending() {
        let turn = clock.now().saturating_add(TURN);
        let until = strobe.step_at().map_or(turn, |at| at.min(turn));
        let seen = match input.look(until) {
            Ok(seen) => seen,
            Err(fault) => {
                tracing::error!(%fault, "products cannot be chosen at the inputs any more: restart the station when they are mended");
                return;
            }
        };
        let Some(product) = strobe.step(clock.now(), seen) else { continue };
        if exchange.select_wired(product) {
            tracing::warn!(product, "wired input: another product is wanted");
        } else {
            tracing::warn!(product, "wired input: a product is wanted and not taken, an earlier change is under way");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use edge_plant::wire::Wired;

    use super::super::exchange::Task;
    use super::*;
    use crate::hw::roles::{HwFault, Selection};

    /// A clock that stands where it was set.
    #[derive(Default)]
    struct Set(AtomicU64);

    impl Clock for Set {
        fn now(&self) -> Micros {
            Micros(self.0.load(Ordering::Relaxed))
        }
    }

    /// What is pressed in the course of time, which goes on as it is waited for; behind its end the station ends.
    struct Course {
        clock: Arc<Set>,
        exchange: Arc<Exchange>,
        moves: Vec<(Micros, Selection)>,
        last: Selection,
    }

    impl SelectInput for Course {
        fn look(&mut self, until: Micros) -> Result<Selection, HwFault> {
            let Some(&(at, levels)) = self.moves.first() else {
                self.exchange.end();
                return Ok(self.last);
            };
            self.clock.0.store(at.min(until).0, Ordering::Relaxed);
            if at > until {
                return Ok(self.last);
            }
            self.moves.remove(0);
            let moved = Selection { code_moved: levels.code != self.last.code, strobe_moved: true, ..levels };
            self.last = levels;
            Ok(moved)
        }
    }

    #[test]
    fn what_is_pressed_is_wanted_as_the_plant_would_and_one_wish_at_a_time() {
        let (exchange, clock) = (Arc::<Exchange>::default(), Arc::<Set>::default());
        exchange.open(0);
        let at = |ms, strobe, code| (Micros::from_millis(ms), Selection { code, strobe, ..Selection::default() });
        // On at the start, then a product, and another one before that change has ended.
        let moves = vec![
            at(0, true, 3),
            at(100, false, 9),
            at(200, true, 9),
            at(300, false, 9),
            at(400, true, 5),
            at(1_000, false, 0),
        ];
        let course = Course { clock: clock.clone(), exchange: exchange.clone(), moves, last: Selection::default() };
        hear(Box::new(course), &exchange, &*clock);
        let products = exchange.products(0).unwrap().1;
        assert_eq!(products.wired, Some(Wired { count: 2, product: 5, before: 0, taken: false }));
        assert_eq!(exchange.task(Duration::ZERO), Task::End);
        assert_eq!(products.change, edge_plant::wire::Change::Preparing(9));
    }

    #[test]
    fn inputs_that_cannot_be_read_end_the_thread_and_nothing_else() {
        struct Broken;
        impl SelectInput for Broken {
            fn look(&mut self, _: Micros) -> Result<Selection, HwFault> {
                Err(HwFault::Lines { evidence: "unplugged".to_owned() })
            }
        }
        let exchange = Exchange::default();
        exchange.open(0);
        hear(Box::new(Broken), &exchange, &Set::default());
        assert!(exchange.select(1), "others are heard");
    }
}
