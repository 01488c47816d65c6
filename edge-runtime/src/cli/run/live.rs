//! `run` in real time: on a board, or on the virtual line with the threads of a board.
//!
//! Takes what `command` has opened; starts the thread that looks after slots of bundles, where there are any, and runs the line
//! until SIGTERM or Ctrl-C, until the twin has come to rest, or until something fails that it cannot be without.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};

use anyhow::{Context as _, Result};
use signal_hook::consts::SIGUSR1;

use super::command::{Opened, refuse, told};
use super::shelf::Shelf;
use crate::app::live::{self, Parts};
use crate::app::{self, Model, live::SharedClock};
use crate::blackbox::trigger::Trigger;
use crate::blackbox::{Recorder, Tape};
use crate::bundle::slots::{Place, Running, Slots};
use crate::cli::exit::Exit;
use crate::config::{Board, Config, Recipe, Simulation};
use crate::health::alarms::Alarms;
use crate::health::readings::{ReadingsThread, Roots};
use crate::hmi::screen::Status;
use crate::hw::board::display::{self, PanelThread};
use crate::hw::clock::{KernelClock, Monotonic, WallClock};
use crate::hw::roles::SelectInput;
use crate::recipes::Recipes;
use crate::station::attendant::{Display, Keeper, NoDisplay};
use crate::station::bundles::{self, Link, WithBundles};
use crate::station::line::Ended;
use crate::station::plant::{Feed, Wishes};
use crate::station::recipes::{self, Exchange, Keeping, WithRecipes, selector};
use crate::store::{EndReason, RunId, RunStart, Store};

/// The virtual line in real time.
pub(super) fn twins(line: &Opened<'_>, model: Model, simulation: &Simulation) -> Result<Exit> {
    let plan = simulation.plan();
    eprintln!("SIMULATION in real time: {}, {} parts, seed {}", line.config.name(), plan.parts, plan.seed);
    let clock: SharedClock = Arc::new(Monotonic::start());
    let (parts, world) = live::twins(simulation, clock);
    let exit = inspect(line, parts, model, &mut NoDisplay)?;
    let left = world.lock().left();
    println!("parts that left      {}", left.parts);
    println!("of these diverted    {}", left.diverted);
    Ok(exit)
}

/// A board.
pub(super) fn board(line: &Opened<'_>, model: Model, board: &Board) -> Result<Exit> {
    let parts = match app::board::open(board) {
        Ok(parts) => parts,
        Err(error) => return Ok(refuse(&error, Exit::Engine)),
    };
    let Some(settings) = line.config.display().cloned() else { return inspect(line, parts, model, &mut NoDisplay) };
    match PanelThread::start(move || display::open(&settings), KernelClock) {
        Ok(panel) => inspect(line, parts, model, &mut Shown(panel)),
        Err(error) => Ok(refuse(&error, Exit::Engine)),
    }
}

/// A display with its thread.
struct Shown(PanelThread);

impl Display for Shown {
    fn show(&mut self, status: &Status) {
        self.0.show(status.clone());
    }

    fn is_away(&self) -> bool {
        self.0.is_away()
    }
}

/// Runs a line until it ends.
fn inspect(line: &Opened<'_>, mut parts: Parts, model: Model, display: &mut dyn Display) -> Result<Exit> {
    let stop = Arc::new(AtomicBool::new(false));
    let told_to = Arc::clone(&stop);
    ctrlc::set_handler(move || told_to.store(true, Ordering::Relaxed)).context("cannot listen for SIGTERM")?;
    parts.gate.priority = line.args.gate_priority.or(parts.gate.priority);
    let clock = Arc::clone(&parts.clock);
    let start = line.start(clock.now(), parts.simulation);
    let store = match line.store(start.clone()) {
        Ok(store) => store,
        Err(error) => return Ok(refuse(&error, Exit::Internal)),
    };
    let run = store.run();
    let alarms = Alarms::new(line.config.alarms());
    let recorder = line.recorder(parts.simulation)?;
    let tape = recorder.as_ref().map_or_else(Tape::none, Recorder::tape);
    let asked = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGUSR1, Arc::clone(&asked)).context("cannot listen for SIGUSR1")?;
    let readings = ReadingsThread::start(Roots::of_machine(line.config.audit().dir()));
    let readings = readings.context("no thread to read the board's heat and room")?;
    let trigger = Trigger::new(tape.clone(), asked);
    parts.tape = tape.clone();
    let exchange = Arc::<Exchange>::default();
    let plant = line.config.plant().and_then(|socket| tell(socket, &store, start, line, &exchange, &clock));
    let keeper = Keeper::new(clock.now(), display, readings, line.config.readings(), trigger, plant);
    std::thread::scope(|scope| {
        let (link, thread) = line.config.slots().and_then(|folder| look_after(folder, line, scope)).unzip();
        let select = parts.select.take();
        let products =
            line.recipe.and_then(|(recipe, base)| change_products(recipe, base, line, Arc::clone(&exchange), scope));
        match (select, &products) {
            (Some(select), Some(_)) => hear_inputs(select, exchange, clock, scope),
            (Some(_), None) => tracing::warn!("no product can be chosen at the inputs: this line runs without recipes"),
            (None, _) => {}
        }
        let mut keeper = WithBundles::new(WithRecipes::new(keeper, products), link);
        let ended = live::run(line.config, parts, model, store, alarms, &mut keeper, &stop);
        let well = ended.result.is_ok();
        if !well {
            tape.keep("ENDED");
        }
        let exit = conclude(line, run, ended, keeper.end().end());
        // After the records, which matter more: a slow disk takes some seconds for a recording.
        drop(recorder);
        // A self-test that still goes on holds up nothing more: outputs are at rest, records on the disk.
        if let Some(last) = thread.and_then(|(slots, thread)| Some((slots, thread.join().ok()?))).filter(|_| well) {
            ended_well(&last.0, last.1);
        }
        exit
    })
}

/// Starts the plant's thread. A line does without it rather than not run.
fn tell(
    socket: &Path,
    store: &Store,
    start: RunStart,
    line: &Opened<'_>,
    exchange: &Arc<Exchange>,
    clock: &SharedClock,
) -> Option<Feed> {
    let folder = std::path::absolute(store.folder()).unwrap_or_else(|_| store.folder().to_owned());
    let folder = folder.display().to_string();
    let wishes =
        Wishes { basis: line.maker.basis(line.bundle), setter: line.maker.setter(), exchange: Arc::clone(exchange) };
    let feed = Feed::start(socket.to_owned(), start, store.run().0, folder, wishes, Arc::clone(clock));
    feed.inspect_err(|error| tracing::error!(%error, "no thread for the plant: it hears nothing of this line"))
        .ok()
        .map(|feed| feed.within(line.config.readings()))
}

/// The slots, and the thread that looks after them; it ends with the bundle that was in charge last.
type Bundles<'scope> = (Slots, ScopedJoinHandle<'scope, Running>);

/// Stack of the threads that make a bundle ready. Reading, testing and loading one needs more than the 2 MiB of a usual thread where the program was built without
/// optimising it; the main thread, which does the same at the start, has as much as this.
const STACK: usize = 8 << 20;

/// Starts the bundles' thread. A line does without it rather than not run.
fn look_after<'scope>(
    folder: &Path,
    line: &'scope Opened<'_>,
    scope: &'scope Scope<'scope, '_>,
) -> Option<(Link, Bundles<'scope>)> {
    let (slots, factory) = (Slots::new(folder.to_owned()), line.config.bundle().to_owned());
    let make_ready = |path: &Path| line.maker.for_a_running_line(path);
    let keeping = bundles::Keeping::new(slots.clone(), factory, line.running, make_ready);
    let (link, work) = bundles::link(line.bad);
    let thread = std::thread::Builder::new().name("bundles".to_owned()).stack_size(STACK);
    match thread.spawn_scoped(scope, move || keeping.work(&work)) {
        Ok(thread) => Some((link, (slots, thread))),
        Err(error) => {
            tracing::error!(%error, "no thread for the bundles: none is changed before the next start");
            None
        }
    }
}

/// Starts the thread that changes products. A line does without it rather than not run.
fn change_products<'scope>(
    recipe: &Recipe,
    base: &'scope Config,
    line: &'scope Opened<'_>,
    exchange: Arc<Exchange>,
    scope: &'scope Scope<'scope, '_>,
) -> Option<recipes::Link> {
    let book = Recipes::new(line.config.recipes()?.to_owned());
    // Nothing can be on its way yet.
    book.sweep();
    let running = (recipe.number, line.bundle.sha256());
    let (keeping, link) = Keeping::new(Shelf::new(book, base, line.maker), running, exchange);
    let thread = std::thread::Builder::new().name("products".to_owned()).stack_size(STACK);
    match thread.spawn_scoped(scope, move || keeping.work()) {
        Ok(_) => Some(link),
        Err(error) => {
            tracing::error!(%error, "no thread to change products: the one of the start goes on");
            None
        }
    }
}

/// Starts the thread that hears the inputs at which a product is chosen. A line does without it rather than not run.
fn hear_inputs<'scope>(
    select: Box<dyn SelectInput>,
    exchange: Arc<Exchange>,
    clock: SharedClock,
    scope: &'scope Scope<'scope, '_>,
) {
    let hear = move || selector::hear(select, &exchange, &*clock);
    if let Err(error) = std::thread::Builder::new().name("select".to_owned()).spawn_scoped(scope, hear) {
        tracing::error!(%error, "no thread for the inputs at which a product is chosen: nothing is chosen there");
    }
}

/// Ends the records, and says what became of the line.
fn conclude(line: &Opened<'_>, run: RunId, ended: Ended, mut keeper: Keeper<'_>) -> Result<Exit> {
    let Ended { store, status, counts, result } = ended;
    keeper.stopped(&status);
    let reason = if result.is_ok() { EndReason::Rest } else { EndReason::Fault };
    let kept = store.finish(WallClock.now(), reason);
    println!("parts                {}", status.parts);
    println!("passed               {}", status.good);
    println!("judged bad           {}", status.rejected);
    println!("uninspected          {}", status.uninspected);
    println!("late verdicts        {}", counts.late);
    println!("bounces              {}", counts.bounced);
    fire_errors(std::mem::take(&mut keeper.fire_errors));
    // Why the line ended is told whatever became of its records.
    let ended = result.map_or_else(|error| refuse(&error, Exit::Engine), |()| Exit::Done);
    told(run, kept?, line.config);
    Ok(ended)
}

/// How exactly the gate moved.
fn fire_errors(mut errors: Vec<i64>) {
    errors.sort_unstable();
    let Some(&greatest) = errors.last() else { return };
    let at = |share: f64| errors[((errors.len() as f64 * share).ceil() as usize).clamp(1, errors.len()) - 1];
    println!(
        "fire error           {} us at the median, {} at p99, {} at p99.9, {greatest} at most, over {} pulses",
        at(0.5),
        at(0.99),
        at(0.999),
        errors.len()
    );
}

/// A trial that somebody only interrupted has not failed.
fn ended_well(slots: &Slots, last: Running) {
    let Place::Slot(slot) = last.place else { return };
    if let Err(error) = slots.change(|state| state.ended_well(slot, &last.sha256)) {
        tracing::warn!(%error, "a start too many is counted against the bundle on trial");
    }
}
