//! What is around a station: the words that it is told in, and the process that hands them on to people and plant.
//!
//! [`wire`] is what station and plant say to each other over a Unix socket; the station links that and nothing else. The other rooms are
//! the plant's process, behind the feature `serve`: it knows neither the network nor the board, and whatever it does, the gate does not
//! notice.
//!
//! | room | takes | gives |
//! |---|---|---|
//! | [`wire`] | messages | bytes, and back |
//! | `config` | a file | checked settings |
//! | `link` | the station's socket | what is known of the line, and requests handed on |
//! | `line` | messages | what is known of the line |
//! | `press` | somebody who presses the reset button | an entry in the log, and the request |
//! | `marks` | what people say a part really was | a file of this process's own |
//! | `export` | marks, the station's records | folders that the trainer takes |
//! | `upload` | a bundle that somebody hands over | an entry in the log, and its pieces handed on |
//! | `setting` | somebody who sets the threshold | an entry in the log, and the request |
//! | `roles` | a file of people, names and passwords | who may do what |
//! | `store` | the station's records, read only | rejected parts and their pictures |
//! | `log` | what was changed, by whom | a chain of entries on the disk |
//! | `words` | a language | what people read |
//! | `web` | requests | pages, events, pictures, metrics |
//! | `secret` | files with secrets | what is never printed |
//! | `wired` | what was chosen at the station's own inputs | an entry in the log |
//! | `modbus` | requests of a controller | registers, a handshake |
//! | `mqtt` | what is known, records | messages to a broker |
//! | `clock` | | the time, for all others |

#[cfg(feature = "serve")]
pub mod cli;
#[cfg(feature = "serve")]
pub mod clock;
#[cfg(feature = "serve")]
pub mod config;
#[cfg(feature = "serve")]
pub mod export;
#[cfg(feature = "serve")]
pub mod line;
#[cfg(feature = "serve")]
pub mod link;
#[cfg(feature = "serve")]
pub mod log;
#[cfg(feature = "serve")]
pub mod marks;
#[cfg(feature = "serve")]
pub mod modbus;
#[cfg(feature = "serve")]
pub mod mqtt;
#[cfg(feature = "serve")]
mod pem;
#[cfg(feature = "serve")]
pub mod press;
#[cfg(feature = "serve")]
pub mod roles;
#[cfg(feature = "serve")]
pub mod secret;
#[cfg(feature = "serve")]
pub mod select;
#[cfg(feature = "serve")]
pub mod setting;
#[cfg(feature = "serve")]
pub mod store;
#[cfg(feature = "serve")]
pub mod upload;
#[cfg(feature = "serve")]
pub mod web;
pub mod wire;
#[cfg(feature = "serve")]
pub mod wired;
#[cfg(feature = "serve")]
pub mod words;
