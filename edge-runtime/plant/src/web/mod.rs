//! The page for people and the figures for the plant, over HTTP.
//!
//! | file | does |
//! |---|---|
//! | [`serve`](mod@serve) | who is let in, and which file answers what |
//! | `guard` | hosts and origins, headers |
//! | `layout` | what every page has |
//! | `live` | the page *Live*, in regions that change one by one |
//! | `events` | the regions that have changed, as server-sent events |
//! | `rejects` | the gallery of rejected parts, and the page of one |
//! | `pictures` | picture files |
//! | `records` | questions to the store, aside and within a time |
//! | `metrics` | Prometheus' text, and whether all is well |
//!
//! Everything is in the program: no page needs the internet, or a script to be read.

mod events;
mod guard;
mod layout;
mod live;
mod metrics;
mod pictures;
pub(crate) mod records;
mod rejects;
pub mod serve;

pub use serve::serve;
