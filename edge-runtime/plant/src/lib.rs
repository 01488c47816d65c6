//! What is around a station: the words that it is told in.
//!
//! [`wire`] is what a station and the process beside it say to each other over a Unix socket. Neither network nor board is known here.

pub mod wire;
