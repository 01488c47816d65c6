//! A bundle that comes piece by piece, into a file that is none yet.
//!
//! Takes bytes and the trusted keys; gives a whole file on the disk whose signature fits, to be renamed. What it holds in memory is a few
//! bytes, however large the bundle: its head says how long it is and whose signature it has, so that what does not even claim a trusted one is
//! refused before it takes room; the signature is then verified by a hash of what went by. Reads no manifest and runs no model. Dropped, it leaves nothing; what a
//! power cut leaves is removed by [`super::Recipes::sweep`].

use std::fs::File;
use std::io::{Error, Write as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};
use shared::bundle::{BundleError, HEADER_BYTES, Head, KeyId, SIGNATURE_BYTES};
use thiserror::Error as ThisError;

use crate::health::readings::Room;
use crate::store::durable;

/// The file's name: one comes at a time. Without the ending of a recipe or of a bundle, so that it is neither.
pub(super) const PART: &str = ".upload.part";

/// Bytes after which what was written is brought to the disk, so that records of the line never wait behind hundreds of megabytes.
const SYNC_EVERY: usize = 4 << 20;

/// Why a bundle does not come in.
#[derive(Debug, ThisError)]
pub enum IncomingError {
    /// Its form, its length, its signature.
    #[error("{0}")]
    Bundle(BundleError),
    /// What came is not what was sent.
    #[error("what came is not what was sent")]
    Garbled,
    /// The disk has no room for it.
    #[error("{needed} bytes of room are needed, {free} are free")]
    NoRoom {
        /// Bytes, with those that have to stay free.
        needed: u64,
        /// Bytes.
        free: u64,
    },
    /// The disk.
    #[error("{0}")]
    File(#[from] Error),
}

/// A bundle that comes.
///
/// # Invariants
/// `tail` holds the last [`SIGNATURE_BYTES`] that came, `signed` has taken all before them. `head` is there once its bytes are.
#[derive(Debug)]
pub struct Incoming {
    file: File,
    part: Part,
    keys: Vec<VerifyingKey>,
    /// Bytes that have to stay free.
    spare: u64,
    start: Vec<u8>,
    head: Option<Head>,
    signed: Sha256,
    tail: Vec<u8>,
    got: u64,
    unsynced: usize,
}

/// The file, removed unless it has got a name.
#[derive(Debug)]
struct Part(Option<PathBuf>);

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // One that stays is removed by the next start.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A bundle that has come: on the disk, and signed by a trusted key.
#[derive(Debug)]
pub struct Arrived {
    part: Part,
    folder: PathBuf,
    path: PathBuf,
    format: u16,
    signer: KeyId,
    bytes: u64,
}

impl Incoming {
    /// One that is to come into this folder, which is made if it is not there; one of these `keys` must have signed it. `spare` bytes of the
    /// disk stay free.
    ///
    /// # Errors
    /// [`IncomingError::File`].
    pub fn begin(folder: &Path, keys: Vec<VerifyingKey>, spare: u64) -> Result<Self, IncomingError> {
        durable::folder(folder)?;
        let path = folder.join(PART);
        let file = File::create(&path)?;
        let part = Part(Some(path));
        let (start, tail) = (Vec::with_capacity(HEADER_BYTES), Vec::with_capacity(SIGNATURE_BYTES));
        Ok(Self { file, part, keys, spare, start, head: None, signed: Sha256::new(), tail, got: 0, unsynced: 0 })
    }

    /// Takes the next bytes. Gives how many have come, and how many it has; zero as long as its head is not there.
    ///
    /// # Errors
    /// [`IncomingError`]; nothing more is to come.
    pub fn piece(&mut self, bytes: &[u8]) -> Result<(u64, u64), IncomingError> {
        self.got += bytes.len() as u64;
        if self.head.is_none() {
            let missing = HEADER_BYTES - self.start.len();
            self.start.extend_from_slice(&bytes[..missing.min(bytes.len())]);
            if self.start.len() == HEADER_BYTES {
                self.head = Some(self.look()?);
            }
        }
        let all = self.head.map_or(0, |head| head.total());
        if self.head.is_some() && self.got > all as u64 {
            return Err(IncomingError::Bundle(BundleError::Length { expected: all, got: self.got as usize }));
        }
        self.hash(bytes);
        self.file.write_all(bytes)?;
        self.unsynced += bytes.len();
        if self.unsynced >= SYNC_EVERY {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok((self.got, all as u64))
    }

    /// What the head says, if it is one to go on with.
    fn look(&self) -> Result<Head, IncomingError> {
        let head = Head::read(&self.start).map_err(IncomingError::Bundle)?;
        head.trusted(&self.keys).map_err(IncomingError::Bundle)?;
        let folder = self.part.0.as_deref().and_then(Path::parent);
        let needed = (head.total() as u64).saturating_add(self.spare);
        // A disk that does not tell says so when it is full.
        match folder.and_then(Room::of) {
            Some(Room { free_bytes: free, .. }) if free < needed => Err(IncomingError::NoRoom { needed, free }),
            _ => Ok(head),
        }
    }

    fn hash(&mut self, bytes: &[u8]) {
        let kept = SIGNATURE_BYTES.saturating_sub(bytes.len());
        let gone = self.tail.len().saturating_sub(kept);
        self.signed.update(&self.tail[..gone]);
        self.tail.drain(..gone);
        let ends = bytes.len().saturating_sub(SIGNATURE_BYTES);
        self.signed.update(&bytes[..ends]);
        self.tail.extend_from_slice(&bytes[ends..]);
    }

    /// All of it has come. Gives it once it is on the disk and its signature fits; `sent` is the SHA-256 of what was sent.
    ///
    /// # Errors
    /// [`IncomingError`]; nothing is left of it.
    pub fn finish(self, sent: &[u8; 32]) -> Result<Arrived, IncomingError> {
        let head = self.head.ok_or(IncomingError::Bundle(BundleError::NotABundle))?;
        let (expected, got) = (head.total(), self.got as usize);
        if got != expected {
            return Err(IncomingError::Bundle(BundleError::Length { expected, got }));
        }
        let signature: [u8; SIGNATURE_BYTES] = self.tail[..].try_into().map_err(|_| IncomingError::Garbled)?;
        let whole = self.signed.clone().chain_update(signature).finalize();
        let signer = KeyId::of(head.trusted(&self.keys).map_err(IncomingError::Bundle)?);
        let signed = head.is_signed(&self.signed.finalize().into(), &signature, &self.keys);
        signed.map_err(IncomingError::Bundle)?;
        if whole[..] != sent[..] {
            return Err(IncomingError::Garbled);
        }
        self.file.sync_all()?;
        let path = self.part.0.clone().unwrap_or_default();
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        Ok(Arrived { part: self.part, folder, path, format: head.version(), signer, bytes: self.got })
    }
}

impl Arrived {
    /// The file, for now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Version of its format.
    pub const fn format(&self) -> u16 {
        self.format
    }

    /// Who signed it.
    pub const fn signer(&self) -> KeyId {
        self.signer
    }

    /// Its bytes.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives it its name in the folder, in place of what has it: the one or the other is there whole, whatever happens.
    ///
    /// # Errors
    /// What the system says; what was there before is there.
    pub fn name(mut self, name: &str) -> Result<(), Error> {
        std::fs::rename(&self.path, self.folder.join(name))?;
        self.part.0 = None;
        durable::sync(&self.folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLE: &[u8] = include_bytes!("../../../models/demo/cap-nano.draem");

    fn keys() -> Vec<VerifyingKey> {
        vec![shared::key_text::parse(include_str!("../../../models/demo/demo.pub")).unwrap()]
    }

    fn come(folder: &Path, bytes: &[u8], piece: usize, keys: Vec<VerifyingKey>) -> Result<Arrived, IncomingError> {
        let mut incoming = Incoming::begin(folder, keys, 0)?;
        for piece in bytes.chunks(piece) {
            incoming.piece(piece)?;
        }
        incoming.finish(&Sha256::digest(bytes).into())
    }

    #[test]
    fn in_pieces_of_any_size_it_is_what_was_sent_and_has_its_name_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("recipes");
        for piece in [35, 64, 65, 24 << 10, BUNDLE.len()] {
            let arrived = come(&deep, BUNDLE, piece, keys()).unwrap();
            assert_eq!((arrived.bytes(), arrived.signer().to_string().len()), (BUNDLE.len() as u64, 16));
            assert_eq!(arrived.format(), 3, "the demonstration is of the older format");
            assert!(!deep.join("caps.draem").exists(), "pieces of {piece}");
            arrived.name("caps.draem").unwrap();
            assert_eq!(std::fs::read(deep.join("caps.draem")).unwrap(), BUNDLE);
            std::fs::remove_file(deep.join("caps.draem")).unwrap();
        }
        drop(come(&deep, BUNDLE, 9_999, keys()).unwrap());
        assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 0, "what gets no name is gone");
    }

    #[test]
    fn what_is_wrong_is_refused_as_early_as_it_shows_and_leaves_nothing() {
        let changed = |at: usize| {
            let mut bytes = BUNDLE.to_vec();
            bytes[at] ^= 1;
            bytes
        };
        let longer = [BUNDLE, b"x"].concat();
        let mut huge = BUNDLE.to_vec();
        huge[24..28].fill(0xff);
        let (foreign, short) = (keys_of(7), &BUNDLE[..BUNDLE.len() - 1]);
        let bundle = |error: &IncomingError| match error {
            IncomingError::Bundle(error) => Some(*error),
            _ => None,
        };
        type Expected = fn(BundleError) -> bool;
        // What comes, by whom it must be signed, after how many bytes it is refused at the latest, and why.
        let cases: [(&[u8], _, u64, Expected); 8] = [
            (b"GIF89a and whatever else a picture has in it", keys(), 44, |e| e == BundleError::NotABundle),
            (&changed(8), keys(), 64, |e| matches!(e, BundleError::Version { .. })),
            (&huge, keys(), 64, |e| matches!(e, BundleError::TooLarge { .. })),
            (BUNDLE, foreign, 64, |e| matches!(e, BundleError::UntrustedKey { .. })),
            (&longer, keys(), u64::MAX, |e| matches!(e, BundleError::Length { .. })),
            (short, keys(), u64::MAX, |e| matches!(e, BundleError::Length { .. })),
            (&changed(5_000), keys(), u64::MAX, |e| matches!(e, BundleError::Signature { .. })),
            (b"DRAEM", keys(), u64::MAX, |e| e == BundleError::NotABundle),
        ];
        let folder = tempfile::tempdir().unwrap();
        for (number, (bytes, keys, latest, expected)) in cases.into_iter().enumerate() {
            let (came, why) = refused(folder.path(), bytes, keys);
            assert!(came <= latest, "case {number}: {came} bytes");
            assert!(bundle(&why).is_some_and(expected), "case {number}: {why}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "case {number}");
        }
        let garbled = {
            let mut incoming = Incoming::begin(folder.path(), keys(), 0).unwrap();
            incoming.piece(BUNDLE).unwrap();
            incoming.finish(&[0; 32])
        };
        assert!(matches!(garbled, Err(IncomingError::Garbled)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// After how many bytes it is refused, and why.
    fn refused(folder: &Path, bytes: &[u8], keys: Vec<VerifyingKey>) -> (u64, IncomingError) {
        let mut incoming = Incoming::begin(folder, keys, 0).unwrap();
        match bytes.chunks(64).find_map(|piece| incoming.piece(piece).err()) {
            Some(why) => (incoming.got, why),
            None => (incoming.got, incoming.finish(&Sha256::digest(bytes).into()).unwrap_err()),
        }
    }

    fn keys_of(number: u8) -> Vec<VerifyingKey> {
        vec![ed25519_dalek::SigningKey::from_bytes(&[number; 32]).verifying_key()]
    }

    #[test]
    fn a_disk_without_room_is_told_before_and_one_that_fills_up_when_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let mut incoming = Incoming::begin(folder.path(), keys(), u64::MAX).unwrap();
        assert!(matches!(incoming.piece(BUNDLE), Err(IncomingError::NoRoom { needed: u64::MAX, .. })));
        let mut incoming = Incoming::begin(folder.path(), keys(), 0).unwrap();
        incoming.file = File::options().write(true).open("/dev/full").unwrap();
        let Err(IncomingError::File(error)) = incoming.piece(BUNDLE) else { panic!("it is full") };
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        drop(incoming);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
