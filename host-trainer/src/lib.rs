//! Learns what a good part looks like, and writes it into one signed bundle.
//!
//! ARCHITECTURE.md lists the rooms in the order in which data flows through them. Only `net`, `loss`, `train` and `finetune` know
//! torch, and they exist only with the feature `torch`.

pub mod architecture;
pub mod assess;
pub mod cli;
pub mod clock;
pub mod data;
pub mod deliver;
pub mod device;
pub mod evaluate;
pub mod export;
#[cfg(feature = "torch")]
pub mod finetune;
pub mod import;
#[cfg(feature = "torch")]
pub mod loss;
#[cfg(feature = "torch")]
pub mod net;
pub mod preset;
pub mod quantise;
pub mod report;
pub mod simulate;
pub mod threshold;
#[cfg(feature = "torch")]
pub mod train;
