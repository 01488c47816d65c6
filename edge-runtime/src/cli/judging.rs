//! How long this machine takes to judge a picture, for commands that hold it against a line.

use shared::units::Micros;

use crate::bundle::OpenBundle;
use crate::engine::{InspectError, Inspector};
use crate::hw::clock::Monotonic;
use crate::hw::roles::Clock as _;

/// Pictures that are judged to know how long it takes: at most so many,
const MOST_SAMPLES: usize = 1_000;
/// at least so many,
const LEAST_SAMPLES: usize = 5;
/// and no longer than this.
const MEASURE_FOR: Micros = Micros::from_millis(2_000);

/// How long an inspector takes for the bundle's own pictures, one after the other.
///
/// # Errors
/// One of them cannot be judged.
pub fn measured(inspector: &mut Inspector, bundle: &OpenBundle) -> Result<Vec<Micros>, InspectError> {
    let pictures: Vec<&[u8]> = pictures(bundle).collect();
    let (clock, mut times) = (Monotonic::start(), Vec::new());
    for picture in pictures.iter().cycle().take(MOST_SAMPLES) {
        let began = clock.now();
        if times.len() >= LEAST_SAMPLES && began >= MEASURE_FOR {
            break;
        }
        judge(inspector, picture)?;
        times.push(clock.now().saturating_sub(began));
    }
    Ok(times)
}

/// The bundle's own pictures, each `[row][column][RGB]`.
pub fn pictures(bundle: &OpenBundle) -> std::slice::ChunksExact<'_, u8> {
    bundle.parity().chunks_exact(bundle.manifest().preprocess().input_bytes())
}

/// Judges one of them.
///
/// # Errors
/// [`InspectError`].
pub fn judge(inspector: &mut Inspector, picture: &[u8]) -> Result<(), InspectError> {
    inspector.prepared(picture)?;
    inspector.score().map(drop)
}
