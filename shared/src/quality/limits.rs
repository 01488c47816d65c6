//! What a picture must be like, and what is wrong with one that is not.
//!
//! Takes measured figures and limits; gives the first flaw, with figure and limit.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::gauge::Quality;

/// Limits as a configuration gives them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLimits {
    /// Least mean brightness, 0 to 255; 0 lets any darkness pass.
    pub least_brightness: f32,
    /// Greatest share of saturated pixels, 0 to 1; 1 lets any pass.
    pub most_saturated: f32,
    /// Least sharpness; 0 lets any pass.
    pub least_sharpness: f32,
    /// Equal pictures in a row that show a frozen camera, at least 2; 0 lets any number pass.
    pub frozen_after: u32,
}

/// Checked limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits(RawLimits);

/// A limit that no picture could meet, or that is no number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitError {
    /// Which.
    pub field: &'static str,
    /// Its value.
    pub value: f32,
    /// What it may be.
    pub permitted: &'static str,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: permitted is {}", self.field, self.value, self.permitted)
    }
}

impl core::error::Error for LimitError {}

impl Limits {
    /// Checks limits.
    ///
    /// # Errors
    /// [`LimitError`] names the first that is out of range.
    pub fn new(raw: RawLimits) -> Result<Self, LimitError> {
        let RawLimits { least_brightness, most_saturated, least_sharpness, frozen_after } = raw;
        let refuse = |field, value, permitted| Err(LimitError { field, value, permitted });
        if !(0.0..=255.0).contains(&least_brightness) {
            return refuse("least_brightness", least_brightness, "0 to 255");
        }
        if !(0.0..=1.0).contains(&most_saturated) {
            return refuse("most_saturated", most_saturated, "0 to 1");
        }
        if !(0.0..=f32::MAX).contains(&least_sharpness) {
            return refuse("least_sharpness", least_sharpness, "0 or more");
        }
        if frozen_after == 1 {
            return refuse("frozen_after", 1.0, "0, or 2 and more");
        }
        Ok(Self(raw))
    }

    /// As a configuration would give them.
    #[must_use]
    pub const fn raw(&self) -> RawLimits {
        self.0
    }
}

/// What is wrong with a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flaw {
    /// Too dark: the light is off, or the lens is covered.
    Dark {
        /// Mean brightness.
        brightness: f32,
        /// The least that is permitted.
        least: f32,
    },
    /// Overexposed.
    Saturated {
        /// Share of saturated pixels.
        share: f32,
        /// The greatest that is permitted.
        most: f32,
    },
    /// Out of focus, moved, or dirty.
    Blurred {
        /// Variance of the Laplacian.
        sharpness: f32,
        /// The least that is permitted.
        least: f32,
    },
    /// The same picture again and again.
    Frozen {
        /// How many in a row are equal.
        alike: u32,
        /// The number from which a camera counts as frozen.
        limit: u32,
    },
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dark { brightness, least } => write!(f, "too dark: brightness {brightness:.1}, at least {least:.1}"),
            Self::Saturated { share, most } => {
                write!(f, "overexposed: {:.2} % of pixels saturated, at most {:.2} %", share * 100.0, most * 100.0)
            }
            Self::Blurred { sharpness, least } => write!(f, "blurred: sharpness {sharpness:.1}, at least {least:.1}"),
            Self::Frozen { alike, limit } => {
                write!(f, "frozen: {alike} equal pictures in a row, {limit} show a camera that has stopped")
            }
        }
    }
}

impl core::error::Error for Flaw {}

impl Quality {
    /// Holds a picture against limits.
    ///
    /// # Errors
    /// The first [`Flaw`]: darkness before saturation before blur before freezing, since what is dark looks blurred too.
    pub fn check(&self, limits: &Limits) -> Result<(), Flaw> {
        let RawLimits { least_brightness, most_saturated, least_sharpness, frozen_after } = limits.0;
        if self.brightness < least_brightness {
            return Err(Flaw::Dark { brightness: self.brightness, least: least_brightness });
        }
        if self.saturated > most_saturated {
            return Err(Flaw::Saturated { share: self.saturated, most: most_saturated });
        }
        if self.sharpness < least_sharpness {
            return Err(Flaw::Blurred { sharpness: self.sharpness, least: least_sharpness });
        }
        if frozen_after != 0 && self.alike >= frozen_after {
            return Err(Flaw::Frozen { alike: self.alike, limit: frozen_after });
        }
        Ok(())
    }
}
