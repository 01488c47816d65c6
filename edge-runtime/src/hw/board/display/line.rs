//! One output line to a display: data or command, reset, backlight.
//!
//! Takes a line's name, gives it as an output of the embedded HAL. Levels are physical: high is high. What a line does after
//! it was dropped is the board's affair, which is why whoever drives a display keeps its lines.

use embedded_hal::digital::{Error, ErrorKind, ErrorType, OutputPin};
use gpiocdev::Request;
use gpiocdev::line::Value;
use thiserror::Error as ThisError;

use crate::hw::board::lines::find;
use crate::hw::roles::HwFault;

/// The name under which the kernel shows who holds a line.
const CONSUMER: &str = "draem-display";

/// A line that cannot be written.
#[derive(Debug, ThisError)]
#[error("line {name:?} cannot be written: {source}")]
pub(super) struct LineError {
    name: String,
    source: gpiocdev::Error,
}

impl Error for LineError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// An output line.
#[derive(Debug)]
pub(super) struct Line {
    name: String,
    request: Request,
}

impl Line {
    /// Takes the line that the configuration has under `key`, low or high from the start.
    pub fn take(key: &'static str, name: &str, value: Value) -> Result<Self, HwFault> {
        let place = find(key, name).map_err(|error| HwFault::Panel { evidence: error.to_string() })?;
        let mut builder = Request::builder();
        builder.on_chip(&place.chip).with_consumer(CONSUMER).with_line(place.offset).as_output(value);
        let request = builder.request().map_err(|error| HwFault::Panel {
            evidence: format!("{key}: {name:?} of {} is refused as output: {error}", place.chip.display()),
        })?;
        Ok(Self { name: name.to_owned(), request })
    }

    fn set(&self, value: Value) -> Result<(), LineError> {
        self.request.set_lone_value(value).map_err(|source| LineError { name: self.name.clone(), source })
    }
}

impl ErrorType for Line {
    type Error = LineError;
}

impl OutputPin for Line {
    fn set_low(&mut self) -> Result<(), LineError> {
        self.set(Value::Inactive)
    }

    fn set_high(&mut self) -> Result<(), LineError> {
        self.set(Value::Active)
    }
}
