//! The state as the text of a file: TOML for people, and a last line by which any damage shows.
//!
//! Version rule: a change of the layout is a new format, and a reader refuses those that it does not know.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::state::{Held, Slot, Standing, State, StateError};

/// The format that is written and read.
const FORMAT: u32 = 1;

const HEAD: &str =
    "# Slots of bundles, written by edge-runtime; `edge-runtime bundles` shows them. Not to be edited.\n";
const CHECKSUM: &str = "# sha256 of all above: ";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawState {
    format: u32,
    highest: u64,
    committed: Option<Slot>,
    a: Option<RawHeld>,
    b: Option<RawHeld>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHeld {
    sha256: String,
    created: u64,
    product: String,
    standing: Standing,
}

/// Only the format, which is looked at before the rest, so that a later one is named as such.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// The text of a state.
///
/// # Errors
/// A time that TOML has no number for.
pub fn encode(state: &State) -> Result<String, StateError> {
    let raw = |slot| {
        state.held(slot).map(|held| RawHeld {
            sha256: hex(&held.sha256),
            created: held.created,
            product: held.product.clone(),
            standing: held.standing.clone(),
        })
    };
    let (committed, highest) = (state.committed(), state.highest());
    let raw = RawState { format: FORMAT, highest, committed, a: raw(Slot::A), b: raw(Slot::B) };
    let malformed = |error: toml::ser::Error| StateError::Malformed { reason: error.to_string() };
    let body = format!("{HEAD}{}", toml::to_string(&raw).map_err(malformed)?);
    Ok(sealed(&body))
}

/// A text with its last line.
#[must_use]
pub fn sealed(body: &str) -> String {
    let checksum = hex(&Sha256::digest(body).into());
    format!("{body}{CHECKSUM}{checksum}\n")
}

/// The state of a text.
///
/// # Errors
/// [`StateError`].
pub fn decode(bytes: &[u8]) -> Result<State, StateError> {
    let text = std::str::from_utf8(bytes).map_err(|_| StateError::Checksum)?;
    let (body, last) = text.rsplit_once(CHECKSUM).ok_or(StateError::Checksum)?;
    if last != format!("{}\n", hex(&Sha256::digest(body).into())) {
        return Err(StateError::Checksum);
    }
    let malformed = |error: toml::de::Error| StateError::Malformed { reason: error.message().to_owned() };
    let Format { format: got } = toml::from_str(body).map_err(malformed)?;
    if got != FORMAT {
        return Err(StateError::Format { expected: FORMAT, got });
    }
    let raw: RawState = toml::from_str(body).map_err(malformed)?;
    let held = |raw: Option<RawHeld>| {
        raw.map(|RawHeld { sha256, created, product, standing }| {
            let reason = || format!("sha256 = {sha256:?} is no SHA-256");
            let sha256 = unhex(&sha256).ok_or_else(|| StateError::Malformed { reason: reason() })?;
            Ok(Held { sha256, created, product, standing })
        })
        .transpose()
    };
    State::check(held(raw.a)?, held(raw.b)?, raw.committed, raw.highest)
}

/// A hash as people compare it.
pub fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    let (digits, rest) = text.as_bytes().as_chunks::<2>();
    if digits.len() != hash.len() || !rest.is_empty() {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(digits) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states() -> Vec<State> {
        let first = State::default().installed([1; 32], 100, "caps".to_owned());
        let started = first.started(Slot::A, &[1; 32]).unwrap();
        let proven = started.proven(Slot::A, &[1; 32]).unwrap();
        let second = proven.installed([2; 32], 200, "caps \"new\"\n".to_owned());
        let bad = second.condemned(Slot::B, &[2; 32], "said \"no\"\n# sha256 of all above: x").unwrap();
        let back = second.rolled_back().unwrap();
        vec![State::default(), first, started, proven, second, bad, back]
    }

    #[test]
    fn every_state_comes_back() {
        for state in states() {
            let text = encode(&state).unwrap();
            assert_eq!(decode(text.as_bytes()).unwrap(), state, "{text}");
        }
    }

    #[test]
    fn every_changed_byte_and_every_truncation_is_refused() {
        for state in states() {
            let text = encode(&state).unwrap().into_bytes();
            for at in 0..text.len() {
                assert!(decode(&text[..at]).is_err(), "the first {at} bytes are taken for a state");
                for change in [1 << (at % 8), 0xff, 0x20] {
                    let mut changed = text.clone();
                    changed[at] ^= change;
                    assert_eq!(decode(&changed), Err(StateError::Checksum), "byte {at} changed by {change:#04x}");
                }
            }
            assert!(decode(&[text.as_slice(), b"\n"].concat()).is_err());
        }
    }

    /// A checksum is no proof: whoever can compute one can write anything.
    #[test]
    fn what_no_state_can_be_is_refused_with_the_right_checksum_too() {
        let held = |standing: &str| {
            format!("sha256 = \"{}\"\ncreated = 5\nproduct = \"caps\"\nstanding = {standing}\n", hex(&[7; 32]))
        };
        let (proven, trial) = (held("\"proven\""), held("{ trial = { starts = 1 } }"));
        let cases = [
            ("format = 2\n".to_owned(), "format 2, this program knows 1"),
            ("format = 1\n".to_owned(), "missing field `highest`"),
            ("format = 1\nhighest = 5\ncolour = 1\n".to_owned(), "unknown field `colour`"),
            ("format = 1\nhighest = -5\n".to_owned(), "not a state of slots"),
            ("format = 1\nhighest = 5\ncommitted = \"c\"\n".to_owned(), "not a state of slots"),
            (
                "format = 1\nhighest = 5\ncommitted = \"a\"\n".to_owned(),
                "slot A is committed and holds no proven bundle",
            ),
            (format!("format = 1\nhighest = 5\ncommitted = \"b\"\n[b]\n{trial}"), "slot B is committed"),
            (format!("format = 1\nhighest = 4\ncommitted = \"b\"\n[b]\n{proven}"), "newer than the newest bundle"),
            (format!("format = 1\nhighest = 5\n[a]\n{trial}[b]\n{trial}"), "both slots are on trial"),
            (format!("format = 1\nhighest = 5\n[a]\n{}", trial.replace("0707", "07zz")), "is no SHA-256"),
            (format!("format = 1\nhighest = 5\n[a]\n{}", trial.replace("0707", "07")), "is no SHA-256"),
        ];
        for (body, expected) in cases {
            let text = format!("{body}{CHECKSUM}{}\n", hex(&Sha256::digest(&body).into()));
            let message = decode(text.as_bytes()).expect_err(expected).to_string();
            assert!(message.contains(expected), "{body}: {message}");
        }
    }
}
