//! Whether a message may press the reset button.
//!
//! Takes the bytes of a message on the command's topic; gives the command, or why it is none. A broker does not tell who published, so that
//! whoever may publish there could press the button: the payload has to carry a secret that the configuration names. It is compared in a
//! time that does not depend on where it differs. Whoever can read the topic can read the secret; the broker's own lists of
//! rights, and TLS, are what keeps others from that.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::secret::Secret;

/// Bytes of a command at most.
pub const MOST_BYTES: usize = 1024;

/// Characters of an identifier at most.
pub const MOST_ID: usize = 64;

/// The reset button shall be pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledge {
    /// Whatever the sender chose, for the answer.
    pub id: Option<String>,
}

/// Why the button is not pressed.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum Refused {
    /// The broker kept it from some time before: nobody presses now.
    #[error("retained")]
    Retained,
    /// It is no command.
    #[error("malformed")]
    Malformed,
    /// The secret is another.
    #[error("refused")]
    Secret {
        /// As the command had it.
        id: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    secret: String,
    id: Option<String>,
}

/// Reads a command.
///
/// # Errors
/// [`Refused`].
pub fn read(payload: &[u8], retained: bool, secret: &Secret) -> Result<Acknowledge, Refused> {
    if retained {
        return Err(Refused::Retained);
    }
    let raw: Option<Raw> =
        Some(payload).filter(|bytes| bytes.len() <= MOST_BYTES).and_then(|bytes| serde_json::from_slice(bytes).ok());
    let Raw { secret: given, id } = raw.ok_or(Refused::Malformed)?;
    if id.as_ref().is_some_and(|id| id.chars().count() > MOST_ID) {
        return Err(Refused::Malformed);
    }
    // Digests are of one length, whatever was given.
    let [given, ours] = [given.as_bytes(), secret.expose().as_bytes()].map(Sha256::digest);
    if bool::from(given.as_slice().ct_eq(ours.as_slice())) {
        Ok(Acknowledge { id })
    } else {
        Err(Refused::Secret { id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "sixteen or more!";

    fn heard(payload: &str) -> Result<Acknowledge, Refused> {
        read(payload.as_bytes(), false, &Secret::new(SECRET))
    }

    #[test]
    fn only_the_secret_presses_the_button_and_only_now() {
        let right = format!(r#"{{"secret":"{SECRET}","id":"7"}}"#);
        assert_eq!(heard(&right), Ok(Acknowledge { id: Some("7".to_owned()) }));
        assert_eq!(heard(&format!(r#"{{"secret":"{SECRET}"}}"#)), Ok(Acknowledge { id: None }));
        assert_eq!(read(right.as_bytes(), true, &Secret::new(SECRET)), Err(Refused::Retained));
        for wrong in ["", "sixteen or more", "sixteen or more!!", "Sixteen or more!"] {
            assert_eq!(heard(&format!(r#"{{"secret":"{wrong}"}}"#)), Err(Refused::Secret { id: None }), "{wrong}");
        }
        let long = format!(r#"{{"secret":"{SECRET}","id":"{}"}}"#, "7".repeat(MOST_ID + 1));
        let padded = format!("{right}{}", " ".repeat(MOST_BYTES));
        let more = format!(r#"{{"secret":"{SECRET}","also":1}}"#);
        for strange in ["", "{}", "null", SECRET, r#"{"secret":7}"#, &long, &padded, &more, "[[[[[[[["] {
            assert_eq!(heard(strange), Err(Refused::Malformed), "{strange}");
        }
    }

    proptest! {
        #[test]
        fn bytes_of_nobody_press_no_button(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert!(read(&bytes, false, &Secret::new(SECRET)).is_err());
        }

        #[test]
        fn what_looks_like_a_command_presses_with_the_secret_alone(secret in ".{0,40}", id in proptest::option::of(".{0,80}")) {
            let id_is_short = id.as_ref().is_none_or(|id| id.chars().count() <= MOST_ID);
            for (secret, right) in [(secret.as_str(), secret == SECRET), (SECRET, true)] {
                let payload = serde_json::json!({ "secret": secret, "id": id }).to_string();
                let pressed = read(payload.as_bytes(), false, &Secret::new(SECRET)).is_ok();
                prop_assert_eq!(pressed, right && id_is_short && payload.len() <= MOST_BYTES);
            }
        }
    }
}
