//! Whole small runs: they learn, resume exactly, stop when asked, and end with a clear error when they go wrong.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::architecture::Networks;
use crate::data::{Mask, Picture};
use crate::device::{DeviceChoice, PrecisionChoice};
use crate::simulate::Sample;

const SIDE: usize = 32;

/// A grey part with a bright square somewhere; every second sample has none.
fn sample(index: u64, (width, height): (usize, usize)) -> Sample {
    let mut chance = ChaCha8Rng::seed_from_u64(index);
    let clean = Picture::filled(width, height, [chance.random_range(90..110), 100, 110]);
    let (mut augmented, mut mask) = (clean.clone(), Mask::empty(width, height));
    if index % 2 == 1 {
        let (left, top) = (chance.random_range(0..width - 8), chance.random_range(0..height - 8));
        for at in (0..64).map(|cell| (top + cell / 8) * width + left + cell % 8) {
            augmented.rgb[at * 3..at * 3 + 3].copy_from_slice(&[230, 40, 60]);
            mask.pixels[at] = 1;
        }
    }
    Sample { clean, augmented, mask }
}

fn config(steps: u64, work_dir: Option<&Path>) -> TrainConfig {
    TrainConfig {
        networks: Networks::original(4, 4),
        size: (SIDE, SIDE),
        steps,
        batch: 4,
        seed: 1,
        device: DeviceChoice::Cpu,
        precision: PrecisionChoice::F32,
        work_dir: work_dir.map(Path::to_owned),
        ..TrainConfig::default()
    }
}

fn run(config: &TrainConfig) -> Result<Trained, TrainError> {
    train(config, &sample, &AtomicBool::new(false))
}

#[test]
fn a_short_run_learns() {
    for precision in [PrecisionChoice::F32, PrecisionChoice::Bf16] {
        let trained = run(&TrainConfig { precision, ..config(40, None) }).unwrap();
        assert_eq!((trained.steps_done, trained.stopped_early), (40, false));
        assert_eq!(trained.curve.len(), 40);
        let mean = |rows: &[CurveRow]| rows.iter().map(|row| row.total).sum::<f64>() / rows.len() as f64;
        let (first, last) = (mean(&trained.curve[..5]), mean(&trained.curve[35..]));
        assert!(last < 0.6 * first, "{precision}: from {first} to {last}");
        assert!(trained.weights.values().flat_map(|array| &array.values).all(|value| value.is_finite()));
    }
}

/// On one thread, since sums over threads may round differently from run to run.
#[test]
fn resuming_gives_what_not_stopping_gives_to_the_bit() {
    tch::set_num_threads(1);
    let folder = tempfile::tempdir().unwrap();
    let straight = run(&config(6, None)).unwrap();
    let stop = AtomicBool::new(false);
    let stopping = |index: u64, size| {
        // The batch of step 4 is prepared before step 4 begins and at the earliest when step 1 does.
        if index >= 16 {
            stop.store(true, Ordering::SeqCst);
        }
        sample(index, size)
    };
    let broken = train(&config(6, Some(folder.path())), &stopping, &stop).unwrap();
    assert!(broken.stopped_early && broken.steps_done < 6, "{} steps", broken.steps_done);
    let resumed = run(&TrainConfig { resume: true, ..config(6, Some(folder.path())) }).unwrap();
    assert_eq!((resumed.steps_done, resumed.stopped_early), (6, false));
    assert_eq!(resumed.weights, straight.weights);
    // JSON keeps a curve to its last bit but one.
    assert_eq!(resumed.curve.len(), straight.curve.len());
    for (resumed, straight) in resumed.curve.iter().zip(&straight.curve) {
        assert_eq!(resumed.step, straight.step);
        assert!((resumed.total - straight.total).abs() < 1e-12, "{resumed:?}, not {straight:?}");
    }
}

/// Stopped among the windows, gone on through the frames.
#[test]
fn a_run_through_windows_and_frames_resumes_to_the_bit() {
    tch::set_num_threads(1);
    let folder = tempfile::tempdir().unwrap();
    let mixed =
        |work: Option<&Path>| TrainConfig { size: (64, 96), windows: Some((SIDE, SIDE)), batch: 12, ..config(5, work) };
    assert_eq!([3, 4].map(|step| mixed(None).lesson(step).size), [(SIDE, SIDE), (64, 96)]);
    let straight = run(&mixed(None)).unwrap();
    let stop = AtomicBool::new(false);
    let stopping = |index: u64, size| {
        // The batch of step 3 is prepared before step 3 begins and at the earliest when step 0 does.
        stop.fetch_or(index >= 36, Ordering::SeqCst);
        sample(index, size)
    };
    let broken = train(&mixed(Some(folder.path())), &stopping, &stop).unwrap();
    assert!(broken.stopped_early && broken.steps_done < 5, "{} steps", broken.steps_done);
    let resumed = run(&TrainConfig { resume: true, ..mixed(Some(folder.path())) }).unwrap();
    assert_eq!(resumed.weights, straight.weights);
}

#[test]
fn a_finished_run_resumes_to_itself() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(&config(2, Some(folder.path()))).unwrap();
    let again = run(&TrainConfig { resume: true, ..config(2, Some(folder.path())) }).unwrap();
    assert_eq!(again.weights, done.weights);
    assert_eq!((again.steps_done, again.stopped_early), (2, false));
}

#[test]
fn a_checkpoint_of_another_run_is_refused_by_field() {
    let folder = tempfile::tempdir().unwrap();
    run(&config(1, Some(folder.path()))).unwrap();
    let other = TrainConfig { resume: true, seed: 9, ..config(2, Some(folder.path())) };
    let error = run(&other).unwrap_err().to_string();
    assert!(error.contains("written with seed 1, this run has 9"), "{error}");
    let samples = "other parts held out".to_owned();
    let error = run(&TrainConfig { resume: true, samples, ..config(2, Some(folder.path())) }).unwrap_err().to_string();
    assert!(error.contains("samples"), "{error}");
}

#[test]
fn a_run_that_diverges_ends_with_an_error_and_keeps_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    run(&config(1, Some(folder.path()))).unwrap();
    let path = folder.path().join(checkpoint::FILE_NAME);
    let before = std::fs::read(&path).unwrap();
    let wild = TrainConfig { learning_rate: 1e30, ..config(20, Some(folder.path())) };
    let error = run(&wild).unwrap_err();
    assert!(matches!(error, TrainError::NotFinite { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn settings_out_of_range_are_named() {
    for (wrong, field) in [
        (TrainConfig { size: (32, 40), ..config(1, None) }, "size is 32 by 40"),
        (TrainConfig { batch: 1, ..config(1, None) }, "batch is 1"),
        (TrainConfig { steps: 0, ..config(1, None) }, "steps is 0"),
        (TrainConfig { learning_rate: f64::NAN, ..config(1, None) }, "learning_rate is NaN"),
        (TrainConfig { resume: true, ..config(1, None) }, "resume is true"),
        (TrainConfig { device: DeviceChoice::Cuda(200), ..config(1, None) }, "device cuda:200"),
        (TrainConfig { windows: Some((SIDE, 2 * SIDE)), ..config(1, None) }, "windows is 32 by 64"),
        (TrainConfig { windows: Some((SIDE, 0)), ..config(1, None) }, "windows is 32 by 0"),
        (TrainConfig { size: (64, 32), ..config(1, None) }, "sample 0: the clean picture is 32 by 32"),
    ] {
        let small = |index, _| sample(index, (SIDE, SIDE));
        let error = train(&wrong, &small, &AtomicBool::new(false)).unwrap_err().to_string();
        assert!(error.starts_with(field), "{error}");
    }
}
