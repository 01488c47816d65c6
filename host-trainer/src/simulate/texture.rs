//! Where a made-up defect takes its colours from: given pictures, procedural textures, or the product's own pictures.
//!
//! Holds the given pictures; gives one texture of the asked size at a time. Pictures of any size are welcome: a window of
//! them is turned into place and continued by its mirror image. Reads no files.

use super::chance::{below, between, happens};
use super::{augment, geometry, procedural};
use crate::data::Picture;
use rand_chacha::ChaCha8Rng;

/// The textures at hand.
#[derive(Clone, Debug)]
pub struct Textures {
    pictures: Vec<Picture>,
}

/// When pictures were given, half of the foreign textures are taken from them and half are procedural.
const GIVEN_PICTURE_PROBABILITY: f32 = 0.5;
/// A patch of the product's own pictures is left as it is this often; else its colours are changed like any texture's.
const OWN_PATCH_AS_IS_PROBABILITY: f32 = 0.5;
/// On a grey product, this share of textures is grey too. Else colour alone would betray every made-up defect, and the
/// network would never learn to see the grey ones that occur.
const GREY_ON_GREY_PROBABILITY: f32 = 0.8;
/// A picture counts as grey when its channels differ by less than this many levels on average.
const GREY_LEVELS: usize = 5;

impl Textures {
    /// Procedural textures only: nothing has to be downloaded.
    pub fn procedural() -> Self {
        Self { pictures: Vec::new() }
    }

    /// Procedural textures and these pictures, of any sizes. Pictures without pixels are ignored.
    pub fn with_pictures(pictures: Vec<Picture>) -> Self {
        let usable = |picture: &Picture| picture.width * picture.height > 0;
        Self { pictures: pictures.into_iter().filter(usable).collect() }
    }

    /// How many pictures were given.
    pub fn pictures(&self) -> usize {
        self.pictures.len()
    }

    /// A texture of the good picture's size. `own` is the probability that it comes from the product's own pictures.
    pub(super) fn draw(&self, good: &Picture, others: &[Picture], own: f32, rng: &mut ChaCha8Rng) -> Picture {
        let (width, height) = (good.width, good.height);
        let mut texture;
        if happens(rng, own) {
            texture = own_patch(good, others, rng);
            if happens(rng, OWN_PATCH_AS_IS_PROBABILITY) {
                return texture;
            }
        } else if !self.pictures.is_empty() && happens(rng, GIVEN_PICTURE_PROBABILITY) {
            let source = &self.pictures[below(rng, self.pictures.len())];
            let scale = between(rng, 0.5, 2.0);
            texture = geometry::window(source, width, height, place(source, rng), 0.0, scale);
        } else {
            texture = procedural::draw(width, height, good, rng);
        }
        augment::augment(&mut texture, rng);
        if is_grey(good) && happens(rng, GREY_ON_GREY_PROBABILITY) {
            make_grey(&mut texture);
        }
        texture
    }
}

/// The product where it does not belong: another picture shifted, turned, or cut into tiles and shuffled.
fn own_patch(good: &Picture, others: &[Picture], rng: &mut ChaCha8Rng) -> Picture {
    let (width, height) = (good.width, good.height);
    let chosen = below(rng, others.len() + 1);
    let source = others.get(chosen).filter(|picture| picture.width * picture.height > 0).unwrap_or(good);
    match below(rng, 3) {
        0 => geometry::window(source, width, height, place(source, rng), 0.0, 1.0),
        1 => geometry::window(source, width, height, place(source, rng), between(rng, -180.0, 180.0), 1.0),
        _ => shuffled(source, width, height, 4 << below(rng, 2), rng),
    }
}

fn place(source: &Picture, rng: &mut ChaCha8Rng) -> (f32, f32) {
    (below(rng, source.width) as f32, below(rng, source.height) as f32)
}

/// The source cut into `tiles` by `tiles` pieces in random order, each piece drawn at its own scale of one.
fn shuffled(source: &Picture, width: usize, height: usize, tiles: usize, rng: &mut ChaCha8Rng) -> Picture {
    let mut order: Vec<usize> = (0..tiles * tiles).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, below(rng, last + 1));
    }
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let (row, column) = (y * tiles / height, x * tiles / width);
            let from = order[row * tiles + column];
            let inside_x = x - (column * width).div_ceil(tiles);
            let inside_y = y - (row * height).div_ceil(tiles);
            let source_x = ((from % tiles) * source.width / tiles + inside_x).min(source.width - 1);
            let source_y = ((from / tiles) * source.height / tiles + inside_y).min(source.height - 1);
            let at = (source_y * source.width + source_x) * 3;
            rgb.extend_from_slice(&source.rgb[at..at + 3]);
        }
    }
    Picture { width, height, rgb }
}

fn is_grey(picture: &Picture) -> bool {
    let spread = |[r, g, b]: &[u8; 3]| usize::from(*r.max(g).max(b) - *r.min(g).min(b));
    let pixels = picture.rgb.as_chunks::<3>().0;
    pixels.iter().map(spread).sum::<usize>() < GREY_LEVELS * pixels.len()
}

fn make_grey(picture: &mut Picture) {
    for pixel in picture.rgb.as_chunks_mut::<3>().0 {
        let [red, green, blue] = pixel.map(u32::from);
        // Rec. 601 luma in 256ths.
        *pixel = [((77 * red + 150 * green + 29 * blue + 128) >> 8) as u8; 3];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn textures_have_the_asked_size_whatever_the_source() {
        let sources =
            vec![Picture::filled(0, 5, [0; 3]), Picture::filled(1, 1, [9; 3]), Picture::filled(40, 7, [3; 3])];
        let textures = Textures::with_pictures(sources.clone());
        assert_eq!(textures.pictures(), 2);
        for (width, height) in [(1, 1), (2, 3), (33, 47), (64, 32)] {
            let good = Picture::filled(width, height, [120, 110, 100]);
            for seed in 0..60 {
                let texture = textures.draw(&good, &sources, 0.5, &mut ChaCha8Rng::seed_from_u64(seed));
                assert_eq!((texture.width, texture.height), (width, height), "seed {seed}");
                assert_eq!(texture.rgb.len(), width * height * 3, "seed {seed}");
            }
        }
    }

    #[test]
    fn shuffling_moves_every_pixel_and_loses_none() {
        let source = Picture { width: 16, height: 16, rgb: (0..=255).flat_map(|level| [level; 3]).collect() };
        let result = shuffled(&source, 16, 16, 4, &mut ChaCha8Rng::seed_from_u64(2));
        let sorted = |picture: &Picture| {
            let mut levels = picture.rgb.clone();
            levels.sort_unstable();
            levels
        };
        assert_eq!(sorted(&result), sorted(&source));
        assert_ne!(result, source);
    }

    #[test]
    fn most_textures_on_a_grey_product_are_grey() {
        let good = Picture::filled(16, 16, [120, 121, 120]);
        let grey = (0..200)
            .filter(|&seed| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                is_grey(&Textures::procedural().draw(&good, &[], 0.0, &mut rng))
            })
            .count();
        assert!((150..200).contains(&grey), "{grey} of 200");
    }
}
