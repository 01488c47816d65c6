//! What this project's runtime makes of pictures, in plain files that a program in any language reads.
//!
//! Writes both models of a bundle, the network's inputs and the heatmaps. Compares nothing.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use edge_runtime::bundle::OpenBundle;
use edge_runtime::cli::pictures::decode;
use edge_runtime::engine::Engine as _;
use edge_runtime::engine::choice::{self, EngineChoice};
use shared::frame::Frame;
use shared::manifest::Precision;
use shared::preprocess::Scratch;
use shared::score::Rule;

/// Writes into `out`: `f32.onnx` and `int8.onnx`, as far as the bundle holds them; `inputs.bin`, u8 `[picture][row][column][RGB]`;
/// what tract makes of them in `f32.bin` and `int8.bin` and the fused layers in `fused.bin`, little-endian f32
/// `[picture][row][column]`; and `facts.json` with width, height and the pictures' names.
///
/// # Errors
/// A picture cannot be read or judged, or a file cannot be written.
pub fn write(bundle: &OpenBundle, pictures: &[PathBuf], out: &Path) -> Result<()> {
    let steps = bundle.manifest().preprocess();
    let (mut scratch, mut memory) = (Box::new(Scratch::new()), vec![0; steps.memory_bytes()]);
    let mut inputs = Vec::new();
    for path in pictures {
        let picture = decode(path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        let frame = Frame::rgb(picture.width() as usize, picture.height() as usize, &picture);
        let frame = frame.map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        let mut input = vec![0; steps.input_bytes()];
        steps
            .run(&frame, &mut scratch, &mut memory, &mut input)
            .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        inputs.extend(input);
    }
    let names = pictures.iter().map(|path| path.display().to_string()).collect();
    write_inputs(bundle, &inputs, names, out)
}

/// As [`write()`], of the bundle's own test pictures.
///
/// # Errors
/// A picture cannot be judged, or a file cannot be written.
pub fn write_own(bundle: &OpenBundle, out: &Path) -> Result<()> {
    let count = bundle.parity().len() / bundle.manifest().preprocess().input_bytes();
    let names = (1..=count).map(|number| format!("test picture {number}")).collect();
    write_inputs(bundle, bundle.parity(), names, out)
}

fn write_inputs(bundle: &OpenBundle, inputs: &[u8], names: Vec<String>, out: &Path) -> Result<()> {
    let steps = *bundle.manifest().preprocess();
    let (width, height) = (steps.width(), steps.height());
    let put = |name: &str, bytes: &[u8]| std::fs::write(out.join(name), bytes).with_context(|| name.to_owned());
    put("inputs.bin", inputs)?;
    let kinds = [
        ("f32", Precision::Float32, EngineChoice::Tract),
        ("int8", Precision::Int8, EngineChoice::Tract),
        ("fused", Precision::Int8, EngineChoice::Fused),
    ];
    for (name, precision, engine) in kinds {
        let bundle = bundle.clone().with_precision(precision);
        if bundle.model().is_empty() {
            continue;
        }
        let mut engine = choice::load(&bundle, engine, 1)?;
        let (mut heatmap, mut all) = (vec![0.0f32; width * height], Vec::new());
        for input in inputs.chunks_exact(steps.input_bytes()) {
            engine.infer(input, &mut heatmap)?;
            all.extend(heatmap.iter().flat_map(|value| value.to_le_bytes()));
        }
        put(&format!("{precision}.onnx"), bundle.model())?;
        put(&format!("{name}.bin"), &all)?;
    }
    let (radius, highest_of) = match *bundle.manifest().score_rule() {
        Rule::Highest { of } => (None, Some(of)),
        Rule::Window { radius, .. } => (Some(radius), None),
    };
    let facts = serde_json::json!({
        "width": width, "height": height, "radius": radius, "highest_of": highest_of, "pictures": names
    });
    put("facts.json", facts.to_string().as_bytes())
}
