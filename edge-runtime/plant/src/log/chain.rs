//! One entry of the log as a line of text, chained to the line before.
//!
//! A line is a JSON object: `seq` counts from 1, `at` is UTC, `who`, `role`, `what`, `before` and `after` say what was changed, `prev` is the
//! hash of the line before (zeros before the first), and `hash`, always last, is the SHA-256 of all that stands before `,"hash":`. So a
//! line that is edited does not fit its own hash, and one whose hash was made to fit is not what the next line names. Nothing here knows
//! of files or of the time.

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use shared::wall::WallTime;
use thiserror::Error;

/// Bytes of the longest text in an entry; a longer one is cut, so that no request makes a line as long as it likes.
pub const MOST_TEXT: usize = 512;

/// Bytes of the longest line: five texts, of which every byte may need six in JSON, and what is around them.
pub const MOST_LINE: usize = 5 * 6 * MOST_TEXT + 512;

const BEFORE_HASH: &str = ",\"hash\":\"";
const BEHIND_HASH: &str = "\"}";
const TAIL: usize = BEFORE_HASH.len() + 64 + BEHIND_HASH.len();

/// What is to be written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// Who did it: a name that signed in, or what it was that asked.
    pub who: String,
    /// In which role.
    pub role: String,
    /// What was done, as one word for machines.
    pub what: String,
    /// How it was before; empty where nothing was.
    pub before: String,
    /// How it is to be.
    pub after: String,
}

/// An entry as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// When it was written, UTC.
    pub at: String,
    /// Who did it.
    pub who: String,
    /// In which role.
    pub role: String,
    /// What was done.
    pub what: String,
    /// How it was before.
    pub before: String,
    /// How it was to be.
    pub after: String,
    /// Hash of the line before, in hexadecimal.
    pub prev: String,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Flaw {
    /// It is no entry, or too long for one.
    #[error("is no entry of a log")]
    NoEntry,
    /// It does not fit its own hash.
    #[error("does not fit its own hash: it has been edited, or the disk has lost it")]
    Edited,
    /// Its number is another than the next.
    #[error("is entry {got}, entry {expected} should stand here: lines are missing, or in another order")]
    Sequence {
        /// The next number.
        expected: u64,
        /// The line's.
        got: u64,
    },
    /// It names another line before it than the one that is there.
    #[error("does not follow the entry before it: that one is another than it was")]
    Unchained,
}

/// The end of a chain: what the next line continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Number of the last entry; 0 before the first.
    pub entries: u64,
    /// Its hash in hexadecimal; zeros before the first.
    pub head: String,
}

impl Default for Chain {
    fn default() -> Self {
        Self { entries: 0, head: "0".repeat(64) }
    }
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A text as it goes into a line.
fn quoted(text: &str) -> Value {
    const CUT: &str = "…";
    Value::String(if text.len() <= MOST_TEXT {
        text.to_owned()
    } else {
        format!("{}{CUT}", &text[..text.floor_char_boundary(MOST_TEXT - CUT.len())])
    })
}

/// The part of a line that its hash covers, and the hash, if it fits.
fn opened(line: &str) -> Result<(&str, &str), Flaw> {
    let at = line.len().checked_sub(TAIL).filter(|_| line.len() <= MOST_LINE).ok_or(Flaw::NoEntry)?;
    let (body, tail) = line.split_at_checked(at).ok_or(Flaw::NoEntry)?;
    let told = tail.strip_prefix(BEFORE_HASH).and_then(|tail| tail.strip_suffix(BEHIND_HASH)).ok_or(Flaw::NoEntry)?;
    if hash(body.as_bytes()) == told { Ok((body, told)) } else { Err(Flaw::Edited) }
}

impl Entry {
    /// Reads a line by itself, whatever stands around it. `line` has no end of line.
    ///
    /// # Errors
    /// [`Flaw::NoEntry`], [`Flaw::Edited`].
    pub fn read(line: &str) -> Result<Self, Flaw> {
        let (body, _) = opened(line)?;
        serde_json::from_str(&format!("{body}}}")).map_err(|_| Flaw::NoEntry)
    }
}

impl Chain {
    /// The line of the next entry, without an end of line. The chain goes on with it once [`Chain::follow`] has read it.
    #[must_use]
    pub fn seal(&self, at: WallTime, note: &Note) -> String {
        let [who, role, what, before, after] =
            [&note.who, &note.role, &note.what, &note.before, &note.after].map(|text| quoted(text));
        let body = format!(
            "{{\"seq\":{},\"at\":\"{at}\",\"who\":{who},\"role\":{role},\"what\":{what},\"before\":{before},\"after\":{after},\"prev\":\"{}\"",
            self.entries + 1,
            self.head
        );
        let hash = hash(body.as_bytes());
        format!("{body}{BEFORE_HASH}{hash}{BEHIND_HASH}")
    }

    /// Takes the next line in.
    ///
    /// # Errors
    /// [`Flaw`]; the chain is then as before.
    pub fn follow(&mut self, line: &str) -> Result<Entry, Flaw> {
        let (entry, (_, hash)) = (Entry::read(line)?, opened(line)?);
        let expected = self.entries + 1;
        if entry.seq != expected {
            return Err(Flaw::Sequence { expected, got: entry.seq });
        }
        if entry.prev != self.head {
            return Err(Flaw::Unchained);
        }
        *self = Self { entries: entry.seq, head: hash.to_owned() };
        Ok(entry)
    }

    /// The chain as a line claims to continue it: where a log begins whose first entries are no longer kept.
    ///
    /// # Errors
    /// [`Flaw::NoEntry`], [`Flaw::Edited`].
    pub fn before(line: &str) -> Result<Self, Flaw> {
        let entry = Entry::read(line)?;
        let entries = entry.seq.checked_sub(1).ok_or(Flaw::NoEntry)?;
        Ok(Self { entries, head: entry.prev })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(what: &str) -> Note {
        let [who, role, before, after] = ["anna", "engineer", "0.5 \"old\"\n", "0.6"].map(str::to_owned);
        Note { who, role, what: what.to_owned(), before, after }
    }

    #[test]
    fn what_is_sealed_is_read_back() {
        let mut chain = Chain::default();
        for number in 1..4 {
            let line = chain.seal(WallTime(0), &note("threshold"));
            assert!(!line.contains('\n'));
            let entry = chain.follow(&line).unwrap();
            assert_eq!((entry.seq, &*entry.who, &*entry.before), (number, "anna", "0.5 \"old\"\n"));
            assert_eq!((chain.entries, entry.at.as_str()), (number, "1970-01-01T00:00:00.000Z"));
        }
    }

    #[test]
    fn a_text_is_cut_between_characters_and_no_line_is_longer_than_is_read() {
        for text in ["\u{1}".repeat(9_999), "ä".repeat(999), "€".repeat(171)] {
            let texts = || text.clone();
            let note = Note { who: texts(), role: texts(), what: texts(), before: texts(), after: texts() };
            let mut chain = Chain { entries: u64::MAX - 2, ..Chain::default() };
            let entry = chain.follow(&chain.seal(WallTime(i64::MAX), &note)).unwrap();
            assert!(entry.who.ends_with('…') && (MOST_TEXT - 3..=MOST_TEXT).contains(&entry.who.len()));
        }
    }

    #[test]
    fn no_byte_of_a_line_can_be_another_and_none_can_be_missing() {
        let line = Chain::default().seal(WallTime(5), &note("look"));
        for at in 0..line.len() {
            assert!(Chain::default().follow(&line[..at]).is_err(), "cut at {at}");
            for bit in 0..7 {
                let mut bytes = line.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let changed = String::from_utf8(bytes).unwrap();
                assert!(Chain::default().follow(&changed).is_err(), "{changed}");
            }
        }
    }
}
