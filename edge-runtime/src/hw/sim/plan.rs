//! What a simulated shift is made of, and its parts one after the other.
//!
//! Takes a checked [`Plan`]; draws the same [`Part`]s for the same seed. Positions are [`Travel`], micrometres of belt. It moves
//! nothing.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use shared::units::{Micros, Travel};

use super::Stream;
use super::belt::Motion;
use super::defect::Kind;

/// What a simulated shift is made of. Checked by `config`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Seed of all chance.
    pub seed: u64,
    /// How many parts come.
    pub parts: u32,
    /// Share of them that is defective, 0 to 1.
    pub defect_rate: f64,
    /// How the belt runs.
    pub motion: Motion,
    /// Distance from one leading edge to the next, on average, micrometres.
    pub pitch_um: i64,
    /// Greatest departure from it, as a share of it; 0 to 1.
    pub pitch_variation: f64,
    /// Length of a part along the belt, micrometres.
    pub part_length_um: i64,
    /// From trigger to gate, micrometres.
    pub gate_distance_um: i64,
    /// From photogate to gate, micrometres.
    pub photogate_before_um: i64,
    /// Step of the encoder, micrometres.
    pub encoder_step_um: i64,
    /// How long the gate takes to move, either way.
    pub gate_rise: Micros,
    /// The light over the camera.
    pub light: Light,
}

/// A light that is another one from a part on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Light {
    /// Number of the first part that it shines on.
    pub from_part: u32,
    /// Its brightness, of what the product was drawn in.
    pub factor: f64,
}

impl Light {
    /// A light that stays as it is.
    pub const STEADY: Self = Self { from_part: 0, factor: 1.0 };

    /// A part's picture in this light: RGB, 8 bit, in place.
    pub fn shine(&self, part: u32, rgb: &mut [u8]) {
        if part >= self.from_part && self.factor != 1.0 {
            rgb.iter_mut().for_each(|level| *level = (f64::from(*level) * self.factor).round() as u8);
        }
    }
}

/// A part that the belt carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its number from 0, in the order of the belt.
    pub index: u32,
    /// Where the belt is when the part's leading edge is at the trigger.
    pub edge: Travel,
    /// What is wrong with it.
    pub kind: Option<Kind>,
}

/// Draws the parts of a shift one after the other.
#[derive(Debug, Clone)]
pub struct Parts {
    rng: ChaCha8Rng,
    plan: Plan,
    next: u32,
    edge: i64,
}

impl Parts {
    /// The parts of a plan, from the first.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self { rng: Stream::Parts.chance(plan.seed), plan, next: 0, edge: 0 }
    }
}

impl Iterator for Parts {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        if self.next >= self.plan.parts {
            return None;
        }
        let change: f64 = self.rng.random_range(-1.0..=1.0);
        let defective = self.rng.random_bool(self.plan.defect_rate.clamp(0.0, 1.0));
        let kind = Kind::ALL[self.rng.random_range(0..Kind::ALL.len())];
        self.edge += (self.plan.pitch_um as f64 * (1.0 + self.plan.pitch_variation * change)).round() as i64;
        let part = Part { index: self.next, edge: Travel(self.edge), kind: defective.then_some(kind) };
        self.next += 1;
        Some(part)
    }
}
