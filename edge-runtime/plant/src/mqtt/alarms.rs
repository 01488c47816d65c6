//! Alarms raised and cleared, in their order, until the broker has each.
//!
//! Takes what the station says is wrong, with the time; gives events to be sent. What the broker has heard of last is kept over a restart, so
//! that an alarm that went meanwhile is cleared there too. Reads no clock.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::wire;

/// Events that wait: more than the kinds of alarms that there are, so that the newest of each always has room. Beyond it the oldest that is
/// not the newest of its alarm is left out and counted.
pub const EVENTS: usize = 256;

/// An alarm that is raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raised {
    /// Since when, as it is told.
    pub since: String,
    /// Whether it stops the line.
    pub stops: bool,
    /// What a line engineer does about it.
    pub remedy: String,
}

/// By their codes.
pub type ByCode = BTreeMap<String, Raised>;

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Counts events.
    pub number: u64,
    /// When.
    pub time: String,
    /// The alarm's code.
    pub code: String,
    /// Whether it was raised; otherwise it was cleared.
    pub raised: bool,
    /// What it is, or was.
    pub alarm: Raised,
}

/// What is raised, what the broker has heard, and what lies between.
///
/// # Invariants
/// Whoever takes the events in behind `told` comes to `now`, but for what was left out, which is behind it again.
#[derive(Debug, Default)]
pub struct Alarms {
    now: ByCode,
    told: ByCode,
    queue: VecDeque<Event>,
    /// The first so many of the queue are on their way.
    flying: usize,
    /// What the broker may have forgotten.
    again: VecDeque<String>,
    number: u64,
    lost: u64,
}

impl Alarms {
    /// Goes on from what the broker has heard.
    #[must_use]
    pub fn new(told: ByCode, lost: u64) -> Self {
        Self { now: told.clone(), told, lost, ..Self::default() }
    }

    /// What the broker has heard of as raised.
    #[must_use]
    pub fn told(&self) -> &ByCode {
        &self.told
    }

    /// Events that were left out.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The station says what is wrong.
    pub fn stand(&mut self, alarms: &[wire::Alarm], time: &str) {
        let gone: Vec<_> =
            self.now.keys().filter(|code| alarms.iter().all(|alarm| alarm.code != **code)).cloned().collect();
        for code in gone {
            if let Some(alarm) = self.now.remove(&code) {
                self.push(time, code, false, alarm);
            }
        }
        for wire::Alarm { code, remedy, stops, .. } in alarms {
            if !self.now.contains_key(code) {
                let alarm = Raised { since: time.to_owned(), stops: *stops, remedy: remedy.clone() };
                self.now.insert(code.clone(), alarm.clone());
                self.push(time, code.clone(), true, alarm);
            }
        }
    }

    fn push(&mut self, time: &str, code: String, raised: bool, alarm: Raised) {
        if self.queue.len() >= EVENTS {
            let is_older = |at: &usize| self.queue.iter().skip(at + 1).any(|later| later.code == self.queue[*at].code);
            let oldest = (self.flying..self.queue.len()).find(is_older).unwrap_or(self.flying);
            if self.queue.remove(oldest).is_some() {
                self.lost = self.lost.saturating_add(1);
            }
        }
        self.number += 1;
        self.queue.push_back(Event { number: self.number, time: time.to_owned(), code, raised, alarm });
    }

    /// A broker listens that may know nothing: what it heard of as raised is told once more, before anything new.
    pub fn connected(&mut self) {
        self.flying = 0;
        self.again = self.told.keys().cloned().collect();
    }

    /// The next event to be sent. Number 0 is one that was told before, and needs no acknowledgement.
    pub fn send(&mut self) -> Option<Event> {
        while let Some(code) = self.again.pop_front() {
            if let Some(alarm) = self.told.get(&code) {
                return Some(Event { number: 0, time: alarm.since.clone(), code, raised: true, alarm: alarm.clone() });
            }
        }
        let event = self.queue.get(self.flying).cloned()?;
        self.flying += 1;
        Some(event)
    }

    /// The broker has an event.
    pub fn acknowledged(&mut self, number: u64) {
        let Some(at) = self.queue.iter().take(self.flying).position(|event| event.number == number) else { return };
        if let Some(Event { code, raised, alarm, .. }) = self.queue.remove(at) {
            self.flying -= 1;
            if raised {
                self.told.insert(code, alarm);
            } else {
                self.told.remove(&code);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarms(codes: &[&str]) -> Vec<wire::Alarm> {
        let alarm = |code: &&str| wire::Alarm {
            code: (*code).to_owned(),
            remedy: String::new(),
            stops: true,
            present: true,
            latched: false,
            since_us: 0,
        };
        codes.iter().map(alarm).collect()
    }

    /// What is sent, each with its number, as `+CODE` or `-CODE`.
    fn sent(alarms: &mut Alarms) -> Vec<(u64, String)> {
        let word = |event: &Event| format!("{}{}", if event.raised { '+' } else { '-' }, event.code);
        std::iter::from_fn(|| alarms.send()).map(|event| (event.number, word(&event))).collect()
    }

    fn expect(alarms: &mut Alarms, expected: &[(u64, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(number, word)| (*number, (*word).to_owned())).collect();
        assert_eq!(sent(alarms), expected);
    }

    #[test]
    fn each_change_is_told_in_its_order_until_it_is_acknowledged() {
        let mut told = Alarms::default();
        told.stand(&alarms(&["A"]), "1");
        told.stand(&alarms(&["A"]), "2");
        told.stand(&alarms(&["B"]), "3");
        expect(&mut told, &[(1, "+A"), (2, "-A"), (3, "+B")]);
        expect(&mut told, &[]);
        told.acknowledged(1);
        told.connected();
        expect(&mut told, &[(0, "+A"), (2, "-A"), (3, "+B")]);
        told.acknowledged(2);
        told.acknowledged(2);
        told.acknowledged(3);
        assert_eq!(told.told().keys().collect::<Vec<_>>(), ["B"]);
        assert_eq!(told.told()["B"].since, "3");

        let mut restarted = Alarms::new(told.told().clone(), told.lost());
        restarted.stand(&alarms(&["C"]), "9");
        restarted.connected();
        expect(&mut restarted, &[(0, "+B"), (1, "-B"), (2, "+C")]);
    }

    #[test]
    fn one_that_comes_and_goes_leaves_room_for_the_newest_of_each() {
        let mut told = Alarms::default();
        told.stand(&alarms(&["RARE"]), "0");
        for _ in 0..EVENTS {
            told.stand(&alarms(&["RARE", "OFTEN"]), "1");
            told.stand(&alarms(&["RARE"]), "2");
        }
        assert_eq!((told.queue.len(), told.lost()), (EVENTS, EVENTS as u64 + 1));
        let sent = sent(&mut told);
        assert_eq!(sent[0].1, "+RARE");
        assert_eq!(sent[EVENTS - 1].1, "-OFTEN");
        for (number, _) in sent {
            told.acknowledged(number);
        }
        assert_eq!(told.told().keys().collect::<Vec<_>>(), ["RARE"]);
    }
}
