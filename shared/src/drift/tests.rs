//! Lines that stay as they are, and lines of which one thing changes.

extern crate std;

use std::vec::Vec;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::ranks::{HeldOut, Rank, Ranks, WINDOW};
use super::sums::{Scale, Sums, limit};
use super::*;
use crate::quality::Quality;
use crate::units::Micros;

/// A standard normal value: twelve uniform ones less six are one nearly enough (skew none, kurtosis 2.9).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

fn at(part: usize) -> Micros {
    Micros(part as u64 * 1000)
}

/// Parts until the figure is said to have moved, of at most `most`, and the part from which on.
fn found(scale: &Scale, most: usize, mut value: impl FnMut(usize) -> f64) -> Option<(usize, usize)> {
    let mut sums = Sums::new();
    (0..most).find_map(|part| {
        sums.step(at(part), value(part), scale);
        sums.moved().map(|(since, _)| (part, (since.0 / 1000) as usize))
    })
}

#[test]
fn the_limit_gives_the_number_of_values_until_a_false_alarm_that_it_promises() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for slack in [0.15, 0.4, 1.0] {
        let scale = Scale::standard_with(slack, limit(slack, 2_000.0));
        let runs = 200;
        let parts: usize = (0..runs).map(|_| found(&scale, 1_000_000, |_| normal(&mut rng)).unwrap().0).sum();
        // Two directions, so that it comes twice as soon.
        let mean = parts as f64 / f64::from(runs);
        assert!((750.0..1_350.0).contains(&mean), "slack {slack}: {mean}");
    }
}

#[test]
fn light_that_varies_as_it_did_is_no_drift_and_a_tenth_less_is_one() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    // From a line that hardly varies to one on which a tenth is half of what is usual.
    for deviation in [0.1, 2.0, 6.0, 12.0, 24.0] {
        let scale = Scale::new(120.0, deviation, 200, 6.0);
        let usual = |_| 120.0 + deviation * normal(&mut rng);
        assert_eq!(found(&scale, 200_000, usual), None, "deviation {deviation}");
        for factor in [0.9, 1.1] {
            let (part, since) = found(&scale, 2_000, |part| {
                120.0 * if part < 500 { 1.0 } else { factor } + deviation * normal(&mut rng)
            })
            .unwrap();
            assert!((500..800).contains(&part), "deviation {deviation}, times {factor}: {part}");
            assert!((400..=part).contains(&since), "deviation {deviation}, times {factor}: since {since}");
        }
    }
}

#[test]
fn half_of_what_is_worth_a_warning_is_none_and_neither_is_a_single_part() {
    let scale = Scale::new(120.0, 0.5, 200, 6.0);
    assert_eq!(found(&scale, 100_000, |_| 122.9), None);
    assert_eq!(found(&scale, 100_000, |part| if part % 40 == 0 { 255.0 } else { 120.0 }), None);
    assert!(found(&scale, 100, |_| 126.0).is_some());
}

#[test]
fn a_drift_ends_when_the_light_is_back() {
    let (scale, mut sums) = (Scale::new(120.0, 2.0, 200, 6.0), Sums::new());
    for part in 0..1_000 {
        sums.step(at(part), 100.0, &scale);
    }
    let (since, now) = sums.moved().unwrap();
    assert_eq!((since, now), (at(0), 100.0));
    let mut parts = 1_000..2_000;
    let back = parts.find(|&part| {
        sums.step(at(part), 120.0, &scale);
        sums.moved().is_none()
    });
    assert!(back.unwrap() < 1_030, "{back:?}");
}

fn ascending(count: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut scores: Vec<f32> = (0..count).map(|_| normal(rng) as f32).collect();
    scores.sort_by(f32::total_cmp);
    scores
}

#[test]
fn scores_like_the_held_out_ones_are_no_drift_and_higher_ones_are() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for count in [20, 42, 100, 1_000] {
        let scores = ascending(count, &mut rng);
        let held_out = HeldOut::new(count, count);
        for (by, moved) in [(0.0, None), (2.5, Some(true)), (-2.5, Some(false))] {
            let mut ranks = Ranks::new();
            let mut since = None;
            for part in 0..10_000 {
                let score = normal(&mut rng) + if part < 5_000 { 0.0 } else { by };
                ranks.step(at(part), Rank::of(score as f32, &scores), &held_out);
                since = since.or(ranks.moved().map(|(since, _)| since));
            }
            assert_eq!(ranks.moved().map(|(_, higher)| higher), moved, "{count} held out, moved by {by}");
            if let Some(since) = since {
                assert!((at(4_800)..at(5_100)).contains(&since), "{since:?}");
            }
        }
    }
}

#[test]
fn pictures_of_the_same_few_parts_prove_little() {
    let (few, many) = (HeldOut::new(100, 10), HeldOut::new(100, 100));
    let (mut by_few, mut by_many) = (Ranks::new(), Ranks::new());
    for part in 0..WINDOW {
        // All of them among the upper 60.
        let rank = Rank { below: 40 + (part % 60) as u16, upto: 41 + (part % 60) as u16 };
        by_few.step(at(part), rank, &few);
        by_many.step(at(part), rank, &many);
    }
    assert_eq!((by_few.moved(), by_many.moved()), (None, Some((at(0), true))));
}

proptest! {
    #[test]
    fn the_difference_is_that_of_the_two_distributions(
        mut held_out in prop::collection::vec(0u8..12, 1..40),
        window in prop::collection::vec(0u8..12, WINDOW),
        limit in 0.05f64..1.0,
    ) {
        held_out.sort_unstable();
        let scores: Vec<f32> = held_out.iter().map(|&score| f32::from(score)).collect();
        let share = |all: &[u8], upto: u8| all.iter().filter(|&&score| score <= upto).count() as f64 / all.len() as f64;
        let greatest = (0..12).map(|score| (share(&held_out, score) - share(&window, score)).abs()).fold(0.0, f64::max);
        let mut ranks = Ranks::new();
        for (part, &score) in window.iter().enumerate() {
            ranks.step(at(part), Rank::of(f32::from(score), &scores), &HeldOut::with(scores.len(), limit));
        }
        prop_assume!((greatest - limit).abs() > 1e-9);
        prop_assert_eq!(ranks.moved().is_some(), greatest > limit);
    }

    #[test]
    fn no_figures_make_it_panic(values in prop::collection::vec(any::<f64>(), 0..300), figures in any::<[f64; 3]>(), count in any::<u32>()) {
        let scale = Scale::new(figures[0], figures[1], count, figures[2]);
        found(&scale, values.len(), |part| values[part]);
    }
}

#[test]
fn what_is_usual_is_mean_and_deviation_and_light_alone_changes_no_sharpness() {
    let quality = |brightness, sharpness| Quality { brightness, saturated: 0.0, sharpness, fingerprint: 0, alike: 1 };
    let bright = Look::of(&quality(100.0, 50.0));
    let dark = Look::of(&quality(50.0, 12.5));
    assert!((bright.sharpness.unwrap() - dark.sharpness.unwrap()).abs() < 1e-6);
    assert_eq!(Look::of(&quality(0.0, 0.0)).sharpness, None);
    let usual = Usual::of([bright, dark]);
    assert_eq!((usual.pictures, usual.brightness.mean), (2, 75.0));
    assert!((usual.brightness.deviation - 35.355_34).abs() < 1e-3 && usual.sharpness.deviation < 1e-3);
    assert_eq!(usual.check(), Ok(()));
    for (broken, says) in [
        (Usual { pictures: 0, ..usual }, "usual.pictures is 0"),
        (Usual { brightness: Moments { mean: f32::NAN, deviation: 0.0 }, ..usual }, "usual.brightness.mean is NaN"),
        (Usual { sharpness: Moments { mean: 0.0, deviation: -1.0 }, ..usual }, "usual.sharpness.deviation is -1"),
    ] {
        let refused = std::string::ToString::to_string(&broken.check().unwrap_err());
        assert!(refused.starts_with(says), "{refused}");
    }
}
