//! The audit record: one for each part, and nothing forgotten.
//!
//! On disk a file begins with [`FILE_HEADER`]; then each record is a frame: its length as u16, little-endian, and that many
//! bytes of postcard with a CRC-32 behind them. A power cut can leave at most one broken frame, at the end.
//!
//! Version rule: the header's last two bytes are the version of all frames that follow; a reader refuses others.

use core::fmt;

use crc::{CRC_32_ISO_HDLC, Crc};
use serde::{Deserialize, Serialize};

use crate::limits::MAX_RECORD_BYTES;
use crate::units::{Micros, PartId, Travel};
use crate::verdict::{Reason, Verdict};

/// First bytes of a file of records; the last two are the version.
pub const FILE_HEADER: [u8; 10] = *b"DRAEMREC\x01\x00";

const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// What became of one part, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawRecord {
    /// The part.
    pub part: PartId,
    /// When its trigger edge came.
    pub seen_at: Micros,
    /// Where the belt was then.
    pub seen_travel: Travel,
    /// When its fate was decided.
    pub decided_at: Micros,
    /// What was known of it at that moment.
    pub verdict: Verdict,
    /// Whether it was let through.
    pub passed: bool,
    /// Why a part with a good verdict was rejected all the same.
    pub override_reason: Option<Reason>,
    /// A verdict that came too late, and what it would have said.
    pub late_verdict: Option<Verdict>,
    /// Whether the belt was a simulated one.
    pub simulation: bool,
}

/// A record whose fields do not contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record(RawRecord);

/// Why there is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// It says that a part passed which was not proven good. The tracker never does that.
    PassedUnproven {
        /// The part.
        part: PartId,
    },
    /// It rejects a good part and does not say why.
    RejectedWithoutReason {
        /// The part.
        part: PartId,
    },
    /// The bytes end inside the frame.
    Cut {
        /// Bytes needed.
        expected: usize,
        /// Bytes left.
        got: usize,
    },
    /// The frame claims more bytes than a record can have, or its checksum or content is wrong.
    Damaged,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PassedUnproven { part } => write!(f, "part {} passed without a good verdict", part.0),
            Self::RejectedWithoutReason { part } => write!(f, "part {} was rejected without a reason", part.0),
            Self::Cut { expected, got } => write!(f, "a record of {expected} bytes is cut off after {got}"),
            Self::Damaged => f.write_str("a record is damaged"),
        }
    }
}

impl core::error::Error for RecordError {}

impl Record {
    /// Checks that a part passed exactly when it was proven good and nothing else spoke against it.
    ///
    /// # Errors
    /// [`RecordError::PassedUnproven`], [`RecordError::RejectedWithoutReason`].
    pub fn check(raw: RawRecord) -> Result<Self, RecordError> {
        let part = raw.part;
        match (raw.passed, raw.verdict.passes() && raw.override_reason.is_none()) {
            (true, false) => Err(RecordError::PassedUnproven { part }),
            (false, true) => Err(RecordError::RejectedWithoutReason { part }),
            _ => Ok(Self(raw)),
        }
    }

    /// The fields.
    pub fn get(&self) -> &RawRecord {
        &self.0
    }

    /// Writes the record's frame into `buffer` and returns the part used.
    ///
    /// # Errors
    /// [`RecordError::Damaged`] if it does not fit, which the fields rule out.
    pub fn encode<'a>(&self, buffer: &'a mut [u8; MAX_RECORD_BYTES]) -> Result<&'a [u8], RecordError> {
        let (length, body) = buffer.split_at_mut(2);
        let used = postcard::to_slice_crc32(&self.0, body, CHECKSUM.digest()).map_err(|_| RecordError::Damaged)?.len();
        length.copy_from_slice(&(used as u16).to_le_bytes());
        Ok(&buffer[..2 + used])
    }

    /// Reads the first frame of `bytes` and returns what follows it.
    ///
    /// # Errors
    /// [`RecordError`]; no input makes it panic.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), RecordError> {
        let (length, rest) =
            bytes.split_first_chunk::<2>().ok_or(RecordError::Cut { expected: 2, got: bytes.len() })?;
        let length = usize::from(u16::from_le_bytes(*length));
        if length + 2 > MAX_RECORD_BYTES {
            return Err(RecordError::Damaged);
        }
        let (frame, rest) =
            rest.split_at_checked(length).ok_or(RecordError::Cut { expected: length, got: rest.len() })?;
        let (raw, left) =
            postcard::take_from_bytes_crc32(frame, CHECKSUM.digest()).map_err(|_| RecordError::Damaged)?;
        if left.is_empty() { Self::check(raw).map(|record| (record, rest)) } else { Err(RecordError::Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Score;

    fn raw() -> RawRecord {
        RawRecord {
            part: PartId(41),
            seen_at: Micros(1_234_567),
            seen_travel: Travel(-5),
            decided_at: Micros(2_345_678),
            verdict: Verdict::Bad(Score::new(0.75).unwrap()),
            passed: false,
            override_reason: None,
            late_verdict: Some(Verdict::Uninspected(Reason::BadPicture)),
            simulation: true,
        }
    }

    #[test]
    fn comes_back_as_it_was_written() {
        let record = Record::check(raw()).unwrap();
        let mut buffer = [0; MAX_RECORD_BYTES];
        let bytes = record.encode(&mut buffer).unwrap();
        assert_eq!(Record::decode(bytes), Ok((record, &[][..])));
    }

    #[test]
    fn each_flipped_byte_and_each_cut_is_noticed() {
        let mut buffer = [0; MAX_RECORD_BYTES];
        let length = Record::check(raw()).unwrap().encode(&mut buffer).unwrap().len();
        for at in 0..length {
            for bit in 0..8 {
                let mut broken = buffer;
                broken[at] ^= 1 << bit;
                assert!(Record::decode(&broken[..length]).is_err(), "byte {at} bit {bit}");
            }
            assert!(Record::decode(&buffer[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn no_record_can_say_that_an_unproven_part_passed() {
        for verdict in [Verdict::Bad(Score::new(0.9).unwrap()), Verdict::Uninspected(Reason::Late)] {
            let got = Record::check(RawRecord { passed: true, verdict, ..raw() });
            assert_eq!(got, Err(RecordError::PassedUnproven { part: PartId(41) }));
        }
        let good = Verdict::Good(Score::new(0.1).unwrap());
        let got = Record::check(RawRecord { passed: false, verdict: good, ..raw() });
        assert_eq!(got, Err(RecordError::RejectedWithoutReason { part: PartId(41) }));
        let neighbour = RawRecord { verdict: good, override_reason: Some(Reason::Neighbour), ..raw() };
        assert!(Record::check(neighbour).is_ok());
        assert!(Record::check(RawRecord { passed: true, ..neighbour }).is_err());
    }
}
