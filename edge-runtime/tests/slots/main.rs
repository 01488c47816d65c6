//! Slots of bundles and recipes, from outside: a station that runs while bundles come, are refused, fail and are killed half-way, and
//! while products are changed and bundles are handed over for them.
//!
//! The station is the program itself, on the virtual line in real time; nothing is judged by how long it takes.

#![allow(clippy::unwrap_used, reason = "what a test builds on is valid, or the test fails")]

mod changeover;
mod kill;
mod live;
mod plant;
mod seal;
mod station;
mod upload;
mod wired;
mod workers;
