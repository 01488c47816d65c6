//! A bundle handed over from the page *Products*.
//!
//! | file | does |
//! |---|---|
//! | `form` | the form, and how much of a bundle has come |
//! | `take` | what arrives, handed on |
//! | `answer` | what became of it, for people |
//!
//! One bundle at a time is the station's own rule; what it checks is its own business.

mod answer;
mod form;
mod take;

pub use form::page;
pub(super) use form::{arriving, form};
pub use take::{limit, take};
