//! What people and machines changed: a file to which entries are added and that nobody edits unseen.
//!
//! | file | does |
//! |---|---|
//! | [`chain`] | one entry as a line that holds its own hash and that of the line before; no files |
//! | [`check`] | whether lines follow each other; no files |
//! | [`files`] | the lines on the disk: flushed before anybody goes on, rotated, a torn end closed |
//! | [`read`] | entries for people, the newest first, and the check of a whole folder |
//! | [`journal`] | the same for the threads of the server, one entry after the other |
//!
//! A chain finds what is edited, removed, or put elsewhere between its first and its last line. It cannot find that lines are missing at
//! its end, or that somebody wrote all of it anew: for that its head has to be known elsewhere, and so it is shown and exported.

pub mod chain;
pub mod check;
pub mod files;
pub mod journal;
pub mod read;

pub use chain::{Chain, Entry, Note};
pub use files::LogError;
pub use journal::Journal;
