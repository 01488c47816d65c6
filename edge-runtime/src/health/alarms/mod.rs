//! What is wrong with the station, and what follows: permit, alarm output, lamp, what people read.
//!
//! `happening` has the words that it is told in, `table` a row for each alarm, `machine` which of them are active. Alarms are of the
//! station; what becomes of a part is `shared::verdict`'s table, whose rows that stop the line raise an alarm of the same code here.

mod happening;
mod machine;
mod table;
#[cfg(test)]
mod tests;

pub use happening::{Condition, Happening};
pub use machine::{Alarms, Limits, RATE_WINDOW, Raised};
pub use table::{ALARMS, Row};
