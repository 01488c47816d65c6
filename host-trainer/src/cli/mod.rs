//! The commands, one file each. Standard output is data, standard error is talk.

pub mod bench;
#[cfg(feature = "torch")]
mod benchmark;
pub mod evaluate;
pub mod exit;
pub mod import;
pub mod inspect;
pub mod keygen;
#[cfg(feature = "torch")]
mod lessons;
#[cfg(all(feature = "torch", target_os = "linux", target_env = "gnu"))]
mod memory;
pub mod options;
pub mod outcome;
#[cfg(feature = "torch")]
mod report_data;
pub mod train_and_export;
#[cfg(feature = "torch")]
mod training;

mod commands;

pub use commands::Cli;
pub use exit::Exit;
