//! The bundles' thread: looks after slots A and B while the line runs.
//!
//! Takes the folder of slots, and somebody who makes a bundle ready to judge; gives bundles that are ready to the line, and writes
//! down what became of trials. Everything that takes time happens here: reading, verifying, the self-test, loading. The line goes on
//! with the bundle that it has, and goes on with it too when none of that succeeds, or when the thread panics, which is then shown.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use edge_plant::wire::Basis;
use shared::units::{Micros, Score};

use super::line::{Attendant, NewBundle, Seen};
use crate::bundle::slots::{Place, Running, Slot, Slots, SlotsError, State, Step, Tally};
use crate::engine::Inspector;
use crate::health::alarms::Condition;
use crate::store::Takeover;

/// How often the slots are looked at: an engineer who has installed a bundle sees it take over while still looking at the screen.
pub const LOOKS: Duration = Duration::from_secs(2);

/// A bundle that has passed every test.
pub struct Ready {
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
    /// The product.
    pub product: String,
    /// A part is bad when its score is greater.
    pub threshold: Score,
    /// What another threshold would be chosen from.
    pub basis: Basis,
    /// One for each worker thread.
    pub inspectors: Vec<Inspector>,
}

/// The thread's work. `make_ready` verifies, tests and loads the bundle of a file, or says in words why not.
pub struct Keeping<F> {
    slots: Slots,
    factory: PathBuf,
    make_ready: F,
    running: Running,
    number: u32,
    /// What could not be opened, and in which state of the slots: it is tried again when that has changed.
    hopeless: Option<(Place, State)>,
    /// An error of the slots that was told already.
    told: Option<String>,
}

/// What thread and line know of each other.
#[derive(Debug, Default)]
struct Shared {
    tally: Mutex<Tally>,
    bad: AtomicBool,
}

/// Says that nobody looks after the bundles any more, when that is so.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.bad.store(true, Ordering::Relaxed);
        }
    }
}

/// An attendant who looks after bundles besides. Dropped, it ends the thread.
pub struct WithBundles<A> {
    other: A,
    link: Option<Link>,
}

/// The line's end of the thread.
pub struct Link {
    fresh: Receiver<NewBundle>,
    shared: Arc<Shared>,
    _alive: SyncSender<()>,
}

/// The thread's end.
pub struct Work {
    fresh: SyncSender<NewBundle>,
    shared: Arc<Shared>,
    line: Receiver<()>,
}

/// Both ends. `bad` says that a bundle was given up before the start.
#[must_use]
pub fn link(bad: bool) -> (Link, Work) {
    let (give, fresh) = sync_channel(1);
    let (alive, line) = sync_channel(1);
    let shared = Arc::new(Shared { bad: AtomicBool::new(bad), ..Shared::default() });
    let link = Link { fresh, shared: Arc::clone(&shared), _alive: alive };
    (link, Work { fresh: give, shared, line })
}

impl<A> WithBundles<A> {
    /// Joins an attendant with the thread, where there is one.
    pub fn new(other: A, link: Option<Link>) -> Self {
        Self { other, link }
    }

    /// Ends the thread's work, and gives the attendant back.
    pub fn end(self) -> A {
        self.other
    }
}

impl<A: Attendant> Attendant for WithBundles<A> {
    fn look(&mut self, now: Micros, seen: &Seen<'_>) -> Vec<(Condition, bool)> {
        let mut conditions = self.other.look(now, seen);
        if let Some(Link { shared, .. }) = &self.link {
            // The thread holds it for as long as it takes to copy three numbers.
            *shared.tally.lock().unwrap_or_else(PoisonError::into_inner) = seen.tally;
            conditions.push((Condition::BundleBad, shared.bad.load(Ordering::Relaxed)));
        }
        conditions
    }

    fn reset_wanted(&mut self) -> bool {
        self.other.reset_wanted()
    }

    fn threshold_wanted(&mut self) -> Option<Takeover> {
        self.other.threshold_wanted()
    }

    fn took_over(&mut self, takeover: &Takeover, basis: Option<Basis>) {
        self.other.took_over(takeover, basis);
    }

    fn new_bundle(&mut self) -> Option<NewBundle> {
        let fresh = self.link.as_ref().and_then(|link| link.fresh.try_recv().ok());
        fresh.or_else(|| self.other.new_bundle())
    }
}

impl<F: FnMut(&Path) -> Result<Ready, String>> Keeping<F> {
    /// Looks after `slots` on a line that `running` judges; `factory` is the configuration's own bundle.
    #[must_use]
    pub fn new(slots: Slots, factory: PathBuf, running: Running, make_ready: F) -> Self {
        Self { slots, factory, make_ready, running, number: 0, hopeless: None, told: None }
    }

    /// Works until the line has ended. Gives the bundle that was in charge last.
    pub fn work(mut self, work: &Work) -> Running {
        let _ending = Ending(Arc::clone(&work.shared));
        loop {
            let ended = work.line.recv_timeout(LOOKS) != Err(RecvTimeoutError::Timeout);
            let tally = *work.shared.tally.lock().unwrap_or_else(PoisonError::into_inner);
            // What the line says of a bundle before is not this one's.
            let tally = if tally.bundle == self.number { tally } else { Tally::default() };
            match self.slots.load().and_then(|state| self.look(state, tally, work, ended)) {
                Ok(state) => {
                    self.told = None;
                    work.shared.bad.store(state.bad().next().is_some(), Ordering::Relaxed);
                }
                Err(error) => {
                    // Without a state nobody knows any more what to go back to.
                    let lost = matches!(error, SlotsError::State { .. } | SlotsError::Missing { .. });
                    work.shared.bad.fetch_or(lost, Ordering::Relaxed);
                    self.tell(&error);
                }
            }
            if ended {
                return self.running;
            }
        }
    }

    /// One look. A line that has ended takes no other bundle. Gives the state as it is afterwards.
    fn look(&mut self, state: State, tally: Tally, work: &Work, ended: bool) -> Result<State, SlotsError> {
        let sha256 = self.running.sha256;
        let state = match state.step(&self.running, tally) {
            Step::Stay | Step::Change(_) => state,
            Step::Commit(slot) => {
                let state = self.slots.change(|state| state.proven(slot, &sha256))?;
                tracing::warn!(%slot, judged = tally.judged, "the bundle on trial is proven and committed");
                state
            }
            Step::RollBack(slot, why) => self.condemn(slot, &sha256, &why)?,
        };
        match state.step(&self.running, Tally::default()) {
            Step::Change(place) if !ended => self.change(place, state, work),
            _ => Ok(state),
        }
    }

    /// Gets another bundle ready and hands it over; one of a slot that is not fit is given up.
    fn change(&mut self, place: Place, state: State, work: &Work) -> Result<State, SlotsError> {
        if self.hopeless.as_ref().is_some_and(|(before, then)| *before == place && *then == state) {
            return Ok(state);
        }
        let (path, wanted) = match place {
            Place::Factory => (self.factory.clone(), None),
            Place::Slot(slot) => (self.slots.path(slot), state.held(slot).map(|held| (slot, held.sha256))),
        };
        // A trial that takes the program with it is counted as one that was begun.
        let state = match wanted.filter(|(slot, _)| state.trial().is_some_and(|(trial, _)| trial == *slot)) {
            Some((slot, sha256)) => self.slots.change(|state| state.started(slot, &sha256))?,
            None => state,
        };
        let made = (self.make_ready)(&path).and_then(|ready| match wanted {
            Some((_, sha256)) if sha256 != ready.sha256 => {
                Err("its bytes are not those that were installed".to_owned())
            }
            _ => Ok(ready),
        });
        match (made, wanted) {
            (Ok(Ready { sha256, product, threshold, basis, inspectors }), _) => {
                let number = self.number + 1;
                tracing::warn!(place = ?place, %product, threshold = threshold.get(), "another bundle takes over");
                let takeover = Takeover { number, at: Micros(0), product, sha256, threshold };
                // Without a line there is nothing to take over.
                if work.fresh.send(NewBundle { takeover, basis, inspectors, product: None }).is_ok() {
                    (self.number, self.running, self.hopeless) = (number, Running { place, sha256 }, None);
                }
                Ok(state)
            }
            (Err(why), Some((slot, sha256))) => self.condemn(slot, &sha256, &why),
            (Err(why), None) => {
                tracing::error!(%why, "the configuration's own bundle cannot judge, the line goes on with the one it has");
                self.hopeless = Some((place, state.clone()));
                Ok(state)
            }
        }
    }

    fn condemn(&self, slot: Slot, sha256: &[u8; 32], why: &str) -> Result<State, SlotsError> {
        tracing::error!(%slot, %why, "a bundle is given up");
        self.slots.change(|state| state.condemned(slot, sha256, why))
    }

    /// Says an error once, for as long as it lasts: the line runs on with what it has.
    fn tell(&mut self, error: &SlotsError) {
        let words = error.to_string();
        if self.told.as_ref() != Some(&words) {
            tracing::error!("{words}");
            self.told = Some(words);
        }
    }
}
