//! The ten changes that keep textures from repeating; three different ones are applied to each texture.
//!
//! Takes a picture and a generator, changes the picture in place. The ten and their ranges are those of the DRAEM code
//! (imgaug 0.4 and Pillow behaviour), but rotation mirrors the picture beyond its border instead of filling it with black.
//! Never applied to the good picture itself.

use super::chance::{below, between, happens};
use super::geometry::{rotate, to_level};
use crate::data::Picture;
use rand_chacha::ChaCha8Rng;

type Augmenter = fn(&mut Picture, &mut ChaCha8Rng);

const ALL: [Augmenter; 10] =
    [gamma, brightness, sharpness, hue_saturation, solarise, posterise, invert, auto_contrast, equalise, turn];

/// How many different augmenters each texture gets.
const PER_TEXTURE: usize = 3;

/// Applies three different augmenters, in the order in which they are drawn.
pub(super) fn augment(picture: &mut Picture, rng: &mut ChaCha8Rng) {
    let mut left: Vec<Augmenter> = ALL.to_vec();
    for _ in 0..PER_TEXTURE {
        let chosen = left.swap_remove(below(rng, left.len()));
        chosen(picture, rng);
    }
}

/// Replaces every level of one channel by its entry in the table.
fn remap(picture: &mut Picture, channel: usize, table: &[u8; 256]) {
    for level in picture.rgb.iter_mut().skip(channel).step_by(3) {
        *level = table[usize::from(*level)];
    }
}

/// Gamma 0.5..=2 per channel, in steps of a sixteenth: such powers need square roots and products only.
fn gamma(picture: &mut Picture, rng: &mut ChaCha8Rng) {
    for channel in 0..3 {
        let sixteenths = 8 + below(rng, 25);
        let table = core::array::from_fn(|level| {
            let root = (level as f32 / 255.0).sqrt().sqrt().sqrt().sqrt();
            to_level(255.0 * (0..sixteenths).fold(1.0, |power, _| power * root))
        });
        remap(picture, channel, &table);
    }
}

/// Times 0.8..1.2, plus -30..30 levels.
fn brightness(picture: &mut Picture, rng: &mut ChaCha8Rng) {
    let (factor, offset) = (between(rng, 0.8, 1.2), between(rng, -30.0, 30.0));
    let table = core::array::from_fn(|level| to_level(level as f32 * factor + offset));
    (0..3).for_each(|channel| remap(picture, channel, &table));
}

/// From a smoothed picture (0) past the original (1) to an over-sharp one (2); the kernel is Pillow's: 1 around a 5, over 13.
fn sharpness(picture: &mut Picture, rng: &mut ChaCha8Rng) {
    let factor = between(rng, 0.0, 2.0);
    let (width, height) = (picture.width, picture.height);
    let source = picture.rgb.clone();
    for y in 1..height.saturating_sub(1) {
        for x in 1..width - 1 {
            for channel in 0..3 {
                let at = (y * width + x) * 3 + channel;
                let row = |middle: usize| {
                    u32::from(source[middle - 3]) + u32::from(source[middle]) + u32::from(source[middle + 3])
                };
                let original = u32::from(source[at]);
                let sum = row(at - 3 * width) + row(at) + row(at + 3 * width) + 4 * original;
                let smooth = sum as f32 / 13.0;
                picture.rgb[at] = to_level(smooth + factor * (original as f32 - smooth));
            }
        }
        if width < 3 {
            break;
        }
    }
}

/// Hue moved by up to 50/255 of the circle either way, saturation by up to 50 levels.
fn hue_saturation(picture: &mut Picture, rng: &mut ChaCha8Rng) {
    // The colour circle has six sixths here.
    let hue_shift = between(rng, -50.0, 50.0) * 6.0 / 255.0;
    let saturation_shift = between(rng, -50.0, 50.0) / 255.0;
    for pixel in picture.rgb.as_chunks_mut::<3>().0 {
        let [red, green, blue] = pixel.map(f32::from);
        let value = red.max(green).max(blue);
        let chroma = value - red.min(green).min(blue);
        let saturation = if value > 0.0 { chroma / value } else { 0.0 };
        let hue = if chroma == 0.0 {
            0.0
        } else if value == red {
            (green - blue) / chroma
        } else if value == green {
            2.0 + (blue - red) / chroma
        } else {
            4.0 + (red - green) / chroma
        };
        let hue = (hue + hue_shift).rem_euclid(6.0);
        let chroma = value * (saturation + saturation_shift).clamp(0.0, 1.0);
        // Each channel falls off with its distance from its own place on the circle.
        let channel = |place: f32| {
            let distance = (hue - place).abs();
            let distance = distance.min(6.0 - distance);
            value - chroma * (distance - 1.0).clamp(0.0, 1.0)
        };
        *pixel = [0.0, 2.0, 4.0].map(|place| to_level(channel(place)));
    }
}

/// In half the cases, inverts what is at or above a level of 32..=128.
fn solarise(picture: &mut Picture, rng: &mut ChaCha8Rng) {
    if happens(rng, 0.5) {
        let threshold = 32 + below(rng, 97) as u8;
        for level in &mut picture.rgb {
            *level = if *level >= threshold { 255 - *level } else { *level };
        }
    }
}

/// Keeps the 1 to 8 highest bits.
fn posterise(picture: &mut Picture, rng: &mut ChaCha8Rng) {
    let kept = u8::MAX << below(rng, 8);
    picture.rgb.iter_mut().for_each(|level| *level &= kept);
}

fn invert(picture: &mut Picture, _: &mut ChaCha8Rng) {
    picture.rgb.iter_mut().for_each(|level| *level = 255 - *level);
}

fn histogram(picture: &Picture, channel: usize) -> [usize; 256] {
    let mut counts = [0; 256];
    picture.rgb.iter().skip(channel).step_by(3).for_each(|&level| counts[usize::from(level)] += 1);
    counts
}

/// Stretches each channel to 0..=255 after dropping up to 20 % of its pixels at each end.
fn auto_contrast(picture: &mut Picture, rng: &mut ChaCha8Rng) {
    let dropped = (between(rng, 0.0, 0.2) * (picture.width * picture.height) as f32) as usize;
    for channel in 0..3 {
        let counts = histogram(picture, channel);
        // The level at which more pixels than may be dropped have been passed, coming from one end.
        let end = |level_at: fn(usize) -> usize| {
            let mut seen = 0;
            (0..256).map(level_at).find(|&level| {
                seen += counts[level];
                seen > dropped
            })
        };
        if let (Some(low), Some(high)) = (end(|i| i), end(|i| 255 - i))
            && low < high
        {
            let scale = 255.0 / (high - low) as f32;
            let table = core::array::from_fn(|level| to_level((level as f32 - low as f32) * scale));
            remap(picture, channel, &table);
        }
    }
}

/// Makes the levels of each channel equally frequent, as Pillow does it.
fn equalise(picture: &mut Picture, _: &mut ChaCha8Rng) {
    for channel in 0..3 {
        let counts = histogram(picture, channel);
        let last = counts.iter().rev().find(|&&count| count > 0).copied().unwrap_or(0);
        let step = (picture.width * picture.height - last) / 255;
        if step > 0 {
            let mut sum = step / 2;
            let table = core::array::from_fn(|level| {
                let equalised = (sum / step).min(255) as u8;
                sum += counts[level];
                equalised
            });
            remap(picture, channel, &table);
        }
    }
}

/// Turned by up to 45 degrees either way.
fn turn(picture: &mut Picture, rng: &mut ChaCha8Rng) {
    *picture = rotate(picture, between(rng, -45.0, 45.0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn ramp() -> Picture {
        let rgb = (0..32 * 32_u32).flat_map(|i| [(i % 256) as u8, (i / 4) as u8, (255 - i % 256) as u8]).collect();
        Picture { width: 32, height: 32, rgb }
    }

    #[test]
    fn every_augmenter_keeps_the_size_and_survives_flat_and_tiny_pictures() {
        for (index, augmenter) in ALL.iter().enumerate() {
            for picture in [ramp(), Picture::filled(1, 1, [7, 7, 7]), Picture::filled(2, 9, [0, 255, 3])] {
                for seed in 0..20 {
                    let mut changed = picture.clone();
                    augmenter(&mut changed, &mut ChaCha8Rng::seed_from_u64(seed));
                    assert_eq!(changed.rgb.len(), picture.rgb.len(), "augmenter {index}, seed {seed}");
                }
            }
        }
    }

    #[test]
    fn hue_and_saturation_keep_the_value_and_turn_no_further_than_they_may() {
        for seed in 0..60 {
            let changed = |rgb: [u8; 3]| {
                let mut picture = Picture::filled(1, 1, rgb);
                hue_saturation(&mut picture, &mut ChaCha8Rng::seed_from_u64(seed));
                [picture.rgb[0], picture.rgb[1], picture.rgb[2]]
            };
            let red = changed([200, 0, 0]);
            assert_eq!(red.iter().max(), Some(&200), "seed {seed}: {red:?}");
            // Fifty of 255 is a little more than a sixth of the circle: red reaches yellow or magenta, not green or blue.
            assert!(red[0] >= 150, "seed {seed}: {red:?}");
            let grey = changed([90, 90, 90]);
            assert_eq!(grey.iter().max(), Some(&90), "seed {seed}: {grey:?}");
        }
    }

    #[test]
    fn inverting_twice_changes_nothing_and_equalising_a_ramp_hardly_anything() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut picture = ramp();
        invert(&mut picture, &mut rng);
        assert_ne!(picture, ramp());
        invert(&mut picture, &mut rng);
        assert_eq!(picture, ramp());
        equalise(&mut picture, &mut rng);
        assert!(picture.rgb.iter().zip(&ramp().rgb).all(|(a, b)| a.abs_diff(*b) <= 2));
    }

    #[test]
    fn auto_contrast_reaches_both_ends() {
        let rgb = (0..400).map(|i| 100 + (i % 50) as u8).flat_map(|level| [level; 3]).collect();
        let mut picture = Picture { width: 20, height: 20, rgb };
        auto_contrast(&mut picture, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(picture.rgb.iter().min(), Some(&0));
        assert_eq!(picture.rgb.iter().max(), Some(&255));
    }
}
