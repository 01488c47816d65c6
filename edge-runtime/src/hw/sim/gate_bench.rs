//! Twins for a test of the gate without a belt: a gate, a part that lies at it, and the sensor behind it.
//!
//! Stricter than a board: the permit may not be given, and the gate refuses what it would on a line. Whatever is dropped diverts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::line::Cause;
use shared::units::{Micros, PartId};

use super::live::SharedClock;
use crate::hw::roles::{HwFault, LineInput, LineSignals, RejectOutput, Signal, SignalKind};

/// Where the gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Parts leave.
    Diverting,
    /// Parts pass.
    Passing,
}

#[derive(Debug)]
struct State {
    gate: Gate,
    controlled: bool,
    pulses: u32,
    /// When the sensor sees the part that the gate has taken.
    seen_at: Option<Micros>,
    /// Outputs that somebody holds.
    held: u32,
    broken: bool,
}

/// The bench that all three stand on.
#[derive(Clone)]
pub struct Bench {
    state: Arc<Mutex<State>>,
    clock: SharedClock,
    confirms: Micros,
}

impl Bench {
    /// A bench whose sensor sees a part this long after the gate was told to divert.
    #[must_use]
    pub fn new(clock: SharedClock, confirms: Micros) -> Self {
        let state =
            State { gate: Gate::Diverting, controlled: false, pulses: 0, seen_at: None, held: 0, broken: false };
        Self { state: Arc::new(Mutex::new(state)), clock, confirms }
    }

    /// Gate, signals and sensor.
    #[must_use]
    pub fn roles(&self) -> (BenchGate, BenchSignals, BenchInput) {
        self.lock().held += 2;
        (BenchGate(self.clone()), BenchSignals(self.clone()), BenchInput(self.clone()))
    }

    /// The clock that the sensor stamps by.
    #[must_use]
    pub fn clock(&self) -> SharedClock {
        Arc::clone(&self.clock)
    }

    /// Where the gate stands.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.lock().gate
    }

    /// How often it has been told to divert.
    #[must_use]
    pub fn pulses(&self) -> u32 {
        self.lock().pulses
    }

    /// Whether somebody holds an output.
    #[must_use]
    pub fn held(&self) -> bool {
        self.lock().held > 0
    }

    /// From now on the sensor cannot be read.
    pub fn break_sensor(&self) {
        self.lock().broken = true;
    }

    /// Nothing panics while it holds the state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn let_go(&self) {
        let mut state = self.lock();
        state.held = state.held.saturating_sub(1);
    }
}

/// The gate.
///
/// # Safe state
/// Diverting: before [`RejectOutput::take_control`], and again on drop.
pub struct BenchGate(Bench);

impl BenchGate {
    fn change(&mut self, call: &str, allowed: bool, from: Gate, to: Gate) -> Result<(), HwFault> {
        let mut state = self.0.lock();
        if state.controlled != allowed || state.gate != from {
            let evidence = format!("{call} while the gate is {:?}, under control: {}", state.gate, state.controlled);
            return Err(HwFault::Misuse { evidence });
        }
        state.gate = to;
        Ok(())
    }
}

impl RejectOutput for BenchGate {
    fn take_control(&mut self) -> Result<(), HwFault> {
        self.change("take_control", false, Gate::Diverting, Gate::Passing)?;
        self.0.lock().controlled = true;
        Ok(())
    }

    fn open(&mut self, _: PartId, _: Cause) -> Result<(), HwFault> {
        self.change("open", true, Gate::Passing, Gate::Diverting)?;
        let seen_at = self.0.clock.now().saturating_add(self.0.confirms);
        let mut state = self.0.lock();
        state.pulses += 1;
        state.seen_at = Some(seen_at);
        Ok(())
    }

    fn extend(&mut self, _: PartId, _: Cause) -> Result<(), HwFault> {
        self.change("extend", true, Gate::Diverting, Gate::Diverting)
    }

    fn close(&mut self) -> Result<(), HwFault> {
        self.change("close", true, Gate::Diverting, Gate::Passing)
    }

    fn make_safe(&mut self) -> Result<(), HwFault> {
        let mut state = self.0.lock();
        state.gate = Gate::Diverting;
        state.controlled = false;
        Ok(())
    }
}

impl Drop for BenchGate {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.gate = Gate::Diverting;
        state.controlled = false;
        drop(state);
        self.0.let_go();
    }
}

/// Permit, heartbeat and alarm.
///
/// # Safe state
/// No permit: there is never one.
pub struct BenchSignals(Bench);

impl LineSignals for BenchSignals {
    fn permit(&mut self, run: bool) -> Result<(), HwFault> {
        match run {
            false => Ok(()),
            true => Err(HwFault::Misuse { evidence: "permit while hands may be at the gate".to_owned() }),
        }
    }

    fn beat(&mut self) -> Result<(), HwFault> {
        Ok(())
    }

    fn alarm(&mut self, _: bool) -> Result<(), HwFault> {
        Ok(())
    }
}

impl Drop for BenchSignals {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

/// The sensor behind the gate.
pub struct BenchInput(Bench);

impl LineInput for BenchInput {
    fn next(&mut self, until: Micros) -> Result<Option<Signal>, HwFault> {
        loop {
            let now = self.0.clock.now();
            let mut state = self.0.lock();
            if state.broken {
                return Err(HwFault::Lines { evidence: "the sensor was broken".to_owned() });
            }
            if let Some(at) = state.seen_at.take_if(|at| *at <= now) {
                return Ok(Some(Signal { at, kind: SignalKind::Confirmed }));
            }
            let next = state.seen_at.map_or(until, |at| at.min(until));
            drop(state);
            if now >= until {
                return Ok(None);
            }
            std::thread::park_timeout(Duration::from_micros(next.0 - now.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::verdict::Reason;

    use super::*;
    use crate::hw::clock::Monotonic;

    const WHY: Cause = Cause::Uninspected(Reason::Boot);

    #[test]
    fn it_refuses_what_a_board_would_and_a_permit_besides() {
        let bench = Bench::new(Arc::new(Monotonic::start()), Micros(0));
        let (mut gate, mut signals, mut input) = bench.roles();
        assert!(gate.open(PartId(0), WHY).is_err(), "not under control");
        gate.take_control().unwrap();
        assert!(gate.take_control().is_err() && gate.close().is_err() && gate.extend(PartId(0), WHY).is_err());
        assert!(signals.permit(true).is_err() && signals.permit(false).is_ok());
        assert_eq!(input.next(Micros(0)), Ok(None));
        gate.open(PartId(0), WHY).unwrap();
        assert!(gate.open(PartId(0), WHY).is_err(), "open already");
        let seen = input.next(Micros(u64::MAX)).unwrap().unwrap();
        assert_eq!(seen.kind, SignalKind::Confirmed);
        assert_eq!(input.next(Micros(0)), Ok(None), "once");
        gate.close().unwrap();
        assert!(bench.held());
        drop((gate, signals));
        assert_eq!((bench.gate(), bench.held()), (Gate::Diverting, false));
    }
}
