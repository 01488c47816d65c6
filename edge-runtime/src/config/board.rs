//! `[board]`: a real line's belt, camera, lines and real-time wishes.
//!
//! Takes the section as written; gives checked values in micrometres and microseconds. Opens no device: whether a camera or a
//! line of that name exists shows at the start.

use std::path::{Path, PathBuf};

use shared::line::Layout;
use shared::units::{Micros, Travel};

use super::check::{THREAD_MARGIN, milliseconds, time_to_judge};
use super::checker::Checker;
use super::error::ConfigError;
use super::lines::{Lines, check_lines};
use super::raw;
use crate::hw::realtime::Wanted;

/// How the belt's position is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belt {
    /// By an encoder.
    Encoder {
        /// Micrometres from step to step.
        step: Travel,
        /// Parts that come for this long without a step mean that the encoder has failed.
        stall: Micros,
    },
    /// By time, at this speed in micrometres a second: only for a belt whose speed holds.
    Steady {
        /// Micrometres a second.
        speed_um_s: i64,
    },
}

/// What makes the camera take a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Nothing: it takes one after the other, and the one nearest to the part's moment is the part's.
    Free,
    /// The light barrier, by a wire to the camera's trigger input.
    Sensor,
}

/// Arrangements of pixels that a camera may be asked for, in the kernel's letters.
const FORMATS: [&str; 5] = ["YUYV", "MJPG", "NV12", "GREY", "RGB24"];

/// The camera, and when it looks.
#[derive(Debug, Clone)]
pub struct BoardCamera {
    /// The device, or a link to it.
    pub device: PathBuf,
    /// One of the kernel's `YUYV`, `MJPG`, `NV12`, `GREY`, `RGB24`.
    pub format: &'static str,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Frames a second, in thousandths; the driver's own choice without.
    pub millihertz: Option<u32>,
    /// What makes it take a picture.
    pub exposure: Exposure,
    /// From the trigger's edge to the moment at which the part is where the model knows it.
    pub trigger_to_picture: Micros,
    /// A picture this far from that moment still shows the part.
    pub match_within: Micros,
    /// A camera that runs free and gives nothing for this long has failed.
    pub silent: Micros,
    /// Controls by name with their values.
    pub controls: Vec<(String, i64)>,
}

/// A real line, checked.
#[derive(Debug, Clone)]
pub struct Board {
    greatest_speed_um_s: f64,
    least_pitch: Travel,
    rise: Travel,
    belt: Belt,
    camera: BoardCamera,
    lines: Lines,
    gate: Wanted,
}

impl Board {
    pub(super) fn check(
        checker: &Checker<'_>,
        raw: &raw::Board,
        layout: &Layout,
        frame_timeout: Micros,
        recipes: bool,
    ) -> Result<Self, ConfigError> {
        let speed = checker.range("board.greatest_speed_mm_s", raw.greatest_speed_mm_s, 1.0, 10_000.0)? * 1e3;
        let pitch = checker.micrometres("board.least_pitch_mm", raw.least_pitch_mm, 1.0)?;
        checker.apart("board.least_pitch_mm", pitch, layout)?;
        let rise = checker.millis("board.gate_rise_ms", raw.gate_rise_ms, 0.0)?.0 as f64 * speed / 1e6;
        let margin = speed * THREAD_MARGIN.0 as f64 / 1e6;
        let before = layout.window_before().0 as f64 / 1e3;
        checker.least(
            "line.window_before_mm",
            before,
            "the gate rises too late (board.gate_rise_ms)",
            (rise + margin) / 1e3,
        )?;
        let camera = camera(checker, &raw.camera)?;
        let pace = pitch as f64 * 1e3 / speed;
        if camera.exposure == Exposure::Free {
            let why = "one picture could be that of two parts (board.least_pitch_mm at board.greatest_speed_mm_s)";
            checker.most("board.camera.match_within_ms", camera.match_within.as_millis_f64(), why, pace / 2.0)?;
        }
        let latest = camera.trigger_to_picture.saturating_add(camera.match_within).as_millis_f64();
        let timeout = frame_timeout.as_millis_f64();
        let why = "no picture is there in time (board.camera.trigger_to_picture_ms and match_within_ms)";
        checker.least("line.frame_timeout_ms", timeout, why, latest)?;
        let budget = time_to_judge(layout, speed).as_millis_f64();
        checker.most("line.frame_timeout_ms", timeout, "a lost picture is noticed behind the gate", budget)?;
        let gate_priority = match raw.realtime.gate_priority {
            None => None,
            Some(got) => Some(checker.range("board.realtime.gate_priority", f64::from(got), 1.0, 99.0)? as u8),
        };
        let gate_core = match raw.realtime.gate_core {
            None => None,
            Some(got) => Some(checker.range("board.realtime.gate_core", f64::from(got), 0.0, 1023.0)? as u16),
        };
        let gate = Wanted { priority: gate_priority, core: gate_core };
        let belt = belt(checker, &raw.belt)?;
        let lines = check_lines(checker, &raw.lines, matches!(belt, Belt::Encoder { .. }), recipes)?;
        let (least_pitch, rise) = (Travel(pitch), Travel(rise as i64));
        Ok(Self { greatest_speed_um_s: speed, least_pitch, rise, belt, camera, lines, gate })
    }

    /// How far the belt runs at most while the gate rises.
    pub(super) fn rise(&self) -> Travel {
        self.rise
    }

    /// How the belt's position is known.
    #[must_use]
    pub fn belt(&self) -> Belt {
        self.belt
    }

    /// The camera.
    #[must_use]
    pub fn camera(&self) -> &BoardCamera {
        &self.camera
    }

    /// Inputs and outputs.
    #[must_use]
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// What the gate's thread asks of the kernel; without, it runs as any other thread.
    #[must_use]
    pub fn gate(&self) -> Wanted {
        self.gate
    }

    /// The belt's greatest speed, micrometres a second.
    #[must_use]
    pub fn greatest_speed_um_s(&self) -> f64 {
        self.greatest_speed_um_s
    }

    /// From one part to the next at the greatest speed.
    #[must_use]
    pub fn least_pace(&self) -> Micros {
        Micros((self.least_pitch.0 as f64 * 1e6 / self.greatest_speed_um_s) as u64)
    }

    /// From the trigger edge to the moment at which the gate must decide, at the greatest speed.
    #[must_use]
    pub fn time_to_judge(&self, layout: &Layout) -> Micros {
        time_to_judge(layout, self.greatest_speed_um_s)
    }

    /// From the trigger edge to the exposure of the latest picture that still shows the part.
    #[must_use]
    pub fn latest_picture(&self) -> Micros {
        self.camera.trigger_to_picture.saturating_add(self.camera.match_within)
    }

    pub(super) fn table(&self, layout: &Layout) -> Vec<(&'static str, String)> {
        let belt = match self.belt {
            Belt::Encoder { step, stall } => {
                format!("encoder, {:.3} mm a step, stalled after {}", step.0 as f64 / 1e3, milliseconds(stall))
            }
            Belt::Steady { speed_um_s } => format!("no encoder, always {:.1} mm/s", speed_um_s as f64 / 1e3),
        };
        let camera = &self.camera;
        vec![
            ("greatest speed", format!("{:.1} mm/s", self.greatest_speed_um_s / 1e3)),
            ("time to judge", milliseconds(self.time_to_judge(layout))),
            ("parts in flight", layout.in_flight_at(self.least_pitch).to_string()),
            ("belt", belt),
            ("camera", format!("{}, {} {}x{}", camera.device.display(), camera.format, camera.width, camera.height)),
            ("gate's priority", self.gate.priority.map_or("none asked for".to_owned(), |p| format!("SCHED_FIFO {p}"))),
            (
                "gate's core",
                self.gate.core.map_or("any".to_owned(), |core| format!("{core}, left by all other threads")),
            ),
        ]
    }
}

fn belt(checker: &Checker<'_>, raw: &raw::Belt) -> Result<Belt, ConfigError> {
    match (raw.encoder_step_um, raw.steady_speed_mm_s) {
        (Some(step), None) => Ok(Belt::Encoder {
            step: Travel(checker.range("board.belt.encoder_step_um", step as f64, 1.0, 100_000.0)? as i64),
            stall: checker.millis("board.belt.stall_ms", raw.stall_ms, 10.0)?,
        }),
        (None, Some(speed)) => {
            let speed = checker.range("board.belt.steady_speed_mm_s", speed, 1.0, 10_000.0)?;
            Ok(Belt::Steady { speed_um_s: (speed * 1e3) as i64 })
        }
        (both, _) => {
            let got = if both.is_some() { "both" } else { "neither" };
            Err(checker.value("board.belt", got, "one of encoder_step_um and steady_speed_mm_s is needed"))
        }
    }
}

fn camera(checker: &Checker<'_>, raw: &raw::Camera) -> Result<BoardCamera, ConfigError> {
    let format = FORMATS.into_iter().find(|&known| known == raw.format);
    let pixels = |key, got: u32| checker.range(key, f64::from(got), 16.0, shared::limits::MAX_FRAME_SIDE as f64);
    Ok(BoardCamera {
        device: absolute(checker, &raw.device)?,
        format: format.ok_or_else(|| {
            let permitted = "permitted are \"YUYV\", \"MJPG\", \"NV12\", \"GREY\", \"RGB24\"";
            checker.value("board.camera.format", &raw.format, permitted)
        })?,
        width: pixels("board.camera.width", raw.width)? as u32,
        height: pixels("board.camera.height", raw.height)? as u32,
        millihertz: match raw.fps {
            None => None,
            Some(fps) => Some((checker.range("board.camera.fps", fps, 0.1, 1_000.0)? * 1e3) as u32),
        },
        exposure: match raw.exposure.as_str() {
            "free" => Exposure::Free,
            "sensor" => Exposure::Sensor,
            other => {
                return Err(checker.value("board.camera.exposure", other, "permitted are \"free\" and \"sensor\""));
            }
        },
        trigger_to_picture: checker.millis("board.camera.trigger_to_picture_ms", raw.trigger_to_picture_ms, 0.0)?,
        match_within: checker.millis("board.camera.match_within_ms", raw.match_within_ms, 0.1)?,
        silent: checker.millis("board.camera.silent_ms", raw.silent_ms, 10.0)?,
        controls: raw.controls.iter().map(|(name, &value)| (name.clone(), value)).collect(),
    })
}

/// A device's path does not depend on where the file lies.
fn absolute(checker: &Checker<'_>, device: &Path) -> Result<PathBuf, ConfigError> {
    if device.is_absolute() {
        return Ok(device.to_owned());
    }
    let expected = "a path such as \"/dev/video0\", or a link below /dev/v4l/by-path, is needed";
    Err(checker.value("board.camera.device", &device.display().to_string(), expected))
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Hardware};
    use super::*;

    const BOARD: &str = include_str!("../../config/board.example.toml");

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, "board.toml", Path::new("base"))
    }

    /// The shipped file with one piece of its text exchanged.
    fn with(from: &str, to: &str) -> String {
        assert!(BOARD.contains(from), "{from} is not in the shipped file");
        BOARD.replacen(from, to, 1)
    }

    #[test]
    fn the_shipped_example_is_understood() {
        let config = parse(BOARD).unwrap();
        let Hardware::Board(board) = config.hardware() else { panic!("hardware = \"board\"") };
        assert_eq!(board.belt(), Belt::Encoder { step: Travel(500), stall: Micros(2_000_000) });
        assert_eq!((board.camera().exposure, board.camera().millihertz), (Exposure::Free, Some(30_000)));
        assert_eq!(board.camera().controls[0], ("exposure_time".to_owned(), 40));
        assert_eq!(board.time_to_judge(&config.layout()), Micros(1_950_000));
        assert_eq!(board.latest_picture(), Micros(60_000));
        assert_eq!((config.readings().too_hot.0, config.readings().least_free_bytes), (80_000, 512_000_000));
        let reset = board.lines().reset.as_ref().unwrap();
        assert!(reset.active_low && reset.bias == Some(super::super::Bias::PullUp));
    }

    #[test]
    fn each_wrong_value_is_named_with_what_would_be_right() {
        let encoder = "encoder_step_um = 500";
        for (from, to, expected) in [
            (
                "greatest_speed_mm_s = 300.0",
                "greatest_speed_mm_s = 0.0",
                "board.greatest_speed_mm_s = 0, permitted is 1",
            ),
            (
                "least_pitch_mm = 120.0",
                "least_pitch_mm = 60.0",
                "board.least_pitch_mm = 60.0: one part's gate window takes",
            ),
            ("gate_rise_ms = 10.0", "gate_rise_ms = 100.0", "the gate rises too late (board.gate_rise_ms)"),
            (encoder, "", "board.belt = \"neither\", one of encoder_step_um and steady_speed_mm_s"),
            (encoder, "encoder_step_um = 500\nsteady_speed_mm_s = 300.0", "board.belt = \"both\""),
            (encoder, "steady_speed_mm_s = 300.0", "board.lines.encoder = \"GPIO27\", an encoder's line is of no use"),
            ("encoder = \"GPIO27\"", "", "board.lines.encoder = \"\", board.belt.encoder_step_um needs"),
            ("device = \"/dev/video0\"", "device = \"video0\"", "board.camera.device = \"video0\", a path such as"),
            ("format = \"MJPG\"", "format = \"H264\"", "board.camera.format = \"H264\", permitted are"),
            ("exposure = \"free\"", "exposure = \"auto\"", "board.camera.exposure = \"auto\", permitted are"),
            ("match_within_ms = 20.0", "match_within_ms = 250.0", "one picture could be that of two parts"),
            ("frame_timeout_ms = 200.0", "frame_timeout_ms = 50.0", "no picture is there in time"),
            ("frame_timeout_ms = 200.0", "frame_timeout_ms = 2000.0", "a lost picture is noticed behind the gate"),
            ("alarm = \"GPIO6\"", "alarm = \"GPIO5\"", "board.lines.alarm = \"GPIO5\", which another key"),
            ("trigger = \"GPIO17\"", "trigger = \" \"", "board.lines.trigger = \" \", the name of a line is needed"),
            (
                "bias = \"pull-up\" }\n# confirm",
                "bias = \"up\" }\n# confirm",
                "board.lines.reset = \"up\", bias may be",
            ),
            (
                "# confirm_within_ms = 2000.0",
                "confirm_within_ms = 2000.0",
                "alarms.confirm_within_ms = \"2000\", without board.lines.confirm nothing sees",
            ),
            ("# gate_core = 3", "gate_core = 1024", "board.realtime.gate_core = 1024, permitted is 0 to 1023"),
            ("gate_priority = 50", "gate_priority = 100", "board.realtime.gate_priority = 100, permitted is 1 to 99"),
            ("consecutive_rejects = 5", "consecutive_rejects = 5\nrejects = 1", "unknown field `rejects`"),
            ("too_hot_c = 80.0", "too_hot_c = 20.0", "alarms.too_hot_c = 20, permitted is 30 to 120"),
            ("too_hot_c = 80.0", "too_hot_c = nan", "alarms.too_hot_c = NaN, permitted is 30 to 120"),
            (
                "# [quality]",
                "[quality]\nleast_brightness = 300.0\nmost_saturated = 1\nleast_sharpness = 0\nfrozen_after = 0",
                "[quality]: least_brightness = 300",
            ),
        ] {
            let message = parse(&with(from, to)).expect_err(to).to_string();
            assert!(message.starts_with("board.toml: ") && message.contains(expected), "{to}: {message}");
        }
    }
}
