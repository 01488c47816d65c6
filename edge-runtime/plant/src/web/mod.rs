//! The page for people and the figures for the plant, over HTTP.
//!
//! | file | does |
//! |---|---|
//! | [`serve`](mod@serve) | connections |
//! | `connections` | how many, of whom, and who makes room |
//! | [`routes`] | which address is for whom, and what answers |
//! | `guard` | hosts and origins, headers |
//! | `admit` | who asks, whether they may, and whether they mean it |
//! | `login` | signing in and out |
//! | `tls` | TLS from files |
//! | `layout` | what every page has |
//! | `reader` | who reads a page, and in which language |
//! | `live` | the page *Live*, in regions that change one by one |
//! | `events` | the regions that have changed, as server-sent events |
//! | `rejects` | the gallery of rejected parts, and the page of one |
//! | `marks` | what somebody says a part really was |
//! | `threshold` | the page *Threshold*, and setting it |
//! | `health` | how the station and its board are |
//! | `chart` | counts → a picture of bars |
//! | `log` | what was changed, by whom |
//! | `pictures` | picture files |
//! | `products` | the page *Products*, and the change of products |
//! | `upload` | a bundle for a recipe |
//! | `records` | questions to the store, aside and within a time |
//! | `metrics` | Prometheus' text, and whether all is well |
//!
//! Everything is in the program: no page needs the internet, or a script to be read.

mod admit;
mod chart;
mod connections;
mod events;
mod guard;
mod health;
mod layout;
mod live;
mod log;
mod login;
mod marks;
pub mod metrics;
mod pictures;
mod products;
mod reader;
pub(crate) mod records;
mod rejects;
pub mod routes;
pub mod serve;
mod threshold;
pub mod tls;
mod upload;

pub use serve::{Served, serve};
