//! Why a configuration cannot be used: file, key, value, and what would be right.

use shared::line::LayoutError;
use shared::quality::LimitError;
use thiserror::Error;

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML, lacks a key, or has one that nobody knows.
    #[error("{file}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// The parser's words, with line and column.
        message: String,
    },
    /// A number lies outside its range.
    #[error("{file}: {key} = {got}, permitted is {least} to {most}")]
    Range {
        /// The file.
        file: String,
        /// Section and key.
        key: &'static str,
        /// Its value.
        got: f64,
        /// The least permitted.
        least: f64,
        /// The most permitted.
        most: f64,
    },
    /// A text has none of the values that it may have.
    #[error("{file}: {key} = {got:?}, {expected}")]
    Value {
        /// The file.
        file: String,
        /// Section and key.
        key: &'static str,
        /// Its value.
        got: String,
        /// What would be right.
        expected: &'static str,
    },
    /// Numbers that are each legal and together impossible.
    #[error("{file}: {key} = {got:.1}: {why}; at {bound} {limit:.1} is permitted")]
    Conflict {
        /// The file.
        file: String,
        /// Section and key.
        key: &'static str,
        /// Its value, or what follows from it.
        got: f64,
        /// What it contradicts.
        why: &'static str,
        /// `least` or `most`.
        bound: &'static str,
        /// The limit, in the key's unit.
        limit: f64,
    },
    /// The line's distances do not fit together.
    #[error("{file}: [line]: {source} (micrometres)")]
    Layout {
        /// The file.
        file: String,
        /// Which rule.
        source: LayoutError,
    },
    /// A picture's limits cannot be met.
    #[error("{file}: [quality]: {source}")]
    Quality {
        /// The file.
        file: String,
        /// Which limit.
        source: LimitError,
    },
}
