//! Writes a bundle's models, inputs and heatmaps for `tests/onnxruntime/compare.sh`.
//!
//! Takes a bundle, a public key, a folder of pictures and a folder to write into.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use edge_runtime::bundle::{OpenBundle, TrustedKeys};
use edge_runtime::cli::pictures::below;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [bundle, key, images, out] = arguments.as_slice() else {
        anyhow::bail!("usage: heatmaps BUNDLE KEY.pub IMAGES OUT");
    };
    let bundle = OpenBundle::read(bundle, &TrustedKeys::load(std::slice::from_ref(key))?)?;
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    line_tests::heatmaps::write(&bundle, &below(Path::new(images))?, out)
}
