//! Gives the script time, sensors and outputs, until it ends or somebody stops it.
//!
//! However it ends, the outputs are let go in their safe state: by Ctrl-C, by a device that fails, by a panic.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shared::line::Cause;
use shared::units::{Micros, PartId};
use shared::verdict::Reason;
use thiserror::Error;

use super::script::{Action, Event, Move, Script};
use crate::app::gate_test::{GateParts, GateSource};
use crate::hw::board::lines::LinesError;
use crate::hw::roles::{Clock, HwFault, SignalKind};

/// A stop and an answer are noticed within this.
const TURN: Micros = Micros::from_millis(50);

/// The pulse is of no part; the output wants a name and a cause.
const NO_PART: (PartId, Cause) = (PartId(0), Cause::Uninspected(Reason::Boot));

/// What the person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Nothing,
    Answer(bool),
    /// Nobody is there any more.
    Gone,
}

/// The person.
pub(super) trait Talk {
    fn say(&mut self, text: &str);

    fn ask(&mut self, question: &str);

    /// What was answered since the question, without waiting.
    fn answer(&mut self) -> Heard;
}

/// Why the script did not come to its end.
#[derive(Debug, Error)]
pub(super) enum Broken {
    #[error("somebody stopped it")]
    Stopped,
    #[error("standard input has ended: nobody answers")]
    NobodyAnswers,
    #[error(transparent)]
    Lines(#[from] LinesError),
    #[error(transparent)]
    Fault(#[from] HwFault),
}

/// The lines, while they are held.
struct Held<'a> {
    source: &'a GateSource,
    parts: Option<GateParts>,
}

impl Held<'_> {
    fn make(&mut self, what: Move) -> Result<(), Broken> {
        if what == Move::Hold {
            self.parts = Some(self.source.open()?);
            return Ok(());
        }
        let Some(GateParts { output: gate, signals, .. }) = &mut self.parts else { return Ok(()) };
        match what {
            Move::Hold => {}
            Move::Forbid => {
                signals.permit(false)?;
                signals.alarm(true)?;
            }
            Move::Control => gate.take_control()?,
            Move::Divert => gate.open(NO_PART.0, NO_PART.1)?,
            Move::Pass => gate.close()?,
            Move::LetGo => {
                // Drop reaches the safe state too, and also where this cannot be written.
                let safe = gate.make_safe();
                self.parts = None;
                safe?;
            }
        }
        Ok(())
    }

    /// Waits until then for the sensor behind the gate.
    fn wait(&mut self, clock: &dyn Clock, until: Micros) -> Result<Event, HwFault> {
        let Some(parts) = &mut self.parts else {
            std::thread::park_timeout(Duration::from_micros(until.saturating_sub(clock.now()).0));
            return Ok(Event::Time);
        };
        Ok(match parts.input.next(until)? {
            Some(signal) if signal.kind == SignalKind::Confirmed => Event::Confirmed(signal.at),
            _ => Event::Time,
        })
    }
}

/// Runs the script to its end.
pub(super) fn drive(
    script: &mut Script,
    source: &GateSource,
    talk: &mut dyn Talk,
    stop: &AtomicBool,
) -> Result<(), Broken> {
    let clock = source.clock();
    let mut held = Held { source, parts: None };
    let mut actions = script.step(clock.now(), Event::Begin);
    loop {
        for action in actions.drain(..) {
            match action {
                Action::Say(text) => talk.say(&text),
                Action::Ask(question) => talk.ask(&question),
                Action::Move(what) => held.make(what)?,
                Action::End => return Ok(()),
            }
        }
        if stop.load(Ordering::Relaxed) {
            return Err(Broken::Stopped);
        }
        let now = clock.now();
        let heard = if script.asks() { talk.answer() } else { Heard::Nothing };
        actions = match heard {
            Heard::Answer(yes) => script.step(now, Event::Answer(yes)),
            Heard::Gone => return Err(Broken::NobodyAnswers),
            Heard::Nothing => {
                let event = held.wait(&*clock, script.step_at().min(now.saturating_add(TURN)))?;
                script.step(clock.now(), event)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::cli::test_gate::script::Plan;
    use crate::hw::sim::gate_bench::{Bench, Gate};

    /// A clock that goes on by a millisecond whenever it is read, and stops the test at a reading.
    struct Ticking {
        readings: AtomicU64,
        stop_at: u64,
        stop: Arc<AtomicBool>,
    }

    impl Clock for Ticking {
        fn now(&self) -> Micros {
            let reading = self.readings.fetch_add(1, Ordering::Relaxed);
            if reading == self.stop_at {
                self.stop.store(true, Ordering::Relaxed);
            }
            Micros::from_millis(reading)
        }
    }

    /// Says yes, and notes whether outputs were held at each question.
    struct Agrees<'a>(&'a Bench, Vec<bool>);

    impl Talk for Agrees<'_> {
        fn say(&mut self, _: &str) {}

        fn ask(&mut self, _: &str) {
            self.1.push(self.0.held());
        }

        fn answer(&mut self) -> Heard {
            Heard::Answer(true)
        }
    }

    struct Nobody;

    impl Talk for Nobody {
        fn say(&mut self, _: &str) {}

        fn ask(&mut self, _: &str) {}

        fn answer(&mut self) -> Heard {
            Heard::Gone
        }
    }

    /// Lets the outputs be held, and goes away without hanging up.
    struct AnswersOnce(bool);

    impl Talk for AnswersOnce {
        fn say(&mut self, _: &str) {}

        fn ask(&mut self, _: &str) {}

        fn answer(&mut self) -> Heard {
            if std::mem::replace(&mut self.0, true) { Heard::Nothing } else { Heard::Answer(true) }
        }
    }

    const PLAN: Plan = Plan {
        pulse: Micros::from_millis(5),
        confirm_within: Some(Micros::from_millis(40)),
        run_ok: true,
        alarm: true,
    };

    type Tested = (Result<(), Broken>, Script, Bench, Vec<bool>);

    fn test(plan: Plan, confirms: Micros, stop_at: u64) -> Tested {
        let stop = Arc::new(AtomicBool::new(false));
        let clock = Arc::new(Ticking { readings: AtomicU64::new(0), stop_at, stop: Arc::clone(&stop) });
        let bench = Bench::new(clock, confirms);
        let (mut script, mut agrees) = (Script::new(plan), Agrees(&bench, Vec::new()));
        let ended = drive(&mut script, &GateSource::Bench(bench.clone()), &mut agrees, &stop);
        let held = agrees.1;
        (ended, script, bench, held)
    }

    #[test]
    fn the_twins_gate_passes_the_test_and_its_sensor_is_timed() {
        let (ended, script, bench, held) = test(PLAN, Micros::from_millis(8), u64::MAX);
        assert!(ended.is_ok(), "{ended:?}");
        assert!(script.passed(), "{script:?}");
        let after = script.confirmed_after().unwrap();
        assert!((Micros::from_millis(8)..Micros::from_millis(12)).contains(&after), "{after:?}");
        assert_eq!((bench.gate(), bench.pulses(), bench.held()), (Gate::Diverting, 1, false));
        let expected = [false, true, true, true, true, false, false];
        assert_eq!(held, expected, "nothing before somebody agrees, and nothing in an emergency");
    }

    #[test]
    fn a_sensor_that_is_silent_fails_the_test() {
        let (ended, script, ..) = test(PLAN, Micros::from_millis(10_000), u64::MAX);
        assert_eq!((ended.is_ok(), script.passed(), script.confirmed_after()), (true, false, None));
    }

    #[test]
    fn a_stop_at_any_moment_leaves_the_outputs_safe() {
        let mut pulses = Vec::new();
        for stop_at in 0.. {
            let (ended, _, bench, _) = test(PLAN, Micros::from_millis(8), stop_at);
            assert_eq!((bench.gate(), bench.held()), (Gate::Diverting, false), "stopped at reading {stop_at}");
            pulses.push(bench.pulses());
            let Err(stopped) = ended else { break };
            assert!(matches!(stopped, Broken::Stopped), "{stopped}");
        }
        assert!(pulses.len() > 10 && pulses.contains(&0) && pulses.contains(&1), "before, within and after the pulse");
    }

    #[test]
    fn nobody_there_and_a_sensor_that_fails_end_it_safely() {
        let stop = Arc::new(AtomicBool::new(false));
        let clock = Arc::new(Ticking { readings: AtomicU64::new(0), stop_at: u64::MAX, stop: Arc::clone(&stop) });
        let bench = Bench::new(clock, Micros(0));
        let source = GateSource::Bench(bench.clone());
        let ended = drive(&mut Script::new(PLAN), &source, &mut Nobody, &stop);
        assert!(matches!(ended, Err(Broken::NobodyAnswers)), "{ended:?}");
        assert_eq!((bench.gate(), bench.pulses(), bench.held()), (Gate::Diverting, 0, false));
        bench.break_sensor();
        let ended = drive(&mut Script::new(PLAN), &source, &mut AnswersOnce(false), &stop);
        assert!(matches!(ended, Err(Broken::Fault(HwFault::Lines { .. }))), "{ended:?}");
        assert_eq!((bench.gate(), bench.held()), (Gate::Diverting, false));
    }
}
