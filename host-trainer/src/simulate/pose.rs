//! How the good picture itself varies from sample to sample: turned, lit, and seen through a window.
//!
//! Takes a good picture, the recipe and a generator; gives the clean picture of a sample, and where on it the part is if the
//! recipe asks for that. Knows no defects.

use super::chance::{below, between, happens};
use super::geometry::{self, to_level};
use super::recipe::Recipe;
use crate::data::foreground::foreground;
use crate::data::{Mask, Picture};
use rand_chacha::ChaCha8Rng;

/// A clean picture.
pub(super) struct Posed {
    /// The good picture as it came out.
    pub clean: Picture,
    /// Where the part is; `None` when the recipe lets defects lie anywhere.
    pub part: Option<Mask>,
}

/// Places tried when a window is to show the part: one that covers an eighth of the frame is found in two draws of three.
const WINDOW_DRAWS: usize = 8;
/// This share of windows is to show the part, and in its middle; the others fall anywhere, because a station sees all of the ground too.
const WINDOW_ON_PART_PROBABILITY: f32 = 0.75;

/// The whole frame.
pub(super) fn frame(good: &Picture, recipe: &Recipe, rng: &mut ChaCha8Rng) -> Posed {
    let turned = recipe.rotation_degrees > 0.0 && happens(rng, recipe.rotation_probability);
    let degrees = turned.then(|| between(rng, -recipe.rotation_degrees, recipe.rotation_degrees));
    let (mut clean, part) = upright(good, recipe, rng);
    let part = match (part, degrees) {
        (Some(part), Some(degrees)) => {
            let middle = centre(clean.width, clean.height);
            Some(geometry::mask_window(&part, clean.width, clean.height, middle, degrees))
        }
        (part, _) => part,
    };
    if let Some(degrees) = degrees {
        clean = geometry::rotate(&clean, degrees);
    }
    light(&mut clean, recipe, rng);
    Posed { clean, part }
}

/// A window of `width` by `height` pixels, no larger than the frame, at the frame's own scale.
pub(super) fn window(good: &Picture, (width, height): (usize, usize), recipe: &Recipe, rng: &mut ChaCha8Rng) -> Posed {
    let (frame, part) = upright(good, recipe, rng);
    let (width, height) = (width.min(frame.width), height.min(frame.height));
    let place = window_place(&frame, part.as_ref(), (width, height), rng);
    let turned = recipe.rotation_degrees > 0.0 && happens(rng, recipe.rotation_probability);
    let degrees = if turned { between(rng, -recipe.rotation_degrees, recipe.rotation_degrees) } else { 0.0 };
    let half = centre(width, height);
    let middle = (place.0 as f32 + half.0, place.1 as f32 + half.1);
    let mut clean = geometry::window(&frame, width, height, middle, degrees, 1.0);
    light(&mut clean, recipe, rng);
    Posed { clean, part: part.map(|part| geometry::mask_window(&part, width, height, middle, degrees)) }
}

/// The good picture after as many quarter turns as were drawn, which blur nothing, and its part.
fn upright(good: &Picture, recipe: &Recipe, rng: &mut ChaCha8Rng) -> (Picture, Option<Mask>) {
    let mut frame = good.clone();
    if recipe.quarter_turns {
        // A frame that is not square keeps its shape only through half turns.
        let quarters = if good.width == good.height { below(rng, 4) } else { 2 * below(rng, 2) };
        (0..quarters).for_each(|_| frame = geometry::quarter_turn(&frame));
    }
    let part = recipe.part_only.then(|| foreground(&frame));
    (frame, part)
}

/// The left and top edge of a window that lies wholly in the frame.
fn window_place(
    frame: &Picture,
    part: Option<&Mask>,
    (width, height): (usize, usize),
    rng: &mut ChaCha8Rng,
) -> (usize, usize) {
    let anywhere = |rng: &mut ChaCha8Rng| (below(rng, frame.width - width + 1), below(rng, frame.height - height + 1));
    let Some(part) = part.filter(|_| happens(rng, WINDOW_ON_PART_PROBABILITY)) else { return anywhere(rng) };
    for _ in 0..WINDOW_DRAWS {
        let (x, y) = (below(rng, frame.width), below(rng, frame.height));
        if part.pixels[y * frame.width + x] != 0 {
            let near = |at: usize, side: usize, whole: usize| at.saturating_sub(side / 2).min(whole - side);
            return (near(x, width, frame.width), near(y, height, frame.height));
        }
    }
    anywhere(rng)
}

/// More or less light: every level times one factor.
fn light(picture: &mut Picture, recipe: &Recipe, rng: &mut ChaCha8Rng) {
    if recipe.light <= 0.0 {
        return;
    }
    let factor = 1.0 + between(rng, -recipe.light, recipe.light);
    let table: [u8; 256] = core::array::from_fn(|level| to_level(level as f32 * factor));
    picture.rgb.iter_mut().for_each(|level| *level = table[usize::from(*level)]);
}

fn centre(width: usize, height: usize) -> (f32, f32) {
    ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// A dark cross, off the middle and with one longer arm, on a bright ground.
    fn cross() -> Picture {
        let mut picture = Picture::filled(128, 128, [200, 198, 196]);
        for (at, pixel) in picture.rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let (x, y) = (at % 128, at / 128);
            if (40..50).contains(&x) && (20..110).contains(&y) || (30..60).contains(&x) && (40..50).contains(&y) {
                *pixel = [60, 61, 62];
            }
        }
        picture
    }

    fn still() -> Recipe {
        Recipe { rotation_degrees: 0.0, ..Recipe::default() }
    }

    #[test]
    fn a_window_is_a_piece_of_the_frame() {
        let good = cross();
        for seed in 0..40 {
            let posed = window(&good, (32, 64), &still(), &mut ChaCha8Rng::seed_from_u64(seed));
            assert_eq!((posed.clean.width, posed.clean.height), (32, 64));
            let piece = |left: usize, top: usize| {
                (0..64).all(|row| {
                    let from = ((top + row) * 128 + left) * 3;
                    good.rgb[from..from + 96] == posed.clean.rgb[row * 96..row * 96 + 96]
                })
            };
            assert!((0..=64).any(|top| (0..=96).any(|left| piece(left, top))), "seed {seed}: no piece of the frame");
        }
        let whole = window(&good, (500, 500), &still(), &mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!(whole.clean, good);
    }

    #[test]
    fn most_windows_show_the_part_and_the_mask_goes_with_it() {
        let recipe = Recipe { part_only: true, quarter_turns: true, rotation_degrees: 180.0, ..Recipe::default() };
        let mut shown = 0;
        for seed in 0..100 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let Posed { clean, part } = window(&cross(), (32, 32), &recipe, &mut rng);
            let part = part.unwrap();
            shown += usize::from(part.any());
            for (pixel, marked) in clean.rgb.as_chunks::<3>().0.iter().zip(&part.pixels) {
                assert!(pixel[0] > 100 || *marked != 0, "seed {seed}: a pixel of the part is not marked");
            }
        }
        assert!(shown > 55, "{shown} of 100, of a part that covers a tenth of the frame");
    }

    #[test]
    fn quarter_turns_lose_nothing_and_all_four_occur() {
        let recipe = Recipe { quarter_turns: true, ..still() };
        let mut seen: Vec<Picture> = Vec::new();
        for seed in 0..40 {
            let posed = frame(&cross(), &recipe, &mut ChaCha8Rng::seed_from_u64(seed));
            if !seen.contains(&posed.clean) {
                seen.push(posed.clean);
            }
        }
        assert_eq!(seen.len(), 4);
        let oblong = Picture { width: 3, height: 1, rgb: (0..9).collect() };
        for seed in 0..20 {
            let turned = frame(&oblong, &recipe, &mut ChaCha8Rng::seed_from_u64(seed)).clean;
            assert!(turned == oblong || turned.rgb == [6, 7, 8, 3, 4, 5, 0, 1, 2], "seed {seed}: {turned:?}");
        }
    }

    #[test]
    fn light_stays_within_its_range() {
        let recipe = Recipe { light: 0.1, ..still() };
        let mut levels: Vec<u8> = (0..60)
            .map(|seed| {
                frame(&Picture::filled(4, 4, [100; 3]), &recipe, &mut ChaCha8Rng::seed_from_u64(seed)).clean.rgb[0]
            })
            .collect();
        levels.sort_unstable();
        assert!(levels[0] >= 90 && levels[0] <= 93 && levels[59] <= 110 && levels[59] >= 107, "{levels:?}");
    }
}
