//! Entries for people, and the check of a whole folder.
//!
//! Reads only, while nobody writes; a copy of a folder will do.

use std::path::Path;

use super::chain::{Chain, Entry};
use super::check::{Checker, Found};
use super::files::{LogError, bytes_of, first_of, listed, reading};

/// Checks a log from its first to its last line. `wanted` is an entry with its hash, as somebody kept it elsewhere.
///
/// # Errors
/// [`LogError`], where it cannot be read; what is wrong with it is in what was found.
pub fn verify(folder: &Path, wanted: Option<Chain>) -> Result<Found, LogError> {
    reading(folder, || {
        let mut checker = Checker::new(wanted);
        for path in listed(folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            checker.file(&name, &bytes_of(&path)?);
        }
        Ok(checker.finish())
    })
}

/// At most `count` entries, the newest first, of those before an entry, or of all. A line that is no entry stands as what it is.
///
/// # Errors
/// [`LogError`].
pub fn newest(folder: &Path, before: Option<u64>, count: usize) -> Result<Vec<Result<Entry, String>>, LogError> {
    reading(folder, || {
        let mut found = Vec::new();
        let end = before.unwrap_or(u64::MAX);
        for path in listed(folder)?.iter().rev().filter(|path| first_of(path).is_some_and(|first| first < end)) {
            let bytes = bytes_of(path)?;
            let whole = bytes.iter().rposition(|&byte| byte == b'\n').unwrap_or(0);
            for line in bytes[..whole].rsplit(|&byte| byte == b'\n') {
                if found.len() == count {
                    return Ok(found);
                }
                let entry = std::str::from_utf8(line).ok().and_then(|line| Entry::read(line).ok());
                match entry {
                    Some(entry) if entry.seq >= end => {}
                    Some(entry) => found.push(Ok(entry)),
                    None => found.push(Err(String::from_utf8_lossy(line).chars().take(200).collect())),
                }
            }
        }
        Ok(found)
    })
}

#[cfg(test)]
mod tests {
    use shared::wall::WallTime;

    use super::super::chain::Note;
    use super::super::files::{Limits, Log};
    use super::*;

    #[test]
    fn entries_come_newest_first_page_by_page_over_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(folder.path(), Limits { file_bytes: 600, files: 9 }, WallTime(0)).unwrap();
        for number in 0..7 {
            log.append(WallTime(number), &Note { what: "look".to_owned(), ..Note::default() }).unwrap();
        }
        assert!(listed(folder.path()).unwrap().len() > 2);
        let page = |before| -> Vec<u64> {
            newest(folder.path(), before, 3).unwrap().into_iter().map(|entry| entry.unwrap().seq).collect()
        };
        assert_eq!(
            (page(None), page(Some(5)), page(Some(2)), page(Some(1))),
            (vec![7, 6, 5], vec![4, 3, 2], vec![1], vec![])
        );
        let oldest = listed(folder.path()).unwrap().remove(0);
        std::fs::write(&oldest, "nothing\n").unwrap();
        assert_eq!(newest(folder.path(), Some(2), 9).unwrap(), [Err("nothing".to_owned())]);
    }
}
