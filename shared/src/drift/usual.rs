//! What pictures of good parts are usually like.
//!
//! Takes measured pictures; gives mean and deviation of two figures. Judges nothing.

use core::fmt;

use libm::{log, sqrt};
use serde::{Deserialize, Serialize};

use crate::quality::Quality;

/// Mean and standard deviation of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Mean.
    pub mean: f32,
    /// Standard deviation, 0 or more.
    pub deviation: f32,
}

/// What a picture is like, as far as light and lens go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Mean brightness, 0 to 255.
    pub brightness: f32,
    /// Natural logarithm of the variance of the Laplacian over the square of the brightness: a change of light alone leaves it as it is.
    /// `None` of a picture without light or without any detail.
    pub sharpness: Option<f32>,
}

impl Look {
    /// What a measured picture is like.
    pub fn of(quality: &Quality) -> Self {
        let [brightness, detail] = [quality.brightness, quality.sharpness].map(f64::from);
        let told = brightness > 0.0 && detail > 0.0;
        let sharpness = told.then(|| (log(detail) - 2.0 * log(brightness)) as f32);
        Self { brightness: quality.brightness, sharpness }
    }
}

/// What the pictures of good parts were like from which a model comes. Part of a manifest; unchecked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// Pictures that were measured.
    pub pictures: u32,
    /// Their [`Look::brightness`].
    pub brightness: Moments,
    /// Their [`Look::sharpness`], of those that have one.
    pub sharpness: Moments,
}

/// What cannot be usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum UsualError {
    /// No picture was measured.
    NoPictures,
    /// A figure lies outside its range.
    OutOfRange {
        /// Which.
        field: &'static str,
        /// Its value.
        value: f32,
        /// What it may be.
        permitted: &'static str,
    },
}

impl fmt::Display for UsualError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPictures => f.write_str("usual.pictures is 0: no picture of a good part was measured"),
            Self::OutOfRange { field, value, permitted } => write!(f, "{field} is {value}, permitted is {permitted}"),
        }
    }
}

impl core::error::Error for UsualError {}

impl Usual {
    /// Measures pictures.
    pub fn of(looks: impl IntoIterator<Item = Look>) -> Self {
        let (mut brightness, mut sharpness) = (Running::default(), Running::default());
        for look in looks {
            brightness.add(look.brightness);
            if let Some(value) = look.sharpness {
                sharpness.add(value);
            }
        }
        Self { pictures: brightness.count, brightness: brightness.moments(), sharpness: sharpness.moments() }
    }

    /// Checks every rule.
    ///
    /// # Errors
    /// The first [`UsualError`].
    pub fn check(&self) -> Result<(), UsualError> {
        if self.pictures == 0 {
            return Err(UsualError::NoPictures);
        }
        let refuse = |field, value, permitted| Err(UsualError::OutOfRange { field, value, permitted });
        let Moments { mean, deviation } = self.brightness;
        if !(0.0..=255.0).contains(&mean) {
            return refuse("usual.brightness.mean", mean, "0 to 255");
        }
        if !(0.0..=255.0).contains(&deviation) {
            return refuse("usual.brightness.deviation", deviation, "0 to 255");
        }
        let Moments { mean, deviation } = self.sharpness;
        if !(-100.0..=100.0).contains(&mean) {
            return refuse("usual.sharpness.mean", mean, "-100 to 100");
        }
        if !(0.0..=100.0).contains(&deviation) {
            return refuse("usual.sharpness.deviation", deviation, "0 to 100");
        }
        Ok(())
    }
}

/// Mean and sum of squared differences from it, after B. P. Welford (Technometrics 4, 1962), which loses no digits.
#[derive(Default)]
struct Running {
    count: u32,
    mean: f64,
    squares: f64,
}

impl Running {
    fn add(&mut self, value: f32) {
        let value = f64::from(value);
        self.count = self.count.saturating_add(1);
        let before = value - self.mean;
        self.mean += before / f64::from(self.count);
        self.squares += before * (value - self.mean);
    }

    fn moments(&self) -> Moments {
        let others = self.count.saturating_sub(1).max(1);
        Moments { mean: self.mean as f32, deviation: sqrt(self.squares / f64::from(others)) as f32 }
    }
}
