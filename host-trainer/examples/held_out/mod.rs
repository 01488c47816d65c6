//! What examples need that look at the parts which a bundle's training held out: the bundle, the pictures and the defects to be simulated on them.

use std::path::Path;

use anyhow::{Context as _, Result};
use host_trainer::data::{Grouping, Picture, Prepared, Use};
use host_trainer::simulate::Recipe;
use shared::bundle::{Opened, verify};
use shared::preprocess::Preprocess;

/// The share of good parts that may be rejected, which says how many were held out: the trainer's own.
const TARGET: f64 = 0.05;
/// Good pictures that defects may be taken from.
const OTHERS: usize = 16;

/// The bundle in these bytes of the file `bundle`, signed by the key in the file `trust`.
pub fn open<'a>(bytes: &'a [u8], trust: &str) -> Result<Opened<'a>> {
    let key = shared::key_text::parse(&std::fs::read_to_string(trust).with_context(|| trust.to_owned())?)?;
    Ok(verify(bytes, &[key])?)
}

/// The pictures of a training with this folder and seed.
pub fn prepare(data: &str, steps: Preprocess, seed: u64) -> Result<Prepared> {
    let learn = Use::Learn { target: TARGET, seed, same_part: Grouping::File };
    Ok(Prepared::load(Path::new(data), steps, learn)?)
}

/// Good pictures that defects may be taken from.
pub fn others(prepared: &Prepared) -> Vec<Picture> {
    prepared.learn.iter().take(OTHERS).cloned().collect()
}

/// A defect on every part, which lies as it was photographed.
pub fn recipe(steps: &Preprocess) -> Recipe {
    // What lies on the ground around a loose part is nobody's.
    let part_only = steps.fixture().is_some();
    Recipe { anomaly_probability: 1.0, rotation_degrees: 0.0, part_only, ..Recipe::default() }
}
