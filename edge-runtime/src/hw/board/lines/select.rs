//! Inputs at which a product is chosen: the lines of a code and a strobe.
//!
//! Takes lines by name; says how they are, and whether one has moved since. They are requested by themselves and read by a thread of
//! their own, so that nothing here comes near the gate's. When a code holds is not decided here.

use std::path::PathBuf;

use gpiocdev::Request;
use gpiocdev::line::{EdgeDetection, Offset, Value};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use shared::units::Micros;

use super::find::{Place, find};
use super::input::bias_of;
use super::open::LinesError;
use super::output::CONSUMER;
use crate::config::{Select, Wire};
use crate::hw::clock::KernelClock;
use crate::hw::roles::{Clock as _, HwFault, SelectInput, Selection};

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A bit of the number, counted from the lowest.
    Bit(usize),
    /// The strobe.
    Strobe,
}

/// The lines of one chip.
#[derive(Debug)]
struct OfChip {
    chip: PathBuf,
    request: Request,
    lines: Vec<(Offset, Use)>,
}

/// A board's inputs at which a product is chosen.
#[derive(Debug)]
pub struct BoardSelect {
    chips: Vec<OfChip>,
}

/// The lines with their keys and what they are for.
pub(super) fn wires(select: &Select) -> Vec<(&'static str, &Wire, Use)> {
    let code = select.code.iter().enumerate().map(|(bit, wire)| ("board.lines.select", wire, Use::Bit(bit)));
    code.chain([("board.lines.select_strobe", &select.strobe, Use::Strobe)]).collect()
}

/// Opens the lines.
///
/// # Errors
/// [`LinesError`], with the key of the line.
pub fn open_select(select: &Select) -> Result<BoardSelect, LinesError> {
    let found = wires(select).into_iter().map(|(key, wire, is)| Ok((key, wire, is, find(key, &wire.name)?)));
    BoardSelect::open(&found.collect::<Result<Vec<_>, LinesError>>()?)
}

impl BoardSelect {
    /// Requests the lines, those of one chip together.
    pub(super) fn open(lines: &[(&'static str, &Wire, Use, Place)]) -> Result<Self, LinesError> {
        let mut chips: Vec<&PathBuf> = Vec::new();
        for (_, _, _, place) in lines {
            if !chips.contains(&&place.chip) {
                chips.push(&place.chip);
            }
        }
        let opened = chips.into_iter().map(|chip| {
            let of_chip = || lines.iter().filter(|(_, _, _, place)| place.chip == *chip);
            let mut builder = Request::builder();
            builder.with_consumer(CONSUMER).on_chip(chip);
            for (_, wire, _, place) in of_chip() {
                builder.with_line(place.offset).as_input().with_edge_detection(EdgeDetection::BothEdges);
                if wire.active_low {
                    builder.as_active_low();
                }
                if let Some(bias) = bias_of(wire) {
                    builder.with_bias(bias);
                }
            }
            let request = builder.request().map_err(|error| LinesError::Refused {
                key: of_chip().next().map_or("board.lines.select", |(key, ..)| *key),
                name: of_chip().map(|(_, wire, ..)| wire.name.as_str()).collect::<Vec<_>>().join(", "),
                chip: chip.clone(),
                evidence: error.to_string(),
            })?;
            let lines = of_chip().map(|(_, _, is, place)| (place.offset, *is)).collect();
            Ok(OfChip { chip: chip.clone(), request, lines })
        });
        Ok(Self { chips: opened.collect::<Result<_, LinesError>>()? })
    }

    /// Takes in which lines have moved, and then how all of them are: a line that moves in between is told at the next look.
    pub(super) fn read(&self) -> Result<Selection, HwFault> {
        let mut seen = Selection::default();
        for OfChip { chip, request, lines } in &self.chips {
            let fault = |doing: &str, error: gpiocdev::Error| HwFault::Lines {
                evidence: format!("{doing} of {}: {error}", chip.display()),
            };
            while request.has_edge_event().map_err(|error| fault("asking for edges", error))? {
                let event = request.read_edge_event().map_err(|error| fault("reading an edge", error))?;
                match lines.iter().find(|(offset, _)| *offset == event.offset) {
                    Some((_, Use::Strobe)) => seen.strobe_moved = true,
                    _ => seen.code_moved = true,
                }
            }
            for &(offset, is) in lines {
                let on = request.value(offset).map_err(|error| fault("reading lines", error))? == Value::Active;
                match is {
                    Use::Strobe => seen.strobe = on,
                    Use::Bit(bit) => seen.code |= u16::from(on) << bit,
                }
            }
        }
        Ok(seen)
    }
}

impl SelectInput for BoardSelect {
    fn look(&mut self, until: Micros) -> Result<Selection, HwFault> {
        let left = until.saturating_sub(KernelClock.now());
        let timeout = Timespec { tv_sec: (left.0 / 1_000_000) as i64, tv_nsec: (left.0 % 1_000_000 * 1_000) as i64 };
        let mut fds: Vec<PollFd<'_>> =
            self.chips.iter().map(|chip| PollFd::new(&chip.request, PollFlags::IN)).collect();
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => self.read(),
            Err(error) => Err(HwFault::Lines { evidence: format!("waiting for the select lines: {error}") }),
        }
    }
}
