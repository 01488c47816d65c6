//! Structural similarity and its gradient, in one pass over plain numbers.
//!
//! What [`ssim`](super::ssim) does with tensors, on the CPU without the dozens of tensors that gradients by torch take there. For
//! one channel of one picture `a` beside `b`, with the names of that module and `S = L T / (C D)`, `L = 2 m_a m_b + C1`,
//! `T = 2 v_ab + C2`, `C = m_a^2 + m_b^2 + C1`, `D = v_a + v_b + C2`, the sum of `S` has the gradient
//!
//! ```text
//! G p + 2 a G q + b G r
//! p = 2 m_b (T - L) / (C D) + 2 m_a S (1 / D - 1 / C)    with respect to m_a
//! q = -S / D                                             with respect to G a^2
//! r = 2 L / (C D)                                        with respect to G ab
//! ```
//!
//! because the blur `G` is its own transpose. Knows no tensor and no loss.

use rayon::prelude::*;

/// Width of the Gaussian window in pixels.
pub(super) const WINDOW: usize = 11;
const HALF: usize = WINDOW / 2;
/// Pixels that are summed at once: they stay in registers over the window.
const LANES: usize = 32;
/// Maps that are blurred for the similarity: both pictures, their squares, their product.
const MAPS: usize = 5;
/// Maps that are blurred for the gradient.
const SLOPES: usize = 3;

/// The constants of a comparison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constants {
    /// `C1`, which keeps dark pictures from dividing by nothing.
    pub(super) c1: f32,
    /// `C2`, the same for flat ones.
    pub(super) c2: f32,
}

/// The similarity of channels of `width` by `height` pixels, and its gradient.
#[derive(Clone, Copy, Debug)]
pub(super) struct Similarity {
    width: usize,
    height: usize,
    bell: [f32; WINDOW],
}

impl Similarity {
    /// For channels of this size, blurred with this window.
    pub(super) fn new(width: usize, height: usize, bell: [f32; WINDOW]) -> Self {
        Self { width, height, bell }
    }

    /// Rows and columns of a channel.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// The sum of `S` over all pixels of all channels, and its gradient with respect to `a`, in the order of `a`; both pictures
    /// `[n][height][width]`, of the same length. Runs on all cores; the result does not depend on how many there are.
    pub(super) fn measure(&self, a: &[f32], b: &[f32], constants: Constants) -> (f64, Vec<f32>) {
        let pixels = self.width * self.height;
        let mut gradient = vec![0.0; a.len()];
        let channels = gradient.par_chunks_mut(pixels).zip(a.par_chunks(pixels)).zip(b.par_chunks(pixels));
        let sums: Vec<f64> = channels
            .map_init(
                || Scratch::new(self),
                |scratch, ((gradient, a), b)| self.channel(a, b, constants, scratch, gradient),
            )
            .collect();
        (sums.iter().sum(), gradient)
    }

    fn channel(&self, a: &[f32], b: &[f32], constants: Constants, scratch: &mut Scratch, gradient: &mut [f32]) -> f64 {
        self.blur_rows(a, b, scratch);
        let mut sum = 0.0;
        for row in 0..self.height {
            for (map, blurred) in scratch.maps.iter().zip(scratch.row.iter_mut()) {
                down(&self.bell, map.from(row), map.stride, blurred);
            }
            let at = self.width;
            let slopes = scratch.slopes.each_mut().map(|slope| slope.row_mut(row, at));
            sum += similarity(scratch.row.each_ref().map(|blurred| &blurred[..at]), constants, slopes);
        }
        for (row, (gradient, (a, b))) in
            gradient.chunks_mut(self.width).zip(a.chunks(self.width).zip(b.chunks(self.width))).enumerate()
        {
            for (slope, blurred) in scratch.slopes.iter().zip(&mut scratch.row) {
                let stride = slope.stride;
                down(&self.bell, slope.from(row), stride, &mut scratch.padded[HALF..][..stride]);
                along(&self.bell, &scratch.padded, blurred);
            }
            let [p, q, r, ..] = scratch.row.each_ref().map(|blurred| &blurred[..a.len()]);
            for (at, gradient) in gradient.iter_mut().enumerate() {
                *gradient = p[at] + 2.0 * a[at] * q[at] + b[at] * r[at];
            }
        }
        sum
    }

    /// Fills the maps with both pictures, their squares and their product, each row blurred along itself.
    fn blur_rows(&self, a: &[f32], b: &[f32], scratch: &mut Scratch) {
        scratch.padded.fill(0.0);
        for (row, (a, b)) in a.chunks(self.width).zip(b.chunks(self.width)).enumerate() {
            scratch.blur_row(&self.bell, 0, row, a.iter().copied());
            scratch.blur_row(&self.bell, 1, row, b.iter().copied());
            scratch.blur_row(&self.bell, 2, row, a.iter().map(|a| a * a));
            scratch.blur_row(&self.bell, 3, row, b.iter().map(|b| b * b));
            scratch.blur_row(&self.bell, 4, row, a.iter().zip(b).map(|(a, b)| a * b));
        }
    }
}

/// `S` summed over a row of blurred maps, and its slopes.
fn similarity(maps: [&[f32]; MAPS], Constants { c1, c2 }: Constants, [p, q, r]: [&mut [f32]; SLOPES]) -> f64 {
    let [a, b, aa, bb, ab] = maps;
    let mut sum = 0.0;
    for at in 0..p.len() {
        let (mean_a, mean_b) = (a[at], b[at]);
        let light = 2.0 * mean_a * mean_b + c1;
        let structure = 2.0 * (ab[at] - mean_a * mean_b) + c2;
        let below_light = mean_a * mean_a + mean_b * mean_b + c1;
        let below_structure = (aa[at] - mean_a * mean_a) + (bb[at] - mean_b * mean_b) + c2;
        let over = 1.0 / (below_light * below_structure);
        let value = light * structure * over;
        p[at] = 2.0 * mean_b * (structure - light) * over
            + 2.0 * mean_a * value * (1.0 / below_structure - 1.0 / below_light);
        q[at] = -value / below_structure;
        r[at] = 2.0 * light * over;
        sum += f64::from(value);
    }
    sum
}

/// Blurs a row along itself; `padded` has half a window of other pixels, or zeros, at either end.
fn along(bell: &[f32; WINDOW], padded: &[f32], into: &mut [f32]) {
    down(bell, padded, 1, into);
}

/// Sums `bell[k] * from[k * step + x]` over the window into each `into[x]`, whose length is a multiple of [`LANES`].
fn down(bell: &[f32; WINDOW], from: &[f32], step: usize, into: &mut [f32]) {
    for (at, into) in into.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let mut sums = [0.0; LANES];
        for (tap, weight) in bell.iter().enumerate() {
            let values = &from[tap * step + at * LANES..][..LANES];
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
        }
        *into = sums;
    }
}

/// A channel with half a window of empty rows above and below, and rows that end on whole lanes; what no pixel has is zero.
struct Map {
    values: Vec<f32>,
    stride: usize,
}

impl Map {
    fn new(width: usize, height: usize) -> Self {
        let stride = width.next_multiple_of(LANES);
        Self { values: vec![0.0; (height + 2 * HALF) * stride], stride }
    }

    /// From the row on that lies half a window above this one.
    fn from(&self, row: usize) -> &[f32] {
        &self.values[row * self.stride..]
    }

    /// The first pixels of a row.
    fn row_mut(&mut self, row: usize, pixels: usize) -> &mut [f32] {
        &mut self.values[(row + HALF) * self.stride..][..pixels]
    }
}

/// What one channel needs besides its result; used again for the next.
struct Scratch {
    maps: [Map; MAPS],
    slopes: [Map; SLOPES],
    row: [Vec<f32>; MAPS],
    padded: Vec<f32>,
}

impl Scratch {
    fn new(of: &Similarity) -> Self {
        let map = |_| Map::new(of.width, of.height);
        let stride = of.width.next_multiple_of(LANES);
        Self {
            maps: [0; MAPS].map(map),
            slopes: [0; SLOPES].map(map),
            row: [0; MAPS].map(|_| vec![0.0; stride]),
            padded: vec![0.0; stride + 2 * HALF],
        }
    }

    /// One row of a map, blurred along itself.
    fn blur_row(&mut self, bell: &[f32; WINDOW], map: usize, row: usize, values: impl Iterator<Item = f32>) {
        self.padded[HALF..].iter_mut().zip(values).for_each(|(into, value)| *into = value);
        let stride = self.maps[map].stride;
        along(bell, &self.padded, self.maps[map].row_mut(row, stride));
    }
}
