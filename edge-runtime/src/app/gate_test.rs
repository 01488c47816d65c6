//! What a test of the gate needs of a station: its outputs and the sensor behind the gate, on a board or as twins.

use std::sync::Arc;

use crate::config::{Config, Hardware};
use crate::hw::board::lines::{self, LinesError};
use crate::hw::clock::{KernelClock, Monotonic};
use crate::hw::roles::{LineInput, LineSignals, RejectOutput};
use crate::hw::sim::gate_bench::Bench;
use crate::hw::sim::live::SharedClock;

/// Outputs in their safe state, and what answers them.
pub struct GateParts {
    /// Reads the time that the sensors stamp.
    pub clock: SharedClock,
    /// The sensors.
    pub input: Box<dyn LineInput>,
    /// The gate.
    pub output: Box<dyn RejectOutput>,
    /// Permit, heartbeat and alarm.
    pub signals: Box<dyn LineSignals>,
    /// Whether they are twins.
    pub simulation: bool,
}

impl GateParts {
    /// The twins on one bench.
    #[must_use]
    pub fn of_bench(bench: &Bench) -> Self {
        let (output, signals, input) = bench.roles();
        Self {
            clock: bench.clock(),
            input: Box::new(input),
            output: Box::new(output),
            signals: Box::new(signals),
            simulation: true,
        }
    }
}

/// Opens a board's lines, or makes twins where the line is a virtual one.
///
/// # Errors
/// [`LinesError`]; whatever had been opened goes back to its safe state.
pub fn open(config: &Config) -> Result<GateParts, LinesError> {
    match config.hardware() {
        Hardware::Simulation(simulation) => {
            Ok(GateParts::of_bench(&Bench::new(Arc::new(Monotonic::start()), simulation.plan().gate_rise)))
        }
        Hardware::Board(board) => {
            let (input, output, signals) = lines::open(board.lines())?;
            Ok(GateParts {
                clock: Arc::new(KernelClock),
                input: Box::new(input),
                output: Box::new(output),
                signals: Box::new(signals),
                simulation: false,
            })
        }
    }
}
