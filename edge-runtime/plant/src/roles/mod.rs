//! Who may do what, and how the page knows who asks.
//!
//! | file | does |
//! |---|---|
//! | [`role`] | operator, engineer, admin |
//! | [`people`] | names, roles and hashes of passwords, in a file |
//! | [`sessions`] | who is signed in; no clock, no chance of its own |
//! | [`limit`] | how often something may be tried; no clock, constant memory |
//! | [`access`] | the four together, for the threads of the server |
//!
//! As long as no admin has a password, whoever is at this machine may do what an operator may, and nobody else reaches the page.

pub mod access;
pub mod limit;
pub mod people;
pub mod role;
pub mod sessions;

pub use access::{Access, Visitor};
pub use people::{People, Person};
pub use role::Role;
