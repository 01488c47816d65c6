//! The three figures of a line, each held against what was usual.
//!
//! Takes [`Sample`]s of judged parts; gives what has [`Moved`]. Another bundle's samples begin anew, since they have another yardstick.

use core::fmt;

use libm::{exp, log1p};

use super::ranks::{HeldOut, Rank, Ranks};
use super::sums::{Scale, Sums};
use super::usual::{Look, Moments};
use crate::manifest::Manifest;
use crate::units::{Micros, Score};

/// Moves of a mean that are worth a warning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerances {
    /// Of the brightness, as a share of it, above 0.
    pub brightness: f64,
    /// Of the sharpness, as a share of it, above 0.
    pub sharpness: f64,
}

/// A figure of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Mean brightness of the pictures.
    Brightness,
    /// Sharpness of the pictures, whatever their brightness.
    Sharpness,
    /// Scores of the parts that passed.
    Scores,
}

impl Figure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Brightness, Self::Sharpness, Self::Scores];
}

/// A figure that has moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved {
    /// Which.
    pub figure: Figure,
    /// Since when, as far as can be told.
    pub since: Micros,
    /// Where to.
    pub to: To,
}

/// Where a figure has moved to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum To {
    /// From this mean to that one, in the figure's own measure.
    Mean {
        /// What was usual.
        usual: f64,
        /// What it has been since.
        now: f64,
    },
    /// To higher scores, or to lower ones.
    Higher(bool),
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.figure, self.to) {
            (Figure::Brightness, To::Mean { usual, now }) => {
                write!(f, "pictures have a brightness of {now:.0}, usual is {usual:.0}")
            }
            (_, To::Mean { usual, now }) => {
                write!(f, "pictures are {:.2} times as sharp as usual", exp(0.5 * (now - usual)))
            }
            (_, To::Higher(true)) => f.write_str("parts that pass have higher scores than usual"),
            (_, To::Higher(false)) => f.write_str("parts that pass have lower scores than usual"),
        }
    }
}

/// What a bundle's samples are held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Yardstick {
    brightness: Scale,
    sharpness: Scale,
    held_out: HeldOut,
}

impl Yardstick {
    /// What a manifest says is usual.
    pub fn new(manifest: &Manifest, tolerances: &Tolerances) -> Self {
        let usual = manifest.usual();
        let scale = |moments: Moments, worth| {
            Scale::new(f64::from(moments.mean), f64::from(moments.deviation), usual.pictures, worth)
        };
        let passing = passing(manifest).len();
        let (scores, parts) = (manifest.good_scores().len(), manifest.good_part_count());
        Self {
            brightness: scale(usual.brightness, f64::from(usual.brightness.mean) * tolerances.brightness),
            // Of a logarithm, a share is a difference.
            sharpness: scale(usual.sharpness, log1p(tolerances.sharpness)),
            held_out: HeldOut::new(passing, parts * passing / scores.max(1)),
        }
    }
}

/// Scores of the held-out good parts that passed, ascending.
fn passing(manifest: &Manifest) -> &[f32] {
    let (scores, threshold) = (manifest.good_scores(), manifest.own_threshold().get());
    &scores[..scores.partition_point(|&score| score <= threshold)]
}

/// A judged part, as its picture and its score were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// What it is held against.
    pub yardstick: Yardstick,
    /// What its picture was like.
    pub look: Look,
    /// How its score ranks; `None` of a part without a score, or one that the bundle's own threshold does not let pass.
    pub rank: Option<Rank>,
}

impl Sample {
    /// A part that was judged by this manifest's model.
    pub fn new(yardstick: Yardstick, manifest: &Manifest, look: Look, score: Option<Score>) -> Self {
        let passed = score.filter(|score| *score <= manifest.own_threshold());
        Self { yardstick, look, rank: passed.map(|score| Rank::of(score.get(), passing(manifest))) }
    }
}

/// Watches the figures of a line. About 5 KiB.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    yardstick: Option<Yardstick>,
    brightness: Sums,
    sharpness: Sums,
    scores: Ranks,
}

impl Watch {
    /// Before the first part.
    pub const fn new() -> Self {
        Self { yardstick: None, brightness: Sums::new(), sharpness: Sums::new(), scores: Ranks::new() }
    }

    /// Takes a part in, judged at `now`.
    pub fn step(&mut self, now: Micros, sample: &Sample) {
        if self.yardstick != Some(sample.yardstick) {
            *self = Self { yardstick: Some(sample.yardstick), ..Self::new() };
        }
        let Yardstick { brightness, sharpness, held_out } = &sample.yardstick;
        self.brightness.step(now, f64::from(sample.look.brightness), brightness);
        if let Some(value) = sample.look.sharpness {
            self.sharpness.step(now, f64::from(value), sharpness);
        }
        if let Some(rank) = sample.rank {
            self.scores.step(now, rank, held_out);
        }
    }

    /// How a figure has moved; `None` while it has not.
    pub fn moved(&self, figure: Figure) -> Option<Moved> {
        let yardstick = self.yardstick.as_ref()?;
        let mean = |sums: &Sums, scale: &Scale| {
            let (since, now) = sums.moved()?;
            Some((since, To::Mean { usual: scale.mean(), now }))
        };
        let (since, to) = match figure {
            Figure::Brightness => mean(&self.brightness, &yardstick.brightness)?,
            Figure::Sharpness => mean(&self.sharpness, &yardstick.sharpness)?,
            Figure::Scores => self.scores.moved().map(|(since, higher)| (since, To::Higher(higher)))?,
        };
        Some(Moved { figure, since, to })
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}
