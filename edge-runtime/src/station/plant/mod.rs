//! What the plant's process hears of the line, and what it may ask for.
//!
//! | file | does | pure |
//! |---|---|---|
//! | [`feed`] | what the loop sees → a standing and parts | yes |
//! | `slot` | what waits between the loop and the thread, bounded | yes, but for a lock |
//! | `client` | one connection: messages out, requests in, never waiting | the socket |
//! | [`setter`] | a threshold that the plant sets → kept, then left for the line | the disk |
//! | `thread` | the socket, and who is connected | the socket |
//!
//! The loop leaves something in a slot and goes on. A plant that is slow loses parts, which are counted; one that does not read at all is
//! dropped; a thread that dies leaves the line running. The plant may ask for four things: the reset button, another product, another
//! threshold, where the configuration allows it, and that a bundle be taken in, which is handed on to the thread that changes products.

mod client;
pub mod feed;
pub mod setter;
mod slot;
#[cfg(test)]
mod tests;
mod thread;

pub use feed::{Feed, Wishes};
