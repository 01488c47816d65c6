//! The configuration file as written: TOML, every key known, nothing checked.
//!
//! Units stand in the names: `_mm` millimetres of belt, `_ms` milliseconds, `_um` micrometres; rates are shares from 0 to 1.
//! It holds any value that parses; see `check` for what is legal.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use shared::quality::RawLimits;

use super::alarms::RawAlarms;
use super::black_box::RawBlackBox;
use super::display::RawDisplay;
use super::drift::RawDrift;
use super::plant::RawPlant;
use crate::hw::sim::world::Light;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    pub station: Station,
    pub model: Model,
    pub line: Line,
    pub audit: Audit,
    pub quality: Option<RawLimits>,
    #[serde(default)]
    pub drift: RawDrift,
    #[serde(default)]
    pub alarms: RawAlarms,
    #[serde(default)]
    pub black_box: RawBlackBox,
    pub display: Option<RawDisplay>,
    pub plant: Option<RawPlant>,
    pub sim: Option<Sim>,
    pub board: Option<Board>,
}

/// Who this is, and what it drives.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Station {
    pub name: String,
    pub hardware: String,
}

/// What judges.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub bundle: PathBuf,
    pub slots: Option<PathBuf>,
    pub trust: Vec<PathBuf>,
    pub false_reject: Option<f64>,
}

/// The line's geometry and its limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub gate_distance_mm: f64,
    pub window_before_mm: f64,
    pub window_after_mm: f64,
    pub lockout_mm: f64,
    pub max_length_mm: Option<f64>,
    pub frame_timeout_ms: f64,
}

/// What is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    pub dir: PathBuf,
    pub max_pictures: u32,
    #[serde(default = "default::max_bytes_mb")]
    pub max_bytes_mb: f64,
    #[serde(default = "default::max_age_days")]
    pub max_age_days: f64,
    #[serde(default = "default::min_free_mb")]
    pub min_free_mb: f64,
    #[serde(default = "default::max_records")]
    pub max_records: u32,
    #[serde(default = "default::max_record_age_days")]
    pub max_record_age_days: f64,
    #[serde(default = "default::good_one_in")]
    pub good_one_in: u32,
    #[serde(default = "default::near_threshold")]
    pub near_threshold: f64,
}

/// What holds for keys that a file does not have.
mod default {
    /// Twenty thousand parts, at 200 kB each.
    pub const fn max_bytes_mb() -> f64 {
        4_096.0
    }

    /// A quarter of a year, in which most complaints arrive.
    pub const fn max_age_days() -> f64 {
        90.0
    }

    /// Room for some million records, and for what else the system writes.
    pub const fn min_free_mb() -> f64 {
        512.0
    }

    /// At ten parts a second of a working day of eight hours, over two weeks; at one a second, over five months.
    pub const fn max_records() -> u32 {
        5_000_000
    }

    /// Three years, as product liability in many trades asks for.
    pub const fn max_record_age_days() -> f64 {
        1_095.0
    }

    /// A thousand pictures of a hundred thousand good parts.
    pub const fn good_one_in() -> u32 {
        100
    }

    /// Longer than a belt needs to begin to move, shorter than a part to the gate on most lines.
    pub const fn stall_ms() -> f64 {
        2_000.0
    }

    /// Most cameras have no trigger input.
    pub fn exposure() -> String {
        "free".to_owned()
    }

    /// Some frames of the slowest common cameras.
    pub const fn silent_ms() -> f64 {
        1_000.0
    }

    /// From four fifths of the threshold on.
    pub const fn near_threshold() -> f64 {
        0.8
    }
}

/// A board's devices.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    pub greatest_speed_mm_s: f64,
    pub least_pitch_mm: f64,
    #[serde(default)]
    pub gate_rise_ms: f64,
    pub belt: Belt,
    pub camera: Camera,
    pub lines: Lines,
    #[serde(default)]
    pub realtime: Realtime,
}

/// How the belt's position is known: by an encoder, or by a speed that holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Belt {
    pub encoder_step_um: Option<i64>,
    #[serde(default = "default::stall_ms")]
    pub stall_ms: f64,
    pub steady_speed_mm_s: Option<f64>,
}

/// The camera, and when it looks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    pub device: PathBuf,
    pub format: String,
    pub width: u32,
    pub height: u32,
    pub fps: Option<f64>,
    #[serde(default = "default::exposure")]
    pub exposure: String,
    #[serde(default)]
    pub trigger_to_picture_ms: f64,
    pub match_within_ms: f64,
    #[serde(default = "default::silent_ms")]
    pub silent_ms: f64,
    #[serde(default)]
    pub controls: BTreeMap<String, i64>,
}

/// Names of lines, as `edge-runtime probe` prints them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    pub trigger: Wire,
    pub photogate: Option<Wire>,
    pub encoder: Option<Wire>,
    pub encoder_b: Option<Wire>,
    pub confirm: Option<Wire>,
    pub bin_full: Option<Wire>,
    pub reset: Option<Wire>,
    pub reject: Wire,
    pub run_ok: Option<Wire>,
    pub heartbeat: Option<Wire>,
    pub alarm: Option<Wire>,
}

/// A line by its name, or with how it is wired.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Wire {
    Name(String),
    Wired {
        line: String,
        #[serde(default)]
        active_low: bool,
        bias: Option<String>,
    },
}

/// What the gate's thread asks of the kernel.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Realtime {
    pub gate_priority: Option<u8>,
    pub gate_core: Option<u16>,
}

/// The virtual line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sim {
    pub seed: u64,
    pub parts: u32,
    pub defect_rate: f64,
    pub speed_mm_s: f64,
    pub speed_variation: f64,
    pub stops_per_minute: f64,
    #[serde(default)]
    pub reversals_per_minute: f64,
    #[serde(default)]
    pub reversal_mm: f64,
    pub pitch_mm: f64,
    pub pitch_variation: f64,
    pub part_length_mm: f64,
    pub photogate_before_mm: f64,
    pub encoder_step_um: i64,
    pub camera_ms: f64,
    pub gate_rise_ms: f64,
    pub inference: Inference,
    pub faults: Faults,
    #[serde(default)]
    pub light: SimLight,
}

/// The light over the virtual camera, another one from a part on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimLight {
    pub from_part: u32,
    pub factor: f64,
}

/// As the product was drawn.
impl Default for SimLight {
    fn default() -> Self {
        Self { from_part: Light::STEADY.from_part, factor: Light::STEADY.factor }
    }
}

/// How long the virtual board takes to judge one part.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inference {
    pub mean_ms: f64,
    pub jitter_ms: f64,
    pub spike_rate: f64,
    pub spike_ms: f64,
}

/// What goes wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    pub missing_frame: f64,
    pub bounce: f64,
    pub missed_trigger: f64,
    #[serde(default)]
    pub encoder_stalls_per_minute: f64,
    #[serde(default)]
    pub encoder_stall_ms: f64,
}
