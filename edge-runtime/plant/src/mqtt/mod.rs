//! What becomes of parts, alarms and counters, published to an MQTT broker; and one command from there, where it is allowed.
//!
//! | file | does | pure |
//! |---|---|---|
//! | [`topics`] | THE table of topics | yes |
//! | [`payload`] | what is said in each, as JSON | yes |
//! | [`backlog`] | which part is told next, which were told, which are lost | yes |
//! | [`alarms`] | alarms raised and cleared, in their order | yes |
//! | [`outbox`] | what is sent next, and what follows from an acknowledgement | yes |
//! | [`command`] | whether a message may press the reset button | yes |
//! | [`settings`] | the section of the configuration, checked | but for the secrets' files |
//! | [`tls`] | whose certificates are believed | no: files |
//! | [`mark`] | how far the broker has heard, kept over a restart | no: a file |
//! | [`session`] | one connection with the broker | no |
//! | [`serve`](mod@serve) | connects again and again, and asks the store for what is to be told | no |
//!
//! Parts come from the station's records by their number, not from what was heard: so nothing needs to be held while the broker is away, and
//! a part is told until the broker has acknowledged it, over restarts of either.

pub mod alarms;
pub mod backlog;
pub mod command;
pub mod mark;
pub mod outbox;
pub mod payload;
pub mod serve;
pub mod session;
pub mod settings;
pub mod tls;
pub mod topics;
