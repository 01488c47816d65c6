//! Writes a bundle of untrained networks, to measure speed without training, and its public key beside it as `.pub`.
//!
//! Takes a preset, the side of the network's input in pixels, and the file to write. Anyone can sign with this key.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use host_trainer::architecture::{Architecture, SIDE_MULTIPLE};
use host_trainer::preset::Preset;
use line_tests::small_bundle::{key, put_public, sealed_of};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [preset, side, out] = arguments.as_slice() else {
        anyhow::bail!("usage: untrained_bundle PRESET SIDE OUT.draem");
    };
    let networks = preset.parse::<Preset>()?.networks(Architecture::default());
    let side: usize = side.parse().context("SIDE is not a number")?;
    anyhow::ensure!(side > 0 && side.is_multiple_of(SIDE_MULTIPLE), "SIDE must be a multiple of {SIDE_MULTIPLE}");
    let (out, key) = (PathBuf::from(out), key(1));
    std::fs::write(&out, sealed_of(networks, side, side, &key)).with_context(|| out.display().to_string())?;
    put_public(&key, &out.with_extension("pub"));
    Ok(())
}
