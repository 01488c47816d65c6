//! What station and plant say to each other, and how that becomes bytes.
//!
//! | file | does |
//! |---|---|
//! | [`words`] | the messages |
//! | [`upload`] | those of a bundle on its way |
//! | [`histogram`] | counts in fixed buckets |
//! | [`frame`] | messages to bytes of a stream, and back |
//!
//! Each side begins with [`PREFACE`]; then each message is its length as u32, little-endian, and that many bytes of postcard. Nothing is
//! longer than [`MOST_BYTES`]. A checksum is left out: both ends are on one machine.
//!
//! Version rule: the preface's last two bytes are the version of everything that follows; either side refuses others.

pub mod frame;
pub mod histogram;
pub mod upload;
pub mod words;

pub use frame::{Decoder, MOST_BYTES, PREFACE, WireError, encode};
pub use histogram::Histogram;
pub use upload::{Arriving, MOST_PIECE, NotTaken, Offer, Step, Uploaded};
pub use words::{Ages, Alarm, Counters, Drops, Greeting, Part, Queues, Readings, Standing, State, ToPlant, ToStation};
pub use words::{Basis, Bundle, Change, NotSet, Product, Products, Refusal, Wired};
