//! Which pixels belong to the part, where it lies on a plain ground.
//!
//! Takes one picture; gives a mask. The ground's colour is that of the frame's rim, and the level at which a pixel counts as
//! part is found from the picture itself (Otsu 1979). Specks on the ground do not count; holes in the part do. A picture whose
//! ground is not plain gives a mask that means nothing: whether it is is for the caller to know.

use shared::preprocess::ground::{between_two_groups, difference};

use super::picture::{Mask, Picture};

/// A pixel is part when most pixels within this distance are, in shares of the side: three pixels or so at 256, larger than a
/// speck, smaller than any detail that a defect could be told by.
const SPECK_SHARE: usize = 128;
/// The mask reaches this much further than the part, in shares of the side: a bent tip or a burr sticks out, and the outline
/// itself must be in.
const MARGIN_SHARE: usize = 48;

/// The part with a margin around it; empty where nothing differs from the rim.
pub fn foreground(picture: &Picture) -> Mask {
    let (width, height) = (picture.width, picture.height);
    let mut mask = Mask::empty(width, height);
    if width * height == 0 {
        return mask;
    }
    let pixels = picture.rgb.as_chunks::<3>().0;
    let colour = picture.rim_colour();
    let differences: Vec<u8> = pixels.iter().map(|&pixel| difference(pixel, colour)).collect();
    let mut counts = [0; 256];
    differences.iter().for_each(|&difference| counts[usize::from(difference)] += 1);
    let level = between_two_groups(&counts);
    mask.pixels = differences.iter().map(|&difference| u8::from(difference > level)).collect();
    let side = width.min(height);
    let (speck, margin) = (side / SPECK_SHARE, side / MARGIN_SHARE);
    let majority = |inside: u32, all: u32| 2 * inside > all;
    let any = |inside: u32, _| inside > 0;
    let solid = filtered(&mask, speck, majority);
    filtered(&solid, margin, any)
}

/// Asks of each pixel's square of this reach how many of its pixels are marked, and how many it has.
fn filtered(mask: &Mask, reach: usize, keep: impl Fn(u32, u32) -> bool) -> Mask {
    let (width, height) = (mask.width, mask.height);
    // Sums over everything above and to the left, with a row and a column of zeros in front.
    let mut sums = vec![0_u32; (width + 1) * (height + 1)];
    for y in 0..height {
        let mut row = 0;
        for x in 0..width {
            row += u32::from(mask.pixels[y * width + x]);
            sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
        }
    }
    let mut kept = Mask::empty(width, height);
    for y in 0..height {
        let (top, bottom) = (y.saturating_sub(reach), (y + reach + 1).min(height));
        for x in 0..width {
            let (left, right) = (x.saturating_sub(reach), (x + reach + 1).min(width));
            let sum = |x: usize, y: usize| sums[y * (width + 1) + x];
            let inside = sum(right, bottom) + sum(left, top) - sum(left, bottom) - sum(right, top);
            let all = ((right - left) * (bottom - top)) as u32;
            kept.pixels[y * width + x] = u8::from(keep(inside, all));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dark part with a bright slit on a ground that darkens to one side, with specks.
    fn part() -> Picture {
        let mut picture = Picture::filled(192, 192, [0; 3]);
        for (at, pixel) in picture.rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let (x, y) = (at % 192, at / 192);
            *pixel = [(200 - x / 12) as u8; 3];
            if (60..140).contains(&x) && (80..110).contains(&y) && y != 95 {
                *pixel = [70, 75, 80];
            }
            if (x % 40, y % 50) == (7, 11) {
                *pixel = [90; 3];
            }
        }
        picture
    }

    #[test]
    fn the_part_is_found_with_its_margin_and_without_the_grounds_specks() {
        let mask = foreground(&part());
        let margin = 192 / MARGIN_SHARE;
        for y in 0..192 {
            for x in 0..192 {
                let inside = |by: usize| (60 - by..140 + by).contains(&x) && (80 - by..110 + by).contains(&y);
                let marked = mask.pixels[y * 192 + x] != 0;
                assert!(marked || !inside(0), "({x}, {y}) of the part is left out");
                assert!(!marked || inside(margin + 2), "({x}, {y}) of the ground is taken for the part");
            }
        }
    }

    #[test]
    fn where_nothing_differs_there_is_no_part() {
        assert!(!foreground(&Picture::filled(64, 48, [120; 3])).any());
        assert!(!foreground(&Picture::filled(0, 5, [0; 3])).any());
        assert_eq!(foreground(&Picture::filled(1, 1, [7; 3])).pixels, [0]);
    }

    #[test]
    fn sums_of_squares_are_those_of_a_slow_count() {
        let mut mask = Mask::empty(13, 9);
        (0..117).for_each(|at| mask.pixels[at] = u8::from(at * 7 % 5 < 2));
        for reach in 0..4 {
            let fast = filtered(&mask, reach, |inside, all| 3 * inside > all);
            for at in 0..117_usize {
                let (x, y) = (at % 13, at / 13);
                let near = (0..117_usize).filter(|o| (o % 13).abs_diff(x) <= reach && (o / 13).abs_diff(y) <= reach);
                let all: Vec<usize> = near.collect();
                let inside = all.iter().filter(|&&o| mask.pixels[o] != 0).count();
                assert_eq!(fast.pixels[at] != 0, 3 * inside > all.len(), "({x}, {y}), reach {reach}");
            }
        }
    }
}
