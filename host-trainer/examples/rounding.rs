//! What each rounding to a byte changes in heatmaps and scores: where an integer model loses what it loses.
//!
//! Takes a bundle, the public key of its signer, the folder and the seed that it was trained with. Looks at good parts that were held out
//! then, as they are and with a simulated defect, through the integer model with its stored weights, values between layers as floats; then with one value
//! after the other rounded to its byte, and with all. Computes in floats, by tract. Changes no file.

mod held_out;

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result};
use host_trainer::assess::score_of;
use host_trainer::data::{Picture, Prepared};
use host_trainer::export::Reloaded;
use host_trainer::simulate::{Recipe, Textures, simulate};
use prost::Message as _;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use shared::bundle::Opened;
use shared::manifest::Precision;
use tract_onnx::pb::ModelProto;

/// Good parts to look at; each is looked at once more with a defect.
const GOOD: usize = 12;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bundle, trust, data, seed] = arguments.as_slice() else {
        anyhow::bail!("usage: rounding BUNDLE.draem KEY.pub DATA SEED");
    };
    let seed: u64 = seed.parse().context("SEED is not a number")?;
    let bytes = std::fs::read(bundle).with_context(|| bundle.clone())?;
    let opened = held_out::open(&bytes, trust)?;
    let of = |precision| Opened { manifest: opened.manifest.clone().with_precision(precision), ..opened.clone() };
    let (int8, float32) = (of(Precision::Int8), of(Precision::Float32));
    let manifest = &int8.manifest;
    let steps = *manifest.preprocess();
    let prepared = held_out::prepare(data, steps, seed)?;
    let pictures = pictures(&prepared, &held_out::recipe(&steps), seed);

    let look = |onnx: &[u8]| -> Result<Vec<Look>> {
        let model = Reloaded::load_floats(onnx, steps.width(), steps.height())?;
        let look = |picture: &Picture| -> Result<Look> {
            let heatmap = model.heatmap(picture)?;
            Ok(Look { score: score_of(manifest.score_rule(), "picture", picture, &heatmap)?, heatmap })
        };
        pictures.par_iter().map(look).collect()
    };
    let whole = ModelProto::decode(int8.model())?;
    let none = look(&rounding(&whole, |_| false).encode_to_vec())?;
    println!("{:48} heatmap   score", "rounded (of values between layers)");
    for value in rounded_values(&whole) {
        let alone = look(&rounding(&whole, |other| other == value).encode_to_vec())?;
        tell(&value, &none, &alone);
    }
    let all = look(int8.model())?;
    tell("all of them", &none, &all);
    if !float32.model().is_empty() {
        let float = look(float32.model())?;
        tell("weights alone, from the model in floats", &float, &none);
        tell("everything, from the model in floats", &float, &all);
    }
    Ok(())
}

/// Held-out good parts, and the same with a defect.
fn pictures(prepared: &Prepared, recipe: &Recipe, seed: u64) -> Vec<Picture> {
    let others = held_out::others(prepared);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let both =
        |good: &Picture| [good.clone(), simulate(good, &others, &Textures::procedural(), recipe, &mut rng).augmented];
    let every = (prepared.held_out.len() / GOOD).max(1);
    prepared.held_out.iter().step_by(every).take(GOOD).map(|named| &named.picture).flat_map(both).collect()
}

/// What a model makes of a picture.
struct Look {
    heatmap: Vec<f32>,
    score: f32,
}

/// Prints the roots of the mean square differences.
fn tell(what: &str, one: &[Look], other: &[Look]) {
    let pairs = || one.iter().zip(other);
    let heatmaps = pairs().flat_map(|(a, b)| a.heatmap.iter().zip(&b.heatmap));
    let heatmap = root_mean_square(heatmaps.map(|(a, b)| a - b));
    let score = root_mean_square(pairs().map(|(a, b)| a.score - b.score));
    println!("{what:48} {heatmap:.5}   {score:.5}");
}

fn root_mean_square(values: impl Iterator<Item = f32>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + f64::from(value).powi(2), count + 1));
    (sum / f64::from(count.max(1))).sqrt()
}

/// Names of the values that pass a byte, in the order of data.
fn rounded_values(model: &ModelProto) -> Vec<String> {
    let nodes = model.graph.iter().flat_map(|graph| &graph.node);
    nodes.filter(|node| node.op_type == "QuantizeLinear").filter_map(|node| node.input.first().cloned()).collect()
}

/// The model with those values rounded that `keep` names; the others go on as they are. Weights stay as they are stored.
fn rounding(model: &ModelProto, keep: impl Fn(&str) -> bool) -> ModelProto {
    let mut model = model.clone();
    let Some(graph) = model.graph.as_mut() else { return model };
    // From the byte of a value to the value, and from what is read of that byte.
    let mut plain: HashMap<String, String> = HashMap::new();
    let mut gone: HashSet<String> = HashSet::new();
    for node in &graph.node {
        let (Some(read), Some(made)) = (node.input.first(), node.output.first()) else { continue };
        let value = match node.op_type.as_str() {
            "QuantizeLinear" if !keep(read) => read.clone(),
            "DequantizeLinear" => match plain.get(read) {
                Some(value) => value.clone(),
                None => continue,
            },
            _ => continue,
        };
        gone.insert(node.name.clone());
        plain.insert(made.clone(), value);
    }
    graph.node.retain(|node| !gone.contains(&node.name));
    for read in graph.node.iter_mut().flat_map(|node| &mut node.input) {
        if let Some(value) = plain.get(read) {
            read.clone_from(value);
        }
    }
    model
}
