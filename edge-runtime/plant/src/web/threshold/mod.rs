//! The page *Threshold*: what good parts score, what another threshold promises and would have done, and setting it.
//!
//! | file | does |
//! |---|---|
//! | `page` | the page, and what becomes of a change |
//! | `tally` | scores → how many lie where, and what they would have been |
//! | `wish` | what a reader asks for → a threshold to look at |
//!
//! What a threshold promises is computed where the trainer computes it: [`shared::threshold`].

mod page;
mod tally;
mod wish;

pub(in crate::web) use page::among_good;
pub use page::{change, page};
