//! `bench`: how fast this board runs a bundle's network, operation by operation.
//!
//! Takes a bundle, gives medians over many pictures, beside what the processor could do at best in the same run. Judges nothing.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use edge_kernels::{Isa, peak};
use serde::Serialize;
use shared::frame::{Frame, PixelFormat};
use shared::manifest::Manifest;
use shared::preprocess::{Preprocess, Scratch};

use super::exit::Exit;
use super::model_option::ModelOption;
use super::pictures::write_whole;
use super::sentence::sentence;
use crate::bundle::OpenBundle;
use crate::engine::Engine as _;
use crate::engine::choice::{Running, load};
use crate::hw::clock::Monotonic;

/// Measures how long a picture takes here, operation by operation.
///
/// The pictures are the bundle's own test pictures. Medians are told, because anything else on the machine only adds to a time.
///
/// Example: edge-runtime bench --bundle product.draem --threads 2
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The bundle.
    #[arg(long, value_name = "FILE")]
    pub bundle: PathBuf,
    /// A trusted public key; may be given more than once. Default: every *.pub in ~/.config/draem-edge/trusted and
    /// /etc/draem-edge/trusted.
    #[arg(long, value_name = "FILE")]
    pub trust: Vec<PathBuf>,
    /// Pictures that are measured, after a few that only warm up.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub frames: u32,
    /// Writes the figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Which of the bundle's models runs, and what computes it.
    #[command(flatten)]
    pub model: ModelOption,
}

/// Pictures before the first that counts.
const WARM_UP: u32 = 3;

/// Rounds of the processor's best; some milliseconds.
const PEAK_ROUNDS: u64 = 200_000;

/// The figures.
#[derive(Debug, Serialize)]
struct Figures {
    engine: &'static str,
    kernel: &'static str,
    threads: usize,
    precision: String,
    size: [usize; 2],
    frames: u32,
    /// Of a whole picture, from bytes to heatmap.
    median_ms: f64,
    /// Of what comes before that: a camera's frame, YUYV of the size that the training pictures had, to those bytes.
    frame_ms: f64,
    frame_size: [usize; 2],
    /// From the start of the command to the first heatmap, with opening and verifying.
    first_ms: f64,
    gmac: f64,
    /// Of the convolutions alone.
    gmac_per_s: Option<f64>,
    /// Of one core, on registers alone.
    peak_gmac_per_s: Option<f64>,
    /// Of the convolutions, of all threads' cores.
    peak_share: Option<f64>,
    /// The most that was resident.
    rss_mib: Option<f64>,
    allocations_per_frame: f64,
    operations: Vec<OperationFigures>,
}

#[derive(Debug, Serialize)]
struct OperationFigures {
    name: String,
    median_ms: f64,
    macs: u64,
    gmac_per_s: Option<f64>,
}

/// Measures and prints. `allocations` counts those of the whole program so far.
///
/// # Errors
/// A result that cannot be written.
pub fn run(args: &Args, allocations: &dyn Fn() -> u64) -> Result<Exit> {
    let clock = Monotonic::start();
    let bundle = match args.model.open(&args.bundle, &args.trust) {
        Ok(bundle) => bundle,
        Err(error) => {
            eprintln!("error: {}", sentence(&error));
            return Ok(Exit::BundleRefused);
        }
    };
    match measure(args, &bundle, &clock, allocations) {
        Ok(figures) => {
            print(&figures);
            if let Some(path) = &args.json {
                let mut json = serde_json::to_vec_pretty(&figures).context("cannot write the figures as JSON")?;
                json.push(b'\n');
                write_whole(path, &json)?;
            }
            Ok(Exit::Done)
        }
        Err(error) => {
            eprintln!("error: {}", sentence(&error));
            Ok(Exit::Engine)
        }
    }
}

fn measure(args: &Args, bundle: &OpenBundle, clock: &Monotonic, allocations: &dyn Fn() -> u64) -> Result<Figures> {
    let steps = bundle.manifest().preprocess();
    let (width, height) = (steps.width(), steps.height());
    let mut engine = load(bundle, args.model.engine(), args.model.threads())?;
    let (isa, facts) = match &engine {
        Running::Fused(engine) => (Some(engine.isa()), engine.operations()),
        Running::Tract(_) => (None, Vec::new()),
    };
    let mut inputs = bundle.parity().chunks_exact(steps.input_bytes()).cycle();
    let mut heatmap = vec![0.0; width * height];
    let frames = args.frames as usize;
    let mut whole = Vec::with_capacity(frames);
    let mut each: Vec<Vec<u64>> = facts.iter().map(|_| Vec::with_capacity(frames)).collect();
    let (mut best, mut first, mut counted) = (None, 0, 0);
    for frame in 0..args.frames + WARM_UP {
        let input = inputs.next().context("the bundle holds no test picture")?;
        let (before, started) = (allocations(), clock.nanos());
        let mut last = started;
        match &mut engine {
            Running::Fused(engine) => engine.infer_with(input, &mut heatmap, |operation| {
                let now = clock.nanos();
                if frame >= WARM_UP {
                    each[operation].push(now - last);
                }
                last = now;
            })?,
            Running::Tract(engine) => engine.infer(input, &mut heatmap)?,
        }
        let took = clock.nanos() - started;
        if frame == 0 {
            first = clock.nanos();
        }
        if frame >= WARM_UP {
            whole.push(took);
            counted += allocations() - before;
        }
        // In between, so that both have the same neighbours on the machine.
        if frame % 8 == 0 {
            best = best.max(isa.and_then(|isa| peak_rate(isa, clock)));
        }
    }
    let (frame_size, before) = time_frames(bundle.manifest(), args.frames, clock)?;
    let operations: Vec<OperationFigures> = facts
        .into_iter()
        .zip(each)
        .map(|(facts, times)| {
            let nanos = median(times);
            let gmac_per_s = (facts.macs > 0).then(|| facts.macs as f64 / nanos);
            OperationFigures { name: facts.name, median_ms: nanos / 1e6, macs: facts.macs, gmac_per_s }
        })
        .collect();
    let convolutions = operations.iter().filter(|operation| operation.macs > 0);
    let (macs, millis) =
        convolutions.fold((0, 0.0), |(macs, millis), operation| (macs + operation.macs, millis + operation.median_ms));
    let rate = (macs > 0).then(|| macs as f64 / millis / 1e6);
    let peak = best.map(|milli| milli as f64 / 1e3);
    Ok(Figures {
        engine: match (&engine, isa) {
            (Running::Tract(_), _) => "tract",
            (_, Some(Isa::Scalar)) => "scalar",
            _ => "fused",
        },
        kernel: isa.map_or("tract", Isa::name),
        threads: args.model.threads(),
        precision: bundle.manifest().precision().to_string(),
        size: [width, height],
        frames: args.frames,
        median_ms: median(whole) / 1e6,
        frame_ms: median(before) / 1e6,
        frame_size,
        first_ms: first as f64 / 1e6,
        gmac: macs as f64 / 1e9,
        gmac_per_s: rate,
        peak_gmac_per_s: peak,
        peak_share: rate.zip(peak).map(|(rate, peak)| rate / peak / args.model.threads() as f64),
        rss_mib: most_resident(),
        allocations_per_frame: counted as f64 / f64::from(args.frames),
        operations,
    })
}

/// A frame's size, and the nanoseconds that each frame's way to the network's input took.
fn time_frames(manifest: &Manifest, frames: u32, clock: &Monotonic) -> Result<([usize; 2], Vec<u64>)> {
    // A pair of pixels in YUYV shares its colour.
    let [width, height] = manifest.frame_size().map(|side| usize::from(side).next_multiple_of(2));
    let steps = manifest.preprocess();
    let bytes = yuyv(steps, width, height);
    let frame = Frame::new(PixelFormat::Yuyv, width, height, 2 * width, &bytes)?;
    let (mut memory, mut input) = (vec![0; steps.memory_bytes()], vec![0; steps.input_bytes()]);
    let mut scratch = Box::new(Scratch::new());
    let mut times = Vec::with_capacity(frames as usize);
    for _ in 0..frames {
        let started = clock.nanos();
        steps.run(&frame, &mut scratch, &mut memory, &mut input)?;
        times.push(clock.nanos() - started);
    }
    Ok(([width, height], times))
}

/// A frame without meaning; where parts are found first, one that shows something of a part's size on a plain ground.
fn yuyv(steps: &Preprocess, width: usize, height: usize) -> Vec<u8> {
    let noise = |at: usize| (at * 37 % 251) as u8;
    let Some(fixture) = steps.fixture() else { return (0..2 * width * height).map(noise).collect() };
    let (left, top, wide, high) = steps.crop().map_or((0, 0, width, height), |crop| {
        (crop.x.into(), crop.y.into(), usize::from(crop.width), usize::from(crop.height))
    });
    // The rectangle has the crop's proportions, and so many of its pixels as a part.
    let pixels = (f64::from(fixture.fewest) + f64::from(fixture.most)) / 2.0;
    let share = (pixels / (f64::from(fixture.width) * f64::from(fixture.height))).sqrt().min(1.0);
    let within = |at: usize, start: usize, length: usize| {
        let from_middle = (at as f64 + 0.5 - start as f64 - length as f64 / 2.0).abs();
        from_middle < share * length as f64 / 2.0
    };
    let byte = |at: usize| {
        let (pixel, is_luma) = (at / 2, at.is_multiple_of(2));
        let part = within(pixel % width, left, wide) && within(pixel / width, top, high);
        match (is_luma, part) {
            (false, _) => 128,
            (true, true) => 16 + noise(at) / 4,
            (true, false) => 220,
        }
    };
    (0..2 * width * height).map(byte).collect()
}

/// Products a microsecond of one core at best, as a whole number, so that the largest can be kept.
fn peak_rate(isa: Isa, clock: &Monotonic) -> Option<u64> {
    let started = clock.nanos();
    let products = peak::multiply(isa, PEAK_ROUNDS)?;
    Some((products as f64 * 1e3 / (clock.nanos() - started).max(1) as f64) as u64)
}

fn median(mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or(0) as f64
}

/// The high-water mark of resident memory in MiB, where Linux tells it.
fn most_resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kib| kib / 1024.0)
}

fn print(figures: &Figures) {
    let optional = |value: Option<f64>, unit: &str| value.map_or("-".to_owned(), |value| format!("{value:.1} {unit}"));
    for operation in &figures.operations {
        let rate = optional(operation.gmac_per_s, "GMAC/s");
        println!("{:<44}{:>9.3} ms  {rate:>14}", operation.name, operation.median_ms);
    }
    println!(
        "{} with {} on {} thread(s), {} x {}, {} pictures",
        figures.engine, figures.kernel, figures.threads, figures.size[0], figures.size[1], figures.frames
    );
    println!("{:<44}{:>9.3} ms", "a picture, median", figures.median_ms);
    let [width, height] = figures.frame_size;
    println!("{:<44}{:>9.3} ms", format!("before it, from a frame of {width} x {height} YUYV"), figures.frame_ms);
    println!("{:<44}{:>9.3} ms", "to the first heatmap", figures.first_ms);
    println!("{:<44}{:>12}", "convolutions", optional(figures.gmac_per_s, "GMAC/s"));
    println!("{:<44}{:>12}", "one core at best", optional(figures.peak_gmac_per_s, "GMAC/s"));
    println!("{:<44}{:>12}", "share of it", optional(figures.peak_share.map(|share| 100.0 * share), "%"));
    println!("{:<44}{:>12}", "memory at most", optional(figures.rss_mib, "MiB"));
    println!("{:<44}{:>9.1}", "allocations a picture", figures.allocations_per_frame);
}

#[cfg(test)]
mod tests {
    use shared::preprocess::{Crop, Fixture};

    use super::*;

    #[test]
    fn where_parts_are_found_first_the_frame_shows_one() {
        let crop = Crop { x: 40, y: 100, width: 200, height: 80 };
        for (crop, fewest, most) in [(None, 5432, 16002), (Some(crop), 5432, 16002), (None, 100, 140)] {
            let fixture = Fixture { width: 256, height: 200, turned: true, fewest, most };
            let steps = Preprocess::new(crop, 64, 32).unwrap().with_fixture(Some(fixture)).unwrap();
            let bytes = yuyv(&steps, 320, 240);
            let frame = Frame::new(PixelFormat::Yuyv, 320, 240, 640, &bytes).unwrap();
            let (mut memory, mut input) = (vec![0; steps.memory_bytes()], vec![0; steps.input_bytes()]);
            assert_eq!(steps.run(&frame, &mut Box::new(Scratch::new()), &mut memory, &mut input), Ok(()));
        }
    }
}
