//! onnxruntime computes the same from the exported files: the demonstration bundle on pictures that the virtual belt draws.
//!
//! Needs Python and its package index; without them it says that it skips.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;
use std::process::Command;

use edge_runtime::bundle::{OpenBundle, TrustedKeys};
use edge_runtime::cli::pictures::below;
use edge_runtime::cli::render;
use line_tests::heatmaps;

/// Exit status of the script where it cannot run.
const CANNOT_RUN: i32 = 77;

#[test]
fn onnxruntime_gives_the_same_heatmaps() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let demo = root.join("models/demo");
    let trusted = TrustedKeys::load(&[demo.join("demo.pub")]).unwrap();
    let bundle = OpenBundle::read(&demo.join("cap-nano.draem"), &trusted).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    render::run(&render::Args { out: images.clone(), good: 2, test_good: 2, defects: 6, seed: 5 }).unwrap();
    heatmaps::write(&bundle, &below(&images.join("test")).unwrap(), folder.path()).unwrap();
    let script = root.join("tests/onnxruntime/compare.sh");
    let ran = Command::new("bash").arg(script).arg(folder.path()).output();
    let Ok(ran) = ran else {
        println!("SKIPPED: there is no bash");
        return;
    };
    let [said, talked] = [&ran.stdout, &ran.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    println!("{said}{talked}");
    if ran.status.code() != Some(CANNOT_RUN) {
        assert!(ran.status.success(), "{said}{talked}");
    }
}
