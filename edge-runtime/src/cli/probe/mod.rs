//! `probe`: what devices this machine has that a station can use.
//!
//! `command` puts together the tables of `cameras`, GPIO `chips` and other `nodes`; `words` holds what their
//! lines share.

#[cfg(any(feature = "camera", target_arch = "aarch64"))]
mod cameras;
mod chips;
mod command;
mod nodes;
mod words;

pub(in crate::cli) use chips::{ChipSeen, chips};
pub use command::{Args, run};
