//! Messages to bytes of a stream, and back.
//!
//! A [`Decoder`] takes bytes as they come, in any pieces; gives messages, or an error after which the stream is worth nothing. No bytes
//! make it panic, and it holds no more than one message and what was pushed behind it. Reads and writes nothing.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// First bytes in each direction; the last two are the version.
pub const PREFACE: [u8; 10] = *b"DRAEMPLT\x03\x00";

/// Bytes of the longest message. What a threshold is chosen from takes four for each of [`shared::limits::MAX_GOOD_SCORES`] scores and at most
/// three for its part's number; a standing with every alarm, each with its remedy, some two thousand; the rest is for names.
pub const MOST_BYTES: usize = 32 * 1024;

/// Bytes of a message's length.
const LENGTH: usize = 4;

/// Why bytes are no messages, or a message no bytes.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
pub enum WireError {
    /// The stream does not begin as one of ours.
    #[error("the other side is no draem-edge program")]
    NotOurs,
    /// The other side speaks another version.
    #[error(
        "the other side speaks version {got} of the protocol, this program version {known}: install both of one release"
    )]
    Version {
        /// Theirs.
        got: u16,
        /// Ours.
        known: u16,
    },
    /// A message longer than any.
    #[error("a message of {got} bytes, at most {MOST_BYTES} are permitted")]
    TooLong {
        /// Its bytes.
        got: usize,
    },
    /// A message of ours that is longer than any: a name of the station or its product is.
    #[error("a message of more than {MOST_BYTES} bytes was to be sent")]
    Unsendable,
    /// Bytes that are no message.
    #[error("a message of {length} bytes cannot be understood")]
    Malformed {
        /// Its bytes.
        length: usize,
    },
}

/// Puts a message behind `out`.
///
/// # Errors
/// [`WireError::Unsendable`]; `out` is as it was.
pub fn encode<T: Serialize>(message: &T, out: &mut Vec<u8>) -> Result<(), WireError> {
    let mut bytes = [0; MOST_BYTES];
    let message = postcard::to_slice(message, &mut bytes).map_err(|_| WireError::Unsendable)?;
    out.extend_from_slice(&(message.len() as u32).to_le_bytes());
    out.extend_from_slice(message);
    Ok(())
}

/// Takes a stream apart.
///
/// # Invariants
/// `bytes[at..]` was not understood yet.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    at: usize,
    greeted: bool,
}

impl Decoder {
    /// Takes bytes in. Whoever pushes asks for messages until there are none, so that little waits here.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message, or `None` until more bytes have come.
    ///
    /// # Errors
    /// [`WireError`]; the stream cannot be read on.
    pub fn message<T: DeserializeOwned>(&mut self) -> Result<Option<T>, WireError> {
        if !self.greeted && !self.greet()? {
            return Ok(None);
        }
        let Some((length, rest)) = self.bytes[self.at..].split_first_chunk::<LENGTH>() else { return Ok(None) };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > MOST_BYTES {
            return Err(WireError::TooLong { got: length });
        }
        let Some(message) = rest.get(..length) else { return Ok(None) };
        let (message, left) = postcard::take_from_bytes(message).map_err(|_| WireError::Malformed { length })?;
        if !left.is_empty() {
            return Err(WireError::Malformed { length });
        }
        self.at += LENGTH + length;
        Ok(Some(message))
    }

    /// Whether the preface is there, and as it must be.
    fn greet(&mut self) -> Result<bool, WireError> {
        let (name, known) = (&PREFACE[..8], u16::from_le_bytes([PREFACE[8], PREFACE[9]]));
        let got = &self.bytes[self.at..];
        if !got.iter().zip(name).all(|(got, expected)| got == expected) {
            return Err(WireError::NotOurs);
        }
        let Some(preface) = got.first_chunk::<{ PREFACE.len() }>() else { return Ok(false) };
        let got = u16::from_le_bytes([preface[8], preface[9]]);
        if got != known {
            return Err(WireError::Version { got, known });
        }
        self.greeted = true;
        self.at += PREFACE.len();
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::units::{Micros, PartId, Score};
    use shared::verdict::{Reason, Verdict};

    use super::*;
    use shared::limits::MAX_GOOD_SCORES;

    use crate::wire::{Alarm, Arriving, Basis, Bundle, Change, Greeting, MOST_PIECE, NotSet, NotTaken, Part, Product};
    use crate::wire::{Products, Refusal, Standing, State, Step, ToPlant, ToStation, Wired};

    fn words() -> Vec<ToPlant> {
        let score = |value| Score::new(value).unwrap();
        let greeting = Greeting {
            software: "0.1.0".to_owned(),
            station: "Crown caps".to_owned(),
            product: "cap".to_owned(),
            bundle_sha256: [7; 32],
            threshold: score(0.25),
            run: 12,
            simulation: true,
            store: "/var/lib/draem-edge/audit".to_owned(),
            started_us: -1,
            clock_at_start: Micros(u64::MAX),
        };
        let alarm = Alarm {
            code: "GATE_LATE".to_owned(),
            remedy: "look".to_owned(),
            stops: true,
            present: false,
            latched: true,
            since_us: i64::MIN,
        };
        let mut standing = Standing { state: State::Fault, alarms: vec![alarm; 28], ..Standing::default() };
        standing.latency.counts = [u64::MAX; 16];
        standing.counters.reasons = [u64::MAX; 15];
        let part = Part {
            number: PartId(u32::MAX),
            wall_us: i64::MIN,
            seen_at: Micros(1),
            decided_at: Micros(2),
            verdict: Verdict::Good(score(0.125)),
            passed: false,
            override_reason: Some(Reason::Neighbour),
            late_verdict: None,
            inference: Some(Micros(3)),
            frame_residual_us: Some(-4),
            fire_error_us: None,
            bundle: Some(1),
        };
        let bundle = Bundle {
            product: "x".repeat(120),
            sha256: [9; 32],
            threshold: score(0.5),
            created: u64::MAX,
            good_parts: u32::MAX,
            signer: "0123456789abcdef".to_owned(),
        };
        let product = Product { name: "n".repeat(40), number: Some(9_999), bundle: Ok(bundle) };
        let refused = Some(Refusal { number: 1, why: "w".repeat(400) });
        let arriving = Some(Arriving { recipe: "n".repeat(40), percent: 100 });
        // As many as a station may have, and the longest words.
        let wired = Some(Wired { count: u32::MAX, product: u16::MAX, before: 9_999, taken: true });
        let (list, change) = (vec![product; 33], Change::Preparing(9_999));
        let products = Products { list, running: 9_999, change, refused, arriving, wired };
        let basis =
            Basis { may_be_set: true, good_scores: vec![score(0.5); 3], good_parts: vec![0, 1, 1], ..Basis::default() };
        vec![
            ToPlant::Greeting(greeting),
            ToPlant::Basis(Box::new(basis)),
            ToPlant::Standing(Box::new(standing)),
            ToPlant::Part(part),
            ToPlant::Lost(3),
            ToPlant::Answer { number: 9, taken: false },
            ToPlant::Products(Box::new(products)),
            ToPlant::Refused { number: 9, why: NotSet::Fixed },
            ToPlant::Uploaded { number: 9, outcome: Box::new(Err(NotTaken::Length { expected: 1, got: 2 })) },
        ]
    }

    fn stream() -> Vec<u8> {
        let mut bytes = PREFACE.to_vec();
        words().iter().for_each(|word| encode(word, &mut bytes).unwrap());
        bytes
    }

    /// Everything that bytes say, in pieces of a size.
    fn heard<T: DeserializeOwned>(bytes: &[u8], piece: usize) -> (Vec<T>, Option<WireError>) {
        let (mut decoder, mut heard) = (Decoder::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            decoder.push(piece);
            loop {
                match decoder.message() {
                    Ok(Some(word)) => heard.push(word),
                    Ok(None) => break,
                    Err(error) => return (heard, Some(error)),
                }
            }
        }
        (heard, None)
    }

    #[test]
    fn comes_back_as_it_was_sent_in_pieces_of_any_size() {
        let bytes = stream();
        for piece in [1, 2, 7, 100, bytes.len()] {
            assert_eq!(heard(&bytes, piece), (words(), None), "pieces of {piece}");
        }
    }

    #[test]
    fn another_program_and_another_version_are_told_apart() {
        for strange in [&b"GET / HTTP/1.1\r\n"[..], b"DRAEMREC\x01\x00", b"d"] {
            assert_eq!(heard::<ToPlant>(strange, 3).1, Some(WireError::NotOurs));
        }
        let newer = [&PREFACE[..8], &[9, 0, 0xff, 0xff, 0xff, 0xff]].concat();
        assert_eq!(heard::<ToPlant>(&newer, 5).1, Some(WireError::Version { got: 9, known: 3 }));
    }

    #[test]
    fn what_is_too_long_is_neither_sent_nor_waited_for() {
        let ToPlant::Greeting(greeting) = words().remove(0) else { panic!() };
        let long = ToPlant::Greeting(Greeting { product: "x".repeat(MOST_BYTES), ..greeting });
        let mut out = vec![1];
        assert_eq!(encode(&long, &mut out), Err(WireError::Unsendable));
        assert_eq!(out, [1]);
        let claimed = [&PREFACE[..], &(MOST_BYTES as u32 + 1).to_le_bytes()].concat();
        assert_eq!(heard::<ToPlant>(&claimed, 4).1, Some(WireError::TooLong { got: MOST_BYTES + 1 }));
    }

    #[test]
    fn as_many_good_scores_as_a_bundle_may_have_can_be_told() {
        let good_scores = vec![Score::new(1.0).unwrap(); MAX_GOOD_SCORES];
        let basis = Basis { good_scores, good_parts: vec![u16::MAX; MAX_GOOD_SCORES], ..Basis::default() };
        assert_eq!(encode(&ToPlant::Basis(Box::new(basis)), &mut Vec::new()), Ok(()));
    }

    #[test]
    fn the_longest_piece_of_a_bundle_can_be_sent() {
        let step = Step::Piece(vec![0xff; MOST_PIECE]);
        let mut bytes = PREFACE.to_vec();
        encode(&ToStation::Upload { number: u32::MAX, step: step.clone() }, &mut bytes).unwrap();
        assert_eq!(heard(&bytes, 1_000), (vec![ToStation::Upload { number: u32::MAX, step }], None));
    }

    #[test]
    fn a_message_with_something_behind_it_is_none() {
        let mut body = postcard::to_extend(&ToStation::Acknowledge { number: 1 }, Vec::new()).unwrap();
        body.push(0);
        let bytes = [&PREFACE[..], &(body.len() as u32).to_le_bytes(), &body].concat();
        assert_eq!(heard::<ToStation>(&bytes, 64), (vec![], Some(WireError::Malformed { length: 3 })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1usize..50, ours in any::<bool>()) {
            let bytes = if ours { [&PREFACE[..], &bytes].concat() } else { bytes };
            heard::<ToPlant>(&bytes, piece);
            heard::<ToStation>(&bytes, piece);
        }

        #[test]
        fn damage_gives_an_error_or_other_words_and_never_more_of_them(at in 0usize..9_000, flip in 1u8.., piece in 1usize..50) {
            let mut bytes = stream();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            let (words, error) = heard::<ToPlant>(&bytes, piece);
            prop_assert!(error.is_some() || words.len() <= bytes.len() / 5);
            for word in words {
                encode(&word, &mut Vec::new()).unwrap();
            }
        }
    }
}
