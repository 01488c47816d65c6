//! The twins: one virtual belt that draws its own product, and strict stand-ins for everything that a board would have.
//!
//! [`product`] draws a part ([`paint`] its light, [`defect`] what is wrong with it), [`camera`] takes its picture,
//! [`belt`] says where the belt is at which time, [`plan`] what a shift is made of, [`world`] which part is where, [`io`]
//! holds trigger, encoder and gate ([`sensors`] gives every step and edge, [`live`] in real time), [`panel`] the
//! display; [`gate_bench`] is a gate to be tested without a belt, [`select`] inputs at which products are chosen. Nothing here reads a clock; a shift runs in virtual time and is the
//! same every time it is run with the same seed.

pub mod belt;
pub mod camera;
pub mod defect;
pub mod gate_bench;
pub mod io;
pub mod live;
pub mod paint;
pub mod panel;
pub mod plan;
pub mod product;
pub mod select;
pub mod sensors;
pub mod world;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Streams of chance that spring from the one seed of a simulation. Each twin has its own, so that a change of one fault
/// rate leaves everything else of a shift as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The belt's speed and stops.
    Belt,
    /// Spacing of the parts, and which of them are defective.
    Parts,
    /// Lost and damaged pictures.
    Camera,
    /// Bounces and missed edges of the light barriers.
    Trigger,
    /// How long inference takes.
    Inference,
    /// When the belt runs backwards, and how far.
    Reversals,
    /// When the encoder stalls.
    Encoder,
}

impl Stream {
    /// The stream's generator under a seed. Its number lies above all numbers of parts, whose pictures have streams of their
    /// own (`product`).
    #[must_use]
    pub fn chance(self, seed: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream((1 << 32) + self as u64);
        rng
    }
}
