//! What is asked of a camera.

use std::path::PathBuf;

use crate::encoding::{Encoding, Interval};

/// How a camera is to be set up. What its driver made of it is in [`Facts`](crate::Facts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The device: a node, or better a link below `/dev/v4l/by-path` or `/dev/v4l/by-id`, which names the same camera after it
    /// has been plugged in again.
    pub device: PathBuf,
    /// Encodings that will do, the best first. The first that the camera gives in the wanted size is taken.
    pub encodings: Vec<Encoding>,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// From frame to frame; the driver's own choice without. Drivers take the nearest one that they have.
    pub interval: Option<Interval>,
    /// Controls to set. What they need to take effect is set before them: the exposure time switches the automatic exposure
    /// off.
    pub controls: Vec<ControlSetting>,
}

/// A control and the value that it shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlSetting {
    /// Its name, as [`list`](crate::list) gives it: `exposure_time` (in units of 100 microseconds), `gain`,
    /// `white_balance_temperature` (in kelvin), `focus`, `power_line_frequency` (0 off, 1 for 50 Hz, 2 for 60 Hz),
    /// `brightness` and so on.
    pub name: String,
    /// Within the control's range; for a menu the number of the entry, for a switch 0 or 1.
    pub value: i64,
}
