//! Pictures of one flaw each, and the figures against plain arithmetic.

extern crate std;

use std::boxed::Box;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::frame::{Frame, PixelFormat};
use crate::preprocess::{Crop, PreprocessError};

const SIDE: usize = 32;

const LIMITS: RawLimits =
    RawLimits { least_brightness: 40.0, most_saturated: 0.05, least_sharpness: 100.0, frozen_after: 3 };

fn grey(pixels: &[u8]) -> Frame<'_> {
    Frame::new(PixelFormat::Grey, SIDE, pixels.len() / SIDE, SIDE, pixels).unwrap()
}

fn measured(pixels: &[u8]) -> Quality {
    Gauge::new().measure(&grey(pixels), None).unwrap()
}

/// Stripes of two levels, `wide` columns each.
fn stripes(low: u8, high: u8, wide: usize) -> Vec<u8> {
    (0..SIDE * SIDE).map(|i| if (i % SIDE / wide).is_multiple_of(2) { low } else { high }).collect()
}

/// Each pixel the mean of itself and its neighbours in the row.
fn blurred(pixels: &[u8]) -> Vec<u8> {
    (0..pixels.len())
        .map(|i| {
            let (from, to) = (i.saturating_sub(2), (i + 3).min(pixels.len()));
            (pixels[from..to].iter().map(|&b| usize::from(b)).sum::<usize>() / (to - from)) as u8
        })
        .collect()
}

#[test]
fn each_flaw_is_told_with_its_figure_and_its_limit() {
    let limits = Limits::new(LIMITS).unwrap();
    let sharp = stripes(60, 140, 4);
    for (what, pixels, says) in [
        ("a good picture", sharp.clone(), None),
        ("no light", stripes(0, 30, 4), Some("too dark: brightness 15.0, at least 40.0")),
        (
            "a lamp in the picture",
            stripes(60, 255, 4),
            Some("overexposed: 50.00 % of pixels saturated, at most 5.00 %"),
        ),
        ("a grey wall", vec![120; SIDE * SIDE], Some("blurred: sharpness 0.0, at least 100.0")),
    ] {
        let flaw = measured(&pixels).check(&limits).err().map(|flaw| flaw.to_string());
        assert_eq!(flaw.as_deref(), says, "{what}");
    }
}

#[test]
fn a_frozen_camera_is_noticed_at_the_third_equal_picture_and_noise_is_enough_to_clear_it() {
    let limits = Limits::new(LIMITS).unwrap();
    let mut gauge = Box::new(Gauge::new());
    let (picture, mut noisy) = (stripes(60, 140, 4), stripes(60, 140, 4));
    noisy[SIDE * SIDE - 1] += 1;
    for (pixels, alike, frozen) in [
        (&picture, 1, false),
        (&picture, 2, false),
        (&picture, 3, true),
        (&picture, 4, true),
        (&noisy, 1, false),
        (&picture, 1, false),
        (&picture, 2, false),
    ] {
        let quality = gauge.measure(&grey(pixels), None).unwrap();
        assert_eq!(quality.alike, alike);
        let flaw = frozen.then_some(Flaw::Frozen { alike, limit: 3 });
        assert_eq!(quality.check(&limits).err(), flaw);
    }
}

#[test]
fn limits_can_be_taken_away_one_by_one() {
    let none = RawLimits { least_brightness: 0.0, most_saturated: 1.0, least_sharpness: 0.0, frozen_after: 0 };
    let limits = Limits::new(none).unwrap();
    let mut gauge = Box::new(Gauge::new());
    for pixels in [vec![0; SIDE * SIDE], vec![255; SIDE * SIDE], vec![255; SIDE * SIDE], vec![255; SIDE * SIDE]] {
        assert_eq!(gauge.measure(&grey(&pixels), None).unwrap().check(&limits), Ok(()));
    }
}

#[test]
fn impossible_limits_are_refused() {
    for (raw, field) in [
        (RawLimits { least_brightness: 256.0, ..LIMITS }, "least_brightness"),
        (RawLimits { least_brightness: f32::NAN, ..LIMITS }, "least_brightness"),
        (RawLimits { most_saturated: 1.01, ..LIMITS }, "most_saturated"),
        (RawLimits { least_sharpness: -1.0, ..LIMITS }, "least_sharpness"),
        (RawLimits { least_sharpness: f32::INFINITY, ..LIMITS }, "least_sharpness"),
        (RawLimits { frozen_after: 1, ..LIMITS }, "frozen_after"),
    ] {
        assert_eq!(Limits::new(raw).map_err(|error| error.field), Err(field));
    }
}

#[test]
fn only_the_crop_counts() {
    let mut pixels = vec![0; SIDE * SIDE];
    for y in 8..16 {
        pixels[y * SIDE + 4..][..10].fill(100);
    }
    let mut gauge = Box::new(Gauge::new());
    let crop = Crop { x: 4, y: 8, width: 10, height: 8 };
    let quality = gauge.measure(&grey(&pixels), Some(crop)).unwrap();
    assert_eq!((quality.brightness, quality.sharpness), (100.0, 0.0));
    let outside = gauge.measure(&grey(&pixels), Some(Crop { x: 30, ..crop }));
    assert!(matches!(outside, Err(PreprocessError::CropOutside { .. })));
}

#[test]
fn too_small_for_a_neighbour_on_each_side_is_without_sharpness() {
    let mut gauge = Box::new(Gauge::new());
    let crop = Crop { x: 0, y: 0, width: 32, height: 2 };
    assert_eq!(gauge.measure(&grey(&stripes(0, 255, 1)), Some(crop)).unwrap().sharpness, 0.0);
}

#[test]
fn every_format_of_the_same_picture_gives_nearly_the_same() {
    let full = stripes(60, 140, 4);
    let limited: Vec<u8> = full.iter().map(|&b| (u32::from(b) * 219 / 255 + 16) as u8).collect();
    let rgb: Vec<u8> = full.iter().flat_map(|&b| [b; 3]).collect();
    let yuyv: Vec<u8> = limited.iter().flat_map(|&y| [y, 128]).collect();
    let nv12: Vec<u8> = limited.iter().copied().chain(core::iter::repeat_n(128, SIDE * SIDE / 2)).collect();
    let expected = measured(&full);
    for (format, stride, bytes) in
        [(PixelFormat::Rgb8, 3 * SIDE, rgb), (PixelFormat::Yuyv, 2 * SIDE, yuyv), (PixelFormat::Nv12, SIDE, nv12)]
    {
        let frame = Frame::new(format, SIDE, SIDE, stride, &bytes).unwrap();
        let quality = Gauge::new().measure(&frame, None).unwrap();
        assert!((quality.brightness - expected.brightness).abs() < 2.0, "{format:?}: {quality:?}, {expected:?}");
        assert!((quality.sharpness / expected.sharpness - 1.0).abs() < 0.05, "{format:?}: {quality:?}, {expected:?}");
    }
}

fn pictures() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), SIDE * SIDE)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_figures_are_those_of_plain_arithmetic(pixels in pictures()) {
        let at = |x: usize, y: usize| f64::from(pixels[y * SIDE + x]);
        let mut values = Vec::new();
        for y in 1..SIDE - 1 {
            for x in 1..SIDE - 1 {
                values.push(4.0 * at(x, y) - at(x - 1, y) - at(x + 1, y) - at(x, y - 1) - at(x, y + 1));
            }
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64;
        let saturated = pixels.iter().filter(|&&b| b >= SATURATED).count() as f64 / pixels.len() as f64;
        let quality = measured(&pixels);
        prop_assert!((f64::from(quality.sharpness) / variance - 1.0).abs() < 1e-6);
        prop_assert!((f64::from(quality.saturated) - saturated).abs() < 1e-6);
    }

    #[test]
    fn blur_takes_sharpness(pixels in pictures()) {
        prop_assert!(measured(&blurred(&pixels)).sharpness < measured(&pixels).sharpness / 2.0);
    }

    #[test]
    fn one_changed_pixel_is_another_picture(pixels in pictures(), at in 0..SIDE * SIDE, by in 1_u8..=255) {
        let mut other = pixels.clone();
        other[at] = other[at].wrapping_add(by);
        prop_assert_ne!(measured(&pixels).fingerprint, measured(&other).fingerprint);
        prop_assert_eq!(measured(&pixels).fingerprint, measured(&pixels.clone()).fingerprint);
    }
}
