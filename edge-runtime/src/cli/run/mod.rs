//! `run`: inspects a line. `command` opens what every line needs; `simulated` and `live` run it.

mod command;
mod live;
mod simulated;

pub use command::{Args, run};
