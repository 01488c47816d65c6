//! `inspect`: judges the pictures of a folder with a bundle, as the station judges frames.
//!
//! Takes a bundle and picture files; prints one line each and a summary, and may keep them as JSON lines and the heatmaps
//! as PNG. A file that cannot be judged is named and counted as uninspected. Touches no device; preprocessing, score and
//! verdict are `shared`'s.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use image::{ImageFormat, RgbImage};
use serde::Serialize;
use shared::frame::Frame;
use shared::units::Score;
use shared::verdict::{Reason, Verdict};

use super::exit::Exit;
use super::model_option::ModelOption;
use super::pictures;
use super::sentence::sentence;
use crate::bundle::{OpenBundle, parity};
use crate::engine::{Inspector, choice};
use crate::hmi::heatmap::beside_picture;
use crate::hw::clock::Monotonic;
use crate::hw::roles::Clock as _;

/// Judges picture files with a bundle; prints a line for each.
///
/// Example: edge-runtime inspect --bundle bottle.draem --images photos --json verdicts.jsonl
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The bundle.
    #[arg(long, value_name = "FILE")]
    pub bundle: PathBuf,
    /// A picture, or a folder: every png, jpg, jpeg and bmp below it.
    #[arg(long, value_name = "DIR|FILE")]
    pub images: PathBuf,
    /// Writes a JSON object per picture and line.
    #[arg(long, value_name = "FILE.jsonl")]
    pub json: Option<PathBuf>,
    /// Writes picture and heatmap side by side as PNG, in the same subfolders as the pictures.
    #[arg(long, value_name = "DIR")]
    pub heatmaps: Option<PathBuf>,
    /// A trusted public key; may be given more than once. Default: every *.pub in ~/.config/draem-edge/trusted and
    /// /etc/draem-edge/trusted.
    #[arg(long, value_name = "FILE")]
    pub trust: Vec<PathBuf>,
    /// Which of the bundle's models runs, and its threshold.
    #[command(flatten)]
    pub model: ModelOption,
}

/// One picture's result; one line of the JSON file.
#[derive(Clone, Debug, Serialize)]
struct Line {
    /// Path below the folder that was asked for.
    file: String,
    /// 0..=1; absent where the picture was not inspected.
    score: Option<f32>,
    /// `good`, `bad` or `uninspected`.
    verdict: &'static str,
    /// Code of the failure table, where not inspected.
    reason: Option<&'static str>,
    /// What happened, in words, where not inspected.
    error: Option<String>,
    decode_ms: f64,
    preprocess_ms: f64,
    infer_ms: f64,
}

/// Judges every picture. [`Exit::BundleRefused`] and [`Exit::Engine`] with the reason on standard error.
///
/// # Errors
/// No picture can be found, or an output cannot be written.
pub fn run(args: &Args) -> Result<Exit> {
    let bundle = match args.model.open(&args.bundle, &args.trust) {
        Ok(bundle) => bundle,
        Err(error) => {
            eprintln!("error: {}", sentence(&error));
            return Ok(Exit::BundleRefused);
        }
    };
    let mut inspector = match ready(&bundle, args.model) {
        Ok(inspector) => inspector,
        Err(error) => {
            eprintln!("error: {}", sentence(&error));
            return Ok(Exit::Engine);
        }
    };
    let files = pictures::below(&args.images)?;
    anyhow::ensure!(!files.is_empty(), "{} holds no png, jpg, jpeg or bmp file", args.images.display());
    let clock = Monotonic::start();
    let mut lines = Vec::with_capacity(files.len());
    for file in &files {
        let line = judge(&mut inspector, &clock, &args.images, file);
        print(&line)?;
        if let (Some(folder), Some(_)) = (&args.heatmaps, line.score) {
            write_heatmap(&inspector, &folder.join(&line.file))?;
        }
        lines.push(line);
    }
    summarise(&inspector, &lines);
    if let Some(path) = &args.json {
        write_json(path, &lines)?;
    }
    Ok(Exit::Done)
}

/// Loads the model and runs the self-test that the station runs too.
fn ready(bundle: &OpenBundle, option: ModelOption) -> Result<Inspector> {
    let engine = choice::load(bundle, option.engine(), option.threads())?;
    let emulated = engine.emulates(bundle);
    let mut inspector = Inspector::new(bundle.manifest().clone(), Box::new(engine));
    parity::check(bundle, &mut inspector, emulated)?;
    Ok(inspector)
}

fn judge(inspector: &mut Inspector, clock: &Monotonic, root: &Path, file: &Path) -> Line {
    let name = file.strip_prefix(root).ok().filter(|name| !name.as_os_str().is_empty());
    let mut line = Line {
        file: name.unwrap_or_else(|| Path::new(file.file_name().unwrap_or_default())).to_string_lossy().into_owned(),
        score: None,
        verdict: "uninspected",
        reason: None,
        error: None,
        decode_ms: 0.0,
        preprocess_ms: 0.0,
        infer_ms: 0.0,
    };
    let mut since = clock.now();
    let mut lap = || {
        let now = clock.now();
        let taken = now.saturating_sub(std::mem::replace(&mut since, now));
        taken.as_millis_f64()
    };
    let verdict = (|| -> Result<Verdict, (Reason, String)> {
        let picture = pictures::decode(file).map_err(|error| (Reason::BadPicture, error.to_string()))?;
        line.decode_ms = lap();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let frame = Frame::rgb(width, height, &picture).map_err(|error| (Reason::BadPicture, error.to_string()))?;
        inspector.prepare(&frame).map_err(|error| (error.reason(), error.to_string()))?;
        line.preprocess_ms = lap();
        let score = inspector.score().map_err(|error| (error.reason(), error.to_string()))?;
        line.infer_ms = lap();
        Ok(Verdict::of(score, inspector.manifest().threshold()))
    })();
    match verdict {
        Ok(verdict) => {
            line.score = verdict.score().map(Score::get);
            line.verdict = if verdict.passes() { "good" } else { "bad" };
        }
        Err((reason, error)) => {
            line.reason = Some(reason.code());
            line.error = Some(error);
        }
    }
    line
}

fn print(line: &Line) -> Result<()> {
    let what = match (line.score, &line.error) {
        (Some(score), _) => format!("{score:.6}"),
        (None, error) => format!("{}: {}", line.reason.unwrap_or_default(), error.as_deref().unwrap_or_default()),
    };
    let Line { file, verdict, decode_ms, preprocess_ms, infer_ms, .. } = line;
    let times = format!("{decode_ms:.1} {preprocess_ms:.1} {infer_ms:.1} ms");
    // A closed pipe on standard output is an error like any other output that cannot be written.
    writeln!(std::io::stdout(), "{file}\t{verdict}\t{what}\t{times}").context("cannot write to standard output")
}

fn summarise(inspector: &Inspector, lines: &[Line]) {
    let count = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
    let (good, bad, uninspected) = (count("good"), count("bad"), count("uninspected"));
    let inspected = (good + bad).max(1) as f64;
    let mean =
        |time: fn(&Line) -> f64| lines.iter().filter(|line| line.score.is_some()).map(time).sum::<f64>() / inspected;
    eprintln!(
        "{} pictures: {good} good, {bad} bad, {uninspected} uninspected; threshold {:.6}; \
         decode {:.1}, preprocess {:.1}, infer {:.1} ms on average",
        lines.len(),
        inspector.manifest().threshold().get(),
        mean(|line| line.decode_ms),
        mean(|line| line.preprocess_ms),
        mean(|line| line.infer_ms),
    );
}

fn write_json(path: &Path, lines: &[Line]) -> Result<()> {
    let mut bytes = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut bytes, line)?;
        bytes.push(b'\n');
    }
    pictures::write_whole(path, &bytes)
}

/// Keeps the picture's name and adds `.png`, so that `a.jpg` and `a.png` do not meet.
fn write_heatmap(inspector: &Inspector, beside: &Path) -> Result<()> {
    let width = inspector.manifest().preprocess().width();
    let height = inspector.manifest().preprocess().height();
    let rgb = beside_picture(inspector.input(), inspector.heatmap(), width);
    let picture =
        RgbImage::from_raw(2 * width as u32, height as u32, rgb).context("heatmap and input differ in size")?;
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    let mut path = beside.as_os_str().to_owned();
    path.push(".png");
    pictures::write_whole(Path::new(&path), bytes.get_ref())
}
