//! `run`: inspects a line. `command` opens what every line needs, `bundle` chooses which bundle judges, `shelf` has those of other products; `simulated` and `live` run it.

mod bundle;
mod command;
mod live;
mod shelf;
mod simulated;

pub(super) use bundle::{Maker, Unfit};
pub use command::{Args, run};
