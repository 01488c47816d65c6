//! A made-up defect that adds nothing: the picture itself, pushed aside in one round place.
//!
//! What is bent, dented, crooked or squeezed has the product's own colours and lies next to where it belongs, which no texture laid
//! over it looks like. Marks the whole place; what of it cannot be seen is the caller's business.

use super::chance::{between, mostly_small};
use super::geometry::{sample, sin_cos, to_level};
use crate::data::{Mask, Picture};
use rand_chacha::ChaCha8Rng;

/// Radius of the place, share of the shorter side, small ones preferred.
const RADIUS: (f32, f32) = (0.05, 0.2);
/// How far its middle moves, share of the radius. From 0.65 on the picture would fold over itself.
const SHIFT: (f32, f32) = (0.2, 0.6);

/// The picture bent around `centre`, and the mask of the place.
pub(super) fn bent(picture: &Picture, centre: (f32, f32), rng: &mut ChaCha8Rng) -> (Picture, Mask) {
    let radius = mostly_small(rng, RADIUS.0, RADIUS.1) * picture.width.min(picture.height) as f32;
    let shift = between(rng, SHIFT.0, SHIFT.1) * radius;
    let (sine, cosine) = sin_cos(between(rng, -180.0, 180.0));
    let mut bent = picture.clone();
    let mut mask = Mask::empty(picture.width, picture.height);
    for (at, pixel) in mask.pixels.iter_mut().enumerate() {
        let (x, y) = ((at % picture.width) as f32, (at / picture.width) as f32);
        let (dx, dy) = ((x - centre.0) / radius, (y - centre.1) / radius);
        let inside = 1.0 - dx * dx - dy * dy;
        if inside > 0.0 {
            let moved = shift * inside * inside;
            let colour = sample(picture, x - cosine * moved, y - sine * moved);
            bent.rgb[at * 3..at * 3 + 3].copy_from_slice(&colour.map(to_level));
            *pixel = 1;
        }
    }
    (bent, mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_straight_line_gets_a_bump_and_keeps_its_ends() {
        let mut line = Picture::filled(128, 128, [200; 3]);
        (0..128).for_each(|y| line.rgb[(y * 128 + 60) * 3..(y * 128 + 68) * 3].fill(40));
        let mut largest = 0;
        for seed in 0..60 {
            let (bent, mask) = bent(&line, (64.0, 64.0), &mut ChaCha8Rng::seed_from_u64(seed));
            // Where the line's left edge is in each row.
            let edge = |y: usize| (0..128).position(|x| bent.rgb[(y * 128 + x) * 3] < 120).unwrap();
            assert_eq!((edge(0), edge(127)), (60, 60), "seed {seed}");
            assert!((0..128).all(|y| edge(y).abs_diff(60) <= 16), "seed {seed}");
            largest = largest.max((0..128).map(|y| edge(y).abs_diff(60)).max().unwrap());
            let unmarked = |at: &usize| mask.pixels[*at] == 0;
            assert!((0..128 * 128).filter(unmarked).all(|at| bent.rgb[at * 3] == line.rgb[at * 3]), "seed {seed}");
        }
        assert!(largest >= 6, "the largest bump has {largest} pixels");
    }
}
