//! `run`: inspects a line. `command` opens what every line needs, `bundle` chooses which bundle judges; `simulated` and `live` run it.

mod bundle;
mod command;
mod live;
mod simulated;

pub(super) use bundle::{Maker, Unfit};
pub use command::{Args, run};
