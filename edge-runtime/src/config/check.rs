//! From what the file says to what can be relied on: each number in its range, and all of them together possible.
//!
//! Takes a path or text; gives a [`Config`], whose fields are private, in micrometres ([`Travel`]) and microseconds. An
//! error names file, key, value and what would be right. It opens no bundle and creates no folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use shared::drift::Tolerances;
use shared::line::{Layout, RawLayout};
use shared::quality::Limits;
use shared::units::{Micros, Travel};

use super::audit::Audit;
use super::black_box::BlackBox;
use super::board::Board;
use super::checker::Checker;
use super::display::DisplaySettings;
use super::error::ConfigError;
use super::lines::Select;
use super::raw::RawConfig;
use super::simulation::Simulation;
use crate::health::alarms;
use crate::health::readings::{self, MilliCelsius};

/// What a station drives.
#[derive(Debug, Clone)]
pub enum Hardware {
    /// The virtual line.
    Simulation(Box<Simulation>),
    /// A board's devices.
    Board(Box<Board>),
}

impl Hardware {
    /// How far the belt runs at most while the gate rises.
    fn rise(&self) -> Travel {
        match self {
            Self::Simulation(simulation) => simulation.rise(),
            Self::Board(board) => board.rise(),
        }
    }

    /// Whether something sees rejected parts leave.
    fn confirms(&self) -> bool {
        match self {
            Self::Simulation(_) => false,
            Self::Board(board) => board.lines().confirm.is_some(),
        }
    }
}

/// A configuration that has been checked.
///
/// # Invariants
/// Every number is in its range; no two parts are so near that one's window takes the other; all parts in flight can be
/// followed; a picture that does not come is noticed before the gate must decide.
#[derive(Debug, Clone)]
pub struct Config {
    name: String,
    bundle: PathBuf,
    slots: Option<PathBuf>,
    recipes: Option<PathBuf>,
    trust: Vec<PathBuf>,
    false_reject: Option<f64>,
    layout: Layout,
    frame_timeout: Micros,
    audit: Audit,
    quality: Option<Limits>,
    alarms: alarms::Limits,
    black_box: Option<BlackBox>,
    drift: Option<Tolerances>,
    too_hot: MilliCelsius,
    display: Option<DisplaySettings>,
    plant: Option<PathBuf>,
    set_threshold: bool,
    text: String,
    text_sha256: [u8; 32],
    hardware: Hardware,
    /// As written, for recipes to stand in for what goes with a product.
    raw: Arc<RawConfig>,
    /// What its paths are relative to.
    base: PathBuf,
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
        Self::check(Arc::new(raw), text, file, base)
    }

    fn check(raw: Arc<RawConfig>, text: &str, file: &str, base: &Path) -> Result<Self, ConfigError> {
        let checker = Checker { file, base };
        if raw.model.trust.is_empty() {
            return Err(checker.value("model.trust", "", "at least one public key file is needed"));
        }
        if let Some(share) = raw.model.false_reject.filter(|&share| !(share > 0.0 && share < 1.0)) {
            let expected = "a share above 0 and below 1, such as 0.02";
            return Err(checker.value("model.false_reject", &share.to_string(), expected));
        }
        let recipes = super::recipe::check_folder(&checker, &raw)?;
        let layout = layout(&checker, &raw)?;
        let frame_timeout = checker.millis("line.frame_timeout_ms", raw.line.frame_timeout_ms, 1.0)?;
        let hardware = hardware(&checker, &raw, &layout, frame_timeout)?;
        if let Some(within) = raw.alarms.confirm_within_ms.filter(|_| !hardware.confirms()) {
            let why = "without board.lines.confirm nothing sees rejected parts leave";
            return Err(checker.value("alarms.confirm_within_ms", &within.to_string(), why));
        }
        Ok(Self {
            name: raw.station.name.clone(),
            bundle: base.join(&raw.model.bundle),
            slots: raw.model.slots.as_ref().map(|slots| base.join(slots)),
            recipes,
            trust: raw.model.trust.iter().map(|key| base.join(key)).collect(),
            false_reject: raw.model.false_reject,
            layout,
            frame_timeout,
            audit: Audit::check(&checker, &raw.audit)?,
            display: DisplaySettings::check(&checker, raw.display.as_ref())?,
            plant: super::plant::check(&checker, raw.plant.as_ref())?,
            set_threshold: raw.plant.as_ref().is_some_and(|plant| plant.set_threshold),
            alarms: super::alarms::check(
                &checker,
                &raw.alarms,
                layout.window_before().saturating_sub(hardware.rise()),
            )?,
            too_hot: super::alarms::check_heat(&checker, &raw.alarms)?,
            quality: match raw.quality {
                None => None,
                Some(limits) => {
                    let refused = |source| ConfigError::Quality { file: file.to_owned(), source };
                    Some(Limits::new(limits).map_err(refused)?)
                }
            },
            black_box: super::black_box::check(&checker, &raw.black_box)?,
            drift: super::drift::check(&checker, &raw.drift)?,
            text: text.to_owned(),
            text_sha256: Sha256::digest(text).into(),
            hardware,
            raw,
            base: base.to_owned(),
        })
    }

    /// The same line with what goes with another product: `change` writes that over what the file says, and all of it is checked again.
    /// What was overridden besides, and a virtual line's plan, stay.
    pub(super) fn with_product(&self, file: &str, change: impl FnOnce(&mut RawConfig)) -> Result<Self, ConfigError> {
        let mut raw = RawConfig::clone(&self.raw);
        change(&mut raw);
        let other = Self::check(Arc::new(raw), &self.text, file, &self.base)?;
        let hardware = match (&self.hardware, other.hardware) {
            (Hardware::Simulation(own), _) => Hardware::Simulation(own.clone()),
            (Hardware::Board(_), board) => board,
        };
        let (layout, quality, alarms) = (other.layout, other.quality, other.alarms);
        let (bundle, false_reject) = (other.bundle, other.false_reject);
        Ok(Self { bundle, false_reject, layout, quality, alarms, hardware, ..self.clone() })
    }

    /// The station's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bundle that judges, or with slots the one that judges while none of theirs is committed.
    #[must_use]
    pub fn bundle(&self) -> &Path {
        &self.bundle
    }

    /// The folder of slots A and B, if new bundles are to be tried there.
    #[must_use]
    pub fn slots(&self) -> Option<&Path> {
        self.slots.as_deref()
    }

    /// The folder of recipes, if products are to be changed.
    #[must_use]
    pub fn recipes(&self) -> Option<&Path> {
        self.recipes.as_deref()
    }

    /// The greatest number of a product that can be chosen at the station's own inputs, where it has any for that.
    #[must_use]
    pub fn greatest_selected(&self) -> Option<u16> {
        match &self.hardware {
            Hardware::Simulation(simulation) => simulation.select().map(|select| select.greatest()),
            Hardware::Board(board) => board.lines().select.as_ref().map(Select::greatest),
        }
    }

    /// Files of the public keys that may have signed it.
    #[must_use]
    pub fn trust(&self) -> &[PathBuf] {
        &self.trust
    }

    /// Where the threshold is moved to: share of good parts that may be rejected. `None` leaves it where the bundle has it.
    #[must_use]
    pub const fn false_reject(&self) -> Option<f64> {
        self.false_reject
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

    /// What a part's picture must be like to prove anything, where that is limited.
    #[must_use]
    pub fn quality(&self) -> Option<Limits> {
        self.quality
    }

    /// What of the line's course stops it, or makes somebody look.
    #[must_use]
    pub fn alarms(&self) -> alarms::Limits {
        self.alarms
    }

    /// What of the board's own state makes somebody look.
    #[must_use]
    pub fn readings(&self) -> readings::Limits {
        readings::Limits { too_hot: self.too_hot, least_free_bytes: self.audit.limits().min_free_bytes }
    }

    /// The display of a board, if there is one. A simulated line shows its panel in a file.
    #[must_use]
    pub fn display(&self) -> Option<&DisplaySettings> {
        self.display.as_ref()
    }

    /// The socket that the plant's process connects to, where one is to be opened.
    #[must_use]
    pub fn plant(&self) -> Option<&Path> {
        self.plant.as_deref()
    }

    /// Whether the plant's process may set the threshold.
    #[must_use]
    pub const fn set_threshold(&self) -> bool {
        self.set_threshold
    }

    /// From which move of a figure on people are warned; `None` where nothing is watched.
    #[must_use]
    pub fn drift(&self) -> Option<Tolerances> {
        self.drift
    }

    /// What the black box holds, where there is one.
    #[must_use]
    pub fn black_box(&self) -> Option<BlackBox> {
        self.black_box
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the file's text, to tell which configuration a run had.
    #[must_use]
    pub fn text_sha256(&self) -> [u8; 32] {
        self.text_sha256
    }

    /// What it drives.
    #[must_use]
    pub fn hardware(&self) -> &Hardware {
        &self.hardware
    }

    /// The same with another number of parts, at least one, where the line is a virtual one.
    #[must_use]
    pub fn with_parts(mut self, parts: u32) -> Self {
        if let Hardware::Simulation(simulation) = &mut self.hardware {
            simulation.plan.parts = parts.max(1);
        }
        self
    }

    /// The same with another seed, where the line is a virtual one.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        if let Hardware::Simulation(simulation) = &mut self.hardware {
            simulation.plan.seed = seed;
        }
        self
    }

    /// The same with another bundle, whatever slots hold and whichever recipe was chosen.
    #[must_use]
    pub fn with_bundle(mut self, bundle: PathBuf) -> Self {
        self.bundle = bundle;
        (self.slots, self.recipes) = (None, None);
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
        let (layout, kind) = (
            &self.layout,
            match &self.hardware {
                Hardware::Simulation(_) => "SIMULATION",
                Hardware::Board(_) => "board",
            },
        );
        let mut table = vec![
            ("station", self.name.clone()),
            ("hardware", kind.to_owned()),
            ("bundle", self.bundle.display().to_string()),
            ("bundle slots", self.slots.as_ref().map_or("none".to_owned(), |slots| slots.display().to_string())),
            ("recipes", self.recipes.as_ref().map_or("none".to_owned(), |recipes| recipes.display().to_string())),
            (
                "select inputs",
                self.greatest_selected().map_or("none".to_owned(), |most| format!("say products 0 to {most}")),
            ),
            ("trusted keys", self.trust.len().to_string()),
            ("false rejects", self.false_reject.map_or("the bundle's".to_owned(), |share| format!("{share} at most"))),
            ("gate distance", millimetres(layout.gate_distance())),
            (
                "gate window",
                format!("-{} +{}", millimetres(layout.window_before()), millimetres(layout.window_after())),
            ),
            ("lock-out", millimetres(layout.lockout())),
        ];
        table.extend(match &self.hardware {
            Hardware::Simulation(simulation) => simulation.table(layout),
            Hardware::Board(board) => board.table(layout),
        });
        table.push(("alarms", super::alarms::table(&self.alarms, self.too_hot)));
        if let Some(display) = &self.display {
            table.push(("display", display.to_string()));
        }
        table.push(("audit folder", self.audit.dir.display().to_string()));
        table.push(("pictures kept", self.audit.to_string()));
        table.push((
            "plant socket",
            self.plant.as_ref().map_or("none".to_owned(), |socket| socket.display().to_string()),
        ));
        if self.plant.is_some() {
            let may = if self.set_threshold { "may be set by the plant's engineer" } else { "is not set by the plant" };
            table.push(("threshold", may.to_owned()));
        }
        table.push(("drift", super::drift::table(self.drift)));
        table.push(("black box", super::black_box::table(self.black_box.as_ref())));
        table
    }
}

/// A gate that has risen is there for its part even when its thread comes this much later than the belt.
pub(super) const THREAD_MARGIN: Micros = Micros(1_000);

/// For a table.
pub(super) fn millimetres(travel: Travel) -> String {
    format!("{:.1} mm", travel.0 as f64 / 1e3)
}

/// For a table.
pub(super) fn milliseconds(time: Micros) -> String {
    format!("{:.1} ms", time.as_millis_f64())
}

/// From the trigger edge to the moment at which the gate must decide, at a speed in micrometres a second.
pub(super) fn time_to_judge(layout: &Layout, speed: f64) -> Micros {
    let way = layout.gate_distance().saturating_sub(layout.window_before());
    Micros((way.0 as f64 * 1e6 / speed) as u64)
}

fn layout(checker: &Checker<'_>, raw: &RawConfig) -> Result<Layout, ConfigError> {
    let line = &raw.line;
    Layout::check(&RawLayout {
        gate_distance: Travel(checker.micrometres("line.gate_distance_mm", line.gate_distance_mm, 1.0)?),
        window_before: Travel(checker.micrometres("line.window_before_mm", line.window_before_mm, 0.0)?),
        window_after: Travel(checker.micrometres("line.window_after_mm", line.window_after_mm, 0.0)?),
        lockout: Travel(checker.micrometres("line.lockout_mm", line.lockout_mm, 0.0)?),
        max_length: match line.max_length_mm {
            None => None,
            Some(length) => Some(Travel(checker.micrometres("line.max_length_mm", length, 1.0)?)),
        },
    })
    .map_err(|source| ConfigError::Layout { file: checker.file.to_owned(), source })
}

fn hardware(
    checker: &Checker<'_>,
    raw: &RawConfig,
    layout: &Layout,
    frame_timeout: Micros,
) -> Result<Hardware, ConfigError> {
    let section = |expected| checker.value("station.hardware", &raw.station.hardware, expected);
    let recipes = raw.recipes.is_some();
    match raw.station.hardware.as_str() {
        "simulation" => {
            let sim = raw.sim.as_ref().ok_or_else(|| section("which needs a [sim] section"))?;
            Ok(Hardware::Simulation(Box::new(Simulation::check(checker, sim, layout, frame_timeout, recipes)?)))
        }
        "board" => {
            let board = raw.board.as_ref().ok_or_else(|| section("which needs a [board] section"))?;
            Ok(Hardware::Board(Box::new(Board::check(checker, board, layout, frame_timeout, recipes)?)))
        }
        _ => Err(section("permitted are \"simulation\" and \"board\"")),
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
        assert_eq!(parse(SIM).unwrap().slots(), None);
        let slots = parse(&SIM.replace("\n[line]", "slots = \"slots\"\n[line]")).unwrap();
        assert_eq!(slots.slots(), Some(Path::new("base/slots")));
        assert_eq!(slots.with_bundle("other.draem".into()).slots(), None);
    }

    #[test]
    fn each_wrong_value_is_named_with_what_would_be_right() {
        let cases = [
            ("defect_rate", "1.5", "sim.defect_rate = 1.5, permitted is 0 to 1"),
            ("speed_mm_s", "0.0", "sim.speed_mm_s = 0, permitted is 1 to 10000"),
            ("parts", "0", "sim.parts = 0, permitted is 1 to 10000000"),
            ("hardware", "\"relay\"", "station.hardware = \"relay\", permitted are \"simulation\" and \"board\""),
            ("hardware", "\"board\"", "station.hardware = \"board\", which needs a [board] section"),
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
            ("reversal_mm", "360.0", "parts that are decided run back to the trigger; at most 356.0 is permitted"),
            ("reversals_per_minute", "-1.0", "sim.reversals_per_minute = -1, permitted is 0 to 60"),
            ("encoder_stalls_per_minute", "61.0", "sim.faults.encoder_stalls_per_minute = 61, permitted is 0 to 60"),
            ("jitter_ms", "nan", "sim.inference.jitter_ms = NaN"),
        ];
        for (key, value, expected) in cases {
            let message = parse(&with(key, value)).expect_err(key).to_string();
            assert!(message.starts_with("sim.toml: ") && message.contains(expected), "{key} = {value}: {message}");
        }
    }

    #[test]
    fn a_belt_that_hardly_gets_on_and_a_gate_too_slow_for_the_unannounced_are_refused() {
        let cases = [
            (
                "reversals_per_minute = 0.0\nreversal_mm = 0.0",
                "reversals_per_minute = 50.0\nreversal_mm = 100.0",
                "gets on",
            ),
            (
                "part_length_mm = 32.0\n# A second light barrier this far before the gate finds parts that the first one missed.\nphotogate_before_mm = 5.0",
                "part_length_mm = 2.0\nphotogate_before_mm = 0.0",
                "for a part that no trigger announced",
            ),
        ];
        for (from, to, expected) in cases {
            assert!(SIM.contains(from), "{from}");
            let message = parse(&SIM.replace(from, to)).expect_err(to).to_string();
            assert!(message.contains(expected), "{to}: {message}");
        }
    }

    #[test]
    fn a_socket_is_relative_to_the_file_and_no_longer_than_the_kernel_takes() {
        assert_eq!(parse(SIM).unwrap().plant(), None);
        let socket = |path: &str| parse(&format!("{SIM}\n[plant]\nsocket = \"{path}\"\n"));
        assert_eq!(socket("run/plant.sock").unwrap().plant(), Some(Path::new("base/run/plant.sock")));
        assert!(socket("run/plant.sock").unwrap().set_threshold() && !parse(SIM).unwrap().set_threshold());
        assert!(!socket("p\"\nset_threshold = false\n# \"").unwrap().set_threshold());
        assert!(socket(&format!("/{}", "x".repeat(106))).is_ok());
        for (path, expected) in [(format!("/{}", "x".repeat(107)), "at most 107 bytes"), ("/".to_owned(), "is needed")]
        {
            let message = socket(&path).unwrap_err().to_string();
            assert!(message.starts_with("sim.toml: plant.socket") && message.contains(expected), "{message}");
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
