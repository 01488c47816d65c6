//! Bundle, self-test, and whether verdicts are there in time.
//!
//! What `verify-bundle` asks, and what `run` asks at its start, with the largest speed of the belt at which verdicts come in time here.

use shared::units::Micros;

use super::row::Row;
use crate::bundle::{OpenBundle, TrustedKeys, parity};
use crate::cli::exit::Exit;
use crate::cli::judging::measured;
use crate::cli::model_option::{ModelOption, WishError};
use crate::config::{Board, Config, Hardware};
use crate::engine::Inspector;
use crate::engine::choice::{self, Running};
use crate::station::budget::Budget;

/// A line faster than this share of what holds has little in reserve for a hot day.
const RESERVE: f64 = 0.9;

/// Opens, tests and measures, as far as it gets.
pub(super) fn check(config: &Config, option: ModelOption) -> Vec<Row> {
    let bundle = match opened(config, option) {
        Ok(bundle) => bundle,
        Err(row) => return vec![row],
    };
    let manifest = bundle.manifest();
    let finding = format!("{}: {}, signed by {}", config.bundle().display(), manifest.product(), bundle.signer());
    let mut rows = vec![Row::ok("bundle", finding)];
    let (threshold, own) = (manifest.threshold().get(), manifest.own_threshold().get());
    if threshold != own {
        rows.push(Row::ok("threshold", format!("{threshold}, as it was set on this station; without that {own}")));
    }
    let engine = match choice::load(&bundle, option.engine(), option.threads()) {
        Ok(engine) => engine,
        Err(error) => {
            rows.push(Row::fail(
                "engine",
                error.to_string(),
                "deliver the bundle again with host-trainer",
                Exit::Engine,
            ));
            return rows;
        }
    };
    rows.push(match &engine {
        Running::Fused(engine) => {
            Row::ok("engine", format!("fused, {}, {} thread(s)", engine.isa().name(), option.threads()))
        }
        Running::Tract(_) => Row::look(
            "engine",
            "tract, which is slow",
            "take a model whose every layer is fused; the log names the others",
        ),
    });
    let emulated = engine.emulates(&bundle);
    let mut inspector = Inspector::new(manifest.clone(), Box::new(engine));
    match parity::check(&bundle, &mut inspector, emulated) {
        Err(error) => {
            let remedy = "install the bundle again; if that does not help, this processor computes wrongly";
            rows.push(Row::fail("self-test", error.to_string(), remedy, Exit::Engine));
        }
        Ok(report) => {
            let (count, worst, tolerance) = (report.scores.len(), report.worst, report.tolerance);
            let finding =
                format!("{count} stored pictures score as trained, {worst:.5} apart at most, {tolerance} allowed");
            rows.push(Row::ok("self-test", finding));
            rows.push(speed(config, &bundle, &mut inspector));
        }
    }
    rows
}

fn opened(config: &Config, option: ModelOption) -> Result<OpenBundle, Row> {
    let trusted = TrustedKeys::load(config.trust()).map_err(|error| {
        let remedy = "put the trainer's .pub file where model.trust says";
        Row::fail("trusted keys", error.to_string(), remedy, Exit::BundleRefused)
    })?;
    let bundle = OpenBundle::read(config.bundle(), &trusted).map_err(|error| {
        let remedy = "put the bundle where model.bundle says; it must be signed by a key of model.trust";
        Row::fail("bundle", error.to_string(), remedy, Exit::BundleRefused)
    })?;
    option.on_line(bundle, config).map_err(|error| {
        let remedy = match error {
            WishError::Target(_) => {
                "take a larger model.false_reject, or hold out more good parts when the model is trained"
            }
            WishError::Settings(_) | WishError::Manifest(_) => "set the threshold again, or remove the file",
        };
        Row::fail("threshold", error.to_string(), remedy, Exit::Usage)
    })
}

fn speed(config: &Config, bundle: &OpenBundle, inspector: &mut Inspector) -> Row {
    let mut times = match measured(inspector, bundle) {
        Ok(times) => times,
        Err(error) => return Row::fail("speed", format!("{error:#}"), "install the bundle again", Exit::Engine),
    };
    times.sort_unstable();
    let at =
        |share: f64| times.get((times.len() as f64 * share) as usize).or(times.last()).copied().unwrap_or_default();
    let ms = |time: Micros| format!("{:.1} ms", time.as_millis_f64());
    let judged =
        format!("a picture takes {} at the median, {} at p99.9 of {}", ms(at(0.5)), ms(at(0.999)), times.len());
    match config.hardware() {
        Hardware::Simulation(_) => Row::ok("speed", format!("{judged}; the virtual line has its own times")),
        Hardware::Board(board) => against_line(judged, config, board, &mut times),
    }
}

/// Holds what was measured against the line.
fn against_line(judged: String, config: &Config, board: &Board, times: &mut [Micros]) -> Row {
    let (greatest, budget) = (board.greatest_speed_um_s(), Budget::of(board, &config.layout(), times));
    if let Err(error) = budget.check(greatest) {
        let remedy = "slow the belt, move the gate away, take a smaller model, or run with more --threads";
        return Row::fail("speed", format!("{judged}; {error}"), remedy, Exit::Usage);
    }
    let largest = budget.holds_up_to(greatest);
    let finding = format!(
        "{judged}; verdicts come in time up to {:.0} mm/s, configured are {:.0}",
        largest / 1e3,
        greatest / 1e3
    );
    if greatest > largest * RESERVE {
        return Row::look("speed", finding, "there is little in reserve: a hot board is slower");
    }
    Row::ok("speed", finding)
}
