//! What stands between the pure parts and the hardware: small machines that are stepped, and the loop that steps them.
//!
//! | stage | takes | gives | waits on |
//! |---|---|---|---|
//! | [`capture`] | registered parts, pictures | the part that a picture shows, or that none came | pictures |
//! | [`workers`] | pictures | verdicts, from threads of their own | the network |
//! | [`infer`] | pictures of a simulated line | verdicts, in order, at moments of virtual time | the network |
//! | [`gate`] | edges, verdicts, belt positions | gate movements, fates | nothing but belt positions |
//! | [`odometer`] | encoder steps | where the belt is at any moment | nothing |
//! | [`stall`] | edges, encoder steps | that the encoder stands while parts come | nothing |
//! | [`conductor`] | signals of a real line, orders | movements of all outputs, words for the desk | nothing but belt positions |
//! | [`desk`] | the gate's words, pictures, verdicts | orders, records, what people are told | nothing |
//! | [`audit`] | everything said about a part, with [`details`] that were measured | one record for each part | nothing |
//! | [`shift`] | the hardware | steps all of them in the order of time | light barriers |
//! | [`tally`] | the true course, the records | the table at the end of a simulated shift | |
//!
//! Queues are bounded by `shared::limits`: parts in flight, shots that wait for the network. Nothing here reads a clock.

pub mod audit;
pub mod capture;
pub mod conductor;
pub mod desk;
pub mod details;
pub mod gate;
pub mod infer;
pub mod odometer;
pub mod shift;
pub mod stall;
pub mod tally;
pub mod workers;
