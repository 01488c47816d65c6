//! Our figures against scikit-learn's, on every `metrics-*` set of the golden folder, within 1e-6.
//!
//! `DRAEM_GOLDEN` names the folder (default `../shared/golden` beside the workspace); when it is absent, the test says so.

use host_trainer::data::Mask;
use host_trainer::evaluate::{HeatmapView, aupro, auroc, average_precision};
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};

const TOLERANCE: f64 = 1e-6;

fn golden_folder() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/golden");
    std::env::var_os("DRAEM_GOLDEN").map_or_else(default, PathBuf::from)
}

fn floats(tensors: &SafeTensors, name: &str) -> Vec<f32> {
    let tensor = tensors.tensor(name).expect(name);
    tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn check(folder: &Path) {
    let text = std::fs::read_to_string(folder.join("metrics.json")).expect("metrics.json");
    let expected: serde_json::Value = serde_json::from_str(&text).expect("metrics.json");
    let bytes = std::fs::read(folder.join("metrics.safetensors")).expect("metrics.safetensors");
    let tensors = SafeTensors::deserialize(&bytes).expect("metrics.safetensors");

    let image_scores = floats(&tensors, "image_scores");
    let labels = tensors.tensor("image_labels").expect("image_labels");
    let defective: Vec<bool> = labels.data().iter().map(|&label| label != 0).collect();
    let values = floats(&tensors, "heatmaps");
    let truth = tensors.tensor("masks").expect("masks");
    let [_, height, width] = *truth.shape() else { panic!("masks: shape {:?}", truth.shape()) };
    let pixel_defective: Vec<bool> = truth.data().iter().map(|&pixel| pixel != 0).collect();
    let masks: Vec<Mask> =
        truth.data().chunks(width * height).map(|pixels| Mask { width, height, pixels: pixels.to_vec() }).collect();
    let heatmaps: Vec<HeatmapView> =
        values.chunks(width * height).map(|values| HeatmapView { width, height, values }).collect();

    for (name, found) in [
        ("image_auroc", auroc(&image_scores, &defective)),
        ("image_ap", average_precision(&image_scores, &defective)),
        ("pixel_auroc", auroc(&values, &pixel_defective)),
        ("pixel_ap", average_precision(&values, &pixel_defective)),
        ("aupro_fpr30", aupro(&heatmaps, &masks.iter().collect::<Vec<_>>(), 0.3)),
    ] {
        let expected = expected[name].as_f64().expect(name);
        let found = found.expect(name);
        assert!((found - expected).abs() <= TOLERANCE, "{}: {name} is {found}, should be {expected}", folder.display());
    }
}

#[test]
fn every_golden_set_is_met() {
    let golden = golden_folder();
    let Ok(entries) = golden.read_dir() else {
        println!("skipped: golden folder {} is absent", golden.display());
        return;
    };
    let mut sets: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder entry").path()).collect();
    sets.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("metrics-")));
    assert!(!sets.is_empty(), "{}: no metrics-* set in it", golden.display());
    for set in &sets {
        check(set);
        println!("met: {}", set.display());
    }
}
