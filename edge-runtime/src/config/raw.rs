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
use super::recipe::RawRecipes;
use crate::hw::sim::world::Light;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// Who this is, and what it drives.
    pub station: Station,
    /// What judges.
    pub model: Model,
    /// Other products of this station; without it, it has the one.
    pub recipes: Option<RawRecipes>,
    /// The line's geometry and its limits.
    pub line: Line,
    /// What is kept of each part, where, and for how long.
    pub audit: Audit,
    /// What a part's picture must be like to prove anything; without it, only that it is no repetition.
    pub quality: Option<RawLimits>,
    /// From which move of a figure away from the training's on people are warned.
    #[serde(default)]
    pub drift: RawDrift,
    /// What of the line's course stops it, or makes somebody look.
    #[serde(default)]
    pub alarms: RawAlarms,
    /// How much of the last minutes is held, to be run again.
    #[serde(default)]
    pub black_box: RawBlackBox,
    /// Which display shows the state of the station; without it, none.
    pub display: Option<RawDisplay>,
    /// Where `edge-plant` finds the station; without it, nobody is told anything.
    pub plant: Option<RawPlant>,
    /// The virtual line, where `station.hardware` is `"simulation"`.
    pub sim: Option<Sim>,
    /// The devices of a board, where `station.hardware` is `"board"`.
    pub board: Option<Board>,
}

/// Who this is, and what it drives.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Station {
    /// Name for people: on the display, on pages, in records.
    pub name: String,
    /// `"board"` drives devices; `"simulation"` takes every device from `[sim]`, and marks screen, log and records as such.
    pub hardware: String,
}

/// What judges.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The bundle that judges; with `slots`, the one that judges while none of theirs is committed.
    pub bundle: PathBuf,
    /// Folder of slots A and B, where `edge-runtime install-bundle` puts newer bundles for the running station to try; without it, the
    /// station stays with `bundle`.
    pub slots: Option<PathBuf>,
    /// Files of public keys; one of them must have signed the bundle. At least one.
    pub trust: Vec<PathBuf>,
    /// Moves the threshold to this share of good parts that may be rejected, as far as the bundle's good parts support it; without it, the
    /// bundle's own threshold holds.
    pub false_reject: Option<f64>,
}

/// The line's geometry and its limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// From the light barrier under the camera to the middle of the gate.
    pub gate_distance_mm: f64,
    /// A part's window begins this far before the gate: covers the gate's rise.
    pub window_before_mm: f64,
    /// The window ends this far behind the gate: covers the part's length and some tolerance.
    pub window_after_mm: f64,
    /// Edges nearer than this to a part's edge are bounces of it.
    pub lockout_mm: f64,
    /// The longest part. Edges nearer than this, but beyond the lock-out, are parts that touch: both are rejected. Without it, nothing is
    /// too long.
    pub max_length_mm: Option<f64>,
    /// Without a picture for this long, a part is given up and rejected as NO_FRAME.
    pub frame_timeout_ms: f64,
}

/// What is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Folder of records, pictures and black boxes.
    pub dir: PathBuf,
    /// Pictures that are kept at most; the oldest make way.
    pub max_pictures: u32,
    /// Megabytes of pictures at most.
    #[serde(default = "default::max_bytes_mb")]
    pub max_bytes_mb: f64,
    /// How long a picture is kept, days.
    #[serde(default = "default::max_age_days")]
    pub max_age_days: f64,
    /// Below this room on the disk, pictures make way for records, and DISK_LOW warns.
    #[serde(default = "default::min_free_mb")]
    pub min_free_mb: f64,
    /// Records that are kept at most.
    #[serde(default = "default::max_records")]
    pub max_records: u32,
    /// How long a record is kept, days.
    #[serde(default = "default::max_record_age_days")]
    pub max_record_age_days: f64,
    /// Of good parts, one in so many leaves a picture; 0 leaves none.
    #[serde(default = "default::good_one_in")]
    pub good_one_in: u32,
    /// A good part whose score is at least this share of the threshold leaves a picture.
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
    /// The greatest speed of the belt. The station refuses to start when verdicts cannot be there in time at this speed.
    pub greatest_speed_mm_s: f64,
    /// From one part's leading edge to the next at the least.
    pub least_pitch_mm: f64,
    /// From command to gate.
    #[serde(default)]
    pub gate_rise_ms: f64,
    /// How the belt's position is known.
    pub belt: Belt,
    /// The camera, and when it looks.
    pub camera: Camera,
    /// Which GPIO line does what.
    pub lines: Lines,
    /// What the gate's thread asks of the kernel.
    #[serde(default)]
    pub realtime: Realtime,
}

/// How the belt's position is known: by an encoder, or by a speed that holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Belt {
    /// Micrometres of belt from one step of the encoder to the next; a step is a whole period of the first phase, with two phases too.
    pub encoder_step_um: Option<i64>,
    /// Parts that come for this long without a step mean that the encoder has failed: everything is diverted, and the line stopped.
    #[serde(default = "default::stall_ms")]
    pub stall_ms: f64,
    /// Instead of an encoder, and only for a belt whose speed holds: its speed.
    pub steady_speed_mm_s: Option<f64>,
}

/// The camera, and when it looks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// The device; a link below `/dev/v4l/by-path` names the same camera after it was unplugged.
    pub device: PathBuf,
    /// Arrangement of pixels, in the letters of the kernel.
    pub format: String,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Frames a second; without it, the driver's own choice.
    pub fps: Option<f64>,
    /// `"free"`: the camera takes one picture after the other, and the nearest is the part's. `"sensor"`: the light barrier triggers it by
    /// a wire.
    #[serde(default = "default::exposure")]
    pub exposure: String,
    /// From the trigger's edge to the moment at which the part is where the photographs showed it.
    #[serde(default)]
    pub trigger_to_picture_ms: f64,
    /// A picture this far from that moment still shows the part.
    pub match_within_ms: f64,
    /// A camera that runs free and gives nothing for this long has failed.
    #[serde(default = "default::silent_ms")]
    pub silent_ms: f64,
    /// The camera's controls by the names that `edge-runtime probe` prints, each with its value. Automatic ones are switched off by what
    /// they would change.
    #[serde(default)]
    pub controls: BTreeMap<String, i64>,
}

/// Names of lines, as `edge-runtime probe` prints them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    /// Light barrier under the camera; its leading edge is a part.
    pub trigger: Wire,
    /// Second light barrier shortly before the gate: finds parts that the first one missed.
    pub photogate: Option<Wire>,
    /// The encoder's first phase.
    pub encoder: Option<Wire>,
    /// Its second phase, a quarter behind: tells the direction.
    pub encoder_b: Option<Wire>,
    /// Light barrier behind the gate: sees rejected parts leave.
    pub confirm: Option<Wire>,
    /// On while the bin for rejected parts is full.
    pub bin_full: Option<Wire>,
    /// The reset button; on while it is pressed.
    pub reset: Option<Wire>,
    /// Inputs that say the number of a product in binary, the lowest bit first; 14 at most. With `[recipes]` and `select_strobe` alone.
    #[serde(default)]
    pub select: Vec<Wire>,
    /// Goes on when `select` says the product that is wanted, and off again: each for a tenth of a second at least.
    pub select_strobe: Option<Wire>,
    /// The gate: on diverts. To be wired so that it diverts when nobody drives the line.
    pub reject: Wire,
    /// The permit: the belt may run while on. To be wired so that the belt stops when nobody drives the line.
    pub run_ok: Option<Wire>,
    /// Changes ten times a second while the station lives.
    pub heartbeat: Option<Wire>,
    /// Lamp or horn: on while an alarm stops the line, and before the start.
    pub alarm: Option<Wire>,
}

/// A line by its name, or with how it is wired.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Wire {
    Name(String),
    Wired {
        /// Name of the line, or chip and number.
        line: String,
        /// Low means on.
        #[serde(default)]
        active_low: bool,
        /// The resistor that the chip is asked for: `"pull-up"`, `"pull-down"` or `"none"`; without it, as the line is.
        bias: Option<String>,
    },
}

/// What the gate's thread asks of the kernel.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Realtime {
    /// The gate's thread comes before all others with this priority of SCHED_FIFO; without it, it runs as any other.
    pub gate_priority: Option<u8>,
    /// The gate's thread alone runs on this core, counted from 0; without it, on any.
    pub gate_core: Option<u16>,
}

/// The virtual line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sim {
    /// The same seed gives the same shift, to the byte.
    pub seed: u64,
    /// Parts of a shift.
    pub parts: u32,
    /// Share of parts that are spoilt.
    pub defect_rate: f64,
    /// Speed of the belt.
    pub speed_mm_s: f64,
    /// The speed departs from it by at most this share.
    pub speed_variation: f64,
    /// How often the belt stops, for one to three seconds.
    pub stops_per_minute: f64,
    /// How often it runs backwards.
    #[serde(default)]
    pub reversals_per_minute: f64,
    /// By how much at most.
    #[serde(default)]
    pub reversal_mm: f64,
    /// From one part's leading edge to the next.
    pub pitch_mm: f64,
    /// The distance departs from it by at most this share.
    pub pitch_variation: f64,
    /// Length of a part.
    pub part_length_mm: f64,
    /// How far before the gate the second light barrier stands.
    pub photogate_before_mm: f64,
    /// Micrometres of belt from one step of the encoder to the next.
    pub encoder_step_um: i64,
    /// From exposure to picture.
    pub camera_ms: f64,
    /// From command to gate.
    pub gate_rise_ms: f64,
    /// How long the virtual board takes to judge one part.
    pub inference: Inference,
    /// What goes wrong.
    pub faults: Faults,
    /// The light over the virtual camera, another one from a part on.
    #[serde(default)]
    pub light: SimLight,
    /// Inputs at which a product is chosen, on a line in real time with `[recipes]` alone; without it, there are none.
    pub select: Option<SimSelect>,
}

/// Inputs at which a product is chosen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimSelect {
    /// How many lines say the number, 1 to 14.
    pub lines: u8,
    /// What is chosen and when, one after the other.
    #[serde(default)]
    pub press: Vec<SimPress>,
}

/// A product that is chosen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimPress {
    /// From the start of the line. At 0 the strobe is on already when the station starts.
    pub at_ms: f64,
    /// The number that the lines say.
    pub code: u16,
    /// How long the strobe is on.
    pub held_ms: f64,
}

/// The light over the virtual camera, another one from a part on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimLight {
    /// The first part that is seen in the other light.
    pub from_part: u32,
    /// How bright that is, of what the product was drawn in.
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
    /// What it takes usually. The verdict itself is the real model's.
    pub mean_ms: f64,
    /// By how much that varies.
    pub jitter_ms: f64,
    /// Share of parts at which something else holds the board up.
    pub spike_rate: f64,
    /// For how long.
    pub spike_ms: f64,
}

/// What goes wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// Share of parts whose picture is lost.
    pub missing_frame: f64,
    /// Share of parts whose edge bounces.
    pub bounce: f64,
    /// Share of parts that the trigger does not see.
    pub missed_trigger: f64,
    /// How often, in real time, the encoder stands although the belt runs.
    #[serde(default)]
    pub encoder_stalls_per_minute: f64,
    /// For how long.
    #[serde(default)]
    pub encoder_stall_ms: f64,
}
