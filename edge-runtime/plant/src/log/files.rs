//! The log on the disk.
//!
//! A folder of files named after their first entry, `00000000000000000001.jsonl`. An entry counts once it is flushed: [`Log::append`] gives
//! nothing back before. A file that is full is left and another begun, whose first line continues the chain; of the files only the newest
//! are kept, and before an older one goes an entry names the last line that goes with it. What a power cut leaves of a line is taken away
//! at the next chance, and an entry says so. Programs that write to one folder at the same time wait for each other. Nothing here checks more
//! of a log than the file that it goes on with.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown, fchown};
use std::path::{Path, PathBuf};

use shared::wall::WallTime;
use thiserror::Error;

use super::chain::{Chain, MOST_LINE, Note};
use super::check::{Checker, DROPPED, named};

/// What an entry says that takes the place of a line that was never finished.
pub const TORN: &str = "log.torn";

/// What an entry says that begins a chain anew behind something that is no chain.
pub const DAMAGED: &str = "log.damaged";

/// The file that programs hold while they write or read; it stays empty.
const LOCK: &str = "lock";

/// How large a log may become.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a file, after which another is begun.
    pub file_bytes: u64,
    /// Files that are kept, at least two.
    pub files: usize,
}

/// 64 MiB: some 150,000 entries of 400 bytes.
pub const LIMITS: Limits = Limits { file_bytes: 1 << 20, files: 64 };

/// Why an entry is not written, or none is read.
#[derive(Debug, Error)]
pub enum LogError {
    /// The disk, or its rights.
    #[error("{path}: {source}")]
    Disk {
        /// File or folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is larger than this program makes any.
    #[error("{path}: {bytes} bytes are no file of this log")]
    Large {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
    },
}

/// Says which path an error is about.
pub(super) fn disk(path: &Path) -> impl Fn(std::io::Error) -> LogError + '_ {
    |source| LogError::Disk { path: path.display().to_string(), source }
}

/// The files of a log, in their order.
pub(super) fn listed(folder: &Path) -> Result<Vec<PathBuf>, LogError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(disk(folder))? {
        let path = entry.map_err(disk(folder))?.path();
        if first_of(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The first entry of a file, by its name.
pub(super) fn first_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
    (name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_digit())).then(|| name.parse().ok())?
}

/// A whole file; one that is larger than `file_bytes` allows is none of ours.
pub(super) fn bytes_of(path: &Path) -> Result<Vec<u8>, LogError> {
    let file = File::open(path).map_err(disk(path))?;
    let most = LIMITS.file_bytes + MOST_LINE as u64 + 1;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(disk(path))?;
    if bytes.len() as u64 > most {
        return Err(LogError::Large { path: path.display().to_string(), bytes: bytes.len() as u64 });
    }
    Ok(bytes)
}

/// The file that is written to.
#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    bytes: u64,
}

/// A log that can be written to.
///
/// # Invariants
/// While nobody else writes, `chain` is what stands on the disk, and `open` ends with an end of line.
#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    limits: Limits,
    lock: File,
    chain: Chain,
    open: Option<Open>,
}

impl Log {
    /// Opens or begins the log in a folder, which is made where it is missing. `at` is for the entry that closes a torn end.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(folder: &Path, limits: Limits, at: WallTime) -> Result<Self, LogError> {
        begun(folder)?;
        let lock = made(folder, LOCK)?;
        let mut log = Self { folder: folder.to_owned(), limits, lock, chain: Chain::default(), open: None };
        log.locked(|log| log.catch_up(at))?;
        Ok(log)
    }

    /// The end of the chain.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Writes an entry and flushes it.
    ///
    /// # Errors
    /// [`LogError`]: the entry may not be there, and nothing may be done that it speaks of.
    pub fn append(&mut self, at: WallTime, note: &Note) -> Result<(), LogError> {
        self.locked(|log| {
            log.catch_up(at)?;
            log.write(at, note)?;
            log.drop_oldest(at)
        })
    }

    /// Holds the log against other programs, for which it waits as long as they write.
    fn locked<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, LogError>) -> Result<T, LogError> {
        let path = self.folder.join(LOCK);
        self.lock.lock().map_err(disk(&path))?;
        let done = work(self);
        if done.is_err() {
            // What stands on the disk is not known now: it is read again before the next entry.
            self.open = None;
        }
        self.lock.unlock().map_err(disk(&path))?;
        done
    }

    /// Learns how the log ends, where that is not known: at first, after a failure, and when another program has written.
    fn catch_up(&mut self, at: WallTime) -> Result<(), LogError> {
        let mut newest = listed(&self.folder)?;
        if let (Some(open), Some(path)) = (&self.open, newest.last())
            && open.path == *path
            && std::fs::metadata(path).map_err(disk(path))?.len() == open.bytes
        {
            return Ok(());
        }
        self.open = None;
        let (mut chain, mut torn, mut damage) = (Chain::default(), 0, None);
        while let Some(path) = newest.pop() {
            let bytes = bytes_of(&path)?;
            let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            torn += bytes.len() - whole;
            if whole == 0 {
                // Begun, and nothing was ever finished in it.
                std::fs::remove_file(&path).map_err(disk(&path))?;
                continue;
            }
            let file = OpenOptions::new().append(true).open(&path).map_err(disk(&path))?;
            if whole < bytes.len() {
                file.set_len(whole as u64).and_then(|()| file.sync_all()).map_err(disk(&path))?;
            }
            let mut checker = Checker::default();
            checker.file("", &bytes[..whole]);
            let lines = bytes[..whole].iter().filter(|&&byte| byte == b'\n').count() as u64;
            let found = checker.chained();
            damage = found.flaws.first().cloned();
            chain = found.chain;
            if damage.is_some() {
                // A number behind all that may be there; another file begins with it, and this one stays as it is.
                let first = first_of(&path).unwrap_or_default();
                chain.entries = chain.entries.max(first.saturating_add(lines));
            } else {
                self.open = Some(Open { path, file, bytes: whole as u64 });
            }
            break;
        }
        self.chain = chain;
        let say = |what: &str, after: String| Note {
            who: "edge-plant".to_owned(),
            what: what.to_owned(),
            after,
            ..Note::default()
        };
        if let Some(damage) = damage {
            self.write(at, &say(DAMAGED, damage))?;
        }
        if torn > 0 {
            self.write(at, &say(TORN, format!("{torn} bytes of an entry that was never finished")))?;
        }
        Ok(())
    }

    fn write(&mut self, at: WallTime, note: &Note) -> Result<(), LogError> {
        let mut line = self.chain.seal(at, note);
        let mut chain = self.chain.clone();
        // What this program makes it can read.
        let followed = chain.follow(&line);
        debug_assert!(followed.is_ok(), "{followed:?}");
        line.push('\n');
        if self.open.as_ref().is_none_or(|open| open.bytes + line.len() as u64 > self.limits.file_bytes) {
            let name = format!("{:020}.jsonl", self.chain.entries + 1);
            let (path, file) = (self.folder.join(&name), made(&self.folder, &name)?);
            // Its name has to be on the disk too.
            let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
            folder.map_err(disk(&self.folder))?;
            self.open = Some(Open { path, file, bytes: 0 });
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let written = open.file.write_all(line.as_bytes()).and_then(|()| open.file.sync_all());
        written.map_err(disk(&open.path))?;
        open.bytes += line.len() as u64;
        self.chain = chain;
        Ok(())
    }

    /// Deletes files that are too many, each after an entry that names the last line of it. That entry may begin another file.
    fn drop_oldest(&mut self, at: WallTime) -> Result<(), LogError> {
        loop {
            let files = listed(&self.folder)?;
            let many = files.len().saturating_sub(self.limits.files);
            if many == 0 {
                return Ok(());
            }
            let begin = bytes_of(&files[many])?;
            let line = begin.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let gone = std::str::from_utf8(line).ok().and_then(|line| Chain::before(line).ok()).unwrap_or_default();
            let (who, what, after) = ("edge-plant".to_owned(), DROPPED.to_owned(), format!("{many} files too many"));
            self.write(at, &Note { who, what, before: named(&gone), after, ..Note::default() })?;
            for path in &files[..many] {
                std::fs::remove_file(path).map_err(disk(path))?;
            }
        }
    }
}

/// Makes the folder where it is missing. It belongs to whom the one around it belongs to: root may have begun a log for the service's user.
fn begun(folder: &Path) -> Result<(), LogError> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(disk(folder))?;
    let Some(around) = folder.parent().filter(|around| !around.as_os_str().is_empty()) else { return Ok(()) };
    let (owner, now) =
        (std::fs::metadata(around).map_err(disk(around))?, std::fs::metadata(folder).map_err(disk(folder))?);
    if (owner.uid(), owner.gid()) != (now.uid(), now.gid()) {
        chown(folder, Some(owner.uid()), Some(owner.gid())).map_err(disk(folder))?;
    }
    Ok(())
}

/// A file in the folder, for its owner alone, and that is the folder's owner, whoever made the file.
fn made(folder: &Path, name: &str) -> Result<File, LogError> {
    let path = folder.join(name);
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(disk(&path))?;
    let (owner, now) = (std::fs::metadata(folder).map_err(disk(folder))?, file.metadata().map_err(disk(&path))?);
    if (owner.uid(), owner.gid()) != (now.uid(), now.gid()) {
        fchown(&file, Some(owner.uid()), Some(owner.gid())).map_err(disk(&path))?;
    }
    Ok(file)
}

/// Reads while nobody writes. A folder without a lock, as a copy is, is read as it stands.
pub(super) fn reading<T>(folder: &Path, work: impl FnOnce() -> Result<T, LogError>) -> Result<T, LogError> {
    let path = folder.join(LOCK);
    let lock = File::open(&path).ok();
    if let Some(lock) = &lock {
        lock.lock_shared().map_err(disk(&path))?;
    }
    work()
}

#[cfg(test)]
mod tests {
    use super::super::read::verify;
    use super::*;

    const SMALL: Limits = Limits { file_bytes: 2_000, files: 3 };

    fn note(what: &str) -> Note {
        Note { who: "anna".to_owned(), role: "operator".to_owned(), what: what.to_owned(), ..Note::default() }
    }

    fn log(folder: &Path) -> Log {
        Log::open(folder, SMALL, WallTime(0)).unwrap()
    }

    #[test]
    fn entries_go_on_over_files_and_restarts_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..60 {
            // Every start goes on where the last one was.
            let mut log = log(folder.path());
            log.append(WallTime(number), &note("look")).unwrap();
            let found = verify(folder.path(), None).unwrap();
            assert!(found.whole(), "{number}: {:?}", found.flaws);
            assert_eq!(&found.chain, log.chain());
            assert!(listed(folder.path()).unwrap().len() <= SMALL.files);
        }
        let found = verify(folder.path(), None).unwrap();
        assert!(found.first > 1 && found.chain.entries > 60, "{found:?}");
        let oldest = listed(folder.path()).unwrap().remove(0);
        std::fs::remove_file(oldest).unwrap();
        assert!(!verify(folder.path(), None).unwrap().whole(), "the oldest is gone, and nobody said so");
    }

    #[test]
    fn a_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/log");
        log(&below).append(WallTime(0), &note("look")).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&below), mode(&listed(&below).unwrap()[0])), (0o700, 0o600));
    }

    #[test]
    fn what_root_begins_belongs_to_whom_the_folder_belongs_to() {
        let folder = tempfile::tempdir().unwrap();
        // Only root gives anything away; whoever else runs this has nothing to see.
        if chown(folder.path(), Some(4_321), Some(4_322)).is_err() {
            return;
        }
        let below = folder.path().join("log");
        log(&below).append(WallTime(0), &note("look")).unwrap();
        for path in [&below, &below.join(LOCK), &listed(&below).unwrap()[0]] {
            let about = std::fs::metadata(path).unwrap();
            assert_eq!((about.uid(), about.gid()), (4_321, 4_322), "{}", path.display());
        }
    }

    #[test]
    fn wherever_a_power_cut_tears_the_last_line_the_next_start_closes_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = log(folder.path());
        first.append(WallTime(0), &note("one")).unwrap();
        let one = bytes_of(&listed(folder.path()).unwrap()[0]).unwrap().len();
        first.append(WallTime(0), &note("two")).unwrap();
        let (path, bytes) =
            (listed(folder.path()).unwrap().remove(0), bytes_of(&listed(folder.path()).unwrap()[0]).unwrap());
        for cut in 0..bytes.len() {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(path.file_name().unwrap()), &bytes[..cut]).unwrap();
            let before = verify(folder.path(), None).unwrap();
            assert!(before.whole(), "{cut}: {:?}", before.flaws);
            let mut again = log(folder.path());
            again.append(WallTime(1), &note("three")).unwrap();
            let found = verify(folder.path(), None).unwrap();
            assert!(found.whole() && found.torn == 0, "{cut}: {found:?}");
            let torn = cut != 0 && cut != one;
            assert_eq!(found.chain.entries, u64::from(cut >= one) + u64::from(torn) + 1, "{cut}");
            let text = String::from_utf8(bytes_of(&listed(folder.path()).unwrap()[0]).unwrap()).unwrap();
            assert_eq!(text.contains(TORN), torn, "{cut}");
        }
    }

    #[test]
    fn a_file_whose_last_line_is_not_on_the_disk_is_gone_back_behind() {
        let folder = tempfile::tempdir().unwrap();
        log(folder.path()).append(WallTime(0), &note("one")).unwrap();
        std::fs::write(folder.path().join(format!("{:020}.jsonl", 2)), "{\"seq\":2,").unwrap();
        let mut again = log(folder.path());
        again.append(WallTime(0), &note("two")).unwrap();
        let found = verify(folder.path(), None).unwrap();
        assert_eq!((found.whole(), found.chain.entries), (true, 3), "{found:?}");
    }

    #[test]
    fn two_programs_write_to_one_log() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut two) = (log(folder.path()), log(folder.path()));
        for number in 0..20 {
            one.append(WallTime(number), &note("one")).unwrap();
            two.append(WallTime(number), &note("two")).unwrap();
        }
        let found = verify(folder.path(), None).unwrap();
        assert!(found.whole() && found.chain.entries >= 40, "{found:?}");
    }

    #[test]
    fn a_log_that_somebody_edited_is_written_on_and_stays_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = log(folder.path());
        for what in ["one", "two", "three"] {
            first.append(WallTime(0), &note(what)).unwrap();
        }
        let path = listed(folder.path()).unwrap().remove(0);
        let edited = String::from_utf8(bytes_of(&path).unwrap()).unwrap().replace("anna", "emil");
        std::fs::write(&path, edited).unwrap();
        let mut again = log(folder.path());
        again.append(WallTime(1), &note("four")).unwrap();
        let found = verify(folder.path(), None).unwrap();
        assert!(!found.whole() && found.flaws[0].contains("edited"), "{found:?}");
        let files = listed(folder.path()).unwrap();
        let text = String::from_utf8(bytes_of(&files[1]).unwrap()).unwrap();
        assert!(text.contains(DAMAGED) && text.contains("four"), "{text}");
    }
}
