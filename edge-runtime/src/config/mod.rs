//! The station's configuration: what the file says (`raw`), and what may be relied on (`check`).
//!
//! Millimetres, milliseconds and shares in the file, for people; micrometres and microseconds behind the check. Only
//! [`Config`] leaves this room. Whatever belongs to the model is in its bundle and not here.

mod audit;
mod check;
mod display;
mod raw;

pub use audit::Audit;
pub use check::{Config, ConfigError, Latency};
pub use display::{DisplaySettings, Ssd1306Settings, St7789Settings};

#[cfg(test)]
pub(crate) use display::tests::settings as display_settings;
