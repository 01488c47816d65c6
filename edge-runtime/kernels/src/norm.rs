//! Batch norm and the ReLU behind it, forward and backward, over values whose channels lie side by side: for the trainer.
//!
//! Each function reads whole rows of a part of a batch, so that parts can be worked on at once; sums are of that part alone, and are
//! added to what is there. A row has as many values as there are factors for them, a multiple of [`LANES`]: where there are fewer
//! channels, several pixels are one row, and each channel has several columns.

use crate::versions::versions;

/// Values that are worked on at once.
pub const LANES: usize = 64;

/// A number as it lies in memory.
pub trait Value: Copy + Send + Sync + sealed::Value {
    /// Its value.
    fn widen(self) -> f32;
    /// The nearest number of this kind, the even one of two that are as near.
    fn narrow(value: f32) -> Self;
}

mod sealed {
    pub trait Value {}
    impl Value for f32 {}
    impl Value for super::Bf16 {}
}

impl Value for f32 {
    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }

    #[inline(always)]
    fn narrow(value: f32) -> Self {
        value
    }
}

/// The upper half of a 32-bit float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Bf16(pub u16);

impl Value for Bf16 {
    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }

    #[inline(always)]
    fn narrow(value: f32) -> Self {
        let bits = value.to_bits();
        // What is not a number would be rounded to infinity.
        let rounded = if value.is_nan() { bits | 0x40_0000 } else { bits.wrapping_add(0x7fff + (bits >> 16 & 1)) };
        Self((rounded >> 16) as u16)
    }
}

/// The factors of one batch, one for each column of a row: `y = max(0, scale x + shift)`.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// What a value is multiplied with.
    pub scale: &'a [f32],
    /// What is added then.
    pub shift: &'a [f32],
}

/// The gradient's way back, one number for each column: `gain s + incline x + offset` for a value `x` whose slope is `s` behind the ReLU.
#[derive(Clone, Copy, Debug)]
pub struct Back<'a> {
    /// What the slope is multiplied with.
    pub gain: &'a [f32],
    /// What the value is multiplied with.
    pub incline: &'a [f32],
    /// What is added then.
    pub offset: &'a [f32],
}

/// The columns of a row, [`LANES`] at a time.
#[inline(always)]
fn lanes<T>(row: &[T], at: usize) -> &[T; LANES] {
    &row.as_chunks().0[at]
}

#[inline(always)]
fn lanes_mut<T>(row: &mut [T], at: usize) -> &mut [T; LANES] {
    &mut row.as_chunks_mut().0[at]
}

#[inline(always)]
fn add(into: &mut [f32; LANES], sums: [f32; LANES]) {
    into.iter_mut().zip(sums).for_each(|(into, sum)| *into += sum);
}

versions! {
    /// Adds `x - pivot` of each value to `sums` of its column, and the square of that to `squares`.
    ///
    /// # Panics
    /// When pivot, sums and squares differ in length, or their length is no multiple of [`LANES`]. So do all others here.
    pub fn moments<T: Value>(values: &[T], pivot: &[f32], sums: &mut [f32], squares: &mut [f32]) {
        let width = whole_lanes([pivot.len(), sums.len(), squares.len()]);
        for at in 0..width / LANES {
            let pivot = lanes(pivot, at);
            let (mut sum, mut square) = ([0.0; LANES], [0.0; LANES]);
            for row in values.chunks_exact(width) {
                let row = lanes(row, at);
                for lane in 0..LANES {
                    let away = row[lane].widen() - pivot[lane];
                    sum[lane] += away;
                    square[lane] += away * away;
                }
            }
            add(lanes_mut(sums, at), sum);
            add(lanes_mut(squares, at), square);
        }
    }
}

versions! {
    /// Writes `max(0, scale x + shift)` of each value to its place in `into`.
    pub fn normed<T: Value>(values: &[T], line: Line, into: &mut [T]) {
        let width = whole_lanes([line.scale.len(), line.shift.len()]);
        for at in 0..width / LANES {
            let (scale, shift) = (lanes(line.scale, at), lanes(line.shift, at));
            for (row, into) in values.chunks_exact(width).zip(into.chunks_exact_mut(width)) {
                let (row, into) = (lanes(row, at), lanes_mut(into, at));
                for lane in 0..LANES {
                    let value = row[lane].widen() * scale[lane] + shift[lane];
                    // Not `max`, which would make a number of what is none.
                    into[lane] = T::narrow(if value < 0.0 { 0.0 } else { value });
                }
            }
        }
    }
}

versions! {
    /// Adds the slope of each value that passes the ReLU to `sums` of its column, and its product with `x - mean` to `products`.
    pub fn slopes<T: Value>(
        values: &[T],
        slopes: &[T],
        line: Line,
        mean: &[f32],
        sums: &mut [f32],
        products: &mut [f32],
    ) {
        let width = whole_lanes([line.scale.len(), line.shift.len(), mean.len(), sums.len(), products.len()]);
        for at in 0..width / LANES {
            let (scale, shift, mean) = (lanes(line.scale, at), lanes(line.shift, at), lanes(mean, at));
            let (mut sum, mut product) = ([0.0; LANES], [0.0; LANES]);
            for (row, slopes) in values.chunks_exact(width).zip(slopes.chunks_exact(width)) {
                let (row, slopes) = (lanes(row, at), lanes(slopes, at));
                for lane in 0..LANES {
                    let value = row[lane].widen();
                    let passes = value * scale[lane] + shift[lane] > 0.0;
                    let slope = if passes { slopes[lane].widen() } else { 0.0 };
                    sum[lane] += slope;
                    product[lane] += slope * (value - mean[lane]);
                }
            }
            add(lanes_mut(sums, at), sum);
            add(lanes_mut(products, at), product);
        }
    }
}

versions! {
    /// Writes the slope in front of the norm, of each value, to its place in `into`.
    pub fn back<T: Value>(values: &[T], slopes: &[T], line: Line, back: Back, into: &mut [T]) {
        let width = whole_lanes([
            line.scale.len(),
            line.shift.len(),
            back.gain.len(),
            back.incline.len(),
            back.offset.len(),
        ]);
        for at in 0..width / LANES {
            let (scale, shift) = (lanes(line.scale, at), lanes(line.shift, at));
            let (gain, incline, offset) = (lanes(back.gain, at), lanes(back.incline, at), lanes(back.offset, at));
            let rows = values.chunks_exact(width).zip(slopes.chunks_exact(width));
            for ((row, slopes), into) in rows.zip(into.chunks_exact_mut(width)) {
                let (row, slopes) = (lanes(row, at), lanes(slopes, at));
                let into = lanes_mut(into, at);
                for lane in 0..LANES {
                    let value = row[lane].widen();
                    let passes = value * scale[lane] + shift[lane] > 0.0;
                    let slope = if passes { slopes[lane].widen() } else { 0.0 };
                    into[lane] = T::narrow(gain[lane] * slope + (incline[lane] * value + offset[lane]));
                }
            }
        }
    }
}

/// The length that all of these have.
#[inline(always)]
fn whole_lanes<const N: usize>(lengths: [usize; N]) -> usize {
    let width = lengths[0];
    assert!(width > 0 && width.is_multiple_of(LANES), "{width} columns are not whole lanes of {LANES}");
    assert!(lengths.iter().all(|&length| length == width), "of {lengths:?} columns");
    width
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;

    const WIDTH: usize = 2 * LANES;
    const ROWS: usize = 37;

    fn drawn<T: Value>(seed: usize) -> Vec<T> {
        (0..ROWS * WIDTH).map(|at| T::narrow(((at * 31 + seed * 7) % 97) as f32 / 13.0 - 3.0)).collect()
    }

    fn factors(seed: usize) -> Vec<f32> {
        (0..WIDTH).map(|at| ((at * 17 + seed) % 23) as f32 / 11.0 - 1.0).collect()
    }

    /// Column by column, in 64-bit floats.
    fn columns(mut of: impl FnMut(usize, usize) -> f64) -> Vec<f64> {
        (0..WIDTH).map(|column| (0..ROWS).map(|row| of(row * WIDTH + column, column)).sum()).collect()
    }

    fn near(got: &[f32], expected: &[f64]) {
        for (got, expected) in got.iter().zip(expected) {
            assert!((f64::from(*got) - expected).abs() < 1e-3 * expected.abs().max(0.1), "{got}, not {expected}");
        }
    }

    fn check<T: Value + PartialEq + std::fmt::Debug>() {
        let (values, slope): (Vec<T>, Vec<T>) = (drawn(1), drawn(2));
        let [pivot, scale, shift, gain, incline, offset] = [3, 4, 5, 6, 7, 8].map(factors);
        let (line, way) =
            (Line { scale: &scale, shift: &shift }, Back { gain: &gain, incline: &incline, offset: &offset });
        let value = |at: usize| f64::from(values[at].widen());
        let passing = |at: usize, column: usize| {
            let passes = values[at].widen() * scale[column] + shift[column] > 0.0;
            if passes { f64::from(slope[at].widen()) } else { 0.0 }
        };
        let away = |at: usize, column: usize| value(at) - f64::from(pivot[column]);
        let mut first: Option<[Vec<T>; 2]> = None;
        let mut first_sums: Option<[[f32; WIDTH]; 4]> = None;
        // What is there already is added to.
        let before = |of: Vec<f64>| of.into_iter().map(|sum| sum + 1.0).collect::<Vec<f64>>();
        for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
            let mut all = [[1.0; WIDTH]; 4];
            let [sums, squares, passed, products] = &mut all;
            moments(isa, &values, &pivot, sums, squares);
            near(sums, &before(columns(away)));
            near(squares, &before(columns(|at, column| away(at, column).powi(2))));
            slopes(isa, &values, &slope, line, &pivot, passed, products);
            near(passed, &before(columns(passing)));
            near(products, &before(columns(|at, column| passing(at, column) * away(at, column))));

            let mut written = [values.clone(), values.clone()];
            let [forward, backward] = &mut written;
            normed(isa, &values, line, forward);
            back(isa, &values, &slope, line, way, backward);
            for (at, (forward, backward)) in forward.iter().zip(backward).enumerate() {
                let column = at % WIDTH;
                let expected = T::narrow((values[at].widen() * scale[column] + shift[column]).max(0.0));
                assert_eq!(*forward, expected, "{isa}");
                let expected = f64::from(gain[column]) * passing(at, column)
                    + f64::from(incline[column]) * value(at)
                    + f64::from(offset[column]);
                let got = f64::from(backward.widen());
                assert!((got - expected).abs() < 0.005 * expected.abs().max(1.0), "{isa}: {got}, not {expected}");
            }
            assert_eq!(*first.get_or_insert_with(|| written.clone()), written, "{isa}");
            assert_eq!(*first_sums.get_or_insert(all), all, "{isa}");
        }
    }

    #[test]
    fn sums_and_slopes_are_those_of_the_formula_in_every_version() {
        check::<f32>();
        check::<Bf16>();
    }

    #[test]
    fn halves_are_rounded_to_the_nearest_and_keep_what_is_no_number() {
        for (value, expected) in [
            (1.0, 1.0),
            (1.003_906_3, 1.0),
            (1.004, 1.007_812_5),
            (1.011_718_8, 1.015_625),
            (-2.5, -2.5),
            (f32::INFINITY, f32::INFINITY),
            (f32::MAX, f32::INFINITY),
        ] {
            assert_eq!(Bf16::narrow(value).widen(), expected, "{value}");
        }
        assert!(Bf16::narrow(f32::from_bits(0x7f80_0001)).widen().is_nan());
        assert!(Bf16::narrow(f32::from_bits(0xffff_ffff)).widen().is_nan());
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let (ones, nan) = ([1.0; LANES], [f32::NAN; LANES]);
        let mut into = [0.0; LANES];
        normed(Isa::best(), &nan, Line { scale: &ones, shift: &ones }, &mut into);
        assert!(into.iter().all(|value| value.is_nan()));
    }
}
