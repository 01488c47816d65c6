//! onnxruntime computes the same from the exported files: the demonstration bundle, whose model is of version 0, on pictures that the
//! virtual belt draws, and an untrained one of today's version.
//!
//! Needs Python and its package index; without them it says that it skips.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use edge_runtime::bundle::{OpenBundle, TrustedKeys};
use edge_runtime::cli::pictures::below;
use edge_runtime::cli::render;
use host_trainer::architecture::Networks;
use line_tests::heatmaps;
use line_tests::small_bundle::{key, sealed_of, trust};

/// Exit status of the script where it cannot run.
const CANNOT_RUN: i32 = 77;

/// From this side on, up-sampled values come so near to the middle between two bytes that the order of operations decides.
const SIDE: usize = 256;

#[test]
fn onnxruntime_gives_the_same_heatmaps() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let script = root.join("tests/onnxruntime/compare.sh");
    let folder = tempfile::tempdir().unwrap();
    for written in [demonstration(&root, folder.path()), untrained(folder.path())] {
        let Ok(ran) = Command::new("bash").arg(&script).arg(&written).output() else {
            println!("SKIPPED: there is no bash");
            return;
        };
        let [said, talked] = [&ran.stdout, &ran.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        println!("{said}{talked}");
        if ran.status.code() != Some(CANNOT_RUN) {
            assert!(ran.status.success(), "{}: {said}{talked}", written.display());
        }
    }
}

fn demonstration(root: &Path, folder: &Path) -> PathBuf {
    let demo = root.join("models/demo");
    let trusted = TrustedKeys::load(&[demo.join("demo.pub")]).unwrap();
    let bundle = OpenBundle::read(&demo.join("cap-nano.draem"), &trusted).unwrap();
    let [images, out] = ["images", "demonstration"].map(|name| folder.join(name));
    render::run(&render::Args { out: images.clone(), good: 2, test_good: 2, defects: 6, seed: 5 }).unwrap();
    std::fs::create_dir(&out).unwrap();
    heatmaps::write(&bundle, &below(&images.join("test")).unwrap(), &out).unwrap();
    out
}

fn untrained(folder: &Path) -> PathBuf {
    let (key, file, out) = (key(1), folder.join("untrained.draem"), folder.join("untrained"));
    std::fs::write(&file, sealed_of(Networks::original(8, 8), SIDE, SIDE, &key)).unwrap();
    std::fs::create_dir(&out).unwrap();
    heatmaps::write_own(&OpenBundle::read(&file, &trust(&key)).unwrap(), &out).unwrap();
    out
}
