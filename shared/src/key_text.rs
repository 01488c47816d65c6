//! Public keys as text files: what `keygen` writes and a station's folder of trusted keys holds.
//!
//! A header line, a line of 64 hexadecimal digits, and any number of empty lines and of comments that begin with `#`. Not
//! for secret keys, and reads no files.

use core::fmt;

use ed25519_dalek::VerifyingKey;

use crate::bundle::KeyId;

const HEADER: &str = "draem-edge public key v1";

/// Writes a public key in its text form.
#[derive(Clone, Copy, Debug)]
pub struct PublicKeyText(pub VerifyingKey);

impl fmt::Display for PublicKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEADER}\n# id {}\n", KeyId::of(&self.0))?;
        self.0.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("\n")
    }
}

/// Why a text is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTextError {
    /// The first line is not the header.
    Header,
    /// The second line is not 64 hexadecimal digits.
    Digits,
    /// The digits are no point that can verify a signature safely.
    Weak,
    /// Something follows the digits.
    Trailing,
}

impl fmt::Display for KeyTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => write!(f, "the first line is not `{HEADER}`"),
            Self::Digits => f.write_str("the line after the header is not 64 hexadecimal digits"),
            Self::Weak => f.write_str("the digits are no ed25519 public key"),
            Self::Trailing => f.write_str("something follows the 64 digits; one file holds one key"),
        }
    }
}

impl core::error::Error for KeyTextError {}

/// Reads the text form.
///
/// # Errors
/// [`KeyTextError`].
pub fn parse(text: &str) -> Result<VerifyingKey, KeyTextError> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    if lines.next() != Some(HEADER) {
        return Err(KeyTextError::Header);
    }
    let bytes = lines.next().and_then(hex_32).ok_or(KeyTextError::Digits)?;
    if lines.next().is_some() {
        return Err(KeyTextError::Trailing);
    }
    match VerifyingKey::from_bytes(&bytes) {
        Ok(key) if !key.is_weak() => Ok(key),
        _ => Err(KeyTextError::Weak),
    }
}

/// The 32 bytes that exactly 64 hexadecimal digits stand for.
pub fn hex_32(digits: &str) -> Option<[u8; 32]> {
    let pairs = digits.as_bytes().as_chunks::<2>().0;
    if digits.len() != 64 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;
    use std::string::{String, ToString};

    use ed25519_dalek::SigningKey;

    use super::*;

    fn text() -> (VerifyingKey, String) {
        let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
        (key, PublicKeyText(key).to_string())
    }

    #[test]
    fn what_is_written_is_read() {
        let (key, text) = text();
        assert_eq!(parse(&text), Ok(key));
        assert_eq!(parse(&text.replace('\n', "\r\n").to_uppercase().replace(&HEADER.to_uppercase(), HEADER)), Ok(key));
    }

    #[test]
    fn each_fault_has_its_reason() {
        let (_, text) = text();
        assert_eq!(parse(""), Err(KeyTextError::Header));
        assert_eq!(parse(&text.replace("public", "signing")), Err(KeyTextError::Header));
        assert_eq!(parse(text.trim_end().trim_end_matches(|c: char| c.is_ascii_hexdigit())), Err(KeyTextError::Digits));
        assert_eq!(parse(&format!("{text}aa")), Err(KeyTextError::Trailing));
        assert_eq!(parse(&format!("{HEADER}\n{}", "0".repeat(64))), Err(KeyTextError::Weak));
        assert_eq!(parse(&format!("{HEADER}\n{}", "ä".repeat(32))), Err(KeyTextError::Digits));
    }
}
