//! Whether the threshold keeps its promise on real scores: the good parts of trained products, split many times at random.
//!
//!     cargo run --release -p host-trainer --example threshold_splits -- bottle.json tile.json=photos/tile
//!
//! Takes the JSON that `train-and-export --json` wrote, and behind a `=` the data folder whose `GROUPS.csv` says which pictures show one
//! part; without it each picture is taken for a part of its own. All good parts that were not learnt from, those held out and those of the
//! test, are one crowd. Parts are split and drawn whole, and each counts as one: by the share of its pictures that are rejected. Prints for
//! each product, of a thousand random draws each:
//!
//! - split: half of the crowd chooses the threshold, the others are new parts; how many of those are rejected on average, in how
//!   many splits more than the bound for so many new parts, and in how many more than the bound of the rate. The latter speaks of all
//!   parts that will ever come: a rate among some dozens exceeds it more often, by the luck of these dozens;
//! - crowd: as many parts as that are drawn with replacement, as if the crowd were all parts; in how many draws more of the crowd is rejected
//!   than the bound says.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use host_trainer::data::Grouping;
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
    file: String,
    kind: Option<String>,
    score: f32,
}

/// The scores of one part's pictures.
type Part = Vec<f32>;

fn main() -> anyhow::Result<()> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        bail!("name the JSON files that train-and-export wrote");
    }
    println!(
        "{:<16}{:>9}{:>8}{:>10}{:>10}{:>12}{:>8}{:>16}{:>8}{:>8}",
        "product", "choose", "target", "expected", "rejected", "of new", "broken", "bound of rate", "split", "crowd"
    );
    for argument in files {
        let (file, data) =
            argument.split_once('=').map_or((argument.as_str(), None), |(file, data)| (file, Some(data)));
        let text = std::fs::read_to_string(file).with_context(|| file.to_owned())?;
        let report: Report = serde_json::from_str(&text).with_context(|| file.to_owned())?;
        let tested = report.images.iter().filter(|row| row.kind.as_deref() == Some("good"));
        let good: Vec<&Row> = report.held_out.iter().chain(tested).collect();
        println!("{}", row(&report.product, parts(&good, data.map(Path::new))?, report.false_reject_target)?);
    }
    Ok(())
}

/// The pictures' scores by part.
fn parts(good: &[&Row], data: Option<&Path>) -> anyhow::Result<Vec<Part>> {
    let Some(data) = data else { return Ok(good.iter().map(|row| vec![row.score]).collect()) };
    let names: Vec<String> = good.iter().map(|row| row.file.clone()).collect();
    let mut parts: BTreeMap<usize, Part> = BTreeMap::new();
    for (part, row) in Grouping::File.parts(data, &names)?.into_iter().zip(good) {
        parts.entry(part).or_default().push(row.score);
    }
    Ok(parts.into_values().collect())
}

/// The line of one product.
fn row(product: &str, mut crowd: Vec<Part>, target: f64) -> anyhow::Result<String> {
    let choosing = needed_parts(target).max(crowd.len() / 2);
    if choosing >= crowd.len() {
        bail!("{product}: {} good parts are too few to split for a target of {target}", crowd.len());
    }
    let chosen = |parts: &[Part]| {
        let numbered =
            parts.iter().enumerate().flat_map(|(part, scores)| scores.iter().map(move |&score| (score, part)));
        Sorted::new(numbered.collect()).choose(target)
    };
    let above = |parts: &[Part], threshold: f32| {
        let share =
            |scores: &Part| scores.iter().filter(|&&score| score > threshold).count() as f64 / scores.len() as f64;
        parts.iter().map(share).sum::<f64>() / parts.len() as f64
    };
    let (mut rejected, mut broken_by_count, mut broken_by_split, mut broken_by_crowd) = (0.0, 0, 0, 0);
    let most = |threshold: &Threshold, new: &[Part]| threshold.most_rejected_95(new.len() as u32);
    for seed in 0..DRAWS {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let drawn: Vec<Part> = (0..choosing).map(|_| crowd[chance.random_range(0..crowd.len())].clone()).collect();
        let threshold = chosen(&drawn)?;
        broken_by_crowd += u64::from(above(&crowd, threshold.value) > threshold.upper_bound_95);
        crowd.shuffle(&mut chance);
        let (held_out, new) = crowd.split_at(choosing);
        let threshold = chosen(held_out)?;
        let rate = above(new, threshold.value);
        rejected += rate / DRAWS as f64;
        broken_by_count += u64::from(rate * new.len() as f64 > f64::from(most(&threshold, new)) + 1e-9);
        broken_by_split += u64::from(rate > threshold.upper_bound_95);
    }
    let (held_out, new) = crowd.split_at(choosing);
    let threshold = chosen(held_out)?;
    let Threshold { expected, upper_bound_95: bound, .. } = threshold;
    let most = format!("{} of {}", most(&threshold, new), new.len());
    let share = |count: u64| count as f64 / DRAWS as f64;
    let [count, split, whole] = [broken_by_count, broken_by_split, broken_by_crowd].map(share);
    Ok(format!(
        "{product:<16}{choosing:>9}{target:>8.3}{expected:>10.4}{rejected:>10.4}{most:>12}{count:>8.3}{bound:>16.4}{split:>8.3}{whole:>8.3}"
    ))
}
