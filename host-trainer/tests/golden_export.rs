//! The export computes what the original code computes: golden weights, folded, written as ONNX, run in tract.
//!
//! Reads every `draem-*` set of the folder that `DRAEM_GOLDEN` names (default `../shared/golden` beside the workspace).
//! Tolerance 1e-4 absolute, as stated there.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::{Path, PathBuf};

use host_trainer::data::Picture;
use host_trainer::export::{Array, Form, Reloaded, TensorMap, fold, onnx};
use host_trainer::quantise::calibrate;
use safetensors::{Dtype, SafeTensors};

const TOLERANCE: f32 = 1e-4;

fn golden_sets() -> Vec<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/golden");
    let folder = std::env::var_os("DRAEM_GOLDEN").map_or(default, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} absent", folder.display());
        return Vec::new();
    };
    let is_set = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("draem-");
    let mut sets: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(is_set).collect();
    sets.sort();
    assert!(!sets.is_empty(), "{} holds no draem-* set", folder.display());
    sets
}

/// The float tensors of a file.
fn tensors(path: &Path) -> TensorMap {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let floats = file.iter().filter(|(_, view)| view.dtype() == Dtype::F32);
    floats
        .map(|(name, view)| {
            let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            (name.to_owned(), Array { shape: view.shape().to_vec(), values })
        })
        .collect()
}

/// Largest and root mean square difference to the golden heatmap, over all pictures of a set; of the integer model, if so asked.
fn differences(set: &Path, int8: bool) -> (f32, f32) {
    let net = fold(&tensors(&set.join("weights.safetensors"))).unwrap();
    let io = tensors(&set.join("io.safetensors"));
    let (pictures, expected) = (&io["augmented"], &io["eval_heatmap"]);
    let &[count, 3, height, width] = pictures.shape.as_slice() else { panic!("{:?}", pictures.shape) };
    let float = onnx::write(&net, width, height, Form::Float).unwrap();
    let mut model = Reloaded::load(&float, width, height).unwrap();
    if int8 {
        let picture = |at: usize| {
            let planes = &pictures.values[at * 3 * width * height..][..3 * width * height];
            let byte = |pixel: usize, channel: usize| (planes[channel * width * height + pixel] * 255.0).round() as u8;
            let rgb = (0..width * height).flat_map(|pixel| [0, 1, 2].map(|channel| byte(pixel, channel))).collect();
            Picture { width, height, rgb }
        };
        let pictures: Vec<Picture> = (0..count).chain(0..count).map(picture).collect();
        model = calibrate(&net, (width, height), &float, &model, &pictures).unwrap().model;
    }
    let (mut worst, mut squares) = (0.0f32, 0.0f32);
    for picture in 0..count {
        let pixels = width * height;
        let got = model.heatmap_of_planes(&pictures.values[picture * 3 * pixels..][..3 * pixels]).unwrap();
        let expected = &expected.values[picture * pixels..][..pixels];
        let differences = || got.iter().zip(expected).map(|(got, expected)| (got - expected).abs());
        worst = differences().fold(worst, f32::max);
        squares += differences().map(|difference| difference * difference).sum::<f32>();
    }
    (worst, (squares / (count * width * height) as f32).sqrt())
}

#[test]
fn f32_export_gives_the_golden_heatmaps() {
    for set in golden_sets() {
        let (worst, _) = differences(&set, false);
        println!("{}: {worst:e}", set.display());
        assert!(worst <= TOLERANCE, "{}: heatmap differs by {worst}", set.display());
    }
}

/// Bytes move the heatmap a little; a wrong scale or axis moves it by a lot.
#[test]
fn int8_stays_near_the_golden_heatmaps() {
    for set in golden_sets() {
        let (worst, square) = differences(&set, true);
        println!("{}: {worst:e} at most, {square:e} root mean square", set.display());
        assert!(square > 0.0 && square <= 0.01, "{}: heatmap differs by {square}, at most {worst}", set.display());
    }
}
