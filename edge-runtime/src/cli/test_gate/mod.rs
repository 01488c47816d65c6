//! `test-gate`: one pulse of the reject gate and one emergency, each step seen and confirmed by a person.
//!
//! `script` says what comes next and moves nothing, `drive` gives it time, sensors and outputs, `terminal` is the person, `protocol` what
//! is kept of it, `command` puts them together.

mod command;
mod drive;
mod protocol;
mod script;
mod terminal;

pub use command::{Args, run};
