//! `[board.lines]`: which GPIO line does what.
//!
//! Takes names as written; gives each line with its wiring, no two of them the same. Looks for no line.

use super::checker::Checker;
use super::error::ConfigError;
use super::raw;

/// What holds an input where it is while nothing drives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// The chip's resistor to its supply.
    PullUp,
    /// The chip's resistor to ground.
    PullDown,
    /// Neither: there is one outside.
    Disabled,
}

/// A line and how it is wired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// Its name, or chip and offset as `gpiochip0:17`.
    pub name: String,
    /// Whether low means on.
    pub active_low: bool,
    /// What the chip is asked for; as it is without.
    pub bias: Option<Bias>,
}

/// All lines of a station; those that are not wired are absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// Light barrier under the camera.
    pub trigger: Wire,
    /// Light barrier at the gate.
    pub photogate: Option<Wire>,
    /// The encoder's first phase.
    pub encoder: Option<Wire>,
    /// Its second one, which tells the direction.
    pub encoder_b: Option<Wire>,
    /// Light barrier behind the gate.
    pub confirm: Option<Wire>,
    /// The bin for rejected parts is full.
    pub bin_full: Option<Wire>,
    /// A button that acknowledges.
    pub reset: Option<Wire>,
    /// The gate; on diverts.
    pub reject: Wire,
    /// The line may run while on.
    pub run_ok: Option<Wire>,
    /// Changes all the time while the station lives.
    pub heartbeat: Option<Wire>,
    /// Lamp or horn.
    pub alarm: Option<Wire>,
}

pub(super) fn check_lines(checker: &Checker<'_>, raw: &raw::Lines, encoder: bool) -> Result<Lines, ConfigError> {
    let optional = |key, wire: &Option<raw::Wire>| wire.as_ref().map(|wire| check_wire(checker, key, wire)).transpose();
    let lines = Lines {
        trigger: check_wire(checker, "board.lines.trigger", &raw.trigger)?,
        photogate: optional("board.lines.photogate", &raw.photogate)?,
        encoder: optional("board.lines.encoder", &raw.encoder)?,
        encoder_b: optional("board.lines.encoder_b", &raw.encoder_b)?,
        confirm: optional("board.lines.confirm", &raw.confirm)?,
        bin_full: optional("board.lines.bin_full", &raw.bin_full)?,
        reset: optional("board.lines.reset", &raw.reset)?,
        reject: check_wire(checker, "board.lines.reject", &raw.reject)?,
        run_ok: optional("board.lines.run_ok", &raw.run_ok)?,
        heartbeat: optional("board.lines.heartbeat", &raw.heartbeat)?,
        alarm: optional("board.lines.alarm", &raw.alarm)?,
    };
    let name = |wire: &Option<Wire>| wire.as_ref().map_or(String::new(), |wire| wire.name.clone());
    match (encoder, &lines.encoder) {
        (true, None) => {
            return Err(checker.value("board.lines.encoder", "", "board.belt.encoder_step_um needs an encoder's line"));
        }
        (false, Some(_)) => {
            let expected = "an encoder's line is of no use without board.belt.encoder_step_um";
            return Err(checker.value("board.lines.encoder", &name(&lines.encoder), expected));
        }
        _ => {}
    }
    if lines.encoder.is_none() && lines.encoder_b.is_some() {
        let expected = "a second phase is of no use without board.lines.encoder";
        return Err(checker.value("board.lines.encoder_b", &name(&lines.encoder_b), expected));
    }
    distinct(checker, &lines)?;
    Ok(lines)
}

fn check_wire(checker: &Checker<'_>, key: &'static str, raw: &raw::Wire) -> Result<Wire, ConfigError> {
    let (name, active_low, bias) = match raw {
        raw::Wire::Name(name) => (name, false, None),
        raw::Wire::Wired { line, active_low, bias } => (line, *active_low, bias.as_deref()),
    };
    if name.trim().is_empty() {
        return Err(checker.value(key, name, "the name of a line is needed; `edge-runtime probe` lists them"));
    }
    let bias = match bias {
        None => None,
        Some("pull-up") => Some(Bias::PullUp),
        Some("pull-down") => Some(Bias::PullDown),
        Some("none") => Some(Bias::Disabled),
        Some(other) => {
            return Err(checker.value(key, other, "bias may be \"pull-up\", \"pull-down\" or \"none\""));
        }
    };
    Ok(Wire { name: name.clone(), active_low, bias })
}

fn distinct(checker: &Checker<'_>, lines: &Lines) -> Result<(), ConfigError> {
    let mut wires = vec![("board.lines.trigger", &lines.trigger), ("board.lines.reject", &lines.reject)];
    let optional = [
        ("board.lines.photogate", &lines.photogate),
        ("board.lines.encoder", &lines.encoder),
        ("board.lines.encoder_b", &lines.encoder_b),
        ("board.lines.confirm", &lines.confirm),
        ("board.lines.bin_full", &lines.bin_full),
        ("board.lines.reset", &lines.reset),
        ("board.lines.run_ok", &lines.run_ok),
        ("board.lines.heartbeat", &lines.heartbeat),
        ("board.lines.alarm", &lines.alarm),
    ];
    wires.extend(optional.into_iter().filter_map(|(key, wire)| wire.as_ref().map(|wire| (key, wire))));
    for (index, (key, wire)) in wires.iter().enumerate() {
        if wires[..index].iter().any(|(_, other)| other.name == wire.name) {
            return Err(checker.value(key, &wire.name, "which another key of [board.lines] has already"));
        }
    }
    Ok(())
}
