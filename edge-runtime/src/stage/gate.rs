//! The gate: drives the reject output by what the part tracker says.
//!
//! Takes events with belt positions; moves the output, and gives everything that the tracker says. Until
//! [`Gate::take_control`], after [`Gate::make_safe`] and after drop the output is in its safe state, diverting everything,
//! while the tracker goes on. It waits on nothing, reads no clock and knows no picture.

use serde::{Deserialize, Serialize};
use shared::line::{Action, Cause, Event, Layout, Line};
use shared::units::{PartId, Travel};

use crate::hw::roles::{HwFault, RejectOutput};

/// All that a gate goes by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    line: Line,
    open: Option<(PartId, Cause)>,
    in_control: bool,
}

impl Standing {
    /// Whether it can be a gate's: what was read from a file need not be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.line.is_sound()
    }

    /// The line's geometry.
    #[must_use]
    pub fn layout(&self) -> Layout {
        *self.line.layout()
    }
}

/// The tracker and the output that it alone owns.
///
/// # Invariants
/// `open` is what the tracker last wanted. While in control the output is as the tracker wants it.
pub struct Gate {
    line: Line,
    output: Box<dyn RejectOutput>,
    said: Vec<Action>,
    open: Option<(PartId, Cause)>,
    in_control: bool,
}

impl Gate {
    /// Begins with an empty line and leaves the output in its safe state.
    #[must_use]
    pub fn diverting(layout: Layout, output: Box<dyn RejectOutput>) -> Self {
        Self { line: Line::new(layout), output, said: Vec::new(), open: None, in_control: false }
    }

    /// Begins with an empty line, and in control of the output.
    ///
    /// # Errors
    /// Those of the output.
    pub fn start(layout: Layout, output: Box<dyn RejectOutput>) -> Result<Self, HwFault> {
        let mut gate = Self::diverting(layout, output);
        gate.take_control()?;
        Ok(gate)
    }

    /// Takes the output out of its safe state, to where the tracker wants it. Changes nothing where that has been done.
    ///
    /// # Errors
    /// Those of the output.
    pub fn take_control(&mut self) -> Result<(), HwFault> {
        if self.in_control {
            return Ok(());
        }
        self.output.take_control()?;
        self.in_control = true;
        self.open.map_or(Ok(()), |(part, cause)| self.output.open(part, cause))
    }

    /// Puts the output back into its safe state.
    ///
    /// # Errors
    /// Those of the output, which must then be dropped.
    pub fn make_safe(&mut self) -> Result<(), HwFault> {
        self.in_control = false;
        self.output.make_safe()
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
                Action::Open { part, reason } => {
                    self.open = Some((part, reason));
                    if self.in_control {
                        self.output.open(part, reason)?;
                    }
                }
                Action::Extend { part, reason } => {
                    self.open = Some((part, reason));
                    if self.in_control {
                        self.output.extend(part, reason)?;
                    }
                }
                Action::Close => {
                    self.open = None;
                    if self.in_control {
                        self.output.close()?;
                    }
                }
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

    /// All that it goes by, but for the output.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing { line: self.line.clone(), open: self.open, in_control: self.in_control }
    }

    /// A gate that goes on from there, with an output that is where the other one was.
    #[must_use]
    pub fn from_standing(standing: Standing, output: Box<dyn RejectOutput>) -> Self {
        let Standing { line, open, in_control } = standing;
        Self { line, output, said: Vec::new(), open, in_control }
    }

    /// Another geometry for parts to come. Those in flight keep their windows.
    pub fn change_layout(&mut self, layout: Layout) {
        self.line.change_layout(layout);
    }

    /// Parts that have not left.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.line.in_flight()
    }

    /// Whether the output does what the tracker says; otherwise it diverts everything.
    #[must_use]
    pub fn in_control(&self) -> bool {
        self.in_control
    }
}

/// Whether a cause is one whose failure row stops the line.
#[must_use]
pub fn stops_line(cause: Cause) -> Option<&'static str> {
    let failure = cause.reason()?.failure();
    (failure.line == shared::verdict::LineAction::Stop).then_some(failure.code)
}
