//! `[sim]`: the virtual line.
//!
//! Takes the section as written; gives the plan of a shift, how long the virtual board takes, and what goes wrong. Draws
//! nothing.

use shared::line::Layout;
use shared::units::{Micros, Travel};

use super::check::{THREAD_MARGIN, milliseconds, time_to_judge};
use super::checker::Checker;
use super::error::ConfigError;
use super::lines::{MOST_SELECT, greatest};
use super::raw::{Sim, SimSelect};
use crate::hw::sim::belt::Motion;
use crate::hw::sim::select::{Press, Presses};
use crate::hw::sim::world::{Light, Plan};
use crate::hw::wrap::faulty::Rates;
use crate::hw::wrap::lines::Stalls;

/// Milliseconds of a day: later than that nobody waits for something to be pressed.
const A_DAY_MS: f64 = 86_400_000.0;

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

/// A virtual line, checked.
///
/// # Invariants
/// The usual verdict is there before the gate must decide, at the greatest belt speed.
#[derive(Debug, Clone)]
pub struct Simulation {
    pub(super) plan: Plan,
    camera: Micros,
    latency: Latency,
    faults: Rates,
    stalls: Stalls,
    select: Option<Presses>,
}

impl Simulation {
    pub(super) fn check(
        checker: &Checker<'_>,
        sim: &Sim,
        layout: &Layout,
        frame_timeout: Micros,
        recipes: bool,
    ) -> Result<Self, ConfigError> {
        let stalls = sim.faults.encoder_stalls_per_minute;
        let simulation = Self {
            plan: plan(checker, sim, layout)?,
            camera: checker.millis("sim.camera_ms", sim.camera_ms, 0.0)?,
            latency: latency(checker, sim)?,
            faults: Rates {
                missing_frame: checker.share("sim.faults.missing_frame", sim.faults.missing_frame)?,
                bounce: checker.share("sim.faults.bounce", sim.faults.bounce)?,
                missed_trigger: checker.share("sim.faults.missed_trigger", sim.faults.missed_trigger)?,
            },
            stalls: Stalls {
                per_minute: checker.range("sim.faults.encoder_stalls_per_minute", stalls, 0.0, 60.0)?,
                length: checker.millis("sim.faults.encoder_stall_ms", sim.faults.encoder_stall_ms, 0.0)?,
            },
            select: sim.select.as_ref().map(|select| presses(checker, select, recipes)).transpose()?,
        };
        simulation.possible(checker, layout, frame_timeout)?;
        Ok(simulation)
    }

    /// The simulated shift.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// From exposure to picture.
    #[must_use]
    pub fn camera(&self) -> Micros {
        self.camera
    }

    /// How long the virtual board takes to judge.
    #[must_use]
    pub fn latency(&self) -> &Latency {
        &self.latency
    }

    /// What goes wrong.
    #[must_use]
    pub fn faults(&self) -> Rates {
        self.faults
    }

    /// How often the encoder fails for a while, on a line in real time. A shift in virtual time knows the belt's position
    /// without one.
    #[must_use]
    pub fn stalls(&self) -> Stalls {
        self.stalls
    }

    /// What is pressed at the inputs where a product is chosen, where there are any. A shift in virtual time has one product.
    #[must_use]
    pub fn select(&self) -> Option<&Presses> {
        self.select.as_ref()
    }

    /// What is legal one by one and cannot work together.
    fn possible(&self, checker: &Checker<'_>, layout: &Layout, frame_timeout: Micros) -> Result<(), ConfigError> {
        let plan = &self.plan;
        let mm = |micrometres: i64| micrometres as f64 / 1e3;
        checker.apart("sim.pitch_mm less its variation", self.least_pitch(), layout)?;
        let length = mm(plan.part_length_um);
        if let Some(longest) = layout.max_length() {
            checker.most("sim.part_length_mm", length, "a part is longer than line.max_length_mm", mm(longest.0))?;
        }
        let (before, after) = (mm(layout.window_before().0), mm(layout.window_after().0));
        checker.least("line.window_after_mm", after, "the gate closes on a part (sim.part_length_mm)", length)?;
        let rise = mm(self.rise().0);
        let margin = self.greatest_speed() * THREAD_MARGIN.0 as f64 / 1e9;
        checker.least("line.window_before_mm", before, "the gate rises too late (sim.gate_rise_ms)", rise + margin)?;
        let photogate = mm(plan.photogate_before_um);
        checker.most("sim.photogate_before_mm", photogate, "the photogate stands outside the window", before)?;
        // Such a part is at the gate with its middle, and the gate begins to move when its edge is at the photogate.
        let why = "the gate rises too late for a part that no trigger announced (sim.gate_rise_ms)";
        checker.least("sim.photogate_before_mm and half of sim.part_length_mm", photogate + length / 2.0, why, rise)?;
        let budget = time_to_judge(layout, self.greatest_speed()).as_millis_f64();
        let why = "with sim.camera_ms and jitter the usual verdict comes after the gate must decide";
        checker.most("sim.inference.mean_ms", self.usual_judgement().as_millis_f64(), why, budget)?;
        let pace = plan.pitch_um as f64 * 1e3 / self.greatest_speed();
        let why = "parts come faster than they are judged";
        checker.most("sim.inference.mean_ms", self.latency.mean.as_millis_f64(), why, pace)?;
        self.reverses(checker, layout)?;
        let timeout = frame_timeout.as_millis_f64();
        checker.most("line.frame_timeout_ms", timeout, "a lost picture is noticed behind the gate", budget)?;
        let why = "no picture is there in time (sim.camera_ms)";
        checker.least("line.frame_timeout_ms", timeout, why, self.camera.as_millis_f64() + 1.0)
    }

    /// The belt gets on, and no part that has been decided comes to the trigger again, where it would be a new one.
    fn reverses(&self, checker: &Checker<'_>, layout: &Layout) -> Result<(), ConfigError> {
        let (plan, mm) = (&self.plan, |micrometres: i64| micrometres as f64 / 1e3);
        let longest = mm(plan.motion.reversal_um);
        let way = layout.gate_distance().0 - layout.window_before().0 - plan.part_length_um;
        checker.most("sim.reversal_mm", longest, "parts that are decided run back to the trigger", mm(way))?;
        let minute = mm(plan.motion.speed_um_s) * 60.0;
        let back = plan.motion.reversals_per_minute * longest;
        let why = "the belt hardly gets on (a quarter of what it runs in a minute)";
        checker.most("sim.reversals_per_minute times sim.reversal_mm", back, why, minute / 4.0)
    }

    pub(super) fn table(&self, layout: &Layout) -> Vec<(&'static str, String)> {
        let (plan, share) = (&self.plan, |rate: f64| format!("{:.1} %", rate * 100.0));
        vec![
            ("time to judge", milliseconds(time_to_judge(layout, self.greatest_speed()))),
            ("usual judgement", milliseconds(self.usual_judgement())),
            ("parts in flight", layout.in_flight_at(shared::units::Travel(self.least_pitch())).to_string()),
            ("belt speed", format!("{:.0} mm/s", plan.motion.speed_um_s as f64 / 1e3)),
            ("parts", plan.parts.to_string()),
            ("seed", plan.seed.to_string()),
            ("defective", share(plan.defect_rate)),
            ("lost pictures", share(self.faults.missing_frame)),
        ]
    }

    /// From the trigger edge to a verdict that takes the mean and all of the jitter.
    fn usual_judgement(&self) -> Micros {
        self.camera.saturating_add(self.latency.mean).saturating_add(self.latency.jitter)
    }

    /// How far the belt runs at most while the gate rises.
    pub(super) fn rise(&self) -> Travel {
        Travel((self.greatest_speed() * self.plan.gate_rise.0 as f64 / 1e6) as i64)
    }

    /// Micrometres a second.
    fn greatest_speed(&self) -> f64 {
        self.plan.motion.speed_um_s as f64 * (1.0 + self.plan.motion.variation)
    }

    /// Micrometres.
    fn least_pitch(&self) -> i64 {
        (self.plan.pitch_um as f64 * (1.0 - self.plan.pitch_variation)) as i64
    }
}

fn plan(checker: &Checker<'_>, sim: &Sim, layout: &Layout) -> Result<Plan, ConfigError> {
    Ok(Plan {
        seed: sim.seed,
        parts: checker.range("sim.parts", f64::from(sim.parts), 1.0, 1e7)? as u32,
        defect_rate: checker.share("sim.defect_rate", sim.defect_rate)?,
        motion: Motion {
            speed_um_s: (checker.range("sim.speed_mm_s", sim.speed_mm_s, 1.0, 10_000.0)? * 1e3) as i64,
            variation: checker.range("sim.speed_variation", sim.speed_variation, 0.0, 0.9)?,
            stops_per_minute: checker.range("sim.stops_per_minute", sim.stops_per_minute, 0.0, 60.0)?,
            reversals_per_minute: checker.range("sim.reversals_per_minute", sim.reversals_per_minute, 0.0, 60.0)?,
            reversal_um: checker.micrometres("sim.reversal_mm", sim.reversal_mm, 0.0)?,
        },
        pitch_um: checker.micrometres("sim.pitch_mm", sim.pitch_mm, 1.0)?,
        pitch_variation: checker.range("sim.pitch_variation", sim.pitch_variation, 0.0, 0.9)?,
        part_length_um: checker.micrometres("sim.part_length_mm", sim.part_length_mm, 1.0)?,
        gate_distance_um: layout.gate_distance().0,
        photogate_before_um: checker.micrometres("sim.photogate_before_mm", sim.photogate_before_mm, 0.0)?,
        encoder_step_um: checker.range("sim.encoder_step_um", sim.encoder_step_um as f64, 1.0, 10_000.0)? as i64,
        gate_rise: checker.millis("sim.gate_rise_ms", sim.gate_rise_ms, 0.0)?,
        light: Light {
            from_part: sim.light.from_part,
            factor: checker.range("sim.light.factor", sim.light.factor, 0.0, 4.0)?,
        },
    })
}

fn presses(checker: &Checker<'_>, raw: &SimSelect, recipes: bool) -> Result<Presses, ConfigError> {
    let lines = checker.range("sim.select.lines", f64::from(raw.lines), 1.0, MOST_SELECT as f64)? as u8;
    if !recipes {
        let expected = "without [recipes] there is no product to choose";
        return Err(checker.value("sim.select.lines", &lines.to_string(), expected));
    }
    let most = greatest(usize::from(lines));
    let (mut presses, mut rests_at) = (Vec::new(), 0.0);
    for press in &raw.press {
        let at = checker.range("sim.select.press.at_ms", press.at_ms, 0.0, A_DAY_MS)?;
        checker.least("sim.select.press.at_ms", at, "the strobe is on for the one before still", rests_at)?;
        let held = checker.millis("sim.select.press.held_ms", press.held_ms, 1.0)?;
        rests_at = at + held.as_millis_f64();
        let code = checker.range("sim.select.press.code", f64::from(press.code), 0.0, f64::from(most))? as u16;
        presses.push(Press { at: Micros((at * 1e3) as u64), code, held });
    }
    Ok(Presses { lines, presses })
}

fn latency(checker: &Checker<'_>, sim: &Sim) -> Result<Latency, ConfigError> {
    let inference = &sim.inference;
    let mean = checker.millis("sim.inference.mean_ms", inference.mean_ms, 0.0)?;
    let jitter = checker.range("sim.inference.jitter_ms", inference.jitter_ms, 0.0, inference.mean_ms)?;
    Ok(Latency {
        mean,
        jitter: Micros((jitter * 1e3) as u64),
        spike_rate: checker.share("sim.inference.spike_rate", inference.spike_rate)?,
        spike: checker.millis("sim.inference.spike_ms", inference.spike_ms, 0.0)?,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;

    const SIM: &str = include_str!("../../config/sim.toml");

    fn parse(select: &str, recipes: bool) -> Result<Config, String> {
        let mut text = format!("{SIM}\n[sim.select]\n{select}\n");
        if recipes {
            text = text.replace("\n[line]\n", "\n[recipes]\ndir = \"recipes\"\n\n[line]\n");
        }
        Config::parse(&text, "sim.toml", Path::new("base")).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_pressed_is_checked_as_what_is_wired() {
        let press = |at: f64, code: u16, held: f64| format!("{{ at_ms = {at:?}, code = {code}, held_ms = {held:?} }}");
        let config = parse(&format!("lines = 3\npress = [{}, {}]", press(0.0, 7, 100.0), press(100.0, 1, 80.0)), true);
        assert_eq!(config.unwrap().greatest_selected(), Some(7));
        for (select, recipes, expected) in [
            ("lines = 3".to_owned(), false, "sim.select.lines = \"3\", without [recipes]"),
            ("lines = 15".to_owned(), true, "sim.select.lines = 15, permitted is 1 to 14"),
            (
                format!("lines = 3\npress = [{}]", press(0.0, 8, 80.0)),
                true,
                "sim.select.press.code = 8, permitted is 0 to 7",
            ),
            (
                format!("lines = 3\npress = [{}]", press(0.0, 1, 0.0)),
                true,
                "sim.select.press.held_ms = 0, permitted is 1",
            ),
            (
                format!("lines = 3\npress = [{}, {}]", press(50.0, 1, 80.0), press(129.0, 1, 80.0)),
                true,
                "sim.select.press.at_ms = 129.0: the strobe is on for the one before still; at least 130.0",
            ),
        ] {
            let said = parse(&select, recipes).unwrap_err();
            assert!(said.starts_with("sim.toml: ") && said.contains(expected), "{said}");
        }
    }
}
