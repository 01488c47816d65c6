//! Whether the lines of a log follow each other, from file to file.
//!
//! Takes the files' bytes in their order; gives what is wrong with them. Knows no file system. A line that was never finished is no flaw at
//! the end of the newest file: that is how a power cut leaves it.

use super::chain::{Chain, Entry};

/// What the first entry in a file says once files before it were deleted for want of room: `before` has number and hash of the last entry
/// that is gone.
pub const DROPPED: &str = "log.dropped";

/// Flaws that are told of; what is wrong behind so many is told as more of the same.
const MOST_FLAWS: usize = 20;

/// How the last entry that is gone is named.
#[must_use]
pub fn named(chain: &Chain) -> String {
    format!("{} {}", chain.entries, chain.head)
}

/// What a check has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The first entry that is kept; 0 where there is none.
    pub first: u64,
    /// The end of the chain.
    pub chain: Chain,
    /// What is wrong, the earliest first.
    pub flaws: Vec<String>,
    /// Bytes of a last line that was never finished.
    pub torn: usize,
    /// Whether the entry that was asked for has the hash that was asked for, where one was.
    pub held: Option<bool>,
}

impl Found {
    /// Whether nothing is wrong. A torn end is not wrong.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.flaws.is_empty() && self.held != Some(false)
    }
}

/// Checks file after file.
#[derive(Debug, Default)]
pub struct Checker {
    found: Found,
    begin: Option<Chain>,
    explained: bool,
    broken: bool,
    wanted: Option<Chain>,
}

impl Checker {
    /// `wanted` is an entry with its hash as somebody kept it elsewhere.
    #[must_use]
    pub fn new(wanted: Option<Chain>) -> Self {
        let found = Found { held: wanted.as_ref().map(|_| false), ..Found::default() };
        Self { found, wanted, ..Self::default() }
    }

    /// Takes the next file's bytes in; `name` is for people. Behind a flaw the next line counts as the beginning of another chain, so
    /// that one flaw is told once.
    pub fn file(&mut self, name: &str, bytes: &[u8]) {
        if self.found.torn > 0 {
            self.flaw(format!("{name}: the file before it ends in the middle of a line"));
            self.found.torn = 0;
        }
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        self.found.torn = bytes.len() - whole;
        for (number, line) in bytes[..whole].split_inclusive(|&byte| byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            // Text that is no UTF-8 is no entry, and is told as such.
            let line = std::str::from_utf8(line).unwrap_or("");
            if let Err(flaw) = self.line(line) {
                self.flaw(format!("{name}, line {}: {flaw}", number + 1));
            }
        }
    }

    fn flaw(&mut self, words: String) {
        if self.found.flaws.len() < MOST_FLAWS {
            self.found.flaws.push(words);
        }
    }

    fn line(&mut self, line: &str) -> Result<(), super::chain::Flaw> {
        if self.begin.is_none() || self.broken {
            let begin = Chain::before(line).inspect_err(|_| self.broken = true)?;
            if self.begin.is_none() {
                self.found.first = begin.entries + 1;
                // Where the first lines are none, that has been told.
                self.explained = self.broken || begin == Chain::default();
                self.begin = Some(begin.clone());
            }
            self.broken = false;
            self.found.chain = begin;
        }
        let followed = self.found.chain.follow(line);
        let entry = followed.inspect_err(|_| self.broken = true)?;
        self.look(&entry);
        Ok(())
    }

    fn look(&mut self, entry: &Entry) {
        if self.begin.as_ref().is_some_and(|begin| entry.what == DROPPED && entry.before == named(begin)) {
            self.explained = true;
        }
        if self.wanted.as_ref() == Some(&self.found.chain) {
            self.found.held = Some(true);
        }
    }

    /// What was found, of a piece of a log: where it begins is nothing that it has to explain.
    #[must_use]
    pub fn chained(self) -> Found {
        self.found
    }

    /// What was found.
    #[must_use]
    pub fn finish(mut self) -> Found {
        if self.begin.is_some() && !self.explained {
            let words = format!(
                "the log begins with entry {}, and no entry says that those before it were dropped",
                self.found.first
            );
            self.found.flaws.insert(0, words);
        }
        self.found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::wall::WallTime;

    use super::*;
    use crate::log::chain::Note;

    /// Lines of a log, and its end.
    fn lines(count: usize) -> (Vec<String>, Chain) {
        let mut chain = Chain::default();
        let lines = (0..count).map(|number| {
            let note =
                Note { who: "anna".to_owned(), what: "look".to_owned(), after: number.to_string(), ..Note::default() };
            let line = chain.seal(WallTime(number as i64), &note);
            chain.follow(&line).unwrap();
            line
        });
        (lines.collect(), chain)
    }

    fn found(lines: &[String], files: usize, wanted: Option<&Chain>) -> Found {
        let mut checker = Checker::new(wanted.cloned());
        for (number, lines) in lines.chunks(lines.len().div_ceil(files).max(1)).enumerate() {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            checker.file(&number.to_string(), text.as_bytes());
        }
        checker.finish()
    }

    proptest! {
        #[test]
        fn an_edit_a_removal_and_a_swap_are_found(
            count in 2usize..12, files in 1usize..4, at in 0usize..12, other in 0usize..12, byte in 0usize..400, to in 0x20u8..0x7f
        ) {
            let (whole, end) = lines(count);
            prop_assert!(found(&whole, files, Some(&end)).whole());
            let (at, other) = (at % count, other % count);
            let mut edited = whole.clone();
            let mut bytes = std::mem::take(&mut edited[at]).into_bytes();
            let byte = byte % bytes.len();
            let same = bytes[byte] == to;
            bytes[byte] = to;
            edited[at] = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(found(&edited, files, None).whole(), same);
            let mut shorter = whole.clone();
            shorter.remove(at);
            // A chain alone does not know that its end is missing; whoever kept the head does.
            prop_assert_eq!(found(&shorter, files, None).whole(), at == count - 1);
            prop_assert!(!found(&shorter, files, Some(&end)).whole());
            let mut swapped = whole.clone();
            swapped.swap(at, other);
            prop_assert_eq!(found(&swapped, files, None).whole(), at == other);
        }

        #[test]
        fn a_line_that_was_made_to_fit_its_own_hash_is_found_by_the_next(count in 2usize..9, at in 0usize..8) {
            let (mut lines, _) = lines(count);
            let at = at % (count - 1);
            let before = Chain::before(&lines[at]).unwrap();
            lines[at] = before.seal(WallTime(99), &Note { who: "mallory".to_owned(), ..Note::default() });
            let found = found(&lines, 1, None);
            prop_assert_eq!(found.flaws.len(), 1);
            prop_assert!(found.flaws[0].contains("does not follow"), "{:?}", found.flaws);
        }
    }

    #[test]
    fn a_torn_end_is_no_flaw_and_a_torn_middle_is_one() {
        let (lines, end) = lines(3);
        let text = lines.join("\n");
        let mut checker = Checker::default();
        checker.file("a", text.as_bytes());
        let found = checker.finish();
        assert_eq!((found.whole(), found.torn, found.chain.entries), (true, lines[2].len(), 2));
        let mut checker = Checker::default();
        checker.file("a", text.as_bytes());
        checker.file("b", format!("{}\n", lines[2]).as_bytes());
        let found = checker.finish();
        assert_eq!((found.flaws.len(), found.torn, found.chain), (1, 0, end));
    }

    #[test]
    fn a_beginning_that_is_missing_has_to_be_explained_by_an_entry() {
        let (all, end) = lines(4);
        let gone = Chain::before(&all[2]).unwrap();
        let unexplained = found(&all[2..], 1, None);
        assert!(unexplained.flaws[0].contains("begins with entry 3"), "{:?}", unexplained.flaws);
        let mut kept = all[2..].to_vec();
        kept.push(end.seal(WallTime(9), &Note { what: DROPPED.to_owned(), before: named(&gone), ..Note::default() }));
        assert!(found(&kept, 1, None).whole());
        assert!(!found(&kept[1..], 1, None).whole(), "more is gone than was said");
    }

    #[test]
    fn nothing_is_nothing() {
        assert!(Checker::default().finish().whole());
        assert!(!Checker::new(Some(Chain::default())).finish().whole(), "the head that is known is not there");
    }
}
