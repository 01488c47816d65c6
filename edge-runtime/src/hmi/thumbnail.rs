//! A part with its heatmap over it, at any size, to show on the panel and to keep.
//!
//! Takes the network's input (RGB, 8 bit, row-major) and the heatmap (row-major, 0 to 1), both `width` pixels wide; gives
//! RGB. Nearest neighbour: a person is to see the pixels that the network saw. It judges nothing.

use super::heatmap::tint;

/// Draws at `side` by `side` pixels. Where there is no heatmap the picture stands alone; without a picture all is black.
#[must_use]
pub fn overlay(input: &[u8], heatmap: &[f32], width: usize, side: usize) -> Vec<u8> {
    let height = input.len() / 3 / width.max(1);
    let mut rgb = Vec::with_capacity(side * side * 3);
    for y in 0..side {
        for x in 0..side {
            let at = y * height / side * width + x * width / side;
            let pixel = input.as_chunks::<3>().0.get(at).copied().unwrap_or_default();
            rgb.extend(heatmap.get(at).map_or(pixel, |&heat| tint(pixel, heat)));
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
    fn heat_shows_where_it_is() {
        let mut heatmap = vec![0.0; 16];
        heatmap[5] = 1.0;
        let drawn = overlay(&[0; 48], &heatmap, 4, 8);
        let at = |x: usize, y: usize| drawn[(y * 8 + x) * 3];
        assert!(at(2, 2) > 150 && at(3, 3) > 150, "pixel 1,1 of four is 2..=3 of eight");
        assert_eq!((at(1, 2), at(4, 3)), (0, 0));
    }
}
