//! The station's configuration: what the file says (`raw`), and what may be relied on (`check`).
//!
//! Millimetres, milliseconds and shares in the file, for people; micrometres and microseconds behind the check. Only
//! [`Config`] leaves this room. Whatever belongs to the model is in its bundle and not here.

mod alarms;
mod audit;
mod black_box;
mod board;
mod check;
mod checker;
mod display;
mod drift;
mod error;
mod lines;
mod plant;
mod raw;
mod recipe;
mod simulation;

pub use audit::Audit;
pub use black_box::BlackBox;
pub use board::{Belt, Board, BoardCamera, Exposure};
pub use check::{Config, Hardware};
pub use display::{DisplaySettings, Ssd1306Settings, St7789Settings};
pub use error::ConfigError;
pub use lines::{Bias, Lines, MOST_SELECT, Select, Wire};
pub use recipe::{MOST_RECIPES, OWN, Recipe, is_name as is_recipe_name};
pub use simulation::{Latency, Simulation};

#[cfg(test)]
pub(crate) use display::tests::settings as display_settings;
