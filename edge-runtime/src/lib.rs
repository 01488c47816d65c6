//! The inspection station: frames in, parts followed down the belt, bad parts rejected.
//!
//! From the outside in: [`cli`] holds the commands and [`config`] what they read; [`app`] puts a station together out of
//! the devices in [`hw`], the stages in [`stage`] and the network in [`engine`]; [`hmi`] is what people see of it, and
//! [`store`] what it remembers, and [`blackbox`] what the last minutes were, to be run again. The signed bundle, opened in [`bundle`], is all that it knows of a trainer.

pub mod app;
pub mod blackbox;
pub mod bundle;
pub mod cli;
pub mod config;
pub mod engine;
pub mod health;
pub mod hmi;
pub mod hw;
pub mod recipes;
pub mod stage;
pub mod station;
pub mod store;
