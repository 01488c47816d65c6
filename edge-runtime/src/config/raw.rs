//! The configuration file as written: TOML, every key known, nothing checked.
//!
//! Units stand in the names: `_mm` millimetres of belt, `_ms` milliseconds, `_um` micrometres; rates are shares from 0 to 1.
//! It holds any value that parses; see `check` for what is legal.

use std::path::PathBuf;

use serde::Deserialize;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    pub station: Station,
    pub model: Model,
    pub line: Line,
    pub audit: Audit,
    pub sim: Option<Sim>,
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
    pub pitch_mm: f64,
    pub pitch_variation: f64,
    pub part_length_mm: f64,
    pub photogate_before_mm: f64,
    pub encoder_step_um: i64,
    pub camera_ms: f64,
    pub gate_rise_ms: f64,
    pub inference: Inference,
    pub faults: Faults,
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
}
