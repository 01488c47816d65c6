//! A recording as a file.
//!
//! | bytes | |
//! |---|---|
//! | 8 | `DRAEMBOX` |
//! | 1 | version of this layout, 2 |
//! | rest but 32 | a [`Header`], then [`Entry`]s in their order, each in postcard's form; the pictures of a segment stand behind it |
//! | 32 | SHA-256 of all bytes before |
//!
//! Takes segments and gives a stream of bytes; takes a file and gives a checked [`Recording`]. A file of this machine or another is
//! foreign: whatever it holds, reading it ends with a recording or an error.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::quality::RawLimits;
use shared::units::Score;
use shared::wall::WallTime;
use thiserror::Error;

use super::entry::Entry;
use super::ring::Segment;

const MAGIC: &[u8; 8] = b"DRAEMBOX";
const VERSION: u8 = 2;
const HASH_BYTES: usize = 32;

/// No recording is larger, in bytes: it is held in memory whole.
pub const MAX_BOX_BYTES: u64 = 2 << 30;

/// A bundle that judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judge {
    /// Its number within the run.
    pub number: u32,
    /// Name of the product.
    pub product: String,
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
    /// A part was bad when its score was greater.
    pub threshold: Score,
    /// What a picture had to be like to prove anything.
    pub quality: Option<RawLimits>,
}

/// What a recording is of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The program's version.
    pub software: String,
    /// Why it was kept.
    pub why: String,
    /// When it was kept, in microseconds since 1970.
    pub kept_at_us: i64,
    /// The configuration's text.
    pub config: String,
    /// The bundles that have judged since the station's start, in the order of their numbers.
    pub judges: Vec<Judge>,
    /// Whether their models in floats judged, and not those in integers.
    pub float32: bool,
    /// Whether the line was a simulated one.
    pub simulation: bool,
}

impl Header {
    /// When it was kept.
    #[must_use]
    pub fn kept_at(&self) -> WallTime {
        WallTime(self.kept_at_us)
    }
}

/// A recording that was read and can be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// What it is of.
    pub header: Header,
    /// In their order.
    pub entries: Vec<Entry>,
}

/// Why a file is no recording.
#[derive(Debug, Error)]
pub enum BoxError {
    /// The file cannot be read.
    #[error("cannot read recording {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Larger than any recording.
    #[error("recording {} refused: it has {got} bytes, at most {MAX_BOX_BYTES} are read", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        got: u64,
    },
    /// The file is something else.
    #[error("{} is no recording of a black box: it does not begin with DRAEMBOX", path.display())]
    NotABox {
        /// The file.
        path: PathBuf,
    },
    /// A newer or older layout.
    #[error("recording {} has version {got}, and this program reads version {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        got: u8,
    },
    /// The checksum differs.
    #[error("recording {} is damaged: its checksum is not that of its bytes; copy it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The bytes are no entries.
    #[error("recording {} refused: what stands at byte {offset} is {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: usize,
        /// What is wrong there.
        what: &'static str,
    },
}

/// Writes a recording.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, header: &Header, segments: &[Arc<Segment>]) -> io::Result<()> {
    let mut out = Hashed { out, hash: Sha256::new() };
    out.write_all(MAGIC)?;
    out.write_all(&[VERSION])?;
    encode(&mut out, header)?;
    for segment in segments {
        out.write_all(&segment.entries)?;
        for entry in &segment.aside {
            encode(&mut out, entry)?;
        }
    }
    let hash = out.hash.finalize();
    out.out.write_all(&hash)
}

/// Reads and checks a file.
///
/// # Errors
/// [`BoxError`].
pub fn read(path: &Path) -> Result<Recording, BoxError> {
    let unreadable = |source| BoxError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let got = file.metadata().map_err(unreadable)?.len();
    if got > MAX_BOX_BYTES {
        return Err(BoxError::TooLarge { path: path.to_owned(), got });
    }
    let mut bytes = Vec::with_capacity(got as usize);
    file.take(MAX_BOX_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    parse(&bytes, path)
}

/// Checks bytes; `path` is their name in errors.
///
/// # Errors
/// [`BoxError`].
pub fn parse(bytes: &[u8], path: &Path) -> Result<Recording, BoxError> {
    let name = || path.to_owned();
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| BoxError::NotABox { path: name() })?;
    let (&got, rest) = rest.split_first().ok_or_else(|| BoxError::NotABox { path: name() })?;
    if got != VERSION {
        return Err(BoxError::Version { path: name(), got });
    }
    let damaged = || BoxError::Damaged { path: name() };
    let (mut left, hash) = rest.split_last_chunk::<HASH_BYTES>().ok_or_else(damaged)?;
    if Sha256::digest(&bytes[..bytes.len() - HASH_BYTES])[..] != hash[..] {
        return Err(damaged());
    }
    let malformed =
        |left: &[u8], what| BoxError::Malformed { path: name(), offset: bytes.len() - HASH_BYTES - left.len(), what };
    let (header, after): (Header, _) =
        postcard::take_from_bytes(left).map_err(|_| malformed(left, "no header of a recording"))?;
    left = after;
    let mut entries = Vec::new();
    while !left.is_empty() {
        let (entry, after): (Entry, _) =
            postcard::take_from_bytes(left).map_err(|_| malformed(left, "no entry of a recording"))?;
        if !entry.is_sound() {
            return Err(malformed(left, "an entry that no station can have written"));
        }
        entries.push(entry);
        left = after;
    }
    Ok(Recording { header, entries })
}

fn encode(out: &mut Hashed<'_>, value: &impl Serialize) -> io::Result<()> {
    out.write_all(&postcard::to_extend(value, Vec::new()).map_err(io::Error::other)?)
}

/// Hashes what it passes on.
struct Hashed<'a> {
    out: &'a mut dyn Write,
    hash: Sha256,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use shared::line::{Layout, RawLayout};
    use shared::units::{Micros, PartId, Travel};

    use super::super::entry::Shot;
    use super::super::ring::{Limits, Ring};
    use super::*;
    use crate::hw::roles::{Picture, PictureFormat, Sensor, Signal, SignalKind};
    use crate::hw::sim::io::SimGate;
    use crate::hw::sim::live::SimSignals;
    use crate::hw::sim::world::World;
    use crate::hw::sim::world::tests::plan;
    use crate::stage::conductor::Conductor;
    use crate::stage::odometer::Odometer;

    fn standing(at: u64) -> Entry {
        let layout = Layout::check(&RawLayout {
            gate_distance: Travel(400),
            window_before: Travel(10),
            window_after: Travel(40),
            lockout: Travel(5),
            max_length: None,
        });
        let world = World::shared(plan());
        let (gate, signals) = (Box::new(SimGate::new(world)), Box::new(SimSignals::default()));
        let odometer = Odometer::steady(300_000, Micros(0));
        let conductor = Conductor::new(layout.unwrap(), gate, signals, odometer, None, Micros(at));
        Entry::Standing(Micros(at), Box::new(conductor.standing()))
    }

    fn entries() -> Vec<Entry> {
        let picture =
            Picture { exposed_at: Micros(5), format: PictureFormat::Jpeg, width: 2, height: 1, bytes: vec![0, 255, 7] };
        vec![
            standing(1_000),
            Entry::Signal(Signal { at: Micros(1_100), kind: SignalKind::Edge(Sensor::Trigger) }),
            Entry::Read(Micros(1_150)),
            Entry::Shot(Shot { part: PartId(7), picture: Arc::new(picture) }),
        ]
    }

    fn header() -> Header {
        Header {
            software: "0.1.0".to_owned(),
            why: "ASKED".to_owned(),
            kept_at_us: 1,
            config: "[station]".to_owned(),
            judges: vec![Judge {
                number: 0,
                product: "cap".to_owned(),
                sha256: [3; 32],
                threshold: Score::default(),
                quality: None,
            }],
            float32: false,
            simulation: true,
        }
    }

    fn written() -> Vec<u8> {
        let mut ring = Ring::new(Limits { longest: Micros(u64::MAX), most_bytes: 1_000 });
        entries().into_iter().for_each(|entry| ring.push(entry));
        let mut bytes = Vec::new();
        write(&mut bytes, &header(), &ring.cut()).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let recording = parse(&written(), Path::new("a.box")).unwrap();
        assert_eq!((recording.header, recording.entries), (header(), entries()));
    }

    #[test]
    fn every_byte_that_is_turned_and_every_end_too_early_is_an_error() {
        let bytes = written();
        for at in 0..bytes.len() {
            let mut turned = bytes.clone();
            turned[at] ^= 0x10;
            assert!(parse(&turned, Path::new("a.box")).is_err(), "byte {at}");
            assert!(parse(&bytes[..at], Path::new("a.box")).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn bytes_with_a_true_checksum_are_still_looked_at() {
        let sealed = |mut bytes: Vec<u8>| {
            let hash = Sha256::digest(&bytes);
            bytes.extend_from_slice(&hash);
            bytes
        };
        let body = &written()[..written().len() - HASH_BYTES];
        let late = postcard::to_extend(&Entry::Read(Micros(u64::MAX)), Vec::new()).unwrap();
        for (bytes, expected) in [
            (sealed(body[..20].to_vec()), "no header"),
            (sealed([body, &[99]].concat()), "no entry of a recording"),
            (sealed([body, &late].concat()), "an entry that no station"),
            (sealed([b"DRAEMBOX\x01".as_slice(), &body[9..]].concat()), "has version 1"),
            (b"PNG".to_vec(), "does not begin with DRAEMBOX"),
        ] {
            let message = parse(&bytes, Path::new("a.box")).unwrap_err().to_string();
            assert!(message.contains("a.box") && message.contains(expected), "{message}");
        }
    }
}
