//! The gate: drives the reject output by what the part tracker says.
//!
//! Takes events with belt positions; moves the output, and gives everything that the tracker says. The output is in its safe
//! state until [`Gate::start`] and after drop. It waits on nothing, reads no clock and knows no picture.

use shared::line::{Action, Cause, Event, Layout, Line};
use shared::units::Travel;

use crate::hw::roles::{HwFault, RejectOutput};

/// The tracker and the output that it alone owns.
pub struct Gate {
    line: Line,
    output: Box<dyn RejectOutput>,
    said: Vec<Action>,
}

impl Gate {
    /// Takes control of the output and begins with an empty line.
    ///
    /// # Errors
    /// Those of the output.
    pub fn start(layout: Layout, mut output: Box<dyn RejectOutput>) -> Result<Self, HwFault> {
        output.take_control()?;
        Ok(Self { line: Line::new(layout), output, said: Vec::new() })
    }

    /// Takes in one event at a belt position, moves the output, and gives what was said, in order.
    ///
    /// # Errors
    /// Those of the output; the line must then end, which puts the output into its safe state.
    pub fn step(&mut self, at: Travel, event: Event) -> Result<&[Action], HwFault> {
        self.said.clear();
        self.line.step(at, event, |action| self.said.push(action));
        for action in &self.said {
            match *action {
                Action::Open { part, reason } => self.output.open(part, reason)?,
                Action::Extend { part, reason } => self.output.extend(part, reason)?,
                Action::Close => self.output.close()?,
                _ => {}
            }
        }
        Ok(&self.said)
    }

    /// Where the belt must next be looked at; later than that, the gate moves late.
    #[must_use]
    pub fn step_at(&self) -> Option<Travel> {
        self.line.step_at()
    }

    /// Parts that have not left.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.line.in_flight()
    }
}

/// Whether a cause is one whose failure row stops the line.
#[must_use]
pub fn stops_line(cause: Cause) -> Option<&'static str> {
    let failure = cause.reason()?.failure();
    (failure.line == shared::verdict::LineAction::Stop).then_some(failure.code)
}
