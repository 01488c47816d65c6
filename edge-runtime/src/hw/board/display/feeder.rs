//! Shows the newest state on a display that may fail and come back.
//!
//! Takes states and a function that opens the display; shows the newest one, not too often. A display that fails is
//! reported once, opened anew after waits that grow until a picture was shown, and then shows the newest state. Stepped by
//! `thread`; it starts no thread and waits for nothing but the display.

use std::time::Duration;

use shared::units::Micros;

use crate::hmi::screen::Status;
use crate::hw::board::backoff::Backoff;
use crate::hw::roles::{Clock, HwFault, Panel};

/// Least time from one picture to the next: five a second can be followed by eye, and leave the processor to inference.
pub(super) const BETWEEN: Micros = Micros::from_millis(200);

/// A state is shown again after this time without a new one, so that a display that was unplugged meanwhile is seen to have
/// gone, and comes back, where its driver can tell.
pub(super) const REPEAT: Micros = Micros::from_millis(2_000);

/// The newest state, and the display that is to show it.
///
/// # Invariants
/// `told` is the last fault that was reported. Without a `panel` there are `waits`, except before the first attempt; they
/// grow until a picture was shown, since a display with a bad plug opens again and again and shows none.
pub(super) struct Feeder<O, C> {
    open: O,
    clock: C,
    panel: Option<Box<dyn Panel>>,
    waits: Option<Backoff>,
    told: String,
    newest: Option<Status>,
    /// When `newest` is to be shown.
    due: Micros,
    /// When the last picture was.
    last: Option<Micros>,
}

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stepped {
    /// When the next one is due. Without one, nothing is to be done until a state comes.
    pub next: Option<Micros>,
    /// Whether the display, which worked until now, has failed.
    pub failed: bool,
}

impl<O: FnMut() -> Result<Box<dyn Panel>, HwFault>, C: Clock> Feeder<O, C> {
    /// Opens nothing yet.
    pub fn new(open: O, clock: C) -> Self {
        let told = String::new();
        Self { open, clock, panel: None, waits: None, told, newest: None, due: Micros(0), last: None }
    }

    /// Takes a state, in place of the one before it.
    pub fn give(&mut self, status: Status) {
        self.newest = Some(status);
        self.due = self.last.map_or(Micros(0), |last| last.saturating_add(BETWEEN));
    }

    /// Whether the display fails: from a fault on until it has shown a picture again.
    pub fn fails(&self) -> bool {
        self.waits.is_some()
    }

    /// How long it is until then.
    pub fn until(&self, then: Micros) -> Duration {
        Duration::from_micros(then.saturating_sub(self.clock.now()).0)
    }

    /// Opens the display and shows the newest state, where either is due.
    pub fn step(&mut self) -> Stepped {
        let worked = self.waits.is_none();
        match self.attempt() {
            Ok(()) => Stepped { next: self.next(), failed: false },
            Err(fault) => {
                self.panel = None;
                self.put_off();
                self.tell(&fault, worked);
                Stepped { next: self.next(), failed: worked }
            }
        }
    }

    /// Shows the newest state now, if it has not been shown and the display is there. The last thing to be done.
    pub fn finish(&mut self) {
        let unseen = self.last.is_none_or(|last| self.due < last.saturating_add(REPEAT));
        if let (true, Some(panel), Some(newest)) = (unseen, &mut self.panel, &self.newest)
            && let Err(fault) = panel.show(newest)
        {
            tracing::warn!(%fault, "the display does not show the last state");
        }
    }

    fn attempt(&mut self) -> Result<(), HwFault> {
        let now = self.clock.now();
        if self.panel.is_none() {
            if self.waits.is_some_and(|waits| now < waits.due()) {
                return Ok(());
            }
            self.panel = Some((self.open)()?);
            // What it showed before it failed may be gone.
            self.due = Micros(0);
        }
        let (Some(panel), Some(newest)) = (&mut self.panel, &self.newest) else { return Ok(()) };
        if now < self.due {
            return Ok(());
        }
        panel.show(newest)?;
        let now = self.clock.now();
        self.last = Some(now);
        self.due = now.saturating_add(REPEAT);
        if self.waits.take().is_some() {
            tracing::info!("the display works again");
        }
        Ok(())
    }

    fn next(&self) -> Option<Micros> {
        match (&self.panel, &self.newest) {
            (None, _) => self.waits.map(|waits| waits.due()),
            (Some(_), Some(_)) => Some(self.due),
            (Some(_), None) => None,
        }
    }

    fn put_off(&mut self) {
        let now = self.clock.now();
        match &mut self.waits {
            Some(waits) => waits.failed(now),
            None => self.waits = Some(Backoff::begin(now)),
        }
    }

    /// Reports a fault, unless the display had failed already with the same words.
    fn tell(&mut self, fault: &HwFault, worked: bool) {
        let evidence = fault.to_string();
        if worked || evidence != self.told {
            tracing::warn!(%fault, "the display fails; the line runs on, and it is tried again");
        }
        self.told = evidence;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::VecDeque;
    use std::rc::Rc;

    use super::*;

    /// A clock that stands until it is moved.
    #[derive(Clone, Default)]
    struct Hand(Rc<Cell<u64>>);

    impl Clock for Hand {
        fn now(&self) -> Micros {
            Micros::from_millis(self.0.get())
        }
    }

    #[derive(Clone, Copy)]
    enum Does {
        Opens,
        Shows,
        Fails(&'static str),
    }

    /// What a scripted display does, in order, and what was done with it, at which millisecond. Behind its script it works.
    #[derive(Clone, Default)]
    struct Script {
        does: Rc<RefCell<VecDeque<Does>>>,
        log: Rc<RefCell<Vec<String>>>,
        hand: Hand,
    }

    impl Script {
        fn new(does: &[Does]) -> Self {
            Self { does: Rc::new(RefCell::new(does.iter().copied().collect())), ..Self::default() }
        }

        fn act(&self, what: &str) -> Result<(), HwFault> {
            self.log.borrow_mut().push(format!("{} {what}", self.hand.0.get()));
            let next = self.does.borrow_mut().pop_front();
            match (next, what) {
                (Some(Does::Fails(evidence)), _) => Err(HwFault::Panel { evidence: evidence.to_owned() }),
                (Some(Does::Opens), "open") | (None, _) => Ok(()),
                (Some(Does::Shows), what) if what != "open" => Ok(()),
                (Some(_), what) => panic!("the script has another step than {what}"),
            }
        }

        fn feeder(&self) -> Feeder<impl FnMut() -> Result<Box<dyn Panel>, HwFault>, Hand> {
            let script = self.clone();
            let open = move || {
                script.act("open")?;
                Ok(Box::new(script.clone()) as Box<dyn Panel>)
            };
            Feeder::new(open, self.hand.clone())
        }

        fn took(&self) -> Vec<String> {
            self.log.take()
        }
    }

    impl Panel for Script {
        fn show(&mut self, status: &Status) -> Result<(), HwFault> {
            self.act(&status.parts.to_string())
        }
    }

    fn parts(parts: u32) -> Status {
        Status { parts, ..Status::default() }
    }

    /// Steps at each time that the feeder asks for, until a time.
    fn run<O: FnMut() -> Result<Box<dyn Panel>, HwFault>>(feeder: &mut Feeder<O, Hand>, until_ms: u64) -> u32 {
        let hand = feeder.clock.clone();
        let mut failures = 0;
        loop {
            let stepped = feeder.step();
            failures += u32::from(stepped.failed);
            match stepped.next {
                Some(next) if next <= Micros::from_millis(until_ms) => hand.0.set(next.0 / 1_000),
                _ => break,
            }
        }
        hand.0.set(until_ms);
        failures
    }

    #[test]
    fn the_display_is_opened_at_once_and_shows_the_newest_state_five_times_a_second() {
        let script = Script::new(&[]);
        let mut feeder = script.feeder();
        assert_eq!(feeder.step(), Stepped { next: None, failed: false });
        feeder.give(parts(1));
        assert_eq!(run(&mut feeder, 50), 0);
        feeder.give(parts(2));
        assert_eq!(run(&mut feeder, 100), 0);
        feeder.give(parts(3));
        assert_eq!(run(&mut feeder, 2_100), 0);
        feeder.give(parts(4));
        assert_eq!(run(&mut feeder, 2_150), 0);
        assert_eq!(script.took(), ["0 open", "0 1", "200 3", "2100 4"]);
    }

    #[test]
    fn a_state_that_stays_is_shown_again_every_two_seconds() {
        let script = Script::new(&[]);
        let mut feeder = script.feeder();
        feeder.give(parts(1));
        run(&mut feeder, 5_000);
        assert_eq!(script.took(), ["0 open", "0 1", "2000 1", "4000 1"]);
    }

    #[test]
    fn a_display_that_fails_is_opened_anew_and_shows_the_newest_state() {
        use Does::{Fails, Opens, Shows};
        let script = Script::new(&[Opens, Shows, Fails("pulled"), Fails("away"), Fails("away"), Opens, Shows]);
        let mut feeder = script.feeder();
        feeder.give(parts(1));
        assert_eq!(run(&mut feeder, 500), 0);
        feeder.give(parts(2));
        assert_eq!(run(&mut feeder, 1_000), 1);
        feeder.give(parts(3));
        assert_eq!(run(&mut feeder, 2_000), 0, "one failure, however often it is tried");
        let log = ["0 open", "0 1", "500 2", "700 open", "1100 open", "1900 open", "1900 3"];
        assert_eq!(script.took(), log);
    }

    #[test]
    fn a_display_that_opens_and_shows_nothing_is_tried_ever_more_rarely() {
        use Does::{Fails, Opens};
        let script = Script::new(&[Opens, Fails("no answer")].repeat(6));
        let mut feeder = script.feeder();
        feeder.give(parts(1));
        assert_eq!(run(&mut feeder, 12_000), 1);
        let opened: Vec<String> = script.took().into_iter().filter(|what| what.ends_with("open")).collect();
        assert_eq!(opened, ["0 open", "200 open", "600 open", "1400 open", "3000 open", "6200 open", "11200 open"]);
    }

    #[test]
    fn each_failure_after_a_picture_counts() {
        use Does::{Fails, Opens, Shows};
        let script = Script::new(&[Fails("away"), Opens, Shows, Fails("pulled"), Opens, Shows, Fails("pulled")]);
        let mut feeder = script.feeder();
        feeder.give(parts(1));
        assert_eq!(run(&mut feeder, 5_000), 3);
    }

    #[test]
    fn the_end_shows_what_has_not_been_shown() {
        let script = Script::new(&[]);
        let mut feeder = script.feeder();
        feeder.give(parts(1));
        run(&mut feeder, 50);
        feeder.give(parts(2));
        feeder.step();
        feeder.finish();
        assert_eq!(script.took(), ["0 open", "0 1", "50 2"]);
    }

    #[test]
    fn the_end_shows_nothing_twice_and_nothing_on_a_display_that_fails() {
        let script = Script::new(&[]);
        let mut feeder = script.feeder();
        feeder.finish();
        feeder.give(parts(1));
        run(&mut feeder, 50);
        feeder.finish();
        assert_eq!(script.took(), ["0 open", "0 1"]);
        let script = Script::new(&[Does::Fails("away")]);
        let mut feeder = script.feeder();
        feeder.give(parts(1));
        run(&mut feeder, 50);
        feeder.finish();
        assert_eq!(script.took(), ["0 open"]);
    }
}
