//! The black box: the last minutes of everything that went into the gate's machine, with the pictures of parts, to be run again.
//!
//! | room | takes | gives |
//! |---|---|---|
//! | [`entry`] | | the words of a recording |
//! | [`tape`] | entries, from the line's threads | the same to the recorder, or that some were lost; never waits |
//! | [`ring`] | entries | the last of them, bounded by time and bytes |
//! | [`recorder`] | a tape, and the wish to keep | files, from a thread of its own |
//! | [`trigger`] | what displays show | the wish to keep |
//! | [`file`](mod@file) | a recording | bytes, and back |
//! | [`rerun`] | a recording, other verdicts | what the gate does with them, and whether it did the same then |
//!
//! Everything is on the station's one monotonic clock. What the desk does with the gate's words is not recorded: the store has it.

pub mod entry;
pub mod file;
pub mod recorder;
pub mod rerun;
pub mod ring;
pub mod tape;
#[cfg(test)]
mod tests;
pub mod trigger;

pub use entry::{Entry, Movement, Shot};
pub use file::{BoxError, Header, Judge, Recording};
pub use recorder::{Recorder, Settings};
pub use tape::Tape;
