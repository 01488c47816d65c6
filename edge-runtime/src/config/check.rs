//! From what the file says to what can be relied on: each number in its range, and all of them together possible.
//!
//! Takes a path or text; gives a [`Config`], whose fields are private, in micrometres ([`Travel`]) and microseconds. An
//! error names file, key, value and what would be right. It opens no bundle and creates no folder.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use shared::limits::MAX_PARTS_IN_FLIGHT;
use shared::line::{Layout, LayoutError, RawLayout};
use shared::units::{Micros, Travel};
use thiserror::Error;

use super::audit::Audit;
use super::display::DisplaySettings;
use super::raw::{RawConfig, Sim};
use crate::hw::sim::belt::Motion;
use crate::hw::sim::world::Plan;
use crate::hw::wrap::faulty::Rates;

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML, lacks a key, or has one that nobody knows.
    #[error("{file}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// The parser's words, with line and column.
        message: String,
    },
    /// A number lies outside its range.
    #[error("{file}: {key} = {got}, permitted is {least} to {most}")]
    Range {
        /// The file.
        file: String,
        /// Section and key.
        key: &'static str,
        /// Its value.
        got: f64,
        /// The least permitted.
        least: f64,
        /// The most permitted.
        most: f64,
    },
    /// A text has none of the values that it may have.
    #[error("{file}: {key} = {got:?}, {expected}")]
    Value {
        /// The file.
        file: String,
        /// Section and key.
        key: &'static str,
        /// Its value.
        got: String,
        /// What would be right.
        expected: &'static str,
    },
    /// Numbers that are each legal and together impossible.
    #[error("{file}: {key} = {got:.1}: {why}; at {bound} {limit:.1} is permitted")]
    Conflict {
        /// The file.
        file: String,
        /// Section and key.
        key: &'static str,
        /// Its value, or what follows from it.
        got: f64,
        /// What it contradicts.
        why: &'static str,
        /// `least` or `most`.
        bound: &'static str,
        /// The limit, in the key's unit.
        limit: f64,
    },
    /// The line's distances do not fit together.
    #[error("{file}: [line]: {source} (micrometres)")]
    Layout {
        /// The file.
        file: String,
        /// Which rule.
        source: LayoutError,
    },
}

/// How long the virtual board takes to judge a part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// On average, without spikes.
    pub mean: Micros,
    /// Greatest departure from the mean, either way; not above it.
    pub jitter: Micros,
    /// Share of parts that take longer, 0 to 1.
    pub spike_rate: f64,
    /// By how much longer.
    pub spike: Micros,
}

/// A configuration that has been checked.
///
/// # Invariants
/// Every number is in its range; the usual verdict is there before the gate must decide, at the greatest belt speed; no two
/// parts are so near that one's window takes the other; all parts in flight can be followed.
#[derive(Debug, Clone)]
pub struct Config {
    name: String,
    bundle: PathBuf,
    trust: Vec<PathBuf>,
    false_reject: Option<f64>,
    layout: Layout,
    frame_timeout: Micros,
    audit: Audit,
    display: Option<DisplaySettings>,
    text_sha256: [u8; 32],
    plan: Plan,
    camera: Micros,
    latency: Latency,
    faults: Rates,
}

impl Config {
    /// Reads and checks a file. Paths in it are relative to its own folder.
    ///
    /// # Errors
    /// [`ConfigError`], the first that is found.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { file: file.clone(), source })?;
        Self::parse(&text, &file, path.parent().unwrap_or(Path::new(".")))
    }

    /// Checks a text. `file` is its name in errors, `base` the folder that its paths are relative to.
    ///
    /// # Errors
    /// [`ConfigError`], the first that is found.
    pub fn parse(text: &str, file: &str, base: &Path) -> Result<Self, ConfigError> {
        let raw: RawConfig = toml::from_str(text)
            .map_err(|error| ConfigError::Syntax { file: file.to_owned(), message: error.to_string() })?;
        Checker { file, base, text_sha256: Sha256::digest(text).into() }.config(&raw)
    }

    /// The station's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bundle that judges.
    #[must_use]
    pub fn bundle(&self) -> &Path {
        &self.bundle
    }

    /// Files of the public keys that may have signed it.
    #[must_use]
    pub fn trust(&self) -> &[PathBuf] {
        &self.trust
    }

    /// The line's geometry.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// After this long without a picture a part is given up as `NO_FRAME`.
    #[must_use]
    pub fn frame_timeout(&self) -> Micros {
        self.frame_timeout
    }

    /// What is kept of each part, where, and for how long.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// The display of a board, if there is one. A simulated line shows its panel in a file.
    #[must_use]
    pub fn display(&self) -> Option<&DisplaySettings> {
        self.display.as_ref()
    }

    /// SHA-256 of the file's text, to tell which configuration a run had.
    #[must_use]
    pub fn text_sha256(&self) -> [u8; 32] {
        self.text_sha256
    }

    /// The simulated shift.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// From exposure to picture on the simulated line.
    #[must_use]
    pub fn camera(&self) -> Micros {
        self.camera
    }

    /// How long the simulated board takes to judge.
    #[must_use]
    pub fn latency(&self) -> &Latency {
        &self.latency
    }

    /// What goes wrong on the simulated line.
    #[must_use]
    pub fn faults(&self) -> Rates {
        self.faults
    }

    /// The same with another number of parts, at least one.
    #[must_use]
    pub fn with_parts(mut self, parts: u32) -> Self {
        self.plan.parts = parts.max(1);
        self
    }

    /// The same with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.plan.seed = seed;
        self
    }

    /// Where the threshold is moved to: share of good parts that may be rejected. `None` leaves it where the bundle has it.
    #[must_use]
    pub const fn false_reject(&self) -> Option<f64> {
        self.false_reject
    }

    /// The same with another bundle.
    #[must_use]
    pub fn with_bundle(mut self, bundle: PathBuf) -> Self {
        self.bundle = bundle;
        self
    }

    /// The same with other trusted keys.
    #[must_use]
    pub fn with_trust(mut self, trust: Vec<PathBuf>) -> Self {
        self.trust = trust;
        self
    }

    /// The same with another folder for records and pictures.
    #[must_use]
    pub fn with_audit_dir(mut self, dir: PathBuf) -> Self {
        self.audit.dir = dir;
        self
    }

    /// Key and value of what was understood, in the file's units, for a table.
    #[must_use]
    pub fn table(&self) -> Vec<(&'static str, String)> {
        let mm = |travel: Travel| format!("{:.1} mm", travel.0 as f64 / 1e3);
        let ms = |time: Micros| format!("{:.1} ms", time.as_millis_f64());
        let share = |rate: f64| format!("{:.1} %", rate * 100.0);
        let plan = &self.plan;
        vec![
            ("station", self.name.clone()),
            ("hardware", "SIMULATION".to_owned()),
            ("bundle", self.bundle.display().to_string()),
            ("trusted keys", self.trust.len().to_string()),
            ("false rejects", self.false_reject.map_or("the bundle's".to_owned(), |share| format!("{share} at most"))),
            ("gate distance", mm(self.layout.gate_distance())),
            ("gate window", format!("-{} +{}", mm(self.layout.window_before()), mm(self.layout.window_after()))),
            ("lock-out", mm(self.layout.lockout())),
            ("time to judge", ms(self.budget())),
            ("usual judgement", ms(self.usual_judgement())),
            ("parts in flight", self.layout.in_flight_at(Travel(least_pitch(plan))).to_string()),
            ("belt speed", format!("{:.0} mm/s", plan.motion.speed_um_s as f64 / 1e3)),
            ("parts", plan.parts.to_string()),
            ("seed", plan.seed.to_string()),
            ("defective", share(plan.defect_rate)),
            ("lost pictures", share(self.faults.missing_frame)),
            ("audit folder", self.audit.dir.display().to_string()),
            ("pictures kept", self.audit.to_string()),
        ]
    }

    /// From the trigger edge to the moment at which the gate must decide, at the greatest belt speed.
    #[must_use]
    pub fn budget(&self) -> Micros {
        let way = self.layout.gate_distance().saturating_sub(self.layout.window_before());
        Micros((way.0 as f64 * 1e6 / greatest_speed(&self.plan)) as u64)
    }

    /// From the trigger edge to a verdict that takes the mean and all of the jitter.
    fn usual_judgement(&self) -> Micros {
        self.camera.saturating_add(self.latency.mean).saturating_add(self.latency.jitter)
    }
}

/// Micrometres a second.
fn greatest_speed(plan: &Plan) -> f64 {
    plan.motion.speed_um_s as f64 * (1.0 + plan.motion.variation)
}

/// Micrometres.
fn least_pitch(plan: &Plan) -> i64 {
    (plan.pitch_um as f64 * (1.0 - plan.pitch_variation)) as i64
}

/// Checks one file's values and names the file in errors.
pub(super) struct Checker<'a> {
    file: &'a str,
    pub base: &'a Path,
    text_sha256: [u8; 32],
}

impl Checker<'_> {
    fn config(&self, raw: &RawConfig) -> Result<Config, ConfigError> {
        if raw.station.hardware != "simulation" {
            return Err(self.value("station.hardware", &raw.station.hardware, "permitted is \"simulation\""));
        }
        let Some(sim) = &raw.sim else {
            return Err(self.value("station.hardware", "simulation", "which needs a [sim] section"));
        };
        if raw.model.trust.is_empty() {
            return Err(self.value("model.trust", "", "at least one public key file is needed"));
        }
        if let Some(share) = raw.model.false_reject.filter(|&share| !(share > 0.0 && share < 1.0)) {
            return Err(self.value(
                "model.false_reject",
                &share.to_string(),
                "a share above 0 and below 1, such as 0.02",
            ));
        }
        let config = Config {
            name: raw.station.name.clone(),
            bundle: self.base.join(&raw.model.bundle),
            trust: raw.model.trust.iter().map(|key| self.base.join(key)).collect(),
            false_reject: raw.model.false_reject,
            layout: self.layout(raw)?,
            frame_timeout: self.millis("line.frame_timeout_ms", raw.line.frame_timeout_ms, 1.0)?,
            audit: Audit::check(self, &raw.audit)?,
            display: DisplaySettings::check(self, raw.display.as_ref())?,
            text_sha256: self.text_sha256,
            plan: self.plan(raw, sim)?,
            camera: self.millis("sim.camera_ms", sim.camera_ms, 0.0)?,
            latency: self.latency(sim)?,
            faults: Rates {
                missing_frame: self.share("sim.faults.missing_frame", sim.faults.missing_frame)?,
                bounce: self.share("sim.faults.bounce", sim.faults.bounce)?,
                missed_trigger: self.share("sim.faults.missed_trigger", sim.faults.missed_trigger)?,
            },
        };
        self.possible(&config)?;
        Ok(config)
    }

    fn layout(&self, raw: &RawConfig) -> Result<Layout, ConfigError> {
        let line = &raw.line;
        Layout::check(&RawLayout {
            gate_distance: Travel(self.micrometres("line.gate_distance_mm", line.gate_distance_mm, 1.0)?),
            window_before: Travel(self.micrometres("line.window_before_mm", line.window_before_mm, 0.0)?),
            window_after: Travel(self.micrometres("line.window_after_mm", line.window_after_mm, 0.0)?),
            lockout: Travel(self.micrometres("line.lockout_mm", line.lockout_mm, 0.0)?),
            max_length: match line.max_length_mm {
                None => None,
                Some(length) => Some(Travel(self.micrometres("line.max_length_mm", length, 1.0)?)),
            },
        })
        .map_err(|source| ConfigError::Layout { file: self.file.to_owned(), source })
    }

    fn plan(&self, raw: &RawConfig, sim: &Sim) -> Result<Plan, ConfigError> {
        Ok(Plan {
            seed: sim.seed,
            parts: self.range("sim.parts", f64::from(sim.parts), 1.0, 1e7)? as u32,
            defect_rate: self.share("sim.defect_rate", sim.defect_rate)?,
            motion: Motion {
                speed_um_s: (self.range("sim.speed_mm_s", sim.speed_mm_s, 1.0, 10_000.0)? * 1e3) as i64,
                variation: self.range("sim.speed_variation", sim.speed_variation, 0.0, 0.9)?,
                stops_per_minute: self.range("sim.stops_per_minute", sim.stops_per_minute, 0.0, 60.0)?,
            },
            pitch_um: self.micrometres("sim.pitch_mm", sim.pitch_mm, 1.0)?,
            pitch_variation: self.range("sim.pitch_variation", sim.pitch_variation, 0.0, 0.9)?,
            part_length_um: self.micrometres("sim.part_length_mm", sim.part_length_mm, 1.0)?,
            gate_distance_um: self.micrometres("line.gate_distance_mm", raw.line.gate_distance_mm, 1.0)?,
            photogate_before_um: self.micrometres("sim.photogate_before_mm", sim.photogate_before_mm, 0.0)?,
            encoder_step_um: self.range("sim.encoder_step_um", sim.encoder_step_um as f64, 1.0, 10_000.0)? as i64,
            gate_rise: self.millis("sim.gate_rise_ms", sim.gate_rise_ms, 0.0)?,
        })
    }

    fn latency(&self, sim: &Sim) -> Result<Latency, ConfigError> {
        let inference = &sim.inference;
        let mean = self.millis("sim.inference.mean_ms", inference.mean_ms, 0.0)?;
        let jitter = self.range("sim.inference.jitter_ms", inference.jitter_ms, 0.0, inference.mean_ms)?;
        Ok(Latency {
            mean,
            jitter: Micros((jitter * 1e3) as u64),
            spike_rate: self.share("sim.inference.spike_rate", inference.spike_rate)?,
            spike: self.millis("sim.inference.spike_ms", inference.spike_ms, 0.0)?,
        })
    }

    /// What is legal one by one and cannot work together.
    fn possible(&self, config: &Config) -> Result<(), ConfigError> {
        let (plan, layout) = (&config.plan, &config.layout);
        let mm = |micrometres: i64| micrometres as f64 / 1e3;
        let least_pitch = least_pitch(plan);
        let least = |key, got: f64, why, limit: f64| self.bound(got >= limit, key, got, why, "least", limit);
        let most = |key, got: f64, why, limit: f64| self.bound(got <= limit, key, got, why, "most", limit);

        let window = mm(layout.window().0);
        least(
            "sim.pitch_mm less its variation",
            mm(least_pitch),
            "one part's gate window takes its neighbour",
            window,
        )?;
        least(
            "sim.pitch_mm less its variation",
            mm(least_pitch),
            "the lock-out swallows parts",
            mm(layout.lockout().0) + 1.0,
        )?;
        if let Some(longest) = layout.max_length() {
            let why = "parts look as if they touched (line.max_length_mm)";
            least("sim.pitch_mm less its variation", mm(least_pitch), why, mm(longest.0))?;
            most(
                "sim.part_length_mm",
                mm(plan.part_length_um),
                "a part is longer than line.max_length_mm",
                mm(longest.0),
            )?;
        }
        least(
            "line.window_after_mm",
            mm(layout.window_after().0),
            "the gate closes on a part (sim.part_length_mm)",
            mm(plan.part_length_um),
        )?;
        let rise = greatest_speed(plan) * config.plan.gate_rise.0 as f64 / 1e9;
        least(
            "line.window_before_mm",
            mm(layout.window_before().0),
            "the gate rises too late (sim.gate_rise_ms)",
            rise,
        )?;
        let before = mm(layout.window_before().0);
        most(
            "sim.photogate_before_mm",
            mm(plan.photogate_before_um),
            "the photogate stands outside the window",
            before,
        )?;
        let budget = config.budget().as_millis_f64();
        let why = "with sim.camera_ms and jitter the usual verdict comes after the gate must decide";
        most("sim.inference.mean_ms", config.usual_judgement().as_millis_f64(), why, budget)?;
        let pace = plan.pitch_um as f64 * 1e3 / greatest_speed(plan);
        most(
            "sim.inference.mean_ms",
            config.latency.mean.as_millis_f64(),
            "parts come faster than they are judged",
            pace,
        )?;
        most(
            "line.frame_timeout_ms",
            config.frame_timeout.as_millis_f64(),
            "a lost picture is noticed behind the gate",
            budget,
        )?;
        least(
            "line.frame_timeout_ms",
            config.frame_timeout.as_millis_f64(),
            "no picture is there in time (sim.camera_ms)",
            config.camera.as_millis_f64() + 1.0,
        )?;
        let in_flight = layout.in_flight_at(Travel(least_pitch)) as f64;
        most(
            "line.gate_distance_mm: parts in flight",
            in_flight,
            "more parts than can be followed",
            (MAX_PARTS_IN_FLIGHT - 1) as f64,
        )
    }

    fn bound(
        &self,
        holds: bool,
        key: &'static str,
        got: f64,
        why: &'static str,
        bound: &'static str,
        limit: f64,
    ) -> Result<(), ConfigError> {
        if holds {
            return Ok(());
        }
        Err(ConfigError::Conflict { file: self.file.to_owned(), key, got, why, bound, limit })
    }

    pub fn range(&self, key: &'static str, got: f64, least: f64, most: f64) -> Result<f64, ConfigError> {
        if (least..=most).contains(&got) {
            return Ok(got);
        }
        Err(ConfigError::Range { file: self.file.to_owned(), key, got, least, most })
    }

    pub fn share(&self, key: &'static str, got: f64) -> Result<f64, ConfigError> {
        self.range(key, got, 0.0, 1.0)
    }

    /// Milliseconds to microseconds, up to a minute.
    fn millis(&self, key: &'static str, got: f64, least: f64) -> Result<Micros, ConfigError> {
        Ok(Micros((self.range(key, got, least, 60_000.0)? * 1e3) as u64))
    }

    /// Millimetres to micrometres, up to a hundred metres.
    fn micrometres(&self, key: &'static str, got: f64, least: f64) -> Result<i64, ConfigError> {
        Ok((self.range(key, got, least, 100_000.0)? * 1e3).round() as i64)
    }

    pub fn value(&self, key: &'static str, got: &str, expected: &'static str) -> ConfigError {
        ConfigError::Value { file: self.file.to_owned(), key, got: got.to_owned(), expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIM: &str = include_str!("../../config/sim.toml");

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, "sim.toml", Path::new("base"))
    }

    /// The shipped file with the value of one key exchanged.
    fn with(key: &str, value: &str) -> String {
        let mut found = false;
        let lines: Vec<String> = SIM
            .lines()
            .map(|line| match line.split_once(" = ") {
                Some((name, _)) if name == key => {
                    found = true;
                    format!("{key} = {value}")
                }
                _ => line.to_owned(),
            })
            .collect();
        assert!(found, "{key} is not in the shipped file");
        lines.join("\n")
    }

    #[test]
    fn every_shipped_configuration_passes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            Config::read(&path).unwrap_or_else(|error| panic!("{error}"));
            seen += 1;
        }
        assert!(seen > 0);
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        assert_eq!(parse(SIM).unwrap().bundle(), Path::new("base/../../models/demo/cap-nano.draem"));
    }

    #[test]
    fn each_wrong_value_is_named_with_what_would_be_right() {
        let cases = [
            ("defect_rate", "1.5", "sim.defect_rate = 1.5, permitted is 0 to 1"),
            ("speed_mm_s", "0.0", "sim.speed_mm_s = 0, permitted is 1 to 10000"),
            ("parts", "0", "sim.parts = 0, permitted is 1 to 10000000"),
            ("hardware", "\"relay\"", "station.hardware = \"relay\""),
            ("trust", "[]", "model.trust"),
            ("pitch_mm", "50.0", "one part's gate window takes its neighbour"),
            ("mean_ms", "1400.0", "the usual verdict comes after the gate must decide"),
            ("mean_ms", "400.0", "parts come faster than they are judged"),
            ("gate_rise_ms", "200.0", "the gate rises too late"),
            ("part_length_mm", "34.5", "longer than line.max_length_mm"),
            ("gate_distance_mm", "30.0", "gate_distance is 30000 but must be at least"),
            ("gate_distance_mm", "9000.0", "more parts than can be followed"),
            ("photogate_before_mm", "40.0", "the photogate stands outside the window"),
            ("frame_timeout_ms", "5.0", "no picture is there in time"),
            ("jitter_ms", "nan", "sim.inference.jitter_ms = NaN"),
        ];
        for (key, value, expected) in cases {
            let message = parse(&with(key, value)).expect_err(key).to_string();
            assert!(message.starts_with("sim.toml: ") && message.contains(expected), "{key} = {value}: {message}");
        }
    }

    #[test]
    fn an_unknown_key_and_a_missing_one_are_named() {
        let message = parse(&SIM.replace("defect_rate = ", "defect_rat = ")).unwrap_err().to_string();
        assert!(message.contains("defect_rat"), "{message}");
        let message = parse(&SIM.replace("name = ", "# name = ")).unwrap_err().to_string();
        assert!(message.contains("missing field `name`"), "{message}");
    }
}
