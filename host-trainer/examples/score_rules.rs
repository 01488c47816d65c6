//! How well each way to score a heatmap tells good parts from simulated defects: what a rule is to be judged by, since test
//! pictures choose nothing.
//!
//! Takes a bundle, the public key of its signer, the folder and the seed that it was trained with; and how visible and large simulated defects
//! are at least, where that is not the usual. Looks at the good parts that were held out then, as they are and with simulated defects, through
//! the integer model. Tells also how well the heatmaps mark the defects' pixels.

mod held_out;

use std::num::NonZeroU16;

use anyhow::{Context as _, Result};
use host_trainer::assess::{judge, score_of};
use host_trainer::data::Mask;
use host_trainer::evaluate::{auroc, average_precision};
use host_trainer::export::reload::Reloaded;
use host_trainer::simulate::{Recipe, Textures, simulate};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use shared::bundle::Opened;
use shared::manifest::Precision;
use shared::score::{Border, Rule};

/// Defects simulated on each part.
const DEFECTS: u64 = 4;

/// Shares to try: the mean of the highest values, one in so many.
const SHARES: [u16; 6] = [128, 256, 512, 1024, 2048, 4096];

/// What it takes; without the last two, the defects that are learnt from where a surface has no grain.
const USAGE: &str = "usage: score_rules BUNDLE.draem KEY.pub DATA SEED [LEVELS PIXELS]";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bundle, trust, data, seed, smallest @ ..] = arguments.as_slice() else { anyhow::bail!(USAGE) };
    let seed: u64 = seed.parse().context("SEED is not a number")?;
    let bytes = std::fs::read(bundle).with_context(|| bundle.clone())?;
    let opened = held_out::open(&bytes, trust)?;
    let opened = Opened { manifest: opened.manifest.clone().with_precision(Precision::Int8), ..opened.clone() };
    let steps = *opened.manifest.preprocess();
    let prepared = held_out::prepare(data, steps, seed)?;
    let model = Reloaded::load(opened.model(), steps.width(), steps.height())?;
    let others = held_out::others(&prepared);
    let recipe = held_out::recipe(&steps);
    let recipe = match smallest {
        [] => recipe,
        [levels, pixels] => Recipe {
            visible_levels: levels.parse().context("LEVELS is not a number")?,
            smallest_pixels: pixels.parse().context("PIXELS is not a number")?,
            ..recipe
        },
        _ => anyhow::bail!(USAGE),
    };
    let window = Rule::window_for(steps.width().min(steps.height()), Border::Covered);
    let shares = SHARES.into_iter().filter_map(NonZeroU16::new);
    let rules: Vec<Rule> = shares.map(|of| Rule::Highest { of }).chain([window]).collect();
    let (mut scores, mut defective) = (vec![Vec::new(); rules.len()], Vec::new());
    let (mut heat, mut marked) = (Vec::new(), Vec::new());
    for (number, good) in (0..).zip(&prepared.held_out) {
        let clean = Mask::empty(good.picture.width, good.picture.height);
        let mut pictures = vec![(good.picture.clone(), clean)];
        for defect in 0..DEFECTS {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(DEFECTS * number + defect);
            let made = simulate(&good.picture, &others, &Textures::procedural(), &recipe, &mut rng);
            pictures.extend(made.mask.any().then_some((made.augmented, made.mask)));
        }
        for (picture, mask) in pictures {
            let (heatmap, _) = judge(&model, &rules[0], &good.name, &picture)?;
            for (scores, rule) in scores.iter_mut().zip(&rules) {
                scores.push(score_of(rule, &good.name, &picture, &heatmap)?);
            }
            defective.push(mask.any());
            marked.extend(mask.pixels.iter().map(|&pixel| pixel != 0));
            heat.extend(heatmap);
        }
    }
    let pixels = [auroc(&heat, &marked), average_precision(&heat, &marked)].map(|value| value.unwrap_or(f64::NAN));
    println!("{} pictures: pixel AUROC {:.4}, AP {:.4}", defective.len(), pixels[0], pixels[1]);
    for (rule, scores) in rules.iter().zip(&scores) {
        let name = match rule {
            Rule::Highest { of } => format!("highest {of}th"),
            Rule::Window { radius, .. } => format!("window of {0} by {0}", 2 * radius + 1),
        };
        println!("  {name:20} image AUROC {:.4}", auroc(scores, &defective).unwrap_or(f64::NAN));
    }
    Ok(())
}
