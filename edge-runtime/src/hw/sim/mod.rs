//! The twins: one virtual belt that draws its own product, and strict stand-ins for everything that a board would have.
//!
//! [`product`] draws a part ([`paint`] its light, [`defect`] what is wrong with it), [`camera`] takes its picture,
//! [`belt`] says where the belt is at which time, [`world`] which part is where, [`io`] holds trigger, encoder and gate,
//! [`panel`] the display. Nothing here reads a clock; a shift runs in virtual time and is the same every time it is run
//! with the same seed.

pub mod belt;
pub mod camera;
pub mod defect;
pub mod io;
pub mod paint;
pub mod panel;
pub mod product;
pub mod world;

/// Streams of chance that spring from the one seed of a simulation. Each twin has its own, so that a change of one fault
/// rate leaves everything else of a shift as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The belt's speed and stops.
    Belt = 0x1_0000_0001,
    /// Spacing of the parts, and which of them are defective.
    Parts = 0x1_0000_0002,
    /// Lost and damaged pictures.
    Camera = 0x1_0000_0003,
    /// Bounces and missed edges of the light barriers.
    Trigger = 0x1_0000_0004,
    /// How long inference takes.
    Inference = 0x1_0000_0005,
}
