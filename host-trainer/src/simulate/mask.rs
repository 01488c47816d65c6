//! Where a made-up defect lies: a mask of one of five kinds.
//!
//! Takes the good picture (for its size, and to tell the part from its background), the mix of kinds, and a generator;
//! gives a mask with at least one marked pixel for every picture that has pixels. Colours nothing.
//!
//! Areas, share of a square image: `perlin` 1.6 % to 9 % spread over many blobs (5th to 95th percentile); `blob` 0.05 % to
//! 4.5 %; `strip` 0.1 % to 4 %; `scratch` 0.05 % to 1.3 %; `union` of two of them, the sum at most.

use super::chance::{below, between, happens, weighted};
use super::{geometry, perlin, shapes};
use crate::data::{Mask, Picture};
use rand_chacha::ChaCha8Rng;

/// How often each kind of mask is drawn, in proportion; the numbers need not add up to one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskMix {
    /// Thresholded Perlin noise, the original's only kind: many blobs over the whole frame.
    pub perlin: f32,
    /// One compact spot.
    pub blob: f32,
    /// One straight bar.
    pub strip: f32,
    /// One thin wandering line.
    pub scratch: f32,
    /// Two of the above together.
    pub union: f32,
}

impl Default for MaskMix {
    /// Half as in the original; the other half mostly lone small defects, which the original never shows and real lines
    /// mostly have. Unions keep the network from counting on one shape per picture.
    fn default() -> Self {
        Self { perlin: 0.5, blob: 0.2, strip: 0.1, scratch: 0.1, union: 0.1 }
    }
}

/// Noise above this is defect, as in the DRAEM code: on average a twentieth of the image.
const PERLIN_THRESHOLD: f32 = 0.5;
/// One Perlin draw in twenty has no pixel above the threshold; four in a row happen about once in 160,000.
const PERLIN_DRAWS: usize = 4;
/// A pixel belongs to the part, not to a plain background, when a channel differs this much from the frame's rim, in levels.
const OFF_BACKGROUND_LEVELS: u8 = 24;
/// Places tried when looking for the part: a part that covers a tenth of the image is found more often than not.
const ANCHOR_DRAWS: usize = 8;

/// Draws a mask of the picture's size. `on_part` is the probability that a lone defect is placed on the part on purpose; where it
/// is known what the part is, `part`, the mask also stays within it, and is empty if nothing of it does.
pub(super) fn draw(picture: &Picture, part: Option<&Mask>, mix: &MaskMix, on_part: f32, rng: &mut ChaCha8Rng) -> Mask {
    let single = [mix.perlin, mix.blob, mix.strip, mix.scratch];
    let mut mask = Mask::empty(picture.width, picture.height);
    match weighted(rng, &[single[0], single[1], single[2], single[3], mix.union]) {
        4 => {
            for _ in 0..2 {
                let kind = weighted(rng, &single);
                add(&mut mask, kind, picture, part, on_part, rng);
            }
        }
        kind => add(&mut mask, kind, picture, part, on_part, rng),
    }
    if let Some(part) = part {
        keep_within(&mut mask, part);
    }
    mask
}

/// Takes away what lies outside `part`, a mask of the same size.
pub(super) fn keep_within(mask: &mut Mask, part: &Mask) {
    mask.pixels.iter_mut().zip(&part.pixels).for_each(|(pixel, part)| *pixel &= part);
}

fn add(mask: &mut Mask, kind: usize, picture: &Picture, part: Option<&Mask>, on_part: f32, rng: &mut ChaCha8Rng) {
    if kind == 0 && perlin_mask(mask, rng) {
        return;
    }
    let centre = centre(picture, part, on_part, rng);
    match kind {
        2 => shapes::strip(mask, centre, rng),
        3 => shapes::scratch(mask, centre, rng),
        _ => shapes::blob(mask, centre, rng),
    }
}

/// Adds thresholded noise; false when every draw stayed empty.
fn perlin_mask(mask: &mut Mask, rng: &mut ChaCha8Rng) -> bool {
    let (width, height) = (mask.width, mask.height);
    for _ in 0..PERLIN_DRAWS {
        let cells = (perlin::random_cells(width, rng), perlin::random_cells(height, rng));
        let noise = perlin::noise(width, height, cells, rng);
        let turned = geometry::rotate_field(&noise, width, height, between(rng, -90.0, 90.0));
        let mut found = false;
        for (pixel, value) in mask.pixels.iter_mut().zip(turned) {
            if value > PERLIN_THRESHOLD {
                *pixel = 1;
                found = true;
            }
        }
        if found {
            return true;
        }
    }
    false
}

/// Where a lone defect lies: on the part where that is known, else on the part on purpose with probability `on_part`.
pub(super) fn centre(picture: &Picture, part: Option<&Mask>, on_part: f32, rng: &mut ChaCha8Rng) -> (f32, f32) {
    match part {
        Some(part) => anchor(picture, |at| part.pixels[at] != 0, rng),
        None if happens(rng, on_part) => {
            let ground = picture.rim_colour();
            anchor(picture, |at| off_background(picture, ground, at), rng)
        }
        None => anywhere(picture, rng),
    }
}

fn anywhere(picture: &Picture, rng: &mut ChaCha8Rng) -> (f32, f32) {
    (below(rng, picture.width) as f32, below(rng, picture.height) as f32)
}

/// A place on the part, as `on_part` says it of an index, if a few tries find one; else any place.
fn anchor(picture: &Picture, on_part: impl Fn(usize) -> bool, rng: &mut ChaCha8Rng) -> (f32, f32) {
    let mut place = anywhere(picture, rng);
    for _ in 1..ANCHOR_DRAWS {
        if on_part(place.1 as usize * picture.width + place.0 as usize) {
            break;
        }
        place = anywhere(picture, rng);
    }
    place
}

/// Whether the pixel of this index differs from the frame's rim.
fn off_background(picture: &Picture, rim: [u8; 3], at: usize) -> bool {
    (0..3).any(|c| picture.rgb[at * 3 + c].abs_diff(rim[c]) > OFF_BACKGROUND_LEVELS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn areas(mix: MaskMix, draws: u64) -> Vec<f32> {
        let picture = Picture::filled(128, 128, [90, 90, 90]);
        let mut areas: Vec<f32> = (0..draws)
            .map(|seed| {
                let mask = draw(&picture, None, &mix, 0.5, &mut ChaCha8Rng::seed_from_u64(seed));
                mask.pixels.iter().map(|&pixel| f32::from(pixel)).sum::<f32>() / mask.pixels.len() as f32
            })
            .collect();
        areas.sort_by(f32::total_cmp);
        areas
    }

    const NONE: MaskMix = MaskMix { perlin: 0.0, blob: 0.0, strip: 0.0, scratch: 0.0, union: 0.0 };

    #[test]
    fn perlin_areas_are_those_of_the_original() {
        let areas = areas(MaskMix { perlin: 1.0, ..NONE }, 400);
        let (low, median, high) = (areas[20], areas[200], areas[380]);
        assert!(areas[0] > 0.0);
        assert!((0.008..0.025).contains(&low), "5th percentile {low}, measured on the original: 0.016");
        assert!((0.038..0.054).contains(&median), "median {median}, measured on the original: 0.048");
        assert!((0.075..0.115).contains(&high), "95th percentile {high}, measured on the original: 0.093");
    }

    #[test]
    fn lone_defects_stay_within_their_stated_areas() {
        for (name, mix, low, high) in [
            ("blob", MaskMix { blob: 1.0, ..NONE }, 0.0001, 0.06),
            ("strip", MaskMix { strip: 1.0, ..NONE }, 0.0005, 0.045),
            ("scratch", MaskMix { scratch: 1.0, ..NONE }, 0.0002, 0.02),
        ] {
            let areas = areas(mix, 400);
            // A shape at the rim may lie outside for the most part, so the smallest are not held to the lower bound.
            assert!(areas[0] > 0.0, "{name}: an empty mask");
            assert!(areas[40] > low, "{name}: 10th percentile {}", areas[40]);
            assert!(areas[399] < high, "{name}: largest {}", areas[399]);
        }
    }

    #[test]
    fn within_a_known_part_nothing_else_is_marked() {
        let picture = Picture::filled(96, 96, [90; 3]);
        let mut part = Mask::empty(96, 96);
        (0..96 * 96).for_each(|at| part.pixels[at] = u8::from((30..60).contains(&(at % 96))));
        let mut found = 0;
        for seed in 0..100 {
            let mask = draw(&picture, Some(&part), &MaskMix::default(), 0.5, &mut ChaCha8Rng::seed_from_u64(seed));
            found += usize::from(mask.any());
            assert!(mask.pixels.iter().zip(&part.pixels).all(|(marked, part)| marked <= part), "seed {seed}");
        }
        assert!(found > 85, "{found} of 100 masks meet a part that is a third of the frame");
    }

    #[test]
    fn a_lone_defect_prefers_the_part_over_a_plain_background() {
        let mut picture = Picture::filled(100, 100, [250, 250, 250]);
        for y in 40..60 {
            for x in 20..80 {
                picture.rgb[(y * 100 + x) * 3..][..3].fill(60);
            }
        }
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let on_part = (0..400)
            .filter(|_| {
                let rim = picture.rim_colour();
                let (x, y) = anchor(&picture, |at| off_background(&picture, rim, at), &mut rng);
                (20.0..80.0).contains(&x) && (40.0..60.0).contains(&y)
            })
            .count();
        assert!(on_part > 250, "{on_part} of 400 on a part that covers 12 % of the image");
    }
}
