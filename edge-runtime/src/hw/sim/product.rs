//! The product of the simulated line: an enamelled crown cap seen from above on a dark belt.
//!
//! Takes a seed, a purpose, a part index and, for a defective part, its kind of defect. Gives the picture as the camera's
//! sensor would see it (RGB, 8 bit, `FRAME_SIDE` squared, row-major, x to the right, y down), the exact mask of the defect,
//! and nothing else: it is a pure function, and the same arguments give the same bytes on one machine.
//!
//! It does not know the belt, the trigger or the camera's pixel format (`super::camera` packs YUYV), and it writes no file.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::defect::{Defect, Kind};
use super::paint::Look;

/// Width and height of a picture, in pixels. A square frame needs no crop, and 256 is the resolution at which the score's
/// mean window is defined, so that one pixel of the picture is one pixel of the reference's window.
pub const FRAME_SIDE: usize = 256;

/// A defect is drawn anew while it marks fewer pixels than this (of 65,536), because a defect that nobody could see must
/// not count as one that the line missed.
const LEAST_MASK: usize = 40;

/// How often a defect is drawn anew before the largest so far is kept. Sixteen failures in a row are rarer than 1 in 10^6
/// for every kind; the limit only makes the loop's end certain.
const MOST_DRAWS: usize = 16;

/// A pixel belongs to the mask where the noise-free picture with the defect differs from the one without it by more than
/// this, in units of the full range, in any colour. Six grey levels is about four times the sensor's noise.
const VISIBLE: f32 = 6.0 / 255.0;

/// What a picture is drawn for. Each purpose has its own stream of chance, so that the parts of a shift are never the parts
/// that the model was trained on, even under the same seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Good parts to learn from.
    Train,
    /// Good parts to test with.
    TestGood,
    /// Defective parts to test with.
    TestDefect,
    /// Parts on the simulated belt.
    Line,
}

/// One part as drawn.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// RGB, 8 bit, `FRAME_SIDE` by `FRAME_SIDE`, row-major.
    pub rgb: Vec<u8>,
    /// The defect's mask, 255 inside and 0 outside, same size, one byte a pixel. All 0 for a good part.
    pub mask: Vec<u8>,
    /// What is wrong with the part, if anything.
    pub kind: Option<Kind>,
}

/// Draws part `index` of the stream that `seed` and `purpose` name. `kind` says what is wrong with it; the place, size and
/// strength of the defect come from the same stream.
#[must_use]
pub fn draw(seed: u64, purpose: Purpose, index: u32, kind: Option<Kind>) -> Drawn {
    let mut rng = stream(seed, purpose, index);
    let look = Look::draw(&mut rng);
    let clean = paint(&look, None);
    let (light, mask) = match kind {
        None => (clean, vec![0; FRAME_SIDE * FRAME_SIDE]),
        Some(kind) => spoil(&look, &clean, kind, &mut rng),
    };
    Drawn { rgb: expose(&look, &light, &mut rng), mask, kind }
}

fn stream(seed: u64, purpose: Purpose, index: u32) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << 40 | u64::from(index));
    rng
}

fn paint(look: &Look, defect: Option<&Defect>) -> Vec<[f32; 3]> {
    let mut light = Vec::with_capacity(FRAME_SIDE * FRAME_SIDE);
    for y in 0..FRAME_SIDE {
        for x in 0..FRAME_SIDE {
            light.push(look.colour(x as f32 + 0.5, y as f32 + 0.5, defect));
        }
    }
    light
}

fn spoil(look: &Look, clean: &[[f32; 3]], kind: Kind, rng: &mut ChaCha8Rng) -> (Vec<[f32; 3]>, Vec<u8>) {
    let mut best = (0, Vec::new(), Vec::new());
    for _ in 0..MOST_DRAWS {
        let defect = Defect::draw(kind, look.radius(), rng);
        let light = paint(look, Some(&defect));
        let mask = mask(look, &defect, clean, &light);
        let marked = mask.iter().filter(|&&m| m > 0).count();
        if best.1.is_empty() || marked > best.0 {
            best = (marked, light, mask);
        }
        if best.0 >= LEAST_MASK {
            break;
        }
    }
    (best.1, best.2)
}

fn mask(look: &Look, defect: &Defect, clean: &[[f32; 3]], light: &[[f32; 3]]) -> Vec<u8> {
    clean
        .iter()
        .zip(light)
        .enumerate()
        .map(|(i, (a, b))| {
            let (x, y) = ((i % FRAME_SIDE) as f32 + 0.5, (i / FRAME_SIDE) as f32 + 0.5);
            let differs = a.iter().zip(b).any(|(a, b)| (a - b).abs() > VISIBLE);
            let (u, v) = look.to_cap(x, y);
            u8::from(differs || defect.hollow(u, v)) * 255
        })
        .collect()
}

/// Light to bytes: the lamp's gradient, the exposure, and the sensor's noise (triangular, about 1.6 levels deviation).
fn expose(look: &Look, light: &[[f32; 3]], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(light.len() * 3);
    for (i, colour) in light.iter().enumerate() {
        let lamp = look.lamp((i % FRAME_SIDE) as f32, (i / FRAME_SIDE) as f32);
        let draws: u64 = rng.random();
        for (c, value) in colour.iter().enumerate() {
            let bits = draws >> (c * 20);
            let noise = ((bits & 0x3ff) as f32 + (bits >> 10 & 0x3ff) as f32) / 1023.0 - 1.0;
            rgb.push((value * lamp[c] * 255.0 + noise * 4.0 + 0.5).clamp(0.0, 255.0) as u8);
        }
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_arguments_give_the_same_part_and_others_give_another() {
        let a = draw(7, Purpose::Line, 3, Some(Kind::Scratch));
        let b = draw(7, Purpose::Line, 3, Some(Kind::Scratch));
        assert_eq!(a.rgb, b.rgb);
        assert_eq!(a.mask, b.mask);
        assert_ne!(a.rgb, draw(8, Purpose::Line, 3, Some(Kind::Scratch)).rgb, "another seed");
        assert_ne!(a.rgb, draw(7, Purpose::Train, 3, Some(Kind::Scratch)).rgb, "another purpose");
        assert_ne!(a.rgb, draw(7, Purpose::Line, 4, Some(Kind::Scratch)).rgb, "another part");
    }

    #[test]
    fn a_good_part_has_an_empty_mask() {
        assert!(draw(1, Purpose::Train, 0, None).mask.iter().all(|&m| m == 0));
    }

    #[test]
    fn every_kind_of_defect_is_visible_on_every_part_and_never_the_whole_picture() {
        for kind in Kind::ALL {
            for index in 0..6 {
                let seed = 40;
                let drawn = draw(seed, Purpose::TestDefect, index, Some(kind));
                let marked = drawn.mask.iter().filter(|&&m| m > 0).count();
                let all = FRAME_SIDE * FRAME_SIDE;
                assert!(
                    marked >= LEAST_MASK && marked < all / 4,
                    "seed {seed}, part {index}, {kind:?}: {marked} of {all} pixels"
                );
            }
        }
    }

    #[test]
    fn outside_its_mask_a_defective_part_looks_like_the_good_one() {
        let good = draw(5, Purpose::Line, 9, None);
        let look = Look::draw(&mut stream(5, Purpose::Line, 9));
        let light = paint(&look, None);
        let mut rng = stream(5, Purpose::Line, 9);
        assert_eq!(Look::draw(&mut rng), look);
        let (spoiled, mask) = spoil(&look, &light, Kind::Stain, &mut rng);
        for (i, (a, b)) in light.iter().zip(&spoiled).enumerate() {
            let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(mask[i] > 0 || apart <= VISIBLE, "pixel {i}: {apart}");
        }
        assert_eq!(good.rgb.len(), FRAME_SIDE * FRAME_SIDE * 3);
    }
}
