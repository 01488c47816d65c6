//! The work behind `bench`; exists only with the feature `torch`.

use anyhow::Context;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use shared::preprocess::Preprocess;

use super::Exit;
use super::bench::Args;
use super::options::check_folder_of;
use super::outcome::write_json;
use crate::architecture::Architecture;
use crate::clock::now;
use crate::data::{Picture, Prepared, Use};
use crate::loss::Criterion;
use crate::loss::ssim::Ssim;
use crate::net::{Arithmetic, Weights, initial};
use crate::simulate::{Recipe as Defects, Sample, Textures, simulate};
use crate::train::lesson::Lesson;
use crate::train::prefetch::prepare;
use crate::train::run::device;
use crate::train::{Recipe, Stepper};

/// The figures.
#[derive(Debug, Serialize)]
struct Figures {
    preset: String,
    size: [usize; 2],
    batch: usize,
    device: String,
    precision: &'static str,
    /// Of the way that is shipped.
    images_per_second: f64,
    /// Of torch's plain layout in 32-bit floats.
    images_per_second_plain: f64,
    /// How many times faster.
    ratio: f64,
    /// Median time of a step of the way that is shipped.
    step_ms: f64,
    /// Time of one core for the samples of a step.
    simulator_ms: f64,
    /// That, as a share of the time that a step takes all cores.
    simulator_share: f64,
}

/// Measures and prints.
///
/// # Errors
/// When the pictures are refused or torch fails.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    args.json.as_deref().map_or(Ok(()), check_folder_of)?;
    let steps = Preprocess::new(None, args.size.0, args.size.1).context("--size")?;
    let prepared = Prepared::load(&args.data, steps, Use::HoldOutAll)?;
    let good: Vec<Picture> = prepared.held_out.into_iter().map(|named| named.picture).collect();
    let sample = |index: u64| sample(&good, index);
    let batch = args.batch as usize;

    let device = device(args.device)?;
    let arithmetic = Arithmetic::choose(args.precision, device);
    let stepper = |arithmetic| -> anyhow::Result<Stepper> {
        let networks = args.preset.networks(Architecture::Original);
        let weights = Weights::load(&initial(networks, 0), networks, device)?;
        Ok(Stepper::new(weights, args.size, arithmetic, Recipe::FAST)?.with_muon()?)
    };
    let by_tensors = Criterion::Tensors(Ssim::new(args.size.1, args.size.0, device)?);
    let mut kinds = [stepper(Arithmetic::PLAIN)?.with_criterion(by_tensors), stepper(arithmetic)?];
    let (mut times, mut simulator) = ([const { Vec::new() }; 2], Vec::new());
    for step in 0..=args.steps {
        let measured = step > 0;
        let since = now();
        // One after the other on one core: what the simulator costs, whatever it shares the cores with.
        (0..args.batch).for_each(|offset| drop(std::hint::black_box(sample(step * args.batch + offset))));
        simulator.extend(measured.then(|| since.elapsed().as_secs_f64()));
        let ready =
            prepare(&|index, _| sample(index), step * args.batch, Lesson { size: args.size, batch })?.upload(device)?;
        for (stepper, times) in kinds.iter_mut().zip(&mut times) {
            let since = now();
            stepper.step(&ready, 1e-4)?;
            // Reading the losses waits for the device.
            stepper.take_losses()?;
            times.extend(measured.then(|| since.elapsed().as_secs_f64()));
        }
        eprint!("\rstep {step} of {}", args.steps);
    }
    eprintln!();
    let [plain, ours] = times.map(median);
    let simulator = median(simulator);
    let cores = std::thread::available_parallelism()?.get() as f64;
    let figures = Figures {
        preset: args.preset.to_string(),
        size: [args.size.0, args.size.1],
        batch,
        device: format!("{device:?}"),
        precision: arithmetic.name(),
        images_per_second: batch as f64 / ours,
        images_per_second_plain: batch as f64 / plain,
        ratio: plain / ours,
        step_ms: 1e3 * ours,
        simulator_ms: 1e3 * simulator,
        simulator_share: simulator / cores / ours,
    };
    println!(
        "{} at {} x {}, {} pictures a step, {}\n\
         plain f32        {:.2} pictures a second\n\
         {:<17}{:.2} pictures a second, {:.2} times as many\n\
         simulator        {:.1} % of a step of {:.0} ms on {cores} cores",
        figures.preset,
        args.size.0,
        args.size.1,
        batch,
        figures.device,
        figures.images_per_second_plain,
        format!("as shipped, {} ", figures.precision),
        figures.images_per_second,
        figures.ratio,
        100.0 * figures.simulator_share,
        figures.step_ms,
    );
    args.json.as_deref().map_or(Ok(()), |path| write_json(path, &figures))?;
    Ok(Exit::Done)
}

/// As training draws them, with the same share of clean ones.
fn sample(good: &[Picture], index: u64) -> Sample {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    rng.set_stream(index + 1);
    simulate(&good[index as usize % good.len()], good, &Textures::procedural(), &Defects::default(), &mut rng)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
