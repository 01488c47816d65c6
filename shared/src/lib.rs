//! What trainer and station must compute alike, or what the compiler must prove pure.
//!
//! From the outside in: a [`bundle`] is checked and opened, its [`manifest`] says how a [`frame`] becomes the network's
//! input ([`preprocess`], once its [`quality`] allows it) and how a heatmap becomes a [`score`]; the score, or a fault, becomes a [`verdict`]; the part
//! tracker in [`line`](mod@line) decides what the gate does; a [`record`] says what became of the part. The [`threshold`]
//! between good and bad comes from the scores of good parts, with a promise that [`beta`] bounds. [`drift`] watches whether a line still is
//! what it was when they were taken. [`units`], [`wall`] and [`limits`] serve all of them.
//!
//! No I/O, no clock, no allocation, no logger, no `unsafe`: this crate builds for a board without an operating system.

#![no_std]
#![forbid(unsafe_code)]

pub mod beta;
pub mod bundle;
pub mod drift;
pub mod frame;
pub mod key_text;
pub mod limits;
pub mod line;
pub mod manifest;
pub mod preprocess;
pub mod quality;
pub mod record;
pub mod score;
pub mod threshold;
pub mod units;
pub mod verdict;
pub mod wall;
