//! Writes a bundle's models, inputs and heatmaps for other runtimes to compare with.
//!
//! Takes a bundle, a public key, a folder of pictures and a folder to write into. Without pictures it takes the bundle's own.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use edge_runtime::bundle::{OpenBundle, TrustedKeys};
use edge_runtime::cli::pictures::below;
use line_tests::heatmaps;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (bundle, key, images, out) = match arguments.as_slice() {
        [bundle, key, out] => (bundle, key, None, out),
        [bundle, key, images, out] => (bundle, key, Some(images), out),
        _ => anyhow::bail!("usage: heatmaps BUNDLE KEY.pub [IMAGES] OUT"),
    };
    let bundle = OpenBundle::read(bundle, &TrustedKeys::load(std::slice::from_ref(key))?)?;
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    match images {
        Some(images) => heatmaps::write(&bundle, &below(images)?, out),
        None => heatmaps::write_own(&bundle, out),
    }
}
