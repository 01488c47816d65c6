//! The work behind `train-and-export`; exists only with the feature `torch`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use shared::preprocess::Preprocess;

use super::Exit;
use super::import::outcome;
use super::lessons::{Lessons, in_words, prepare};
use super::options::check_folder_of;
use super::outcome::{Outcome, TrainingFacts, skipped_rows, summary, write_json};
use super::train_and_export::Args;
use crate::architecture::Networks;
use crate::clock::unix_seconds;
use crate::data::dataset::pictures;
use crate::data::{Loader, Picture, Prepared};
use crate::deliver::{Delivered, Origin, Plan, Trainer, deliver};
use crate::export::fold_bn::FoldedNet;
use crate::export::whole_file::{Access, Existing, write_whole};
use crate::finetune::{self, finetune};
use crate::quantise::Scales;
use crate::simulate::{Recipe, Sample, Textures, simulate, simulate_tiled, simulate_window};
use crate::train::{TrainConfig, Trained, reference_heatmap, train};

/// At most this many texture pictures are kept in memory: at 256 pixels they take 400 MB, and the paper shows that ten are
/// enough.
const MAX_TEXTURES: usize = 2000;

/// Trains, checks, chooses the threshold and writes the bundle.
///
/// # Errors
/// When an input is refused, training fails, or a file cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    for file in [Some(&args.out), args.json.as_ref(), args.report.as_ref()].into_iter().flatten() {
        check_folder_of(file)?;
    }
    let key = args.key.signing_key()?;
    let Lessons { prepared, steps, recipe, architecture } = prepare(args)?;
    let networks = args.preset.networks(architecture);
    let skipped = skipped_rows(&prepared.skipped);
    eprintln!(
        "{}: learning from {} good pictures, {} held out for the threshold, {} to test on",
        prepared.product,
        prepared.learn.len(),
        prepared.held_out.len(),
        prepared.test.len()
    );
    let learnt_from = in_words(&steps, &recipe);
    eprintln!(
        "{architecture} networks, input {} by {} pixels, learnt from {learnt_from}",
        steps.width(),
        steps.height(),
    );

    let config = TrainConfig {
        samples: samples_digest(args, &recipe, &prepared.learn),
        size: (steps.width(), steps.height()),
        windows: recipe.window.map(|side| (side.min(steps.width()), side.min(steps.height()))),
        ..config(args, networks)
    };
    let textures = textures(args, steps)?;
    let samples = sample_source(args.seed, config.windows, recipe, &prepared.learn, &textures);
    let stop = stop_on_ctrl_c()?;
    let trained = train(&config, &samples, &stop)?;
    if trained.stopped_early {
        eprintln!(
            "stopped after {} of {} steps; go on with the same command and --resume, or export what there is with \
             --resume --steps {}",
            trained.steps_done, args.steps, trained.steps_done
        );
        return Ok(Exit::Stopped);
    }

    let plan = Plan {
        steps,
        crop: args.crop,
        target: args.false_reject,
        created: unix_seconds(),
        product: args.product.clone(),
    };
    let origin = Origin { preset: args.preset.to_string(), networks, seed: args.seed, steps: trained.steps_done };
    let reference = reference_heatmap(&trained.weights)?;
    let fine_tune = |net: &FoldedNet, scales: &Scales| {
        let steps = finetune::steps(trained.steps_done);
        eprintln!("fine-tuning for 8-bit integers, {steps} steps");
        finetune(net, scales, &samples, config.size, args.device, steps, &stop).map_err(|error| error.to_string())
    };
    let trainer = Trainer { reference: &reference, fine_tune: &fine_tune };
    let delivered = deliver(&trained.weights, &prepared, &plan, &origin, Some(&trainer))?;
    finish(args, &config, learnt_from, &prepared, &trained, delivered, skipped, &key)
}

#[expect(clippy::too_many_arguments, reason = "everything that the run has come to know goes into its files")]
fn finish(
    args: &Args,
    config: &TrainConfig,
    recipe: String,
    prepared: &Prepared,
    trained: &Trained,
    delivered: Delivered,
    skipped: Vec<super::outcome::SkippedRow>,
    key: &ed25519_dalek::SigningKey,
) -> anyhow::Result<Exit> {
    delivered.write(&args.out, key, !args.int8_only)?;
    let facts = TrainingFacts {
        preset: args.preset.to_string(),
        architecture: config.networks.architecture.to_string(),
        size: [config.size.0, config.size.1],
        recipe,
        steps: trained.steps_done,
        batch: args.batch as usize,
        seed: args.seed,
        device: trained.device.clone(),
        precision: trained.precision.clone(),
        train_seconds: trained.seconds,
        images_per_second: trained.images_per_second,
        good_learnt: prepared.learn.len(),
        export_difference: delivered.export_difference,
        int8_difference: delivered.int8_difference,
    };
    if let Some(path) = &args.report {
        let html = crate::report::render(&super::report_data::collect(args, prepared, trained, &delivered, &facts));
        write_whole(path, html.as_bytes(), Access::Public, Existing::Replace)
            .with_context(|| path.display().to_string())?;
    }
    let product = args.product.as_deref().unwrap_or(&prepared.product);
    let outcome = Outcome { training: Some(facts), ..outcome(product, delivered, skipped) };
    println!("{}bundle          {}", summary(&outcome), args.out.display());
    args.json.as_deref().map_or(Ok(()), |path| write_json(path, &outcome))?;
    Ok(Exit::Done)
}

fn config(args: &Args, networks: Networks) -> TrainConfig {
    TrainConfig {
        networks,
        steps: args.steps,
        batch: args.batch as usize,
        seed: args.seed,
        device: args.device,
        precision: args.precision,
        work_dir: Some(args.work.clone().unwrap_or_else(|| args.out.with_extension("work"))),
        resume: args.resume,
        ..TrainConfig::default()
    }
}

/// Stands for everything that samples are made of: going on with others would mix held-out parts into what is learnt from.
fn samples_digest(args: &Args, recipe: &Recipe, learn: &[Picture]) -> String {
    let mut hash = Sha256::new();
    learn.iter().for_each(|picture| hash.update(&picture.rgb));
    hash.update(format!("{recipe:?} {:?}", args.textures));
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn textures(args: &Args, steps: Preprocess) -> anyhow::Result<Textures> {
    let Some(folder) = &args.textures else { return Ok(Textures::procedural()) };
    // A crop is meant for the camera's frames, not for textures.
    let loader = Loader::new(Preprocess::new(None, steps.width(), steps.height())?);
    let mut found = Vec::new();
    for path in pictures(folder)?.iter().take(MAX_TEXTURES) {
        match loader.texture(path) {
            Ok(picture) => found.push(picture),
            Err(why) => eprintln!("skipped texture {}: {why}", path.display()),
        }
    }
    if found.is_empty() {
        bail!("--textures {}: no PNG, JPEG or BMP picture there can be read", folder.display());
    }
    Ok(Textures::with_pictures(found))
}

/// Each sample has a generator of its own, so that neither resuming nor the number of threads changes what is learnt from.
fn sample_source<'a>(
    seed: u64,
    windows: Option<(usize, usize)>,
    recipe: Recipe,
    good: &'a [Picture],
    textures: &'a Textures,
) -> impl Fn(u64, (usize, usize)) -> Sample + Sync + 'a {
    move |index, size| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index + 1);
        let picked = &good[rand::RngExt::random_range(&mut rng, 0..good.len())];
        match windows {
            None => simulate(picked, good, textures, &recipe, &mut rng),
            Some(windows) if windows == size => simulate_window(picked, size, good, textures, &recipe, &mut rng),
            Some(windows) => simulate_tiled(picked, windows, good, textures, &recipe, &mut rng),
        }
    }
}

fn stop_on_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        // A second Ctrl-C is for somebody who does not want to wait for the checkpoint.
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        eprintln!("\nstopping after this step and writing a checkpoint; Ctrl-C again to give up at once");
    })?;
    Ok(stop)
}
