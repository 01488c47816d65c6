//! What a camera can do, as its driver lists it.

use std::path::PathBuf;

use crate::encoding::{FourCc, Interval};

/// One camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraInfo {
    /// Its node, which may be another one after the next start.
    pub node: PathBuf,
    /// Links to it that stay: by the port that it is plugged into, then by its serial number.
    pub links: Vec<PathBuf>,
    /// The camera's name.
    pub card: String,
    /// The driver's name.
    pub driver: String,
    /// Where it is plugged in.
    pub bus: String,
    /// Offers nothing but the multi-planar interface, and cannot be opened.
    pub multi_planar: bool,
    /// What it can send.
    pub formats: Vec<FormatInfo>,
    /// What can be set.
    pub controls: Vec<ControlInfo>,
}

/// An arrangement of pixels with its sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatInfo {
    /// Its four letters. What [`Encoding::from_fourcc`](crate::Encoding::from_fourcc) does not know cannot be used.
    pub fourcc: FourCc,
    /// The driver's words for it.
    pub description: String,
    /// Its sizes.
    pub sizes: Vec<SizeInfo>,
}

/// A size, or a range of sizes, with its rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeInfo {
    /// In pixels.
    pub sizes: Sizes,
    /// From frame to frame; of a range of sizes, at its greatest.
    pub intervals: Intervals,
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// One size.
    One(u32, u32),
    /// Any size from the first to the second, in steps of the third.
    Range((u32, u32), (u32, u32), (u32, u32)),
}

/// Times from frame to frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intervals {
    /// These.
    Each(Vec<Interval>),
    /// Any from the shortest to the longest.
    Range(Interval, Interval),
}

/// One control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlInfo {
    /// The kernel's number for it.
    pub id: u32,
    /// Its name in settings.
    pub name: String,
    /// The driver's label.
    pub label: String,
    /// What its values mean.
    pub kind: ControlKind,
    /// The least value.
    pub minimum: i64,
    /// The greatest value.
    pub maximum: i64,
    /// Distance of values that make a difference.
    pub step: u64,
    /// What it is at the start.
    pub default: i64,
    /// What it is now, if that can be read.
    pub value: Option<i64>,
    /// Has no effect at present, as another control governs the same.
    pub inactive: bool,
    /// Cannot be set.
    pub read_only: bool,
}

/// What a control's values mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlKind {
    /// An amount.
    Amount,
    /// 0 for off, 1 for on.
    Switch,
    /// Numbers of these entries.
    Menu(Vec<(i64, String)>),
    /// Setting it does something; it has no value.
    Button,
    /// Text, a large number, single bits or a table, which settings cannot express.
    Beyond,
}
