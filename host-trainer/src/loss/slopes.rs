//! The losses of a reconstruction and their gradient, in one pass over plain numbers.
//!
//! What [`ssim`](super::ssim) and [`l2`](super::l2) do with tensors, on the CPU without the dozens of tensors that gradients by torch
//! take there. For one channel of one picture `a` beside `b`, with the names of the former and `S = L T / (C D)`, `L = 2 m_a m_b + C1`,
//! `T = 2 v_ab + C2`, `C = m_a^2 + m_b^2 + C1`, `D = v_a + v_b + C2`, the sum of `S` has the gradient
//!
//! ```text
//! G p + 2 a G q + b G r
//! p = 2 m_b (T - L) / (C D) + 2 m_a S (1 / D - 1 / C)    with respect to m_a
//! q = -S / D                                             with respect to G a^2
//! r = 2 L / (C D)                                        with respect to G ab
//! ```
//!
//! because the blur `G` is its own transpose. Knows no tensor.

use edge_kernels::Isa;
use edge_kernels::window::{LANES, WINDOW, weigh};

const HALF: usize = WINDOW / 2;
/// Maps that are blurred for the similarity: both pictures, their squares, their product.
const MAPS: usize = 5;
/// Maps that are blurred for the gradient.
const SLOPES: usize = 3;
/// Red, green, blue.
pub(super) const CHANNELS: usize = 3;

/// The constants of a comparison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constants {
    /// `C1`, which keeps dark pictures from dividing by nothing.
    pub(super) c1: f32,
    /// `C2`, the same for flat ones.
    pub(super) c2: f32,
    /// What one value counts in the mean over a batch.
    pub(super) share: f32,
}

/// What a picture adds to the losses of its batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    /// Of `S` over all pixels and channels.
    pub(super) similarity: f64,
    /// Of the squared differences.
    pub(super) squares: f64,
}

/// Compares pictures of `width` by `height` pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Similarity {
    isa: Isa,
    width: usize,
    height: usize,
    bell: [f32; WINDOW],
}

impl Similarity {
    /// For pictures of this size, blurred with this window.
    pub(super) fn new(width: usize, height: usize, bell: [f32; WINDOW]) -> Self {
        Self { isa: Isa::best(), width, height, bell }
    }

    /// What it computes with.
    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    /// Rows and columns of a picture.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// The sums of a reconstruction `a` beside a clean picture `b`, both `[height][width][RGB]`; `a` becomes what it adds to the gradient
    /// of `1 - mean S` and of the mean square, in the same order.
    pub(super) fn measure(&self, a: &mut [f32], b: &[f32], constants: Constants, scratch: &mut Scratch) -> Sums {
        let share = constants.share;
        let mut sums = Sums::default();
        let (a, _) = a.as_chunks_mut::<CHANNELS>();
        let (b, _) = b.as_chunks::<CHANNELS>();
        for channel in 0..CHANNELS {
            scratch.a.iter_mut().zip(&*a).for_each(|(into, pixel)| *into = pixel[channel]);
            scratch.b.iter_mut().zip(b).for_each(|(into, pixel)| *into = pixel[channel]);
            sums.similarity += self.channel(constants, scratch);
            for ((pixel, slope), (a, b)) in
                a.iter_mut().zip(&scratch.gradient).zip(scratch.a.iter_mut().zip(&scratch.b))
            {
                let difference = *a - b;
                pixel[channel] = share * (2.0 * difference - slope);
                *a = difference * difference;
            }
            sums.squares += sum(&scratch.a);
        }
        sums
    }

    /// The sum of `S` over the channel that lies in the scratch, and its gradient there.
    fn channel(&self, constants: Constants, scratch: &mut Scratch) -> f64 {
        self.blur_rows(scratch);
        let mut total = 0.0;
        for row in 0..self.height {
            for (map, blurred) in scratch.maps.iter().zip(scratch.row.iter_mut()) {
                weigh(self.isa, &self.bell, map.from(row), map.stride, blurred);
            }
            let at = self.width;
            let slopes = scratch.slopes.each_mut().map(|slope| slope.row_mut(row, at));
            total += similarity(scratch.row.each_ref().map(Vec::as_slice), constants, &mut scratch.values, slopes);
        }
        let rows = scratch.gradient.chunks_mut(self.width);
        let pictures = scratch.a.chunks(self.width).zip(scratch.b.chunks(self.width));
        for (row, (gradient, (a, b))) in rows.zip(pictures).enumerate() {
            for (slope, blurred) in scratch.slopes.iter().zip(&mut scratch.row) {
                let stride = slope.stride;
                weigh(self.isa, &self.bell, slope.from(row), stride, &mut scratch.padded[HALF..][..stride]);
                weigh(self.isa, &self.bell, &scratch.padded, 1, blurred);
            }
            let [p, q, r, ..] = scratch.row.each_ref().map(|blurred| &blurred[..a.len()]);
            for (at, gradient) in gradient.iter_mut().enumerate() {
                *gradient = p[at] + 2.0 * a[at] * q[at] + b[at] * r[at];
            }
        }
        total
    }

    /// Fills the maps with both pictures, their squares and their product, each row blurred along itself.
    fn blur_rows(&self, scratch: &mut Scratch) {
        let Scratch { a, b, maps: [one, other, squares, other_squares, products], padded, .. } = scratch;
        padded.fill(0.0);
        for (row, (a, b)) in a.chunks(self.width).zip(b.chunks(self.width)).enumerate() {
            self.blur_row(padded, one, row, a.iter().copied());
            self.blur_row(padded, other, row, b.iter().copied());
            self.blur_row(padded, squares, row, a.iter().map(|a| a * a));
            self.blur_row(padded, other_squares, row, b.iter().map(|b| b * b));
            self.blur_row(padded, products, row, a.iter().zip(b).map(|(a, b)| a * b));
        }
    }

    /// One row of a map; `padded` has half a window of zeros at either end.
    fn blur_row(&self, padded: &mut [f32], map: &mut Map, row: usize, values: impl Iterator<Item = f32>) {
        padded[HALF..].iter_mut().zip(values).for_each(|(into, value)| *into = value);
        let stride = map.stride;
        weigh(self.isa, &self.bell, padded, 1, map.row_mut(row, stride));
    }
}

/// `S` summed over a row of blurred maps, each value of it, and its slopes.
fn similarity(
    maps: [&[f32]; MAPS],
    Constants { c1, c2, .. }: Constants,
    values: &mut [f32],
    [p, q, r]: [&mut [f32]; SLOPES],
) -> f64 {
    let [a, b, aa, bb, ab] = maps.map(|map| &map[..values.len()]);
    let [p, q, r] = [p, q, r].map(|slope| &mut slope[..values.len()]);
    for (at, value) in values.iter_mut().enumerate() {
        let (mean_a, mean_b) = (a[at], b[at]);
        let light = 2.0 * mean_a * mean_b + c1;
        let structure = 2.0 * (ab[at] - mean_a * mean_b) + c2;
        let below_light = mean_a * mean_a + mean_b * mean_b + c1;
        let below_structure = (aa[at] - mean_a * mean_a) + (bb[at] - mean_b * mean_b) + c2;
        let over = 1.0 / (below_light * below_structure);
        *value = light * structure * over;
        p[at] = 2.0 * mean_b * (structure - light) * over
            + 2.0 * mean_a * *value * (1.0 / below_structure - 1.0 / below_light);
        q[at] = -*value / below_structure;
        r[at] = 2.0 * light * over;
    }
    sum(values)
}

/// In 64-bit floats, of which several are summed side by side.
fn sum(values: &[f32]) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&value| f64::from(value)).sum::<f64>()
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
pub(super) struct Scratch {
    /// Of the reconstruction and of the clean picture.
    a: Vec<f32>,
    b: Vec<f32>,
    gradient: Vec<f32>,
    maps: [Map; MAPS],
    slopes: [Map; SLOPES],
    row: [Vec<f32>; MAPS],
    values: Vec<f32>,
    padded: Vec<f32>,
}

impl Scratch {
    /// For pictures of one size.
    pub(super) fn new(of: &Similarity) -> Self {
        let map = |_| Map::new(of.width, of.height);
        let stride = of.width.next_multiple_of(LANES);
        let channel = || vec![0.0; of.width * of.height];
        Self {
            a: channel(),
            b: channel(),
            gradient: channel(),
            maps: [0; MAPS].map(map),
            slopes: [0; SLOPES].map(map),
            row: [0; MAPS].map(|_| vec![0.0; stride]),
            values: vec![0.0; of.width],
            padded: vec![0.0; stride + 2 * HALF],
        }
    }
}
