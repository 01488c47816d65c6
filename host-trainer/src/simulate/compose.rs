//! Puts mask, texture and good picture together into one training sample.
//!
//! # Invariants
//!
//! Outside the mask `augmented` equals `clean` byte for byte. A marked pixel is one whose change can be seen: if neither it
//! nor any marked pixel within two pixels of it changes by at least `visible_levels` in some channel, it keeps its clean
//! colour and is not marked, because a label that cannot be seen teaches noise. The neighbourhood keeps labels in one piece
//! where a texture happens to match the part at single pixels.

use super::bend;
use super::chance::{below, between, happens};
use super::geometry::{mirror, to_level};
use super::mask;
use super::pose::{self, Posed};
use super::recipe::Recipe;
use super::texture::Textures;
use crate::data::{Mask, Picture};
use rand_chacha::ChaCha8Rng;

/// One training sample; all three of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What the reconstruction should give back: the good picture, possibly turned, lit otherwise, or a window onto it.
    pub clean: Picture,
    /// What the network sees: the clean picture, or the clean picture with a defect.
    pub augmented: Picture,
    /// Where the two differ; empty for a sample without defect.
    pub mask: Mask,
}

/// Fresh draws before a sample is given up as clean: a faint texture can match the part everywhere.
const DRAWS: usize = 6;
/// How far visibility reaches, in pixels: see the invariants.
const VISIBLE_REACH: usize = 2;

/// Makes one sample of the size of `good`.
///
/// `others` are further good pictures of the product, of any size, from which patches may be taken; may be empty. The
/// result depends on the arguments alone, to the byte, on every machine. A picture without pixels comes back unchanged.
pub fn simulate(
    good: &Picture,
    others: &[Picture],
    textures: &Textures,
    recipe: &Recipe,
    rng: &mut ChaCha8Rng,
) -> Sample {
    if good.width * good.height == 0 {
        return without_defect(good.clone());
    }
    let Posed { clean, part } = pose::frame(good, recipe, rng);
    perhaps_defective(clean, part.as_ref(), others, textures, recipe, rng)
}

/// Makes one sample of this size (width, height), or of `good`'s where that is smaller: a window onto it, with or without a
/// defect. Else as [`simulate`].
pub fn simulate_window(
    good: &Picture,
    size: (usize, usize),
    others: &[Picture],
    textures: &Textures,
    recipe: &Recipe,
    rng: &mut ChaCha8Rng,
) -> Sample {
    if good.width * good.height * size.0 * size.1 == 0 {
        return without_defect(Picture::filled(size.0.min(good.width), size.1.min(good.height), [0; 3]));
    }
    let Posed { clean, part } = pose::window(good, size, recipe, rng);
    perhaps_defective(clean, part.as_ref(), others, textures, recipe, rng)
}

/// Makes one sample of the size of `good` out of windows of this size (width, height) side by side, each with or without a
/// defect of its own, so that defects have the size that they have in [`simulate_window`]. The frame is turned by quarters alone.
/// Else as [`simulate`].
pub fn simulate_tiled(
    good: &Picture,
    size: (usize, usize),
    others: &[Picture],
    textures: &Textures,
    recipe: &Recipe,
    rng: &mut ChaCha8Rng,
) -> Sample {
    if good.width * good.height * size.0 * size.1 == 0 {
        return without_defect(good.clone());
    }
    let Posed { clean, part } = pose::frame(good, &Recipe { rotation_degrees: 0.0, ..*recipe }, rng);
    let mut whole = without_defect(clean);
    let (width, height) = (size.0.min(whole.clean.width), size.1.min(whole.clean.height));
    // What the windows leave over lies along the rim, in equal parts.
    let first = (whole.clean.width % width / 2, whole.clean.height % height / 2);
    for top in (first.1..=whole.clean.height - height).step_by(height) {
        for left in (first.0..=whole.clean.width - width).step_by(width) {
            let place = Place { left, top, width, height };
            let part = part.as_ref().map(|part| place.of_mask(part));
            let tile = place.of_picture(&whole.clean);
            let made = perhaps_defective(tile, part.as_ref(), others, textures, recipe, rng);
            place.put(&made, &mut whole);
        }
    }
    whole
}

/// A rectangle of a frame.
struct Place {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Place {
    /// Where the rows lie in a frame of this width, counted in pixels.
    fn rows(&self, frame_width: usize) -> impl Iterator<Item = core::ops::Range<usize>> {
        let (left, width) = (self.left, self.width);
        (self.top..self.top + self.height).map(move |y| y * frame_width + left..y * frame_width + left + width)
    }

    fn of_picture(&self, frame: &Picture) -> Picture {
        let row = |row: core::ops::Range<usize>| &frame.rgb[row.start * 3..row.end * 3];
        Picture { width: self.width, height: self.height, rgb: self.rows(frame.width).flat_map(row).copied().collect() }
    }

    fn of_mask(&self, frame: &Mask) -> Mask {
        let pixels = self.rows(frame.width).flat_map(|row| &frame.pixels[row]).copied().collect();
        Mask { width: self.width, height: self.height, pixels }
    }

    /// Puts the sample's picture and mask into the frame's.
    fn put(&self, sample: &Sample, frame: &mut Sample) {
        for (y, row) in self.rows(frame.clean.width).enumerate() {
            let from = y * self.width..(y + 1) * self.width;
            let (rgb, rgb_from) = (row.start * 3..row.end * 3, from.start * 3..from.end * 3);
            frame.augmented.rgb[rgb].copy_from_slice(&sample.augmented.rgb[rgb_from]);
            frame.mask.pixels[row].copy_from_slice(&sample.mask.pixels[from]);
        }
    }
}

fn without_defect(clean: Picture) -> Sample {
    Sample { augmented: clean.clone(), mask: Mask::empty(clean.width, clean.height), clean }
}

/// The clean picture with a defect, as often as the recipe says; where `part` is known, within it, or bent from it.
fn perhaps_defective(
    clean: Picture,
    part: Option<&Mask>,
    others: &[Picture],
    textures: &Textures,
    recipe: &Recipe,
    rng: &mut ChaCha8Rng,
) -> Sample {
    if happens(rng, recipe.anomaly_probability) {
        for _ in 0..DRAWS {
            // A recipe that bends nothing draws what it drew before there were bends.
            if recipe.bend_probability > 0.0 && happens(rng, recipe.bend_probability) {
                let centre = mask::centre(&clean, part, recipe.on_part_probability, rng);
                let (bent, drawn) = bend::bent(&clean, centre, rng);
                let (augmented, mask) = keep_visible(&clean, bent, &drawn, recipe.visible_levels);
                if large_enough(&mask, recipe) {
                    return Sample { clean, augmented, mask };
                }
                continue;
            }
            let drawn = mask::draw(&clean, part, &recipe.masks, recipe.on_part_probability, rng);
            let (foreign, mut drawn) = if happens(rng, recipe.own_structure_probability) {
                own_structure(&clean, drawn, rng)
            } else {
                (textures.draw(&clean, others, recipe.own_texture_probability, rng), drawn)
            };
            // A swap has two ends.
            if let Some(part) = part {
                mask::keep_within(&mut drawn, part);
            }
            let opacity = between(rng, recipe.opacity.0, recipe.opacity.1);
            let soft_rim = happens(rng, recipe.soft_rim_probability);
            let blended = blend(&clean, &foreign, &drawn, opacity, soft_rim);
            let (augmented, mask) = keep_visible(&clean, blended, &drawn, recipe.visible_levels);
            if large_enough(&mask, recipe) {
                return Sample { clean, augmented, mask };
            }
        }
    }
    without_defect(clean)
}

fn large_enough(mask: &Mask, recipe: &Recipe) -> bool {
    mask.pixels.iter().filter(|&&pixel| pixel != 0).count() >= recipe.smallest_pixels
}

/// The clean picture with the texture laid over it inside the mask.
fn blend(clean: &Picture, texture: &Picture, mask: &Mask, opacity: f32, soft_rim: bool) -> Picture {
    let mut blended = clean.clone();
    for y in 0..mask.height {
        for x in 0..mask.width {
            let at = y * mask.width + x;
            if mask.pixels[at] == 0 {
                continue;
            }
            let rim = soft_rim
                && (x > 0 && mask.pixels[at - 1] == 0
                    || x + 1 < mask.width && mask.pixels[at + 1] == 0
                    || y > 0 && mask.pixels[at - mask.width] == 0
                    || y + 1 < mask.height && mask.pixels[at + mask.width] == 0);
            let opacity = if rim { opacity / 2.0 } else { opacity };
            for channel in at * 3..at * 3 + 3 {
                let (under, over) = (f32::from(clean.rgb[channel]), f32::from(texture.rgb[channel]));
                blended.rgb[channel] = to_level(under + opacity * (over - under));
            }
        }
    }
    blended
}

/// Takes back what cannot be seen, from the picture and from the mask.
fn keep_visible(clean: &Picture, mut augmented: Picture, drawn: &Mask, levels: u8) -> (Picture, Mask) {
    let (width, height) = (drawn.width, drawn.height);
    let mut near_visible = vec![false; width * height];
    for y in 0..height {
        for x in 0..width {
            let at = (y * width + x) * 3;
            let changed = (at..at + 3).any(|c| clean.rgb[c].abs_diff(augmented.rgb[c]) >= levels.max(1));
            if changed {
                for row in y.saturating_sub(VISIBLE_REACH)..(y + VISIBLE_REACH + 1).min(height) {
                    let from = x.saturating_sub(VISIBLE_REACH);
                    let to = (x + VISIBLE_REACH + 1).min(width);
                    near_visible[row * width + from..row * width + to].fill(true);
                }
            }
        }
    }
    let mut mask = Mask::empty(width, height);
    for (at, near) in near_visible.into_iter().enumerate() {
        if drawn.pixels[at] != 0 && near {
            mask.pixels[at] = 1;
        } else {
            augmented.rgb[at * 3..at * 3 + 3].copy_from_slice(&clean.rgb[at * 3..at * 3 + 3]);
        }
    }
    (augmented, mask)
}

/// A defect made of the picture's own structure: a patch copied from elsewhere, two patches swapped, or a patch smeared.
/// Gives the picture to take colours from, and the mask, which grows when both ends of a swap are defects.
fn own_structure(clean: &Picture, drawn: Mask, rng: &mut ChaCha8Rng) -> (Picture, Mask) {
    if below(rng, 3) == 0 {
        return (smeared(clean, rng), drawn);
    }
    // Less than a twentieth of the side would leave the patch nearly in place.
    let mut distance = |side: usize| {
        let far = between(rng, 0.05, 0.5) * side as f32 + 1.0;
        if happens(rng, 0.5) { far as i64 } else { -(far as i64) }
    };
    let (dx, dy) = (distance(clean.width), distance(clean.height));
    let swap = happens(rng, 0.5);
    let (width, height) = (clean.width, clean.height);
    let mut source = clean.clone();
    let mut mask = drawn.clone();
    for y in 0..height {
        for x in 0..width {
            let at = y * width + x;
            if drawn.pixels[at] == 0 {
                continue;
            }
            let from = mirror(y as i64 + dy, height) * width + mirror(x as i64 + dx, width);
            source.rgb[at * 3..at * 3 + 3].copy_from_slice(&clean.rgb[from * 3..from * 3 + 3]);
            if swap && drawn.pixels[from] == 0 {
                source.rgb[from * 3..from * 3 + 3].copy_from_slice(&clean.rgb[at * 3..at * 3 + 3]);
                mask.pixels[from] = 1;
            }
        }
    }
    (source, mask)
}

/// The picture averaged over a wide square, as if print or structure were missing there.
fn smeared(picture: &Picture, rng: &mut ChaCha8Rng) -> Picture {
    let reach = (between(rng, 0.03, 0.12) * picture.width.min(picture.height) as f32) as usize + 1;
    let mut smeared = picture.clone();
    let (width, height) = (picture.width, picture.height);
    let run = |rgb: &mut [u8], start: usize, step: usize, count: usize| {
        for channel in 0..3 {
            let index = |i: i64| start + mirror(i, count) * step + channel;
            let levels: Vec<u32> = (0..count as i64).map(|i| u32::from(rgb[index(i)])).collect();
            let span = 2 * reach as u32 + 1;
            let mut sum: u32 = (-(reach as i64)..=reach as i64).map(|i| levels[mirror(i, count)]).sum();
            for i in 0..count as i64 {
                rgb[index(i)] = ((sum + span / 2) / span) as u8;
                sum += levels[mirror(i + 1 + reach as i64, count)];
                sum -= levels[mirror(i - reach as i64, count)];
            }
        }
    };
    (0..height).for_each(|y| run(&mut smeared.rgb, y * width * 3, 3, width));
    (0..width).for_each(|x| run(&mut smeared.rgb, x * 3, width * 3, height));
    smeared
}
