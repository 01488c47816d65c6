//! Opens all lines of a station, the gate first, so that it is in its safe state before anything else can fail.

use std::path::PathBuf;

use gpiocdev::line::Value;
use thiserror::Error;

use super::decode::Input;
use super::find::{Place, find};
use super::input::{BoardInput, Sensed};
use super::output::{BoardGate, BoardSignals, Driven};
use crate::config::{Lines, Wire};

/// Why the lines cannot be used.
#[derive(Debug, Error)]
pub enum LinesError {
    /// No chip can be asked.
    #[error(
        "no GPIO: {evidence}; the kernel must have its GPIO character device, and the station must be in the group gpio"
    )]
    NoChips {
        /// What the system said.
        evidence: String,
    },
    /// No chip has the line.
    #[error("{key}: no chip has a line named {name:?} (asked were {asked}); `edge-runtime probe` lists all names")]
    NotFound {
        /// The configuration's key.
        key: &'static str,
        /// The name.
        name: String,
        /// The chips.
        asked: String,
    },
    /// Several lines have the name.
    #[error("{key}: {chips} both have a line named {name:?}; write it as chip and number, such as \"gpiochip0:17\"")]
    Ambiguous {
        /// The configuration's key.
        key: &'static str,
        /// The name.
        name: String,
        /// Two of the chips.
        chips: String,
    },
    /// Somebody else has the line.
    #[error("{key}: {name:?} on {chip} is in use by {holder}; end that program, or free the line in the device tree")]
    Busy {
        /// The configuration's key.
        key: &'static str,
        /// The name.
        name: String,
        /// The chip.
        chip: PathBuf,
        /// Who holds it.
        holder: String,
    },
    /// The kernel refuses.
    #[error("{key}: {name:?} on {chip} is refused: {evidence}")]
    Refused {
        /// The configuration's key.
        key: &'static str,
        /// The name, or names.
        name: String,
        /// The chip.
        chip: PathBuf,
        /// What it said.
        evidence: String,
    },
}

/// Opens every line. What had been opened when one fails is released in its safe state.
///
/// # Errors
/// [`LinesError`], with the key of the line.
pub fn open(lines: &Lines) -> Result<(BoardInput, BoardGate, BoardSignals), LinesError> {
    let driven = |key, wire: &Option<Wire>, value| {
        wire.as_ref().map(|wire| Driven::open(key, wire, find(key, &wire.name)?, value)).transpose()
    };
    let place = find("board.lines.reject", &lines.reject.name)?;
    let gate = BoardGate::new(Driven::open("board.lines.reject", &lines.reject, place, Value::Active)?);
    let signals = BoardSignals::new(
        driven("board.lines.run_ok", &lines.run_ok, Value::Inactive)?,
        driven("board.lines.heartbeat", &lines.heartbeat, Value::Inactive)?,
        driven("board.lines.alarm", &lines.alarm, Value::Active)?,
    );
    let sensed: Vec<Sensed> = inputs(lines)
        .into_iter()
        .map(|(key, wire, input)| {
            let Place { chip, offset } = find(key, &wire.name)?;
            Ok(Sensed { key, wire: wire.clone(), input, chip, offset })
        })
        .collect::<Result<_, LinesError>>()?;
    Ok((BoardInput::open(sensed)?, gate, signals))
}

/// The inputs that are wired, with their keys and what they are for.
pub(super) fn inputs(lines: &Lines) -> Vec<(&'static str, &Wire, Input)> {
    let all = [
        ("board.lines.trigger", Some(&lines.trigger), Input::Trigger),
        ("board.lines.photogate", lines.photogate.as_ref(), Input::Photogate),
        ("board.lines.encoder", lines.encoder.as_ref(), Input::Encoder),
        ("board.lines.encoder_b", lines.encoder_b.as_ref(), Input::EncoderB),
        ("board.lines.confirm", lines.confirm.as_ref(), Input::Confirm),
        ("board.lines.bin_full", lines.bin_full.as_ref(), Input::BinFull),
        ("board.lines.reset", lines.reset.as_ref(), Input::Reset),
    ];
    all.into_iter().filter_map(|(key, wire, input)| wire.map(|wire| (key, wire, input))).collect()
}

/// The outputs that are wired, with their keys.
pub(super) fn outputs(lines: &Lines) -> Vec<(&'static str, &Wire)> {
    let all = [
        ("board.lines.reject", Some(&lines.reject)),
        ("board.lines.run_ok", lines.run_ok.as_ref()),
        ("board.lines.heartbeat", lines.heartbeat.as_ref()),
        ("board.lines.alarm", lines.alarm.as_ref()),
    ];
    all.into_iter().filter_map(|(key, wire)| wire.map(|wire| (key, wire))).collect()
}
