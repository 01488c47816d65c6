//! The export computes what the original code computes: golden weights, folded, written as ONNX, run in tract.
//!
//! Reads every `draem-*` set of the folder that `DRAEM_GOLDEN` names (default `../shared/golden` beside the workspace).
//! Tolerance 1e-4 absolute, as stated there.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::{Path, PathBuf};

use host_trainer::data::Picture;
use host_trainer::export::{Array, FoldedNet, Form, Reloaded, TensorMap, fold, onnx};
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

/// One golden set: its float model, and pictures with their golden heatmaps.
struct Set {
    net: FoldedNet,
    float: Vec<u8>,
    size: (usize, usize),
    /// `[RGB][row][column]`, 0..=1, with the golden heatmap, `[row][column]`.
    pictures: Vec<(Vec<f32>, Vec<f32>)>,
}

fn read(set: &Path) -> Set {
    let net = fold(&tensors(&set.join("weights.safetensors"))).unwrap();
    let io = tensors(&set.join("io.safetensors"));
    let (pictures, heatmaps) = (&io["augmented"], &io["eval_heatmap"]);
    let &[_, 3, height, width] = pictures.shape.as_slice() else { panic!("{:?}", pictures.shape) };
    let float = onnx::write(&net, width, height, Form::Float).unwrap();
    let each = |values: &[f32], length: usize| values.chunks_exact(length).map(<[f32]>::to_vec).collect::<Vec<_>>();
    let pictures = each(&pictures.values, 3 * width * height);
    let heatmaps = each(&heatmaps.values, width * height);
    Set { net, float, size: (width, height), pictures: pictures.into_iter().zip(heatmaps).collect() }
}

#[test]
fn f32_export_gives_the_golden_heatmaps() {
    for path in golden_sets() {
        let set = read(&path);
        let model = Reloaded::load(&set.float, set.size.0, set.size.1).unwrap();
        let mut worst = 0.0f32;
        for (picture, expected) in &set.pictures {
            let got = model.heatmap_of_planes(picture).unwrap();
            worst = got.iter().zip(expected).fold(worst, |worst, (got, expected)| worst.max((got - expected).abs()));
        }
        println!("{}: {worst:e}", path.display());
        assert!(worst <= TOLERANCE, "{}: heatmap differs by {worst}", path.display());
    }
}

/// These networks have hardly been trained: their reconstructions leave 0..=1, where the integer form clips them, so that their float
/// heatmaps say nothing of it. What they do say is whether integers compute what the exported file means, as tract reads it.
#[test]
fn the_integer_export_of_the_golden_networks_is_computed_as_it_is_written() {
    for path in golden_sets() {
        let Set { net, float, size: (width, height), pictures } = read(&path);
        let model = Reloaded::load(&float, width, height).unwrap();
        let bytes = |planes: &[f32]| {
            let byte = |at: usize| (planes[at % 3 * width * height + at / 3] * 255.0).round() as u8;
            Picture { width, height, rgb: (0..3 * width * height).map(byte).collect() }
        };
        let pictures: Vec<Picture> = pictures.iter().chain(&pictures).map(|(planes, _)| bytes(planes)).collect();
        let calibrated = calibrate(&net, (width, height), &float, &model, &pictures, None).unwrap();
        let tract = Reloaded::load_floats(&calibrated.onnx, width, height).unwrap();
        for picture in &pictures[..pictures.len() / 2] {
            let (got, expected) = (calibrated.model.heatmap(picture).unwrap(), tract.heatmap(picture).unwrap());
            let squares = got.iter().zip(&expected).map(|(got, expected)| (got - expected).powi(2)).sum::<f32>();
            let difference = (squares / got.len() as f32).sqrt();
            println!("{}: {difference:e} root mean square", path.display());
            assert!(difference <= 5e-3, "{}: heatmaps differ by {difference}", path.display());
        }
    }
}
