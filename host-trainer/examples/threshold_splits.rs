//! Whether the threshold keeps its promise on real scores: the good parts of trained products, split many times at random.
//!
//!     cargo run --release -p host-trainer --example threshold_splits -- bottle.json grid.json
//!
//! Takes the JSON that `train-and-export --json` wrote. All good parts that were not learnt from, those held out and those of the
//! test, are one crowd: half of them choose the threshold, the others are new parts. Prints for each product how many of the new ones
//! are rejected on average, and in how many splits more than the bound.

use std::path::PathBuf;

use anyhow::{Context, bail};
use host_trainer::threshold::{Sorted, needed_parts};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

/// Splits of each product.
const SPLITS: u64 = 1000;

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
        "{:<16}{:>9}{:>10}{:>8}{:>10}{:>10}{:>8}{:>14}",
        "product", "choose", "new", "target", "expected", "rejected", "bound", "bound broken"
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
    let new = crowd.len() - choosing;
    let (mut rejected, mut expected, mut bound, mut broken) = (0.0, 0.0, 0.0, 0);
    for seed in 0..SPLITS {
        crowd.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let (held_out, others) = crowd.split_at(choosing);
        let threshold = Sorted::new(held_out.iter().copied().enumerate().map(|(part, score)| (score, part)).collect())
            .choose(target)?;
        let rate = others.iter().filter(|&&score| score > threshold.value).count() as f64 / new as f64;
        rejected += rate / SPLITS as f64;
        broken += u64::from(rate > threshold.upper_bound_95);
        (expected, bound) = (threshold.expected, threshold.upper_bound_95);
    }
    let share = broken as f64 / SPLITS as f64;
    Ok(format!(
        "{product:<16}{choosing:>9}{new:>10}{target:>8.3}{expected:>10.4}{rejected:>10.4}{bound:>8.4}{share:>14.3}"
    ))
}
