//! Turning, mirroring and sampling of pictures and scalar fields.
//!
//! Angles in degrees, counter-clockwise as seen on screen; x to the right, y down, pixel centres at whole numbers. Sine and
//! cosine are computed here, because those of the platform's library differ in the last bit between machines.

use crate::data::{Mask, Picture};

/// Sine and cosine of an angle in degrees, to about 1e-9 within one turn.
pub(super) fn sin_cos(degrees: f32) -> (f32, f32) {
    // Half the angle keeps the series short; the doubling formulas bring the full angle back.
    let half = f64::from(degrees % 360.0) * (core::f64::consts::PI / 360.0);
    let square = half * half;
    let (mut sine, mut cosine) = (1.0, 1.0);
    for term in (1..=12).rev() {
        let n = f64::from(2 * term);
        sine = 1.0 - square / (n * (n + 1.0)) * sine;
        cosine = 1.0 - square / (n * (n - 1.0)) * cosine;
    }
    sine *= half;
    ((2.0 * sine * cosine) as f32, (1.0 - 2.0 * sine * sine) as f32)
}

/// The index that `i` falls on when a row of `n` is continued by its mirror image without end. `n` is at least 1.
pub(super) fn mirror(i: i64, n: usize) -> usize {
    if n == 1 {
        return 0;
    }
    let last = n as i64 - 1;
    let folded = i.rem_euclid(2 * last);
    (if folded > last { 2 * last - folded } else { folded }) as usize
}

/// The colour between pixels, bilinear; outside, the picture continues as its mirror image. 0..=255 per channel.
pub(super) fn sample(picture: &Picture, x: f32, y: f32) -> [f32; 3] {
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = (x - left, y - top);
    let columns = [mirror(left as i64, picture.width), mirror(left as i64 + 1, picture.width)];
    let rows = [mirror(top as i64, picture.height), mirror(top as i64 + 1, picture.height)];
    let mut colour = [0.0; 3];
    for (row, weight_y) in [(rows[0], 1.0 - down), (rows[1], down)] {
        for (column, weight_x) in [(columns[0], 1.0 - across), (columns[1], across)] {
            let at = (row * picture.width + column) * 3;
            for (channel, value) in colour.iter_mut().enumerate() {
                *value += weight_y * weight_x * f32::from(picture.rgb[at + channel]);
            }
        }
    }
    colour
}

/// A window of `width` by `height` onto `source`: turned by `degrees`, enlarged by `scale`, its middle lying at `centre`
/// of the source. Outside, the source continues as its mirror image, so no corner is ever black.
pub(super) fn window(
    source: &Picture,
    width: usize,
    height: usize,
    centre: (f32, f32),
    degrees: f32,
    scale: f32,
) -> Picture {
    let (sine, cosine) = sin_cos(degrees);
    let (middle_x, middle_y) = ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0);
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = ((x as f32 - middle_x) / scale, (y as f32 - middle_y) / scale);
            let at = (centre.0 + cosine * dx - sine * dy, centre.1 + sine * dx + cosine * dy);
            rgb.extend(sample(source, at.0, at.1).map(to_level));
        }
    }
    Picture { width, height, rgb }
}

/// The picture turned about its middle, its corners filled with its mirror image.
pub(super) fn rotate(picture: &Picture, degrees: f32) -> Picture {
    let centre = ((picture.width as f32 - 1.0) / 2.0, (picture.height as f32 - 1.0) / 2.0);
    window(picture, picture.width, picture.height, centre, degrees, 1.0)
}

/// The window of [`window`] onto a mask at scale 1: each pixel takes the value of the nearest one.
pub(super) fn mask_window(source: &Mask, width: usize, height: usize, centre: (f32, f32), degrees: f32) -> Mask {
    let (sine, cosine) = sin_cos(degrees);
    let (middle_x, middle_y) = ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0);
    let mut mask = Mask::empty(width, height);
    for (at, pixel) in mask.pixels.iter_mut().enumerate() {
        let (dx, dy) = ((at % width) as f32 - middle_x, (at / width) as f32 - middle_y);
        let from_x = (centre.0 + cosine * dx - sine * dy + 0.5).floor() as i64;
        let from_y = (centre.1 + sine * dx + cosine * dy + 0.5).floor() as i64;
        *pixel = source.pixels[mirror(from_y, source.height) * source.width + mirror(from_x, source.width)];
    }
    mask
}

/// The picture turned by 90 degrees about its middle; no colour changes.
pub(super) fn quarter_turn(picture: &Picture) -> Picture {
    let (width, height) = (picture.height, picture.width);
    let mut rgb = Vec::with_capacity(picture.rgb.len());
    for y in 0..height {
        for x in 0..width {
            let at = (x * picture.width + picture.width - 1 - y) * 3;
            rgb.extend_from_slice(&picture.rgb[at..at + 3]);
        }
    }
    Picture { width, height, rgb }
}

/// A scalar field `[height][width]` turned about its middle, bilinear, zero where nothing was.
pub(super) fn rotate_field(field: &[f32], width: usize, height: usize, degrees: f32) -> Vec<f32> {
    let (sine, cosine) = sin_cos(degrees);
    let (middle_x, middle_y) = ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0);
    let value = |x: i32, y: i32| {
        let inside = x >= 0 && y >= 0 && (x as usize) < width && (y as usize) < height;
        if inside { field[y as usize * width + x as usize] } else { 0.0 }
    };
    let mut turned = Vec::with_capacity(field.len());
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = (x as f32 - middle_x, y as f32 - middle_y);
            let (from_x, from_y) = (middle_x + cosine * dx - sine * dy, middle_y + sine * dx + cosine * dy);
            let (left, top) = (from_x.floor(), from_y.floor());
            let (across, down) = (from_x - left, from_y - top);
            let (left, top) = (left as i32, top as i32);
            let above = value(left, top) * (1.0 - across) + value(left + 1, top) * across;
            let under = value(left, top + 1) * (1.0 - across) + value(left + 1, top + 1) * across;
            turned.push(above * (1.0 - down) + under * down);
        }
    }
    turned
}

/// A number rounded to the nearest level 0..=255.
pub(super) fn to_level(value: f32) -> u8 {
    // The cast saturates at both ends.
    (value + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sine_and_cosine_agree_with_the_platform() {
        for degrees in -400..=400 {
            let (sine, cosine) = sin_cos(degrees as f32);
            let expected = f64::from(degrees).to_radians().sin_cos();
            assert!((f64::from(sine) - expected.0).abs() < 1e-6, "{degrees}: sine {sine}");
            assert!((f64::from(cosine) - expected.1).abs() < 1e-6, "{degrees}: cosine {cosine}");
        }
    }

    #[test]
    fn a_mirrored_row_runs_there_and_back() {
        let seen: Vec<usize> = (-4..8).map(|i| mirror(i, 4)).collect();
        assert_eq!(seen, [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1].map(|i: usize| i).to_vec());
        assert_eq!(mirror(-7, 1), 0);
    }

    #[test]
    fn a_quarter_turn_moves_every_pixel_and_no_turn_none() {
        let picture = Picture { width: 3, height: 3, rgb: (0..27).collect() };
        assert_eq!(rotate(&picture, 0.0), picture);
        let turned = rotate(&picture, 90.0);
        assert_eq!(quarter_turn(&picture), turned);
        // Row 0 of the turned picture is the column that ran upwards at the right edge, read along the turn.
        let pixel = |p: &Picture, x: usize, y: usize| p.rgb[(y * 3 + x) * 3];
        for y in 0..3 {
            for x in 0..3 {
                assert_eq!(pixel(&turned, x, y), pixel(&picture, 2 - y, x), "({x}, {y})");
            }
        }
    }
}
