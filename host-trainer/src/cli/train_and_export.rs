//! `train-and-export`: from a folder of photographs to one signed file.

use std::path::PathBuf;

use shared::preprocess::Crop;

use super::Exit;
use super::options::{KeyOption, parse_crop, parse_degrees, parse_share, parse_size};
use crate::device::{DeviceChoice, PrecisionChoice};
use crate::preset::{Preset, USUAL_STEPS};

/// Learn from photographs of good parts and write one signed file for the station.
///
/// DIR holds good pictures (PNG, JPEG, BMP), or train/good, test/good, `test/<kind of defect>` and `ground_truth/<kind>` as MVTec
/// AD lays them out. No picture of a defect is needed; test pictures only measure how good the result is.
///
/// Ctrl-C stops with a checkpoint in the work folder; the same command with --resume goes on from there.
///
/// Example: host-trainer train-and-export --data photos --out cap.draem --report cap.html
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of good pictures.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The bundle to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Widths of the two networks: nano (8, 8), small (16, 16), medium (32, 16), paper (128, 64).
    #[arg(long, default_value = "small")]
    pub preset: Preset,
    /// Input size in pixels, a multiple of 32. Default: 128; for parts that lie anywhere on a plain ground as large as the part needs, or 256
    /// where --fixture leaves them where they lie.
    #[arg(long, value_parser = parse_size, value_name = "N|WxH")]
    pub size: Option<(usize, usize)>,
    /// suited looks at the good pictures: whether parts lie anywhere on a plain ground, turned any way, how much the light
    /// varies, and how rough a surface is that fills the frame. usual is for parts that lie in one place in steady light, whatever the pictures show.
    #[arg(long, default_value = "suited", value_name = "suited|usual")]
    pub recipe: RecipeChoice,
    /// original as in the paper; bridged learns patterns and surfaces that fill the frame, but finds large defects on parts less
    /// exactly. auto takes bridged where the suited recipe sees a pattern.
    #[arg(long, default_value = "auto", value_name = "auto|original|bridged")]
    pub architecture: ArchitectureChoice,
    /// Whether the light of each picture is evened, here and on the station: all levels multiplied so that their mean is always the
    /// same. auto evens where the suited recipe sees light that varies more than learning can cover.
    #[arg(long, default_value = "auto", value_name = "auto|as-taken|evened")]
    pub exposure: ExposureChoice,
    /// Whether each part is found in the picture, here and on the station, and brought to one place before the network sees it: centred, or also
    /// turned, its length across. auto does what makes loose parts on a plain ground most alike, if it does. With --size, that is the size of
    /// what is cut out.
    #[arg(long, default_value = "auto", value_name = "auto|off|centred|turned")]
    pub fixture: FixtureChoice,
    /// Optimisation steps.
    #[arg(long, default_value_t = USUAL_STEPS, value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: u64,
    /// Pictures in a step.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(2..=256))]
    pub batch: u64,
    /// auto takes the first GPU if there is one.
    #[arg(long, default_value = "auto", value_name = "auto|cpu|cuda:N")]
    pub device: DeviceChoice,
    /// auto takes bfloat16 on a GPU, and on a processor that multiplies it faster: with Intel's AMX, or AMD's from Zen 4 on.
    #[arg(long, default_value = "auto", value_name = "auto|f32|bf16")]
    pub precision: PrecisionChoice,
    /// Leave the model in floats out of the bundle, which is then a quarter as large. What was measured on it stays in.
    #[arg(long)]
    pub int8_only: bool,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Folder of texture pictures for simulated defects, beside the built-in textures.
    #[arg(long, value_name = "DIR")]
    pub textures: Option<PathBuf>,
    /// Turn good pictures by up to this many degrees while learning; 180 for products that may lie in any position. Default: 5, or
    /// where the suited recipe sees round parts 90, and parts turned any way 180.
    #[arg(long, value_parser = parse_degrees, value_name = "DEGREES")]
    pub rotation: Option<f32>,
    /// Region of interest in the camera's frame: x,y,width,height.
    #[arg(long, value_parser = parse_crop, value_name = "X,Y,W,H")]
    pub crop: Option<Crop>,
    /// Share of good parts that may be rejected.
    #[arg(long, default_value = "0.05", value_parser = parse_share, value_name = "SHARE")]
    pub false_reject: f64,
    /// Pictures of one part, which must not be split between learning and threshold, have the same text where this pattern's
    /// group matches their file name, such as "tile([0-9]+)_". Default: the columns file and group of DIR/GROUPS.csv, or each
    /// picture a part of its own.
    #[arg(long, value_name = "PATTERN")]
    pub same_part: Option<regex_lite::Regex>,
    /// Name of the product. Default: the data folder's name.
    #[arg(long, value_name = "NAME")]
    pub product: Option<String>,
    /// Write a report to look at.
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Folder for checkpoints. Default: the bundle's name with the ending .work.
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    /// Go on from the work folder's checkpoint.
    #[arg(long)]
    pub resume: bool,
    /// Write every metric and every score here.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Which key signs.
    #[command(flatten)]
    pub key: KeyOption,
}

/// Where the recipe for samples comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum RecipeChoice {
    /// For parts in one place, in steady light.
    Usual,
    /// Suited to what the good pictures show.
    Suited,
}

/// Which architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ArchitectureChoice {
    /// Suited to what the good pictures show.
    Auto,
    /// As in the paper.
    Original,
    /// With the reconstruction's bridge.
    Bridged,
}

/// Whether parts are brought to one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FixtureChoice {
    /// Suited to what the good pictures show.
    Auto,
    /// Parts stay where they lie.
    Off,
    /// The middle of each part comes to the middle of the input.
    Centred,
    /// And its length lies across, the thinner end to the right.
    Turned,
}

/// What becomes of the pictures' light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ExposureChoice {
    /// Suited to what the good pictures show.
    Auto,
    /// Levels stay as the camera gave them.
    AsTaken,
    /// Levels are multiplied so that their mean is always the same.
    Evened,
}

/// Trains, checks, chooses the threshold and writes the bundle.
///
/// # Errors
/// When an input is refused, training fails, or a file cannot be written.
#[cfg(feature = "torch")]
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    super::training::run(args)
}

/// Says how to get a trainer that can train.
///
/// # Errors
/// Always: this build has no torch.
#[cfg(not(feature = "torch"))]
pub fn run(_args: &Args) -> anyhow::Result<Exit> {
    without_torch()
}

/// Says how to get a trainer that can train.
///
/// # Errors
/// Always.
#[cfg(not(feature = "torch"))]
pub(super) fn without_torch() -> anyhow::Result<Exit> {
    anyhow::bail!(
        "this host-trainer was built without torch and cannot train. Build it with:\n  \
         eval \"$(scripts/libtorch.sh)\" && cargo build --release -p host-trainer --features torch"
    )
}
