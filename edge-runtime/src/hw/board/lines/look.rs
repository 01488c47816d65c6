//! Looks at every configured line without moving anything.
//!
//! Takes the configuration; gives where each line is and what an input reads, or why the station could not have it. An output is found and
//! never requested, since a request drives it.

use super::decode::Input;
use super::find::{Place, find, holder};
use super::input::{BoardInput, Sensed};
use super::open::{LinesError, inputs, outputs};
use super::select::{BoardSelect, Use, wires};
use crate::config::{Lines, Wire};

/// What was seen of a line.
#[derive(Debug)]
pub struct Looked {
    /// The configuration's key.
    pub key: &'static str,
    /// The line's name.
    pub name: String,
    /// Where it is, with what an input reads.
    pub found: Result<(Place, Option<bool>), LinesError>,
}

/// Looks at each line for itself, so that one that fails hides no other.
#[must_use]
pub fn look(lines: &Lines) -> Vec<Looked> {
    let looked =
        |key, wire: &Wire, input: Option<Input>| Looked { key, name: wire.name.clone(), found: seen(key, wire, input) };
    let read = inputs(lines).into_iter().map(|(key, wire, input)| looked(key, wire, Some(input)));
    let chosen = lines.select.iter().flat_map(wires);
    let chosen = chosen.map(|(key, wire, _)| Looked { key, name: wire.name.clone(), found: chosen_at(key, wire) });
    let driven = outputs(lines).into_iter().map(|(key, wire)| looked(key, wire, None));
    read.chain(chosen).chain(driven).collect()
}

fn free(key: &'static str, wire: &Wire) -> Result<Place, LinesError> {
    let place = find(key, &wire.name)?;
    match holder(&place) {
        Some(holder) => Err(LinesError::Busy { key, name: wire.name.clone(), chip: place.chip, holder }),
        None => Ok(place),
    }
}

fn chosen_at(key: &'static str, wire: &Wire) -> Result<(Place, Option<bool>), LinesError> {
    let place = free(key, wire)?;
    let input = BoardSelect::open(&[(key, wire, Use::Strobe, place.clone())])?;
    Ok((place, input.read().ok().map(|seen| seen.strobe)))
}

fn seen(key: &'static str, wire: &Wire, input: Option<Input>) -> Result<(Place, Option<bool>), LinesError> {
    let place = free(key, wire)?;
    let Some(input) = input else { return Ok((place, None)) };
    let Place { chip, offset } = place.clone();
    let level = BoardInput::open(vec![Sensed { key, wire: wire.clone(), input, chip, offset }])?.level(input);
    Ok((place, level))
}
