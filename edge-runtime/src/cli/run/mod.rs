//! `run`: inspects a line. `command` opens what every line needs, `bundle` chooses which bundle judges, `shelf` has those of other products, `receive` takes bundles in for them; `simulated` and `live` run it.

mod bundle;
mod command;
mod live;
mod receive;
mod shelf;
mod simulated;

pub(super) use bundle::{Maker, Unfit};
pub use command::{Args, run};
