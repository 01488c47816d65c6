//! What became of every part, on the disk: a SQLite file of records beside a folder of pictures.
//!
//! | file | does | pure |
//! |---|---|---|
//! | [`run`] | what is known of a whole run | yes |
//! | [`keep`] | which parts leave a picture | yes |
//! | [`retain`] | what is deleted, and when | yes |
//! | [`sink`] | takes records from the line and never lets it wait | threads |
//! | `writer` | the one thread that writes the database, many records a write | disk |
//! | `pictures` | the one thread that encodes pictures and writes them | disk |
//! | `progress` | what the three know of each other | yes, but for locks |
//! | `sweep` | deletes what [`retain`] says, and what a kill left behind | disk |
//! | `schema` | tables, their version, how the file is opened | disk |
//! | [`entry`] | a record with its measurements and pictures, to and from a row | yes |
//! | `durable` | files that are whole and on the disk before they have a name | disk |
//! | `png` | evidence to picture files | yes |
//! | [`read`] | reads while the station runs | disk |
//! | [`export`] | a stretch of time as a folder for the trainer | disk |
//!
//! A record is acknowledged when it survives a power cut. A row names a picture only when the picture is on the disk, and a
//! picture is deleted only when no row on the disk names it: after any kill, what is named exists. What a kill leaves without a
//! name is removed when the store is next opened.
//!
//! Version rule: the database's `user_version` counts the steps that made its tables. Opening for writing takes the missing
//! steps, one transaction each; a file with more steps than are known is refused and left alone.

pub(crate) mod durable;
pub mod entry;
pub mod error;
pub mod export;
pub mod keep;
mod pictures;
mod png;
mod progress;
pub mod read;
pub mod retain;
pub mod run;
mod schema;
pub mod sink;
mod sweep;
#[cfg(test)]
mod tests;
mod writer;

pub use entry::Entry;
pub use error::StoreError;
pub use keep::{Class, Keep};
pub use read::{Filter, Reader};
pub use retain::Limits;
pub use run::{EndReason, RunId, RunStart, Takeover};
pub use sink::{Store, Summary};
