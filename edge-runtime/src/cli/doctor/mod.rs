//! `doctor`: whether this machine can run this station, as a table that says what to do.
//!
//! `command` puts the checks in their order, and `patience` ends one that does not come back; `row` is what each of them gives,
//! `table` what people and programs read. The checks, a file for each group: `configuration`, `model`, `camera`, `lines`, `clocks`,
//! `realtime`, `disk`, `heat`, `service`, `display`. None moves an output.

mod camera;
mod clocks;
mod command;
mod configuration;
mod disk;
mod display;
mod heat;
mod lines;
mod model;
mod patience;
mod realtime;
mod row;
mod service;
mod table;

pub use command::{Args, run};
