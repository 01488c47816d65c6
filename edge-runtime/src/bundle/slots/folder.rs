//! The folder with both slots and their state.
//!
//! Takes bytes and changes; every file is written whole, brought to the disk, and only then has its name. Those who change something
//! hold the folder's lock meanwhile, so that a command and a station do not undo each other's changes. A kill between any two writes
//! leaves the committed slot and its entry as they were. Verifies no signature: whoever opens a slot's bundle does.

use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error as ThisError;

use super::state::{Slot, State, StateError};
use super::text;
use crate::store::durable;

/// The state's file.
const STATE: &str = "slots.toml";

/// A state has under 3 KiB; what is longer is something else.
const MAX_STATE_BYTES: u64 = 16 * 1024;

/// Somebody who writes a large bundle to a slow card holds the folder for so long, and no longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pause between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(50);

/// Why the slots cannot be read or changed.
#[derive(Debug, ThisError)]
pub enum SlotsError {
    /// The folder or a file in it cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Error,
    },
    /// The file of the state holds none.
    #[error(
        "{}: {source}; the configuration's own bundle judges until the whole folder is moved away, which begins anew",
        path.display()
    )]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: StateError,
    },
    /// There are slots and no state.
    #[error(
        "{}: not there, though a slot is; the configuration's own bundle judges until the whole folder is moved away, \
         which begins anew",
        path.display()
    )]
    Missing {
        /// The state's file.
        path: PathBuf,
    },
    /// Somebody else changes something, and does not come to an end.
    #[error("{}: another edge-runtime is changing the slots", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The bundle is older than one that was committed.
    #[error(
        "the bundle was made {created} s after 1970, before the newest that was ever in use here ({newest} s); \
         --allow-older takes it all the same"
    )]
    Older {
        /// Seconds since 1970 at which it was made.
        created: u64,
        /// The same of the newest.
        newest: u64,
    },
}

/// The folder.
#[derive(Debug, Clone)]
pub struct Slots {
    folder: PathBuf,
}

/// A bundle to be installed. That it is genuine has been seen to.
#[derive(Debug, Clone)]
pub struct New<'a> {
    /// The file.
    pub bytes: &'a [u8],
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// Seconds since 1970 at which it was made.
    pub created: u64,
    /// Name of the product.
    pub product: &'a str,
    /// It must have been made then or later, even if nothing was ever committed.
    pub not_before: u64,
    /// It may be older than what was committed.
    pub allow_older: bool,
}

impl Slots {
    /// Slots in this folder, whether it is there already or not.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of a slot's bundle.
    #[must_use]
    pub fn path(&self, slot: Slot) -> PathBuf {
        self.folder.join(slot.file_name())
    }

    /// The state as it is on the disk. Without a folder, or in an empty one, nothing is installed.
    ///
    /// # Errors
    /// [`SlotsError`].
    pub fn load(&self) -> Result<State, SlotsError> {
        let path = self.folder.join(STATE);
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(MAX_STATE_BYTES).read_to_end(&mut bytes)) {
            Ok(_) => text::decode(&bytes).map_err(|source| SlotsError::State { path, source }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if Slot::BOTH.into_iter().any(|slot| self.path(slot).exists()) {
                    return Err(SlotsError::Missing { path });
                }
                Ok(State::default())
            }
            Err(source) => Err(SlotsError::File { path, source }),
        }
    }

    /// Changes the state, if `change` still applies to what is on the disk now. Gives the state that is there afterwards.
    ///
    /// # Errors
    /// [`SlotsError`]; the state is as it was then.
    pub fn change(&self, change: impl FnOnce(&State) -> Option<State>) -> Result<State, SlotsError> {
        let _lock = self.locked()?;
        let state = self.load()?;
        match change(&state) {
            None => Ok(state),
            Some(next) => self.write(&next).map(|()| next),
        }
    }

    /// Puts a bundle into the slot that is not committed, to be tried.
    ///
    /// # Errors
    /// [`SlotsError`]; what was committed is as it was then.
    pub fn install(&self, new: &New<'_>) -> Result<Slot, SlotsError> {
        let _lock = self.locked()?;
        let state = self.load()?;
        let newest = state.highest().max(new.not_before);
        if new.created < newest && !new.allow_older {
            return Err(SlotsError::Older { created: new.created, newest });
        }
        self.remove_unfinished();
        let slot = state.free();
        // The slot's entry goes before its bytes, so that no entry ever names bytes that are not there.
        let emptied = state.emptied(slot).unwrap_or(state);
        self.write(&emptied)?;
        durable::files(&self.folder, &[(slot.file_name(), new.bytes)]).map_err(self.failed(slot.file_name()))?;
        self.write(&emptied.installed(new.sha256, new.created, new.product.to_owned()))?;
        Ok(emptied.free())
    }

    fn write(&self, state: &State) -> Result<(), SlotsError> {
        let path = self.folder.join(STATE);
        let text = text::encode(state).map_err(|source| SlotsError::State { path, source })?;
        durable::files(&self.folder, &[(STATE, text.as_bytes())]).map_err(self.failed(STATE))
    }

    /// Holds the folder, making it if it is not there, against others who change something. The folder itself is what is locked: a
    /// lock's file that root has made would shut the station out.
    fn locked(&self) -> Result<File, SlotsError> {
        durable::folder(&self.folder).map_err(self.failed(""))?;
        let folder = File::open(&self.folder).map_err(self.failed(""))?;
        let mut left = PATIENCE;
        loop {
            match folder.try_lock() {
                Ok(()) => return Ok(folder),
                Err(TryLockError::Error(source)) => return Err(self.failed("")(source)),
                Err(TryLockError::WouldBlock) if left.is_zero() => {
                    return Err(SlotsError::Busy { path: self.folder.clone() });
                }
                Err(TryLockError::WouldBlock) => std::thread::park_timeout(PAUSE.min(left)),
            }
            left = left.saturating_sub(PAUSE);
        }
    }

    /// What an installation that was killed has left. A file that cannot be removed only takes room.
    fn remove_unfinished(&self) {
        let names = std::fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        for name in names.filter(|name| name.to_string_lossy().starts_with(durable::TEMPORARY)) {
            drop(std::fs::remove_file(self.folder.join(name)));
        }
    }

    fn failed(&self, name: &str) -> impl FnOnce(Error) -> SlotsError {
        let path = if name.is_empty() { self.folder.clone() } else { self.folder.join(name) };
        move |source| SlotsError::File { path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decide::Place;
    use super::*;

    fn slots() -> (tempfile::TempDir, Slots) {
        let folder = tempfile::tempdir().unwrap();
        let slots = Slots::new(folder.path().join("slots"));
        (folder, slots)
    }

    fn new(number: u8, created: u64) -> New<'static> {
        let bytes: &[u8] = [b"none", b"one.", b"two.", b"3333"][usize::from(number)];
        New { bytes, sha256: [number; 32], created, product: "caps", not_before: 0, allow_older: false }
    }

    #[test]
    fn bundles_take_turns_and_the_committed_one_stays() {
        let (_folder, slots) = slots();
        assert_eq!(slots.load().unwrap(), State::default());
        assert_eq!(slots.install(&new(1, 10)).unwrap(), Slot::A);
        slots.change(|state| state.proven(Slot::A, &[1; 32])).unwrap();
        assert_eq!(slots.install(&new(2, 20)).unwrap(), Slot::B);
        // A second one before the first was tried takes its place.
        assert_eq!(slots.install(&new(3, 30)).unwrap(), Slot::B);
        assert_eq!(std::fs::read(slots.path(Slot::A)).unwrap(), b"one.");
        assert_eq!(std::fs::read(slots.path(Slot::B)).unwrap(), b"3333");
        let state = slots.change(|state| state.proven(Slot::B, &[2; 32])).unwrap();
        assert_eq!(state.wanted(), Place::Slot(Slot::B), "and the one that was replaced is not committed any more");
        slots.change(|state| state.proven(Slot::B, &[3; 32])).unwrap();
        assert_eq!(slots.install(&new(2, 40)).unwrap(), Slot::A);
    }

    #[test]
    fn older_bundles_are_refused_until_somebody_insists() {
        let (_folder, slots) = slots();
        let refused = |new: &New<'_>| matches!(slots.install(new), Err(SlotsError::Older { .. }));
        assert!(refused(&New { not_before: 11, ..new(1, 10) }), "older than the factory's");
        slots.install(&new(1, 10)).unwrap();
        slots.change(|state| state.proven(Slot::A, &[1; 32])).unwrap();
        assert!(refused(&new(2, 9)));
        // What was never committed does not count.
        slots.install(&new(2, 30)).unwrap();
        slots.change(State::rolled_back).unwrap();
        slots.install(&new(3, 20)).unwrap();
        slots.install(&New { allow_older: true, ..new(2, 9) }).unwrap();
        assert_eq!(slots.load().unwrap().wanted(), Place::Slot(Slot::B));
    }

    #[test]
    fn a_state_that_is_damaged_or_lost_is_refused_and_left_alone() {
        let (_folder, slots) = slots();
        slots.install(&new(1, 10)).unwrap();
        let path = slots.folder().join(STATE);
        let mut text = std::fs::read(&path).unwrap();
        text[40] ^= 1;
        std::fs::write(&path, &text).unwrap();
        assert!(matches!(slots.load(), Err(SlotsError::State { .. })));
        assert!(slots.install(&new(2, 20)).is_err() && slots.change(State::rolled_back).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), text);
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(slots.load(), Err(SlotsError::Missing { .. })));
        assert!(slots.install(&new(2, 20)).is_err());
        assert_eq!(std::fs::read(slots.path(Slot::A)).unwrap(), b"one.");
    }
}
