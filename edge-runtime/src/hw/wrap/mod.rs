//! Wrappers that go round any implementation of a role.

pub mod faulty;
pub mod lines;
pub mod taped;
