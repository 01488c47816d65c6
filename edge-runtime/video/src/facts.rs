//! What a camera's driver really does, as read back from it.

use crate::encoding::{Encoding, Interval};
use crate::stamps::Stamps;

/// What an opened camera does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The camera's name.
    pub card: String,
    /// The driver's name.
    pub driver: String,
    /// Where it is plugged in.
    pub bus: String,
    /// How its frames are arranged.
    pub encoding: Encoding,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Bytes from the beginning of a row to that of the next; 0 for MJPG.
    pub bytes_per_row: u32,
    /// From frame to frame, if the driver tells it.
    pub interval: Option<Interval>,
    /// Every control that can be read, after all of them were set.
    pub controls: Vec<ControlFact>,
    /// Where the times of frames come from. Decided over the first frames.
    pub stamps: Stamps,
    /// At which moment the driver stamps a frame, as it said with the last one.
    pub moment: Moment,
    /// Whether the driver says that its stamps are of `CLOCK_MONOTONIC`, as it said with the last frame. Its word decides
    /// nothing: some say so wrongly.
    pub claims_monotonic: bool,
}

/// One control with what it is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlFact {
    /// Its name.
    pub name: String,
    /// What the settings asked for, directly or as what another setting needs.
    pub asked: Option<i64>,
    /// What it reads. Drivers round.
    pub value: i64,
}

/// The moment that a driver's time-stamps are of, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The beginning of the exposure.
    ExposureStart,
    /// The end of the transfer, which is when most drivers look at the clock.
    FrameEnd,
    /// No frame has come yet.
    Unknown,
}
