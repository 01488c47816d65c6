//! Textures drawn from nothing: noise, stripes, checks, flat colours, gradients, speckle.
//!
//! Takes a size, the good picture (half of the colours are borrowed from it, so that stains resemble the product) and a
//! generator; gives a picture of that size. The DRAEM ablation lost little when flat colours replaced photographs, so no
//! texture download is needed.

use super::chance::{below, between, happens, unit};
use super::geometry::{sin_cos, to_level};
use super::perlin;
use crate::data::Picture;
use rand_chacha::ChaCha8Rng;

type Colour = [f32; 3];

/// A texture of a kind drawn at random.
pub(super) fn draw(width: usize, height: usize, good: &Picture, rng: &mut ChaCha8Rng) -> Picture {
    match below(rng, 6) {
        0 => noise(width, height, good, rng),
        1 => stripes(width, height, good, rng),
        2 => checks(width, height, good, rng),
        3 => Picture::filled(width, height, colour(good, rng).map(to_level)),
        4 => gradient(width, height, good, rng),
        _ => speckle(width, height, good, rng),
    }
}

/// Any colour, or one near a colour of the product, half of the time each.
fn colour(good: &Picture, rng: &mut ChaCha8Rng) -> Colour {
    if happens(rng, 0.5) {
        core::array::from_fn(|_| between(rng, 0.0, 255.0))
    } else {
        let at = below(rng, good.width * good.height) * 3;
        let lighter = between(rng, -80.0, 80.0);
        core::array::from_fn(|c| f32::from(good.rgb[at + c]) + lighter + between(rng, -20.0, 20.0))
    }
}

/// Paints each pixel with a mixture of two colours; `share` gives the second colour's part, 0..=1.
fn paint(width: usize, height: usize, two: [Colour; 2], mut share: impl FnMut(usize, usize) -> f32) -> Picture {
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let second = share(x, y);
            rgb.extend((0..3).map(|c| to_level(two[0][c] + (two[1][c] - two[0][c]) * second)));
        }
    }
    Picture { width, height, rgb }
}

/// One to four octaves of noise, from coarse to fine.
fn noise(width: usize, height: usize, good: &Picture, rng: &mut ChaCha8Rng) -> Picture {
    let two = [colour(good, rng), colour(good, rng)];
    let cells = (perlin::random_cells(width, rng), perlin::random_cells(height, rng));
    let mut sum = perlin::noise(width, height, cells, rng);
    let mut strength = 1.0;
    for octave in 1..=below(rng, 4) {
        let finer = |cells: usize, pixels: usize| (cells << octave).min(pixels.div_ceil(2)).max(1);
        strength *= 0.6;
        let more = perlin::noise(width, height, (finer(cells.0, width), finer(cells.1, height)), rng);
        sum.iter_mut().zip(more).for_each(|(value, addition)| *value += strength * addition);
    }
    let contrast = between(rng, 0.5, 2.0);
    paint(width, height, two, |x, y| (0.5 + contrast * sum[y * width + x]).clamp(0.0, 1.0))
}

/// Parallel bands of any direction, hard or soft.
fn stripes(width: usize, height: usize, good: &Picture, rng: &mut ChaCha8Rng) -> Picture {
    let two = [colour(good, rng), colour(good, rng)];
    let (sine, cosine) = sin_cos(between(rng, -90.0, 90.0));
    let period = between(rng, 0.02, 0.25) * width.min(height) as f32 + 2.0;
    let duty = between(rng, 0.2, 0.8);
    let soft = happens(rng, 0.5);
    paint(width, height, two, |x, y| {
        let place = ((x as f32 * cosine + y as f32 * sine) / period).rem_euclid(1.0);
        if soft { (2.0 * place - 1.0).abs() } else { f32::from(u8::from(place < duty)) }
    })
}

/// A chessboard of any direction.
fn checks(width: usize, height: usize, good: &Picture, rng: &mut ChaCha8Rng) -> Picture {
    let two = [colour(good, rng), colour(good, rng)];
    let (sine, cosine) = sin_cos(between(rng, -45.0, 45.0));
    let size = between(rng, 0.02, 0.2) * width.min(height) as f32 + 1.0;
    paint(width, height, two, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let (column, row) = ((x * cosine + y * sine) / size, (y * cosine - x * sine) / size);
        f32::from(u8::from((column.floor() + row.floor()).rem_euclid(2.0) >= 1.0))
    })
}

/// One colour running into another.
fn gradient(width: usize, height: usize, good: &Picture, rng: &mut ChaCha8Rng) -> Picture {
    let two = [colour(good, rng), colour(good, rng)];
    let (sine, cosine) = sin_cos(between(rng, -180.0, 180.0));
    let length = between(rng, 0.3, 1.2) * width.min(height) as f32 + 1.0;
    let (middle_x, middle_y) = (unit(rng) * width as f32, unit(rng) * height as f32);
    paint(width, height, two, |x, y| {
        let along = (x as f32 - middle_x) * cosine + (y as f32 - middle_y) * sine;
        (0.5 + along / length).clamp(0.0, 1.0)
    })
}

/// Single pixels of one colour strewn over another, with grain.
fn speckle(width: usize, height: usize, good: &Picture, rng: &mut ChaCha8Rng) -> Picture {
    let two = [colour(good, rng), colour(good, rng)];
    let (density, grain) = (between(rng, 0.02, 0.5), between(rng, 0.0, 0.4));
    paint(width, height, two, |_, _| {
        let base = if happens(rng, density) { 1.0 } else { 0.0 };
        (base + between(rng, -grain, grain)).clamp(0.0, 1.0)
    })
}
