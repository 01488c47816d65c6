//! Single small defects: a blob, a strip, a scratch.
//!
//! Each takes an empty mask, a centre in pixels and a generator, and marks one connected shape that contains the centre or
//! starts at it. Lengths are shares of the shorter side. Perlin masks scatter many blobs over the frame; these give what
//! they hardly ever give, one lone defect.

use super::chance::{between, mostly_small};
use super::geometry::sin_cos;
use super::perlin;
use crate::data::Mask;
use rand_chacha::ChaCha8Rng;

/// Mean radius of a blob, share of the side, small ones preferred: 0.05 % to 4.5 % of a square image.
const BLOB_RADIUS: (f32, f32) = (0.012, 0.12);
/// Length of a strip, share of the side.
const STRIP_LENGTH: (f32, f32) = (0.08, 0.6);
/// Width of a strip, share of the side; with the length, 0.1 % to 4 % of a square image.
const STRIP_WIDTH: (f32, f32) = (0.012, 0.07);
/// Length of a scratch along its path, share of the side.
const SCRATCH_LENGTH: (f32, f32) = (0.1, 0.8);
/// Width of a scratch, share of the side; with the length, 0.05 % to 1.3 % of a square image.
const SCRATCH_WIDTH: (f32, f32) = (0.005, 0.016);
/// Nothing is drawn thinner than this, in pixels: less would vanish between pixel centres.
const THINNEST_PIXELS: f32 = 1.3;
/// How sharply a scratch may change its direction, degrees per pixel of path.
const SCRATCH_BEND: f32 = 4.0;

/// An ellipse of any direction with an irregular outline.
pub(super) fn blob(mask: &mut Mask, centre: (f32, f32), rng: &mut ChaCha8Rng) {
    let side = mask.width.min(mask.height) as f32;
    let radius = mostly_small(rng, BLOB_RADIUS.0, BLOB_RADIUS.1).max(THINNEST_PIXELS / side) * side;
    let stretch = between(rng, 1.0, 1.7);
    let (long, short) = (radius * stretch, radius / stretch);
    let (sine, cosine) = sin_cos(between(rng, -90.0, 90.0));
    let ragged = between(rng, 0.0, 0.9);
    // The outline moves out by up to 1 / sqrt(1 - ragged); beyond this reach it never gets.
    let reach = (long * 2.0).ceil() as usize + 1;
    let extent = 2 * reach + 1;
    let outline = perlin::noise(extent, extent, (4, 4), rng);
    let (left, top) = (centre.0.floor() - reach as f32, centre.1.floor() - reach as f32);
    for v in 0..extent {
        for u in 0..extent {
            let (x, y) = (left + u as f32, top + v as f32);
            let (dx, dy) = (x - centre.0, y - centre.1);
            let (along, across) = ((cosine * dx + sine * dy) / long, (cosine * dy - sine * dx) / short);
            let distance = along * along + across * across;
            // Near the centre the outline has no say, so that the blob keeps one solid core.
            if distance < 0.25 || distance + ragged * outline[v * extent + u] < 1.0 && distance < 2.0 {
                mark(mask, x, y);
            }
        }
    }
}

/// A straight bar of any direction with slightly uneven edges.
pub(super) fn strip(mask: &mut Mask, centre: (f32, f32), rng: &mut ChaCha8Rng) {
    let side = mask.width.min(mask.height) as f32;
    let half_length = mostly_small(rng, STRIP_LENGTH.0, STRIP_LENGTH.1) * side / 2.0;
    let half_width = (mostly_small(rng, STRIP_WIDTH.0, STRIP_WIDTH.1) * side).max(THINNEST_PIXELS) / 2.0;
    let (sine, cosine) = sin_cos(between(rng, -90.0, 90.0));
    let reach = half_length.max(half_width).ceil() as usize + 1;
    let extent = 2 * reach + 1;
    let unevenness = perlin::noise(extent, 1, (8, 1), rng);
    let (left, top) = (centre.0.floor() - reach as f32, centre.1.floor() - reach as f32);
    for v in 0..extent {
        for u in 0..extent {
            let (x, y) = (left + u as f32, top + v as f32);
            let (dx, dy) = (x - centre.0, y - centre.1);
            let (along, across) = (cosine * dx + sine * dy, cosine * dy - sine * dx);
            let place = ((along + reach as f32).max(0.0) as usize).min(extent - 1);
            if along.abs() <= half_length && across.abs() <= half_width * (1.0 + 0.4 * unevenness[place]) {
                mark(mask, x, y);
            }
        }
    }
}

/// A thin line that starts at `start` and wanders.
pub(super) fn scratch(mask: &mut Mask, start: (f32, f32), rng: &mut ChaCha8Rng) {
    let side = mask.width.min(mask.height) as f32;
    let steps = (mostly_small(rng, SCRATCH_LENGTH.0, SCRATCH_LENGTH.1) * side) as usize + 1;
    let radius = (between(rng, SCRATCH_WIDTH.0, SCRATCH_WIDTH.1) * side).max(THINNEST_PIXELS) / 2.0;
    let (mut x, mut y) = start;
    let mut heading = between(rng, -180.0, 180.0);
    let mut bend = 0.0_f32;
    for _ in 0..steps {
        bend = (bend + between(rng, -0.5, 0.5)).clamp(-SCRATCH_BEND, SCRATCH_BEND);
        heading += bend;
        let (sine, cosine) = sin_cos(heading);
        x += cosine;
        y += sine;
        let reach = radius.ceil() as i32;
        for v in -reach..=reach {
            for u in -reach..=reach {
                let (px, py) = (x.floor() + u as f32, y.floor() + v as f32);
                if (px - x) * (px - x) + (py - y) * (py - y) <= radius * radius {
                    mark(mask, px, py);
                }
            }
        }
    }
}

fn mark(mask: &mut Mask, x: f32, y: f32) {
    if x >= 0.0 && y >= 0.0 && (x as usize) < mask.width && (y as usize) < mask.height {
        mask.pixels[y as usize * mask.width + x as usize] = 1;
    }
}
