//! Text that claims to be a station's configuration.
//!
//! What is refused says in which file; what is accepted can be printed, and its times and distances are such as a station counts on.

#![no_main]

use std::path::Path;

use edge_runtime::config::{Config, Hardware};
use libfuzzer_sys::fuzz_target;
use shared::units::Micros;

fuzz_target!(|text: &str| {
    match Config::parse(text, "fuzz.toml", Path::new("base")) {
        Ok(config) => accepted(&config),
        Err(error) => assert!(error.to_string().starts_with("fuzz.toml: "), "an error names its file: {error}"),
    }
});

fn accepted(config: &Config) {
    assert!(config.table().iter().all(|(key, _)| !key.is_empty()), "{:?}", config.table());
    assert!(!config.trust().is_empty(), "somebody is trusted");
    assert!(config.false_reject().is_none_or(|share| share > 0.0 && share < 1.0), "{:?}", config.false_reject());
    assert!((0.0..=1.0).contains(&config.audit().keep().near_threshold));
    let layout = config.layout();
    assert!(layout.gate_distance() >= layout.window(), "the gate is behind the trigger with all of its window");
    match config.hardware() {
        Hardware::Board(board) => {
            let judged = board.time_to_judge(&layout);
            assert!(config.frame_timeout() <= judged, "a lost picture is noticed in time");
            assert!(board.latest_picture() <= config.frame_timeout(), "a picture can be there in time");
            assert!(board.least_pace() > Micros(0), "parts come one after the other");
        }
        Hardware::Simulation(simulation) => {
            assert!(simulation.camera() < config.frame_timeout(), "a picture can be there in time");
            assert!(simulation.latency().jitter <= simulation.latency().mean, "no verdict comes before its picture");
        }
    }
}
