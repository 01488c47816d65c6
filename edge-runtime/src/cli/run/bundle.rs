//! Which bundle judges at a start, and making one ready to judge.
//!
//! Takes a configuration and options; gives a bundle that is verified, loaded, has passed its own test here and, on a board, judges
//! fast enough for the line. With slots, one that is none of that is given up and the next in line is taken.

use std::path::Path;

use edge_plant::wire::Basis;

use crate::app::Model;
use crate::bundle::settings::Settings;
use crate::bundle::slots::{AtStart, Place, Running, Slots, State};
use crate::bundle::{Identity, OpenBundle, ParityReport, TrustedKeys, parity};
use crate::cli::exit::Exit;
use crate::cli::judging::{judge, measured, pictures};
use crate::cli::model_option::ModelOption;
use crate::config::{Config, Hardware};
use crate::engine::{Inspector, choice};
use crate::hw::realtime;
use crate::station::budget::Budget;
use crate::station::bundles::Ready;
use crate::station::plant::setter::{Setter, basis};

/// Why a bundle cannot judge here, and how a command ends that cannot be without it.
#[derive(Debug)]
pub(in crate::cli) struct Unfit {
    pub exit: Exit,
    pub words: String,
}

impl Unfit {
    fn new(exit: Exit) -> impl Fn(&dyn std::error::Error) -> Self {
        move |error| Self { exit, words: error.to_string() }
    }
}

/// Makes bundles ready for one line.
pub(in crate::cli) struct Maker<'a> {
    config: &'a Config,
    option: ModelOption,
    trusted: TrustedKeys,
    workers: usize,
}

/// A bundle that judges from the start.
pub(super) struct Chosen {
    pub bundle: Identity,
    pub model: Model,
    pub running: Running,
    /// Whether a bundle was given up, now or earlier.
    pub bad: bool,
}

impl<'a> Maker<'a> {
    /// For this line, with so many threads that judge.
    pub fn new(config: &'a Config, option: ModelOption, workers: usize) -> Result<Self, Unfit> {
        let trusted = TrustedKeys::load(config.trust()).map_err(|error| Unfit::new(Exit::BundleRefused)(&error))?;
        Ok(Self { config, option, trusted, workers })
    }

    /// The same for another recipe of the line.
    pub fn of<'b>(&self, config: &'b Config) -> Maker<'b> {
        Maker { config, option: self.option, trusted: self.trusted.clone(), workers: self.workers }
    }

    /// Verifies a file.
    pub fn open(&self, path: &Path) -> Result<OpenBundle, Unfit> {
        let bundle = OpenBundle::read(path, &self.trusted).map_err(|error| Unfit::new(Exit::BundleRefused)(&error))?;
        self.option.on_line(bundle, self.config).map_err(|error| Unfit::new(Exit::Usage)(&error))
    }

    /// An inspector that has passed the bundle's own test.
    pub fn tested(&self, bundle: &OpenBundle) -> Result<Inspector, Unfit> {
        self.reported(bundle).map(|(inspector, _)| inspector)
    }

    /// The same with what the test saw.
    fn reported(&self, bundle: &OpenBundle) -> Result<(Inspector, ParityReport), Unfit> {
        let failed = Unfit::new(Exit::Engine);
        let engine = choice::load(bundle, self.option.engine(), self.option.threads()).map_err(|e| failed(&e))?;
        let emulated = engine.emulates(bundle);
        let mut inspector = Inspector::new(bundle.manifest().clone(), Box::new(engine));
        let report = parity::check(bundle, &mut inspector, emulated).map_err(|e| failed(&e))?;
        Ok((inspector, report))
    }

    /// The bundle's own test beside a line that runs: it leaves the processor to those that judge.
    ///
    /// # Errors
    /// [`Unfit`], also where the test takes its thread with it.
    pub fn tested_aside(&self, bundle: &OpenBundle) -> Result<ParityReport, Unfit> {
        std::thread::scope(|scope| {
            let test = scope.spawn(|| {
                realtime::run_last();
                self.reported(bundle).map(|(_, report)| report)
            });
            let died = || Unfit { exit: Exit::Engine, words: "its self-test died".to_owned() };
            test.join().unwrap_or_else(|_| Err(died()))
        })
    }

    /// Which keys are trusted.
    pub const fn trusted(&self) -> &TrustedKeys {
        &self.trusted
    }

    /// For a line that does not run yet. On a board it says how long each step takes.
    fn for_a_start(&self, path: &Path) -> Result<(Identity, Model), Unfit> {
        let bundle = self.open(path)?;
        let mut inspectors = vec![self.tested(&bundle)?];
        for _ in 1..self.workers {
            inspectors.push(self.loaded(&bundle)?);
        }
        let budget = self.in_time(&bundle, &mut inspectors[0]);
        if let Some(budget) = &budget {
            eprint!("{}", budget.0);
        }
        budget.map_or(Ok(()), |(_, fits)| fits)?;
        let manifest = bundle.manifest();
        if manifest.threshold() != manifest.own_threshold() {
            let (set, own) = (manifest.threshold().get(), manifest.own_threshold().get());
            eprintln!("threshold            {set}, as it was set on this station; without that {own}");
        }
        let model = Model { inspectors, product: manifest.product().to_owned(), threshold: manifest.threshold() };
        Ok((bundle.identity(), model))
    }

    /// For a line that runs. The self-test leaves the processor to those that judge; what is loaded then and judges itself must not
    /// inherit that.
    ///
    /// # Errors
    /// In words.
    pub fn for_a_running_line(&self, path: &Path) -> Result<Ready, String> {
        let ready = || {
            let bundle = self.open(path)?;
            self.tested_aside(&bundle)?;
            let mut inspectors = Vec::with_capacity(self.workers);
            for _ in 0..self.workers {
                let mut inspector = self.loaded(&bundle)?;
                // The first picture touches memory that no later one has to wait for.
                for picture in pictures(&bundle).take(1) {
                    judge(&mut inspector, picture).map_err(|error| Unfit::new(Exit::Engine)(&error))?;
                }
                inspectors.push(inspector);
            }
            if let Some((_, fits)) = inspectors.first_mut().and_then(|inspector| self.in_time(&bundle, inspector)) {
                fits?;
            }
            let manifest = bundle.manifest();
            let (product, threshold) = (manifest.product().to_owned(), manifest.threshold());
            Ok(Ready { sha256: bundle.sha256(), product, threshold, basis: self.basis(&bundle.identity()), inspectors })
        };
        ready().map_err(|unfit: Unfit| unfit.words)
    }

    /// What another threshold would be chosen from.
    pub fn basis(&self, bundle: &Identity) -> Basis {
        basis(bundle, self.setter().settings.is_some())
    }

    /// Keeps thresholds that are set while the line runs, where that is allowed.
    pub fn setter(&self) -> Setter {
        let may = self.config.set_threshold() && !self.option.is_fixed();
        let settings = may.then(|| Settings::beside(self.config.audit().dir()));
        Setter { settings, precision: self.option.precision() }
    }

    fn loaded(&self, bundle: &OpenBundle) -> Result<Inspector, Unfit> {
        let engine = choice::load(bundle, self.option.engine(), self.option.threads());
        let engine = engine.map_err(|error| Unfit::new(Exit::Engine)(&error))?;
        Ok(Inspector::new(bundle.manifest().clone(), Box::new(engine)))
    }

    /// Every step from edge to gate, and whether the line's greatest speed leaves time for them; a simulated line knows no limit.
    fn in_time(&self, bundle: &OpenBundle, inspector: &mut Inspector) -> Option<(Budget, Result<(), Unfit>)> {
        let Hardware::Board(board) = self.config.hardware() else { return None };
        // The self-test has shown that all of them can be judged.
        let mut times = measured(inspector, bundle).unwrap_or_default();
        let budget = Budget::of(board, &self.config.layout(), &mut times);
        let fits = budget.check(board.greatest_speed_um_s()).map_err(|error| Unfit::new(Exit::Usage)(&error));
        Some((budget, fits))
    }
}

/// Chooses the bundle of a start and makes it ready. Without `trials` only what is proven is taken, and nothing is written down.
pub(super) fn choose(maker: &Maker<'_>, trials: bool) -> Result<Chosen, Unfit> {
    let factory = |bad| {
        let (bundle, model) = maker.for_a_start(maker.config.bundle())?;
        let running = Running { place: Place::Factory, sha256: bundle.sha256() };
        Ok(Chosen { bundle, model, running, bad })
    };
    let Some(folder) = maker.config.slots() else { return factory(false) };
    let slots = Slots::new(folder.to_owned());
    let mut state = match slots.load() {
        Ok(state) => state,
        Err(error) => {
            tracing::error!("{error}");
            return factory(true);
        }
    };
    loop {
        let place = if trials { begin(&slots, &mut state) } else { state.proven_place() };
        let bad = state.bad().next().is_some();
        let Place::Slot(slot) = place else { return factory(bad) };
        let Some(sha256) = state.held(slot).map(|held| held.sha256) else { return factory(bad) };
        let made = maker.for_a_start(&slots.path(slot)).and_then(|made| {
            let words = "its bytes are not those that were installed".to_owned();
            if made.0.sha256() == sha256 { Ok(made) } else { Err(Unfit { exit: Exit::BundleRefused, words }) }
        });
        let why = match made {
            Ok((bundle, model)) => {
                let trial = if state.trial().is_some_and(|(trial, _)| trial == slot) { ", on trial" } else { "" };
                eprintln!("bundle               slot {slot}{trial}");
                return Ok(Chosen { bundle, model, running: Running { place, sha256 }, bad });
            }
            Err(Unfit { words, .. }) => words,
        };
        tracing::error!(%slot, %why, "a bundle is given up");
        let written = if trials { slots.change(|state| state.condemned(slot, &sha256, &why)).ok() } else { None };
        // Where it cannot be written down, it holds for this start.
        state = written.or_else(|| state.condemned(slot, &sha256, &why)).unwrap_or_default();
    }
}

/// Takes the place that a start wants and writes down that it was begun. A trial that cannot be counted is none.
fn begin(slots: &Slots, state: &mut State) -> Place {
    let AtStart { place, next } = state.at_start();
    let Some(next) = next else { return place };
    match slots.change(|on_disk| (on_disk == state).then(|| next.clone())) {
        Ok(written) => {
            for (slot, why) in written.bad().filter(|(slot, _)| state.trial().is_some_and(|(trial, _)| trial == *slot))
            {
                tracing::error!(%slot, %why, "a bundle is given up");
            }
            let same = written == next;
            *state = written;
            // Somebody has installed or rolled back in this very moment; what he wants is tried while the line runs.
            if same { place } else { state.proven_place() }
        }
        Err(error) => {
            tracing::error!(%error, "nothing is tried, since it cannot be written down");
            state.proven_place()
        }
    }
}
