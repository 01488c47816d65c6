//! What people read, in the languages that it is there in.
//!
//! `table` is the one table of words; `remedies` says what to do about an alarm. Codes are the same in every language: they stand on the
//! wall chart, in records and in metrics.

mod remedies;
mod table;

pub use remedies::remedy;
pub use table::{Language, Word};
