//! `bench`: how fast training is on this machine, beside the plain way of doing it.

use std::path::PathBuf;

use super::Exit;
use super::options::parse_size;
use crate::device::{DeviceChoice, PrecisionChoice};
use crate::preset::Preset;

/// Measure how many pictures a second training takes here, beside torch's plain layout in 32-bit floats in the same run.
///
/// Steps of both kinds take turns, so that whatever else the machine does slows both. The networks are untrained and nothing
/// is kept.
///
/// Example: host-trainer bench --data photos --size 256
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of good pictures, for the simulator to spoil.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Widths of the two networks.
    #[arg(long, default_value = "small")]
    pub preset: Preset,
    /// Input size in pixels, a multiple of 32.
    #[arg(long, default_value = "256", value_parser = parse_size, value_name = "N|WxH")]
    pub size: (usize, usize),
    /// Pictures in a step.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(2..=256))]
    pub batch: u64,
    /// Steps of each kind that are measured, after one that is not.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub steps: u64,
    /// Where to train.
    #[arg(long, default_value = "auto", value_name = "auto|cpu|cuda:N")]
    pub device: DeviceChoice,
    /// Number format of the way that is shipped.
    #[arg(long, default_value = "auto", value_name = "auto|f32|bf16")]
    pub precision: PrecisionChoice,
    /// Write the figures here.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Measures and prints.
///
/// # Errors
/// When the pictures are refused or torch fails.
#[cfg(feature = "torch")]
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    super::benchmark::run(args)
}

/// Says how to get a trainer that can train.
///
/// # Errors
/// Always: this build has no torch.
#[cfg(not(feature = "torch"))]
pub fn run(_args: &Args) -> anyhow::Result<Exit> {
    super::train_and_export::without_torch()
}
