//! What is kept of a test: who, when, with which configuration, what was asked, answered and measured.

use serde::Serialize;

use super::drive::Broken;
use super::script::{Answer, Plan, Script};

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// Every step was as it must be.
    Passed,
    /// Some were not.
    Failed,
    /// It did not come to its end.
    NotFinished,
}

/// What `--json` writes.
#[derive(Debug, Serialize)]
pub(super) struct Protocol<'a> {
    /// When the test began, UTC.
    pub at: String,
    pub station: &'a str,
    /// SHA-256 of the configuration's text.
    pub config_sha256: String,
    /// Of the program.
    pub software: &'static str,
    /// No gate has moved.
    pub simulation: bool,
    pub outcome: Outcome,
    /// Why it did not come to its end.
    pub why: Option<String>,
    pub pulse_ms: f64,
    /// A sensor behind the gate is wired.
    pub confirm_wired: bool,
    /// From the gate's command to the sensor.
    pub confirmed_after_ms: Option<f64>,
    pub answers: &'a [Answer],
}

/// How a test ended, and why it did not come to its end.
pub(super) fn outcome(script: &Script, ended: &Result<(), Broken>) -> (Outcome, Option<String>) {
    let why = match ended {
        Ok(()) if script.refused() => Some("it was answered that the gate may not move".to_owned()),
        Ok(()) => None,
        Err(broken) => Some(broken.to_string()),
    };
    let outcome = match (&why, script.passed()) {
        (Some(_), _) => Outcome::NotFinished,
        (None, true) => Outcome::Passed,
        (None, false) => Outcome::Failed,
    };
    (outcome, why)
}

/// The result in words.
pub(super) fn text(plan: Plan, script: &Script, outcome: Outcome, why: Option<&str>) -> String {
    let mut text = String::new();
    for Answer { step, yes, .. } in script.answers() {
        text += &format!("{:<22}{}\n", format!("{step:?}").to_lowercase(), if *yes { "yes" } else { "NO" });
    }
    let confirmed = match (plan.confirm_within, script.confirmed_after()) {
        (None, _) => "no sensor is wired".to_owned(),
        (Some(_), Some(after)) => format!("{:.1} ms after the command", after.as_millis_f64()),
        (Some(_), None) => "NO".to_owned(),
    };
    text += &format!("{:<22}{confirmed}\n", "confirmed");
    text += &match (outcome, why) {
        (Outcome::Passed, _) => "PASSED\n".to_owned(),
        (Outcome::Failed, _) => "FAILED: the line must not run until every step is as it must be\n".to_owned(),
        (Outcome::NotFinished, why) => format!("NOT FINISHED: {}; the outputs are let go\n", why.unwrap_or("unknown")),
    };
    text
}
