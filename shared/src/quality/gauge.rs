//! Measures pictures.
//!
//! Takes frames in their order; gives the four figures of each. One pass over the rows, three of which are kept.

use crate::frame::{Frame, PixelFormat};
use crate::limits::MAX_FRAME_SIDE;
use crate::preprocess::{Crop, PreprocessError};

/// Brightness from which a pixel counts as saturated. Below 255, since compression rings round what is clipped.
pub const SATURATED: u8 = 250;

/// What a picture is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Mean brightness, 0 to 255.
    pub brightness: f32,
    /// Share of saturated pixels, 0 to 1.
    pub saturated: f32,
    /// Variance of the Laplacian.
    pub sharpness: f32,
    /// Tells pictures apart: different pictures have different ones, but for chance in 64 bits.
    pub fingerprint: u64,
    /// Pictures in a row up to this one that are equal to it, itself included.
    pub alike: u32,
}

/// Measures the pictures of one camera, in their order. About 24 KiB: keep it in a static or on the heap.
#[derive(Debug)]
pub struct Gauge {
    /// Brightness of three rows that follow one another.
    rows: [[u8; MAX_FRAME_SIDE]; 3],
    last: Option<u64>,
    alike: u32,
}

impl Gauge {
    /// Before the first picture.
    pub const fn new() -> Self {
        Self { rows: [[0; MAX_FRAME_SIDE]; 3], last: None, alike: 0 }
    }

    /// Measures the next picture, of the crop alone where there is one.
    ///
    /// # Errors
    /// [`PreprocessError::CropOutside`] when the frame is too small.
    pub fn measure(&mut self, frame: &Frame<'_>, crop: Option<Crop>) -> Result<Quality, PreprocessError> {
        let (left, top, width, height) = Crop::region(crop, frame)?;
        let (mut sum, mut saturated, mut fingerprint) = (0_u64, 0_u64, 0_u64);
        let mut laplacian = Spread::default();
        for y in 0..height {
            self.rows.rotate_left(1);
            let [above, middle, below] = &mut self.rows;
            let below = &mut below[..width];
            luma(frame, top + y, left, below);
            sum += below.iter().map(|&b| u64::from(b)).sum::<u64>();
            saturated += below.iter().filter(|&&b| b >= SATURATED).count() as u64;
            fingerprint = mixed(fingerprint, below);
            if y >= 2 {
                laplacian.add(&above[..width], &middle[..width], below);
            }
        }
        let pixels = (width * height).max(1) as f64;
        self.alike = if self.last == Some(fingerprint) { self.alike.saturating_add(1) } else { 1 };
        self.last = Some(fingerprint);
        Ok(Quality {
            brightness: (sum as f64 / pixels) as f32,
            saturated: (saturated as f64 / pixels) as f32,
            sharpness: laplacian.variance(),
            fingerprint,
            alike: self.alike,
        })
    }
}

impl Default for Gauge {
    fn default() -> Self {
        Self::new()
    }
}

/// Sums of the Laplacian. A value lies within -1020..=1020, so that the squares of the largest frame stay below 2^47.
#[derive(Default)]
struct Spread {
    count: u64,
    sum: i64,
    squares: u64,
}

impl Spread {
    /// Adds the pixels of the middle row that have a neighbour on each side.
    fn add(&mut self, above: &[u8], middle: &[u8], below: &[u8]) {
        for ((three, n), s) in middle.windows(3).zip(above.iter().skip(1)).zip(below.iter().skip(1)) {
            let sides = i32::from(three[0]) + i32::from(three[2]) + i32::from(*n) + i32::from(*s);
            let value = 4 * i32::from(three[1]) - sides;
            self.sum += i64::from(value);
            self.squares += u64::from((value * value).unsigned_abs());
            self.count += 1;
        }
    }

    fn variance(&self) -> f32 {
        if self.count == 0 {
            return 0.0;
        }
        let (count, sum) = (self.count as f64, self.sum as f64);
        ((self.squares as f64 - sum * sum / count) / count).max(0.0) as f32
    }
}

/// Brightness of the pixels of row `y` from column `from` on, 0..=255.
fn luma(frame: &Frame<'_>, y: usize, from: usize, out: &mut [u8]) {
    let row = frame.row(y);
    // BT.601 as in `preprocess`: luma 16..=235 becomes the full range.
    let full = |y: u8| ((298 * (i32::from(y) - 16) + 128) >> 8).clamp(0, 255) as u8;
    match frame.format() {
        PixelFormat::Grey => {
            let count = out.len();
            out.copy_from_slice(&row[from..][..count]);
        }
        PixelFormat::Nv12 => out.iter_mut().zip(&row[from..]).for_each(|(out, &y)| *out = full(y)),
        PixelFormat::Yuyv => out.iter_mut().zip(row[from * 2..].chunks(2)).for_each(|(out, pair)| *out = full(pair[0])),
        PixelFormat::Rgb8 => {
            for (out, [r, g, b]) in out.iter_mut().zip(row[from * 3..].as_chunks::<3>().0) {
                *out = ((77 * u32::from(*r) + 150 * u32::from(*g) + 29 * u32::from(*b) + 128) >> 8) as u8;
            }
        }
    }
}

/// Mixes bytes into a fingerprint, eight at a time: each step is one-to-one for a given word, so that a single difference
/// is never lost.
fn mixed(fingerprint: u64, bytes: &[u8]) -> u64 {
    /// The golden ratio in 64 bits, odd, so that the product loses nothing.
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    words.iter().chain([&last]).fold(fingerprint, |mix, word| {
        (mix.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_add(1).wrapping_mul(ODD)
    })
}
