//! A heatmap over the picture that it belongs to, at the size of the network's input.
//!
//! Takes input (`[row][column][RGB]`, u8) and heatmap (`[row][column]`, 0..=1), gives RGB bytes. Writes no file and judges
//! nothing; the colours mark where the network looked, the threshold does not enter.

/// Above this share the heat covers the picture no further, so that the defect remains visible under it.
const MOST_OPAQUE: f32 = 0.75;

/// Colours of heat 0, one half and 1: rising in brightness too, for eyes that do not tell red from green.
const STOPS: [[f32; 3]; 3] = [[60.0, 0.0, 110.0], [220.0, 50.0, 60.0], [255.0, 235.0, 70.0]];

/// One pixel of the picture in grey, so that heat shows on products of any colour, with its heat laid over it. What is
/// outside 0..=1 counts as the nearer end, NaN as 0.
#[must_use]
pub fn tint(pixel: [u8; 3], heat: f32) -> [u8; 3] {
    let heat = if heat.is_nan() { 0.0 } else { heat.clamp(0.0, 1.0) };
    let opacity = (heat * 1.5).min(MOST_OPAQUE);
    // BT.601's weights of red, green and blue in brightness.
    let grey = pixel.iter().zip([0.299, 0.587, 0.114]).map(|(&level, weight)| f32::from(level) * weight).sum::<f32>();
    let (from, share) = if heat < 0.5 { (0, heat * 2.0) } else { (1, heat * 2.0 - 1.0) };
    std::array::from_fn(|c| {
        let glow = STOPS[from][c] + (STOPS[from + 1][c] - STOPS[from][c]) * share;
        (grey * (1.0 - opacity) + glow * opacity + 0.5) as u8
    })
}

/// The picture at the left and the same with its heat at the right: twice `width` wide.
#[must_use]
pub fn beside_picture(input: &[u8], heatmap: &[f32], width: usize) -> Vec<u8> {
    let pixels = input.as_chunks::<3>().0;
    let rows = pixels.chunks(width.max(1)).zip(heatmap.chunks(width.max(1)));
    rows.flat_map(|(pixels, heat)| {
        let tinted = pixels.iter().zip(heat).map(|(&pixel, &heat)| tint(pixel, heat));
        pixels.iter().copied().chain(tinted)
    })
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cold_pixels_are_grey_and_hot_ones_are_brighter_the_hotter_they_are() {
        assert_eq!(tint([90, 90, 90], 0.0), [90; 3]);
        assert_eq!(tint([200, 0, 0], 0.0), [60; 3]);
        assert_eq!(tint([200, 0, 0], f32::NAN), [60; 3]);
        let light = |heat: f32| tint([0; 3], heat).iter().map(|&c| u32::from(c)).sum::<u32>();
        let all: Vec<u32> = (0..=10).map(|tenth| light(tenth as f32 / 10.0)).collect();
        assert!(all.is_sorted() && all[10] > all[0], "{all:?}");
    }

    #[test]
    fn the_picture_stands_at_the_left_and_its_heat_at_the_right() {
        let input: Vec<u8> = (0..18).collect();
        let mut heatmap = [0.0; 6];
        heatmap[4] = 1.0;
        let drawn = beside_picture(&input, &heatmap, 3);
        let row = |at: usize| &drawn[at * 18..][..18];
        let cold = [[0, 1, 2], [3, 4, 5], [6, 7, 8]].map(|pixel| tint(pixel, 0.0));
        assert_eq!(row(0), [&input[..9], cold.as_flattened()].concat());
        assert_eq!(row(1)[..12], [&input[9..], &tint([9, 10, 11], 0.0)].concat());
        assert_eq!(row(1)[12..15], tint([12, 13, 14], 1.0));
    }
}
