//! Perlin noise, one octave, as the DRAEM simulator uses it.
//!
//! Takes an image size, the number of noise cells per axis, and a generator; gives one value per pixel, row-major. Any
//! image size will do: the cells are fitted to the image, not the image to the cells. Draws no masks.
//! Source: K. Perlin, "Improving Noise" (SIGGRAPH 2002), with the scale sqrt(2) of the DRAEM code.

use super::chance::{below, unit};
use rand_chacha::ChaCha8Rng;

/// The finest grid has 2^5 = 32 cells per axis, as in the DRAEM code.
const LARGEST_POWER: usize = 5;

/// Cells narrower than this many pixels would make single-pixel specks, which no camera resolves and no mask should claim.
const SMALLEST_CELL_PIXELS: usize = 4;

/// A number of cells for an axis of `pixels`: 2^k, every k in 0..=5 equally likely as long as cells stay wide enough.
pub(super) fn random_cells(pixels: usize, rng: &mut ChaCha8Rng) -> usize {
    let mut powers = LARGEST_POWER;
    while powers > 0 && pixels >> powers < SMALLEST_CELL_PIXELS {
        powers -= 1;
    }
    1 << below(rng, powers + 1)
}

/// Single-octave noise in -1..=1, `[height][width]`, with `cells` = (across, down), each at least 1.
pub(super) fn noise(width: usize, height: usize, cells: (usize, usize), rng: &mut ChaCha8Rng) -> Vec<f32> {
    let columns = axis(width, cells.0);
    let rows = axis(height, cells.1);
    let stride = cells.0 + 1;
    let gradients: Vec<(f32, f32)> = (0..stride * (cells.1 + 1)).map(|_| direction(rng)).collect();
    let mut values = Vec::with_capacity(width * height);
    for &(cell_y, y, fade_y) in &rows {
        let top = &gradients[cell_y * stride..][..stride];
        let bottom = &gradients[(cell_y + 1) * stride..][..stride];
        for &(cell_x, x, fade_x) in &columns {
            let dot = |gradient: (f32, f32), dx: f32, dy: f32| gradient.0 * dx + gradient.1 * dy;
            let above = mix(dot(top[cell_x], x, y), dot(top[cell_x + 1], x - 1.0, y), fade_x);
            let under = mix(dot(bottom[cell_x], x, y - 1.0), dot(bottom[cell_x + 1], x - 1.0, y - 1.0), fade_x);
            values.push(core::f32::consts::SQRT_2 * mix(above, under, fade_y));
        }
    }
    values
}

/// For each pixel of an axis: its cell, the place within it in 0..1, and that place after the quintic fade.
fn axis(pixels: usize, cells: usize) -> Vec<(usize, f32, f32)> {
    (0..pixels)
        .map(|pixel| {
            let cell = pixel * cells / pixels;
            let t = (pixel * cells % pixels) as f32 / pixels as f32;
            (cell, t, t * t * t * (t * (t * 6.0 - 15.0) + 10.0))
        })
        .collect()
}

/// A unit vector, every direction equally likely: a point in the disc, moved to its rim.
fn direction(rng: &mut ChaCha8Rng) -> (f32, f32) {
    loop {
        let (x, y) = (2.0 * unit(rng) - 1.0, 2.0 * unit(rng) - 1.0);
        let square = x * x + y * y;
        if square <= 1.0 && square > 1e-4 {
            let length = square.sqrt();
            return (x / length, y / length);
        }
    }
}

fn mix(from: f32, to: f32, share: f32) -> f32 {
    from + (to - from) * share
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn noise_is_zero_at_the_corners_of_cells_and_stays_in_range() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let values = noise(64, 48, (8, 4), &mut rng);
        assert_eq!(values.len(), 64 * 48);
        for (y, x) in [(0, 0), (12, 8), (24, 56), (36, 16)] {
            assert_eq!(values[y * 64 + x], 0.0, "corner of a cell at ({x}, {y})");
        }
        assert!(values.iter().all(|value| value.abs() <= 1.0));
        assert!(values.iter().any(|value| value.abs() > 0.3));
    }

    #[test]
    fn small_images_get_coarse_grids_only() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for _ in 0..200 {
            assert_eq!(random_cells(3, &mut rng), 1);
            assert!(random_cells(32, &mut rng) <= 8);
        }
        let seen: std::collections::BTreeSet<usize> = (0..500).map(|_| random_cells(256, &mut rng)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32]);
    }
}
