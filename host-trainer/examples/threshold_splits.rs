//! Whether the threshold keeps its promise on real scores: the good parts of trained products, split many times at random.
//!
//!     cargo run --release -p host-trainer --example threshold_splits -- bottle.json grid.json
//!
//! Takes the JSON that `train-and-export --json` wrote. All good parts that were not learnt from, those held out and those of the
//! test, are one crowd; each picture is taken for a part of its own. Prints for each product, of a thousand random draws each:
//!
//! - split: half of the crowd chooses the threshold, the others are new parts; how many of those are rejected on average, and in how
//!   many splits more than the bound. The bound speaks of all parts that will ever come: a rate among some dozens exceeds it
//!   more often, by the luck of these dozens;
//! - crowd: as many parts as that are drawn with replacement, as if the crowd were all parts; in how many draws more of the crowd is rejected
//!   than the bound says.

use std::path::PathBuf;

use anyhow::{Context, bail};
use host_trainer::threshold::{Sorted, Threshold, needed_parts};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

/// Draws of each kind for each product.
const DRAWS: u64 = 1000;

/// Of a report, what is needed here.
#[derive(Deserialize)]
struct Report {
    product: String,
    false_reject_target: f64,
    images: Vec<Row>,
    held_out: Vec<Row>,
}

/// A picture.
#[derive(Deserialize)]
struct Row {
    kind: Option<String>,
    score: f32,
}

fn main() -> anyhow::Result<()> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        bail!("name the JSON files that train-and-export wrote");
    }
    println!(
        "{:<16}{:>9}{:>8}{:>10}{:>10}{:>8}{:>14}{:>14}",
        "product", "choose", "target", "expected", "rejected", "bound", "broken, split", "broken, crowd"
    );
    for file in files {
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let report: Report = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
        let tested = report.images.iter().filter(|row| row.kind.as_deref() == Some("good"));
        let crowd: Vec<f32> = report.held_out.iter().chain(tested).map(|row| row.score).collect();
        println!("{}", row(&report.product, crowd, report.false_reject_target)?);
    }
    Ok(())
}

/// The line of one product.
fn row(product: &str, mut crowd: Vec<f32>, target: f64) -> anyhow::Result<String> {
    let choosing = needed_parts(target).max(crowd.len() / 2);
    if choosing >= crowd.len() {
        bail!("{product}: {} good parts are too few to split for a target of {target}", crowd.len());
    }
    let chosen = |scores: &[f32]| {
        Sorted::new(scores.iter().copied().enumerate().map(|(part, score)| (score, part)).collect()).choose(target)
    };
    let above = |scores: &[f32], threshold: f32| {
        scores.iter().filter(|&&score| score > threshold).count() as f64 / scores.len() as f64
    };
    let (mut rejected, mut broken_by_split, mut broken_by_crowd) = (0.0, 0, 0);
    for seed in 0..DRAWS {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let drawn: Vec<f32> = (0..choosing).map(|_| crowd[chance.random_range(0..crowd.len())]).collect();
        let threshold = chosen(&drawn)?;
        broken_by_crowd += u64::from(above(&crowd, threshold.value) > threshold.upper_bound_95);
        crowd.shuffle(&mut chance);
        let (held_out, new) = crowd.split_at(choosing);
        let threshold = chosen(held_out)?;
        let rate = above(new, threshold.value);
        rejected += rate / DRAWS as f64;
        broken_by_split += u64::from(rate > threshold.upper_bound_95);
    }
    let Threshold { expected, upper_bound_95: bound, .. } = chosen(&crowd[..choosing])?;
    let [split, whole] = [broken_by_split, broken_by_crowd].map(|count| count as f64 / DRAWS as f64);
    Ok(format!(
        "{product:<16}{choosing:>9}{target:>8.3}{expected:>10.4}{rejected:>10.4}{bound:>8.4}{split:>14.3}{whole:>14.3}"
    ))
}
