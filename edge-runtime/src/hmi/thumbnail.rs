//! A part with its heatmap over it, at any size, to show on the panel and to keep.
//!
//! Takes the network's input (RGB, 8 bit, row-major) and the heatmap (row-major, 0 to 1), both `width` pixels wide; gives
//! RGB. Nearest neighbour: a person is to see the pixels that the network saw. It judges nothing.

/// Above this share the heatmap covers the picture no further, so that the defect remains visible under it.
const MOST_OPAQUE: f32 = 0.75;

/// Draws at `side` by `side` pixels. Where there is no heatmap the picture stands alone; without a picture all is black.
#[must_use]
pub fn overlay(input: &[u8], heatmap: &[f32], width: usize, side: usize) -> Vec<u8> {
    let height = input.len() / 3 / width.max(1);
    let mut rgb = Vec::with_capacity(side * side * 3);
    for y in 0..side {
        for x in 0..side {
            let at = y * height / side * width + x * width / side;
            let pixel = input.as_chunks::<3>().0.get(at).copied().unwrap_or_default();
            let heat = heatmap.get(at).copied().unwrap_or(0.0).clamp(0.0, 1.0);
            rgb.extend(mix(pixel, glow(heat), (heat * 1.5).min(MOST_OPAQUE)));
        }
    }
    rgb
}

/// From dark violet over orange to yellow: rises in brightness too, for eyes that do not tell red from green.
fn glow(heat: f32) -> [u8; 3] {
    let stops = [[60.0, 0.0, 110.0], [220.0, 50.0, 60.0], [255.0, 235.0, 70.0]];
    let place = heat * 2.0;
    let (from, share) = if place < 1.0 { (0, place) } else { (1, place - 1.0) };
    std::array::from_fn(|c| (stops[from][c] + (stops[from + 1][c] - stops[from][c]) * share) as u8)
}

fn mix(below: [u8; 3], above: [u8; 3], opacity: f32) -> [u8; 3] {
    std::array::from_fn(|c| (f32::from(below[c]) * (1.0 - opacity) + f32::from(above[c]) * opacity) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cold_heatmap_leaves_the_picture_as_it_is() {
        let input: Vec<u8> = (0..48).collect();
        assert_eq!(overlay(&input, &[0.0; 16], 4, 4), input);
        assert_eq!(overlay(&input, &[], 4, 4), input, "no heatmap");
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

    #[test]
    fn hotter_is_brighter() {
        let light: Vec<u32> = (0..=10).map(|i| glow(i as f32 / 10.0).iter().map(|&c| u32::from(c)).sum()).collect();
        assert!(light.is_sorted(), "{light:?}");
    }
}
