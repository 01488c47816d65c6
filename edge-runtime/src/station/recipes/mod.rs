//! Changing products, and taking bundles in for them, while the line runs.
//!
//! | file | does | pure |
//! |---|---|---|
//! | [`exchange`] | what is wished for, and how far it is: between plant, line and thread | yes, but for a lock |
//! | [`intake`] | the steps of a bundle on its way, and the replies to them | yes |
//! | [`strobe`] | levels of inputs → which product is chosen at them | yes |
//! | [`selector`] | hears those inputs | the inputs |
//! | [`thread`] | makes another product's bundle ready, writes the choice down, hands both to the line; takes bundles in | the disk, the model |
//!
//! The product before goes on being inspected until the other one's bundle is verified, tested, warmed up and chosen for every start to
//! come. What then happens to the parts in flight is the line's business.

pub mod exchange;
pub mod intake;
pub mod selector;
pub mod strobe;
pub mod thread;

pub use exchange::Exchange;
pub use thread::{Book, Keeping, Link, Made, WithRecipes};
