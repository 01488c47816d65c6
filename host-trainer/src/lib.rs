//! Learns what a good part looks like, and writes it into one signed bundle.
//!
//! The rooms stand in the order in which data flows through them. Only `net`, `loss` and `train` know torch, and they
//! exist only with the feature `torch`.

pub mod data;
pub mod simulate;
#[cfg(feature = "torch")]
pub mod net;
#[cfg(feature = "torch")]
pub mod loss;
#[cfg(feature = "torch")]
pub mod train;
pub mod import;
pub mod export;
pub mod evaluate;
pub mod assess;
pub mod threshold;
pub mod deliver;
pub mod report;
pub mod cli;
pub mod clock;
pub mod device;
pub mod preset;
