//! Pictures from V4L2 cameras.
//!
//! [`survey`] lists the cameras that there are; [`Camera::open`] sets one up, reads back what its driver really did
//! ([`Facts`]), and gives one [`Event`] after the other: a frame, a damaged frame, nothing in time. A camera that has been
//! unplugged is [`VideoError::Gone`]; opening it again is the caller's business. Frames are borrowed from the kernel's
//! buffers until the next call.
//!
//! Times are microseconds of the kernel's `CLOCK_MONOTONIC`, in which drivers stamp their frames and GPIO edges are
//! stamped too. It knows nothing of parts or belts, decodes no JPEG and converts no colour. Devices that offer nothing but
//! the multi-planar interface are refused.

mod abilities;
mod buffers;
mod camera;
mod clock;
mod control;
mod encoding;
mod error;
mod facts;
mod info;
mod ioctl;
mod node;
mod sequence;
mod settings;
mod setup;
mod stamps;
mod survey;

pub use camera::{Camera, Damage, Event};
pub use clock::{now_us, wait_until_us};
pub use control::ControlError;
pub use encoding::{Encoding, FourCc, Interval};
pub use error::VideoError;
pub use facts::{ControlFact, Facts, Moment};
pub use info::{CameraInfo, ControlInfo, ControlKind, FormatInfo, Intervals, SizeInfo, Sizes};
pub use settings::{ControlSetting, Settings};
pub use stamps::{StampCheck, Stamps};
pub use survey::{Survey, list, survey};
