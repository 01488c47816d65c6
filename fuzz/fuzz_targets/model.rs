//! Bytes that claim to be an ONNX model, as a valid signature would let them through.
//!
//! They are an error or a network: one whose heatmap holds probabilities, the same bits with vector instructions and without. A panic
//! of tract is an error by design; any other is a finding, also where the engine would have caught it. Half of the changes are made
//! to the decoded graph, since a changed length in the bytes is the end of a file.

#![no_main]

use std::path::Path;

use edge_kernels::Isa;
use edge_runtime::engine::fused::{self, Loaded};
use edge_runtime::engine::{Engine, EngineError, TractEngine};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

#[path = "model/graph.rs"]
mod graph;

/// Of the input that every model here has to be for.
const SIDE: usize = 32;

fuzz_target!(init: watch_panics(), |bytes: &[u8]| {
    let picture: Vec<u8> = (0..3 * SIDE * SIDE).map(|at| (at * 31 + at / 7) as u8).collect();
    let fused = [Isa::best(), Isa::Scalar].map(|isa| match fused::load(bytes, (SIDE, SIDE), isa, 1)? {
        Loaded::Whole(engine) => heatmap(engine, &picture).map(Some),
        Loaded::Partly(engine, unknown) => {
            assert!(!unknown.is_empty(), "what is left to tract is named");
            heatmap(engine, &picture).map(|_| None)
        }
    });
    if let [Ok(Some(best)), Ok(Some(scalar))] = &fused {
        assert_eq!(best.map(f32::to_bits), scalar.map(f32::to_bits), "{:?} and plain Rust differ", Isa::best());
    }
    let tract = TractEngine::load(bytes, SIDE, SIDE).and_then(|engine| heatmap(engine, &picture));
    let refused = |error: Option<&EngineError>| matches!(error, Some(EngineError::Model(_)));
    assert_eq!(refused(fused[0].as_ref().err()), refused(tract.as_ref().err()), "fused {fused:?}, tract {tract:?}");
});

fn heatmap(mut engine: impl Engine, picture: &[u8]) -> Result<[f32; SIDE * SIDE], EngineError> {
    let mut heatmap = [f32::NAN; SIDE * SIDE];
    engine.infer(picture, &mut heatmap)?;
    assert!(heatmap.iter().all(|value| (0.0..=1.0).contains(value)), "a heatmap that is none");
    Ok(heatmap)
}

/// In place of the hook that ends the process at every panic.
fn watch_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(Path::new(""), |place| Path::new(place.file()));
        let dependency = place.components().any(|folder| folder.as_os_str() == "registry");
        if !dependency {
            eprintln!("{panic}");
            std::process::abort();
        }
    }));
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let changed = (seed % 2 == 0).then(|| graph::changed(&data[..size], seed)).flatten();
    match changed.filter(|bytes| bytes.len() <= max_size) {
        Some(bytes) => {
            data[..bytes.len()].copy_from_slice(&bytes);
            bytes.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});
