//! Counters, states and a handshake for a line's controller, over Modbus TCP.
//!
//! | file | does | pure |
//! |---|---|---|
//! | [`handshake`] | results one by one, each until it is acknowledged | yes |
//! | [`map`] | THE map: which register and which bit says what | yes |
//! | [`serve`](mod@serve) | answers requests | no |
//!
//! What the line does about a part it does by itself: a controller that polls slowly, or not at all, changes nothing but what it knows.

pub mod handshake;
pub mod map;
pub mod serve;
