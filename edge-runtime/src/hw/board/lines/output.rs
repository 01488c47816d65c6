//! Outputs: the gate, and what stands beside it.
//!
//! Takes lines that are requested; drives them. A line that nobody holds any more falls to what its resistors say: the gate must
//! divert then, and the permit must be off.

use std::path::PathBuf;

use gpiocdev::Request;
use gpiocdev::line::{Offset, Value};
use shared::line::Cause;
use shared::units::PartId;

use super::find::Place;
use super::input::bias_of;
use super::open::LinesError;
use crate::config::Wire;
use crate::hw::position::Position;
use crate::hw::roles::{HwFault, LineSignals, RejectOutput};

/// Who holds the lines, as other programs see it.
pub const CONSUMER: &str = "draem-edge";

/// A line that is driven.
#[derive(Debug)]
pub struct Driven {
    name: String,
    chip: PathBuf,
    offset: Offset,
    request: Request,
}

impl Driven {
    /// Requests a line, which is at `value` from the first moment.
    pub fn open(key: &'static str, wire: &Wire, place: Place, value: Value) -> Result<Self, LinesError> {
        let mut builder = Request::builder();
        builder.with_consumer(CONSUMER).on_chip(&place.chip).with_line(place.offset).as_output(value);
        if wire.active_low {
            builder.as_active_low();
        }
        if let Some(bias) = bias_of(wire) {
            builder.with_bias(bias);
        }
        let request = builder.request().map_err(|error| LinesError::Refused {
            key,
            name: wire.name.clone(),
            chip: place.chip.clone(),
            evidence: error.to_string(),
        })?;
        Ok(Self { name: wire.name.clone(), chip: place.chip, offset: place.offset, request })
    }

    fn set(&self, on: bool) -> Result<(), HwFault> {
        self.request.set_value(self.offset, if on { Value::Active } else { Value::Inactive }).map_err(|error| {
            HwFault::Lines { evidence: format!("{} on {} cannot be written: {error}", self.name, self.chip.display()) }
        })
    }
}

/// The gate's output: on diverts.
///
/// # Safe state
/// On: from the moment at which the line was requested to [`RejectOutput::take_control`], and again on drop.
#[derive(Debug)]
pub struct BoardGate {
    line: Driven,
    position: Position,
}

impl BoardGate {
    /// A gate whose line is on.
    pub(super) fn new(line: Driven) -> Self {
        Self { line, position: Position::Safe }
    }
}

impl RejectOutput for BoardGate {
    fn take_control(&mut self) -> Result<(), HwFault> {
        let next = self.position.taken()?;
        self.line.set(false)?;
        self.position = next;
        Ok(())
    }

    fn open(&mut self, part: PartId, cause: Cause) -> Result<(), HwFault> {
        let next = self.position.opened(part, cause)?;
        self.line.set(true)?;
        self.position = next;
        Ok(())
    }

    fn extend(&mut self, part: PartId, cause: Cause) -> Result<(), HwFault> {
        self.position = self.position.extended(part, cause)?;
        Ok(())
    }

    fn close(&mut self) -> Result<(), HwFault> {
        let next = self.position.closed()?;
        self.line.set(false)?;
        self.position = next;
        Ok(())
    }

    fn make_safe(&mut self) -> Result<(), HwFault> {
        self.position = Position::Safe;
        self.line.set(true)
    }
}

impl Drop for BoardGate {
    fn drop(&mut self) {
        // A line that cannot be written falls to its resistor when it is released now.
        drop(self.line.set(true));
    }
}

/// Permit, heartbeat and alarm, as far as they are wired.
///
/// # Safe state
/// Permit off, heartbeat still, alarm on: from the moment at which the lines were requested, and again on drop.
#[derive(Debug)]
pub struct BoardSignals {
    run_ok: Option<Driven>,
    heartbeat: Option<Driven>,
    alarm: Option<Driven>,
    beat: bool,
}

impl BoardSignals {
    pub(super) fn new(run_ok: Option<Driven>, heartbeat: Option<Driven>, alarm: Option<Driven>) -> Self {
        Self { run_ok, heartbeat, alarm, beat: false }
    }
}

fn set(line: Option<&Driven>, on: bool) -> Result<(), HwFault> {
    line.map_or(Ok(()), |line| line.set(on))
}

impl LineSignals for BoardSignals {
    fn permit(&mut self, run: bool) -> Result<(), HwFault> {
        set(self.run_ok.as_ref(), run)
    }

    fn beat(&mut self) -> Result<(), HwFault> {
        self.beat = !self.beat;
        set(self.heartbeat.as_ref(), self.beat)
    }

    fn alarm(&mut self, on: bool) -> Result<(), HwFault> {
        set(self.alarm.as_ref(), on)
    }
}

impl Drop for BoardSignals {
    fn drop(&mut self) {
        // As with the gate: the resistors say the same.
        drop(self.permit(false));
        drop(self.alarm(true));
    }
}
