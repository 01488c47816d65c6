//! Slots of bundles, from outside: a station that runs while bundles come, are refused, fail and are killed half-way.
//!
//! The station is the program itself, on the virtual line in real time; nothing is judged by how long it takes.

#![allow(clippy::unwrap_used, reason = "what a test builds on is valid, or the test fails")]

mod kill;
mod live;
mod seal;
mod station;
mod workers;
