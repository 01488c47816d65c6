//! A part with its heatmap over it, at any size, to show on the panel and to keep.
//!
//! Takes the network's input (RGB, 8 bit, row-major) and the heatmap (row-major, 0 to 1), both `width` pixels wide; gives
//! RGB. Nearest neighbour: a person is to see the pixels that the network saw. It judges nothing.

use super::heatmap::tint;

/// Draws at `side` by `side` pixels, what is not square in its proportions amid black. Where there is no heatmap the picture stands alone;
/// without a picture all is black.
#[must_use]
pub fn overlay(input: &[u8], heatmap: &[f32], width: usize, side: usize) -> Vec<u8> {
    let pixels = input.as_chunks::<3>().0;
    let height = pixels.len() / width.max(1);
    let mut rgb = vec![0; side * side * 3];
    if width == 0 || height == 0 || side == 0 {
        return rgb;
    }
    let longer = width.max(height);
    let (wide, high) = ((width * side / longer).max(1), (height * side / longer).max(1));
    let (left, top) = ((side - wide) / 2, (side - high) / 2);
    for (y, row) in rgb.chunks_exact_mut(3 * side).skip(top).take(high).enumerate() {
        for (x, shown) in row.as_chunks_mut::<3>().0.iter_mut().skip(left).take(wide).enumerate() {
            let at = y * height / high * width + x * width / wide;
            *shown = heatmap.get(at).map_or(pixels[at], |&heat| tint(pixels[at], heat));
        }
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_heatmap_the_picture_stands_as_it_is() {
        let input: Vec<u8> = (0..48).collect();
        assert_eq!(overlay(&input, &[], 4, 4), input);
        let cold = overlay(&input, &[0.0; 16], 4, 4);
        assert!(cold.as_chunks::<3>().0.iter().all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]), "{cold:?}");
    }

    #[test]
    fn what_is_not_square_keeps_its_proportions() {
        let shown = |width: usize, height: usize| {
            let drawn = overlay(&[9; 3].repeat(width * height), &[], width, 8);
            let lit = |x: usize, y: usize| drawn[(y * 8 + x) * 3] == 9;
            let columns = (0..8).filter(|&x| (0..8).any(|y| lit(x, y))).count();
            (columns, (0..8).filter(|&y| (0..8).any(|x| lit(x, y))).count())
        };
        assert_eq!((shown(6, 2), shown(2, 4), shown(5, 5), shown(32, 1)), ((8, 2), (4, 8), (8, 8), (8, 1)));
        assert_eq!((overlay(&[], &[], 4, 2), overlay(&[], &[], 0, 1)), (vec![0; 12], vec![0; 3]));
    }

    #[test]
    fn heat_shows_where_it_is() {
        let mut heatmap = vec![0.0; 16];
        heatmap[5] = 1.0;
        let drawn = overlay(&[0; 48], &heatmap, 4, 8);
        let at = |x: usize, y: usize| drawn[(y * 8 + x) * 3];
        assert!(at(2, 2) > 150 && at(3, 3) > 150, "pixel 1,1 of four is 2..=3 of eight");
        assert_eq!((at(1, 2), at(4, 3)), (0, 0));
    }
}
