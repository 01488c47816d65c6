//! THE table of topics. The manual's table is made from it.

use std::fmt::Write as _;

/// Below the station's own: topic, whether the broker keeps the newest for whoever comes later, the quality of service, and what it says.
pub const TOPICS: [(&str, bool, u8, &str); 8] = [
    ("online", true, 1, "`online`, or `offline` as the last will"),
    ("state", true, 1, "how the line stands, which product and bundle, which run; whenever that changes"),
    (
        "part",
        false,
        1,
        "one message for each record, in the order of their numbers but for the few that leave out of turn",
    ),
    ("alarm/CODE", true, 1, "an alarm was raised, or cleared"),
    ("counters", true, 0, "what was counted since the run began, every 5 s"),
    ("told", true, 0, "how many parts wait to be told, and how many messages were left out, every 5 s"),
    ("command/acknowledge", false, 0, "heard, where commands are allowed: presses the reset button"),
    ("answer", false, 1, "what became of a command"),
];

/// Whether the broker keeps a topic of the table's, and its quality of service.
#[must_use]
pub fn of(name: &str) -> (bool, u8) {
    TOPICS.iter().find(|(topic, ..)| *topic == name).map_or((false, 1), |(_, kept, quality, _)| (*kept, *quality))
}

/// Characters of a topic's level that are ours to choose: nothing that a broker or a subscriber reads as more than a name.
#[must_use]
pub fn is_level(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= MOST_LEVEL_BYTES && text.bytes().all(plain)
}

/// Bytes of one level at most: three of them and the longest name below stay far within what brokers take.
pub const MOST_LEVEL_BYTES: usize = 64;

/// The topics of one station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    base: String,
}

impl Topics {
    /// Below a prefix, of a station. Both have been checked.
    #[must_use]
    pub fn new(prefix: &str, station: &str) -> Self {
        Self { base: format!("{prefix}/{station}") }
    }

    /// What all of them begin with.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// One of the table's.
    #[must_use]
    pub fn of(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    /// An alarm's. A code that would be more than a level is made one.
    #[must_use]
    pub fn alarm(&self, code: &str) -> String {
        let level = |c: char| if is_level(c.encode_utf8(&mut [0; 4])) { c } else { '_' };
        let code: String = code.chars().take(MOST_LEVEL_BYTES).map(level).collect();
        self.of(&format!("alarm/{code}"))
    }

    /// The name of a topic below the base, if it is below it.
    #[must_use]
    pub fn name<'a>(&self, topic: &'a str) -> Option<&'a str> {
        topic.strip_prefix(&self.base)?.strip_prefix('/')
    }
}

/// The table, for the manual.
#[must_use]
pub fn table() -> String {
    let mut text = "| topic | kept | quality | says |\n|---|---|---|---|\n".to_owned();
    for (topic, kept, quality, about) in TOPICS {
        let kept = if kept { "yes" } else { "no" };
        let _ = writeln!(text, "| `{topic}` | {kept} | {quality} | {about} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_the_table() {
        assert!(include_str!("../../README.md").contains(&table()), "README.md must have this table:\n{}", table());
    }

    #[test]
    fn no_name_reaches_beyond_its_level() {
        let topics = Topics::new("draem", "north");
        assert_eq!(topics.of("part"), "draem/north/part");
        assert_eq!(topics.alarm("BIN_FULL"), "draem/north/alarm/BIN_FULL");
        assert_eq!(topics.alarm("a/b+#\0é"), "draem/north/alarm/a_b____");
        assert_eq!(topics.name("draem/north/command/acknowledge"), Some("command/acknowledge"));
        for strange in ["draem/northern/x", "draem/north", "x/draem/north/x", ""] {
            assert_eq!(topics.name(strange), None, "{strange}");
        }
        for level in ["", "a/b", "+", "#", "$SYS", "a b", "é", &"x".repeat(MOST_LEVEL_BYTES + 1)] {
            assert!(!is_level(level), "{level}");
        }
    }
}
