//! `run` in real time: on a board, or on the virtual line with the threads of a board.
//!
//! Takes what `command` has opened; starts the thread that looks after slots of bundles, where there are any, and runs the line
//! until SIGTERM or Ctrl-C, until the twin has come to rest, or until something fails that it cannot be without.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};

use super::command::{Opened, refuse, told};
use crate::app::live::{self, Parts};
use crate::app::{self, Model, live::SharedClock};
use crate::bundle::slots::{Place, Running, Slots};
use crate::cli::exit::Exit;
use crate::config::{Board, Simulation};
use crate::health::alarms::Alarms;
use crate::hmi::screen::Status;
use crate::hw::board::display::{self, PanelThread};
use crate::hw::clock::{KernelClock, Monotonic, WallClock};
use crate::station::attendant::{Display, Keeper, NoDisplay};
use crate::station::bundles::{self, Keeping, WithBundles};
use crate::station::line::Ended;
use crate::store::EndReason;

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
    parts.gate_priority = line.args.gate_priority.or(parts.gate_priority);
    let clock = Arc::clone(&parts.clock);
    let store = match line.store(clock.now(), parts.simulation) {
        Ok(store) => store,
        Err(error) => return Ok(refuse(&error, Exit::Internal)),
    };
    let run = store.run();
    let alarms = Alarms::new(line.config.alarms());
    let keeper = Keeper::new(clock.now(), display);
    let (Ended { store, status, counts, result }, mut keeper) = std::thread::scope(|scope| {
        let bundles = line.config.slots().map(|folder| {
            let (slots, factory) = (Slots::new(folder.to_owned()), line.config.bundle().to_owned());
            let make_ready = |path: &Path| line.maker.for_a_running_line(path);
            let (link, work) = bundles::link(line.bad);
            let keeping = Keeping::new(slots.clone(), factory, line.running, make_ready);
            (link, slots, scope.spawn(move || keeping.work(&work)))
        });
        let (link, bundles) = bundles.map_or((None, None), |(link, slots, thread)| (Some(link), Some((slots, thread))));
        let mut keeper = WithBundles::new(keeper, link);
        let ended = live::run(line.config, parts, model, store, alarms, &mut keeper, &stop);
        let keeper = keeper.end();
        if let Some((slots, thread)) = bundles {
            let last = thread.join().ok().filter(|_| ended.result.is_ok());
            last.into_iter().for_each(|last| ended_well(&slots, last));
        }
        (ended, keeper)
    });
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
