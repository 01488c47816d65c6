//! What a person sees of a running training: the time left, the losses, and in the end how long it took.
//!
//! The only reader of time in training. On a terminal a progress bar, elsewhere a line to standard error every half
//! minute. Decides nothing.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::checkpoint::CurveRow;
use crate::clock::now;

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// A run that somebody watches.
pub struct Journal {
    started: Instant,
    last_line: Instant,
    first_step: u64,
    steps: u64,
    bar: Option<ProgressBar>,
    latest: Option<CurveRow>,
}

impl Journal {
    /// Starts the clock at step `first_step` of `steps`.
    pub fn start(first_step: u64, steps: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| progress_bar(first_step, steps));
        let started = now();
        Self { started, last_line: started, first_step, steps, bar, latest: None }
    }

    /// Takes note of a point of the curve.
    pub fn row(&mut self, row: CurveRow) {
        if let Some(bar) = &self.bar {
            bar.set_message(losses(&row));
        }
        self.latest = Some(row);
    }

    /// Takes note that `done` steps are done.
    pub fn step(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            return;
        }
        let at = now();
        if at.duration_since(self.last_line) < LINE_EVERY && done != self.steps {
            return;
        }
        self.last_line = at;
        let seconds = at.duration_since(self.started).as_secs_f64();
        let left = seconds / (done - self.first_step).max(1) as f64 * (self.steps - done) as f64;
        let losses = self.latest.as_ref().map_or_else(String::new, |row| format!(", {}", losses(row)));
        eprintln!("step {done} of {}, {seconds:.0} s, {left:.0} s left{losses}", self.steps);
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        now().duration_since(self.started).as_secs_f64()
    }

    /// Leaves the last state of the bar on the terminal.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

fn progress_bar(first_step: u64, steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} steps, {elapsed}, {eta} left, {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(steps).with_style(style).with_position(first_step);
    bar.reset_eta();
    bar
}

fn losses(row: &CurveRow) -> String {
    format!("loss {:.4} (L2 {:.4}, SSIM {:.4}, focal {:.5})", row.total, row.l2, row.ssim, row.focal)
}
