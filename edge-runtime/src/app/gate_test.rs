//! What a test of the gate needs of a station: its outputs and the sensor behind the gate, on a board or as twins.
//!
//! Nothing is opened before [`GateSource::open`]: a gate may move when its line is requested for the first time.

use std::sync::Arc;

use crate::config::{Config, Hardware, Lines};
use crate::hw::board::lines::{self, LinesError};
use crate::hw::clock::{KernelClock, Monotonic};
use crate::hw::roles::{LineInput, LineSignals, RejectOutput};
use crate::hw::sim::gate_bench::Bench;
use crate::hw::sim::live::SharedClock;

/// Where outputs and sensor come from.
#[derive(Clone)]
pub enum GateSource {
    /// A board's lines.
    Board(Box<Lines>),
    /// Twins.
    Bench(Bench),
}

/// Outputs in their safe state, and what answers them.
pub struct GateParts {
    /// The sensors.
    pub input: Box<dyn LineInput>,
    /// The gate.
    pub output: Box<dyn RejectOutput>,
    /// Permit, heartbeat and alarm.
    pub signals: Box<dyn LineSignals>,
}

impl GateSource {
    /// Of a station: twins where its line is a virtual one.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        match config.hardware() {
            Hardware::Simulation(simulation) => {
                Self::Bench(Bench::new(Arc::new(Monotonic::start()), simulation.plan().gate_rise))
            }
            Hardware::Board(board) => Self::Board(Box::new(board.lines().clone())),
        }
    }

    /// Whether no gate moves.
    #[must_use]
    pub const fn is_simulation(&self) -> bool {
        matches!(self, Self::Bench(_))
    }

    /// The clock that the sensors stamp by.
    #[must_use]
    pub fn clock(&self) -> SharedClock {
        match self {
            Self::Board(_) => Arc::new(KernelClock),
            Self::Bench(bench) => bench.clock(),
        }
    }

    /// Takes the lines.
    ///
    /// # Errors
    /// [`LinesError`]; whatever had been opened goes back to its safe state.
    pub fn open(&self) -> Result<GateParts, LinesError> {
        Ok(match self {
            Self::Board(lines) => {
                let (input, output, signals) = lines::open(lines)?;
                GateParts { input: Box::new(input), output: Box::new(output), signals: Box::new(signals) }
            }
            Self::Bench(bench) => {
                let (output, signals, input) = bench.roles();
                GateParts { input: Box::new(input), output: Box::new(output), signals: Box::new(signals) }
            }
        })
    }
}
