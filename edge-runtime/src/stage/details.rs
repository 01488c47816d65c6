//! What was measured while a part passed, kept beside its record.
//!
//! Every value may be absent: a part that no frame showed has no inference time, and a part that passed no fire error. Nothing
//! here decides anything.

use shared::units::{Micros, Travel};
use shared::wall::WallTime;

/// Measurements of one part. Differences are signed, in the unit that their names end with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Details {
    /// What the clock on the wall showed when the part left. Without it the store reckons from the run's start.
    pub wall: Option<WallTime>,
    /// How much later than due the gate's output moved.
    pub fire_error_us: Option<i64>,
    /// Where the belt was to be when the gate moved.
    pub planned_travel: Option<Travel>,
    /// Where it was.
    pub fired_travel: Option<Travel>,
    /// From the moment at which a frame was wanted to the beginning of its exposure.
    pub frame_residual_us: Option<i64>,
    /// How long the part's frame took to be judged.
    pub inference: Option<Micros>,
    /// Number of the bundle that judged the part, within the run: 0 is the one of the start. Absent where none did.
    pub bundle: Option<u32>,
}
