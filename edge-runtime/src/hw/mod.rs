//! The only room that touches the machine: roles, the clock, and the twins that stand in for a board.
//!
//! [`roles`] says what a station needs of its hardware, [`board`] are the kernel's real devices, [`sim`] is the complete set
//! of twins round one virtual belt, [`wrap`] holds wrappers that go round any implementation. Nothing here decides what
//! becomes of a part.

pub mod board;
pub mod clock;
pub mod pixels;
pub mod position;
pub mod realtime;
pub mod roles;
pub mod sim;
pub mod wrap;
