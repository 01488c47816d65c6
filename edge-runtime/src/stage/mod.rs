//! What stands between the pure parts and the hardware: small machines that are stepped, and the loop that steps them.
//!
//! | stage | takes | gives | waits on |
//! |---|---|---|---|
//! | [`capture`] | registered parts, pictures | the part that a picture shows, or that none came | pictures |
//! | [`infer`] | pictures | verdicts, from worker threads, in order | the network |
//! | [`gate`] | edges, verdicts, belt positions | gate movements, fates | nothing but belt positions |
//! | [`audit`] | everything said about a part, with [`details`] that were measured | one record for each part | nothing |
//! | [`shift`] | the hardware | steps all of them in the order of time | light barriers |
//! | [`tally`] | the true course, the records | the table at the end of a simulated shift | |
//!
//! Queues are bounded by `shared::limits`: parts in flight, shots that wait for the network. Nothing here reads a clock.

pub mod audit;
pub mod capture;
pub mod details;
pub mod gate;
pub mod infer;
pub mod shift;
pub mod tally;
