//! Learns what a good part looks like, and writes it into one signed bundle.
//!
//! The rooms stand in the order in which data flows through them. Only `net`, `loss` and `train` know torch, and they
//! exist only with the feature `torch`.

pub mod data;
pub mod export;
