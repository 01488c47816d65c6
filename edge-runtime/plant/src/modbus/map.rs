//! THE map of registers and bits. The manual's tables are made from it.
//!
//! Numbers of 32 bits lie in two registers, the higher half first. Addresses count from 0.

use std::fmt::Write as _;

use shared::verdict::Verdict;

use super::handshake::Handshake;
use crate::line::{Line, Shown};
use crate::wire::Change;

/// The version of the map, in a register of its own: entries are added at the end, and none is changed.
pub const VERSION: u16 = 2;

/// Discrete inputs: name, and when it is on.
pub const BITS: [(&str, &str); 9] = [
    ("Online", "a station is connected and says how it stands"),
    ("System Ready", "the line may run"),
    ("Fault", "an alarm stops the line"),
    ("System Busy", "a picture is being judged, or waits to be"),
    ("Inspection Completed", "turns over with each result that is presented"),
    ("Results Valid", "a result is presented"),
    ("Buffer Overrun", "results are missing: they were not acknowledged in time, or never heard of"),
    ("Changeover", "another product's bundle is made ready, or takes over"),
    ("Changeover Refused", "the last change of products came to nothing"),
];

/// Coils: name, and what switching it on does.
pub const COILS: [(&str, &str); 4] = [
    ("Results Acknowledge", "takes the presented result away; switched off again, the next one is presented"),
    ("Clear Overrun", "switches Buffer Overrun off; reads as off"),
    ("Acknowledge Alarms", "presses the reset button, once each time that it goes on"),
    ("Select Product", "wants the product in Product Wanted, once each time that it goes on"),
];

/// Registers, read as input or as holding registers: name, how many, what.
pub const REGISTERS: [(&str, u16, &str); 14] = [
    ("Status", 1, "the discrete inputs, the first in the lowest bit"),
    ("Heartbeat", 1, "counts seconds"),
    ("Map", 1, "version of this map: 2"),
    ("Inspection ID", 2, "number of the presented part; 0 where none is presented"),
    ("Result", 1, "0 none, 1 passed, 2 judged bad, 3 rejected for another reason"),
    ("Reason", 1, "for result 3: row of the failure table, from 1; otherwise 0"),
    ("Score", 1, "of the presented part in ten-thousandths; 65535 where it was not judged"),
    ("Results Waiting", 1, "behind the presented one"),
    ("Parts", 2, "that have left since the run began"),
    ("Passed", 2, "of these"),
    ("Judged Bad", 2, "of these"),
    ("Threshold", 1, "in ten-thousandths"),
    ("Product", 1, "number of the recipe that is inspected with; 0 is the configuration's own"),
    ("Product Wanted", 1, "what Select Product wants; the one register that is written"),
];

/// Address of *Product Wanted*, the last.
pub const WANTED: u16 = WORDS as u16 - 1;

/// How many registers there are.
pub const WORDS: usize = {
    let (mut words, mut at) = (0, 0);
    while at < REGISTERS.len() {
        words += REGISTERS[at].1 as usize;
        at += 1;
    }
    words
};

/// A score that was never given.
const NO_SCORE: u16 = u16::MAX;

/// The discrete inputs.
#[must_use]
pub fn bits(line: &Line, handshake: &Handshake) -> [bool; BITS.len()] {
    let (shown, standing, products) = (line.shown(), line.now(), line.products.as_ref());
    [
        standing.is_some(),
        shown == Shown::Run,
        shown == Shown::Fault,
        standing.is_some_and(|standing| standing.queues.shots > 0),
        handshake.completed(),
        handshake.presented().is_some(),
        handshake.overrun(),
        products.is_some_and(|products| products.change != Change::Rest),
        products.is_some_and(|products| products.refused.is_some()),
    ]
}

/// The coils as they read.
#[must_use]
pub fn coils(handshake: &Handshake, resetting: bool, selecting: bool) -> [bool; COILS.len()] {
    [handshake.acknowledging(), false, resetting, selecting]
}

/// The registers. Counters beyond 32 bits begin anew.
#[must_use]
pub fn registers(line: &Line, handshake: &Handshake, seconds: u64, wanted: u16) -> Vec<u16> {
    let low = |value: u64| (value & 0xffff) as u16;
    let two = |value: u64| [low(value >> 16), low(value)];
    let score = |score: f32| (f64::from(score) * 1e4).round() as u16;
    let bits = bits(line, handshake).into_iter().rev().fold(0, |word, bit| word << 1 | u16::from(bit));
    let presented = handshake.presented();
    let (result, reason) = presented.map_or((0, 0), |part| match (part.passed, part.override_reason, part.verdict) {
        (true, ..) => (1, 0),
        (false, Some(reason), _) | (false, None, Verdict::Uninspected(reason)) => (3, reason as u16 + 1),
        (false, None, _) => (2, 0),
    });
    let judged = presented.and_then(|part| part.verdict.score()).map_or(NO_SCORE, |judged| score(judged.get()));
    let standing = line.now();
    let counters = standing.map(|standing| standing.counters).unwrap_or_default();
    let mut words = vec![bits, low(seconds), VERSION];
    words.extend(two(presented.map_or(0, |part| part.number.0.into())));
    words.extend([result, reason, judged, low(handshake.waiting() as u64)]);
    words.extend([counters.parts, counters.passed, counters.bad].map(two).concat());
    words.push(standing.map_or(0, |standing| score(standing.threshold.get())));
    words.extend([line.products.as_ref().map_or(0, |products| products.running), wanted]);
    words
}

/// The map as three tables, for the manual.
#[must_use]
pub fn tables() -> String {
    let mut text = String::new();
    let named = |rows: &[(&str, &str)], head: &str, does: &str| {
        let mut text = format!("| {head} | name | {does} |\n|---|---|---|\n");
        for (at, (name, about)) in rows.iter().enumerate() {
            let _ = writeln!(text, "| {at} | {name} | {about} |");
        }
        text
    };
    text += &named(&BITS, "discrete input", "on while");
    text += "\n";
    text += &named(&COILS, "coil", "switched on");
    text += "\n| register | name | is |\n|---|---|---|\n";
    let mut at = 0;
    for (name, words, about) in REGISTERS {
        let place = if words == 1 { at.to_string() } else { format!("{at} to {}", at + words - 1) };
        let _ = writeln!(text, "| {place} | {name} | {about} |");
        at += words;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::handshake::tests::part;
    use super::*;
    use crate::wire::{Products, Standing, State, ToPlant};

    #[test]
    fn the_manual_has_the_map() {
        assert!(include_str!("../../README.md").contains(&tables()), "README.md must have these tables:\n{}", tables());
    }

    #[test]
    fn registers_say_what_the_map_says() {
        let (mut line, mut handshake) = (Line::default(), Handshake::default());
        let none = registers(&line, &handshake, 65_537, 0);
        assert_eq!(none.len(), WORDS);
        assert_eq!(none[..9], [0, 1, VERSION, 0, 0, 0, 0, NO_SCORE, 0]);
        line.connected = true;
        let mut standing = Standing { state: State::Fault, ..Standing::default() };
        (standing.counters.parts, standing.counters.passed, standing.counters.bad) = (0x1_0002, 3, 4);
        standing.queues.shots = 1;
        line.hear(&ToPlant::Standing(Box::new(standing)));
        handshake.left(part(0x2_0005));
        handshake.left(part(6));
        let products = Products { running: 7, change: Change::Preparing(9), ..Products::default() };
        line.hear(&ToPlant::Products(Box::new(products)));
        let words = registers(&line, &handshake, 2, 9);
        assert_eq!(words[..9], [0b1011_1101, 2, VERSION, 2, 5, 3, 3, NO_SCORE, 1], "NO_FRAME is the third row");
        assert_eq!(words[9..], [1, 2, 0, 3, 0, 4, 0, 7, 9]);
        assert_eq!(usize::from(WANTED) + 1, words.len());
    }
}
