//! `[board.lines]`: which GPIO line does what.
//!
//! Takes names as written; gives each line with its wiring, no two of them the same. Looks for no line.
//!
//! Inputs that choose a product say its recipe's number in binary, and a strobe says when.

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

/// Lines that say a product's number: with so many, every number that a recipe may have.
pub const MOST_SELECT: usize = 14;

/// Inputs at which a product is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// They say the product's number, the lowest bit first. 1 to [`MOST_SELECT`].
    pub code: Vec<Wire>,
    /// Goes on when they do.
    pub strobe: Wire,
}

impl Select {
    /// The greatest number that can be said.
    #[must_use]
    pub fn greatest(&self) -> u16 {
        greatest(self.code.len())
    }
}

/// The greatest number that so many lines can say, [`MOST_SELECT`] at most.
pub(super) fn greatest(lines: usize) -> u16 {
    ((1u32 << lines.min(MOST_SELECT)) - 1) as u16
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
    /// Where a product is chosen.
    pub select: Option<Select>,
    /// The gate; on diverts.
    pub reject: Wire,
    /// The line may run while on.
    pub run_ok: Option<Wire>,
    /// Changes all the time while the station lives.
    pub heartbeat: Option<Wire>,
    /// Lamp or horn.
    pub alarm: Option<Wire>,
}

/// `encoder` says that the belt has one, `recipes` that there are products to choose from.
pub(super) fn check_lines(
    checker: &Checker<'_>,
    raw: &raw::Lines,
    encoder: bool,
    recipes: bool,
) -> Result<Lines, ConfigError> {
    let optional = |key, wire: &Option<raw::Wire>| wire.as_ref().map(|wire| check_wire(checker, key, wire)).transpose();
    let lines = Lines {
        trigger: check_wire(checker, "board.lines.trigger", &raw.trigger)?,
        photogate: optional("board.lines.photogate", &raw.photogate)?,
        encoder: optional("board.lines.encoder", &raw.encoder)?,
        encoder_b: optional("board.lines.encoder_b", &raw.encoder_b)?,
        confirm: optional("board.lines.confirm", &raw.confirm)?,
        bin_full: optional("board.lines.bin_full", &raw.bin_full)?,
        reset: optional("board.lines.reset", &raw.reset)?,
        select: check_select(checker, raw, recipes)?,
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

fn check_select(checker: &Checker<'_>, raw: &raw::Lines, recipes: bool) -> Result<Option<Select>, ConfigError> {
    const CODE: &str = "board.lines.select";
    const STROBE: &str = "board.lines.select_strobe";
    let code: Vec<Wire> = raw.select.iter().map(|wire| check_wire(checker, CODE, wire)).collect::<Result<_, _>>()?;
    let strobe = raw.select_strobe.as_ref().map(|wire| check_wire(checker, STROBE, wire)).transpose()?;
    let names = code.iter().map(|wire| wire.name.as_str()).collect::<Vec<_>>().join(", ");
    let Some(strobe) = strobe else {
        let expected = "which says no product without board.lines.select_strobe, the line that says when";
        return if code.is_empty() { Ok(None) } else { Err(checker.value(CODE, &names, expected)) };
    };
    if code.is_empty() {
        let expected = "a strobe is of no use without board.lines.select, the lines that say which product";
        return Err(checker.value(STROBE, &strobe.name, expected));
    }
    if code.len() > MOST_SELECT {
        let expected = "14 lines at most: they say every number that a recipe may have";
        return Err(checker.value(CODE, &names, expected));
    }
    if !recipes {
        return Err(checker.value(CODE, &names, "without [recipes] there is no product to choose"));
    }
    Ok(Some(Select { code, strobe }))
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
    if let Some(Select { code, strobe }) = &lines.select {
        wires.extend(code.iter().map(|wire| ("board.lines.select", wire)));
        wires.push(("board.lines.select_strobe", strobe));
    }
    for (index, (key, wire)) in wires.iter().enumerate() {
        if let Some((other, _)) = wires[..index].iter().find(|(_, other)| other.name == wire.name) {
            let expected = if other == key {
                "which stands there twice"
            } else {
                "which another key of [board.lines] has already"
            };
            return Err(checker.value(key, &wire.name, expected));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Hardware};
    use super::*;

    const BOARD: &str = include_str!("../../config/board.example.toml");

    /// The shipped file with these lines in its section, and with recipes in place of slots.
    fn parse(lines: &str, recipes: bool) -> Result<Config, ConfigError> {
        let mut text = BOARD.replace("slots = \"/var/lib/draem-edge/slots\"\n", "");
        text = text.replace("\n[board.lines]\n", &format!("\n[board.lines]\n{lines}\n"));
        if recipes {
            text = text.replace("\n[line]\n", "\n[recipes]\ndir = \"recipes\"\n\n[line]\n");
        }
        Config::parse(&text, "board.toml", Path::new("base"))
    }

    #[test]
    fn inputs_that_choose_a_product_are_understood() {
        assert_eq!(parse("", true).unwrap().greatest_selected(), None);
        let strobe = "select_strobe = { line = \"GPIO12\", active_low = true, bias = \"pull-up\" }";
        let config = parse(&format!("select = [\"GPIO8\", \"gpiochip1:4\", \"GPIO7\"]\n{strobe}"), true).unwrap();
        assert_eq!(config.greatest_selected(), Some(7));
        assert!(config.table().contains(&("select inputs", "say products 0 to 7".to_owned())));
        let Hardware::Board(board) = config.hardware() else { panic!("a board") };
        let Select { code, strobe } = board.lines().select.as_ref().unwrap();
        let names: Vec<&str> = code.iter().map(|wire| wire.name.as_str()).collect();
        assert_eq!((names.as_slice(), strobe.active_low), (&["GPIO8", "gpiochip1:4", "GPIO7"][..], true));
        let all: Vec<String> = (0..MOST_SELECT).map(|line| format!("\"gpiochip1:{line}\"")).collect();
        let config = parse(&format!("select = [{}]\nselect_strobe = \"GPIO12\"", all.join(", ")), true).unwrap();
        assert_eq!(config.greatest_selected(), Some(16_383));
    }

    #[test]
    fn inputs_that_cannot_choose_are_named_with_what_would_be_right() {
        let many: Vec<String> = (0..=MOST_SELECT).map(|line| format!("\"gpiochip1:{line}\"")).collect();
        let many = format!("select = [{}]\nselect_strobe = \"GPIO12\"", many.join(", "));
        for (lines, recipes, expected) in [
            (
                "select = [\"GPIO8\"]",
                true,
                "board.lines.select = \"GPIO8\", which says no product without board.lines.select_strobe",
            ),
            ("select_strobe = \"GPIO8\"", true, "board.lines.select_strobe = \"GPIO8\", a strobe is of no use without"),
            (
                "select = [\"GPIO8\"]\nselect_strobe = \"GPIO7\"",
                false,
                "board.lines.select = \"GPIO8\", without [recipes]",
            ),
            ("select = [\"GPIO8\", \"GPIO8\"]\nselect_strobe = \"GPIO7\"", true, "\"GPIO8\", which stands there twice"),
            (
                "select = [\"GPIO8\"]\nselect_strobe = \"GPIO8\"",
                true,
                "board.lines.select_strobe = \"GPIO8\", which another key",
            ),
            (
                "select = [\"GPIO17\"]\nselect_strobe = \"GPIO8\"",
                true,
                "board.lines.select = \"GPIO17\", which another key",
            ),
            (
                "select = [\"GPIO8\", \"\"]\nselect_strobe = \"GPIO7\"",
                true,
                "board.lines.select = \"\", the name of a line",
            ),
            (many.as_str(), true, "14 lines at most"),
        ] {
            let message = parse(lines, recipes).expect_err(lines).to_string();
            assert!(message.starts_with("board.toml: board.lines.select") && message.contains(expected), "{message}");
        }
    }
}
