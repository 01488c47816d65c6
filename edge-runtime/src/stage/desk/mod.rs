//! The desk of a real line: pictures, verdicts, records and what people are told.

mod machine;
#[cfg(test)]
mod tests;

pub use machine::{Counts, Departed, Departures, Desk, Judge};
