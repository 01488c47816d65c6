//! Heatmaps laid over pictures, and outlines of true masks. Bytes in, bytes out.
//!
//! The colours mean the same on every picture: nothing below the threshold is coloured at all, so that a good part looks
//! like a good part. Scaling each heatmap to its own extremes would paint noise red on parts without any defect.

use crate::data::{Mask, Picture};

/// Colour where a defect begins to be suspected.
const SUSPECT: [f32; 3] = [255.0, 190.0, 0.0];
/// Colour where the network is sure.
const SURE: [f32; 3] = [225.0, 15.0, 45.0];
/// How much of the picture the strongest colour may hide, so that the defect itself stays visible.
const LARGEST_OPACITY: f32 = 0.65;
/// Values from here on are drawn in full: a pixel more likely defective than not. Higher thresholds push it up to twice
/// themselves, at most to one.
const FULL_COLOUR: f32 = 0.5;
/// Colour of the outline of a true mask; occurs neither in heatmaps nor often on products.
const OUTLINE: [u8; 3] = [0, 220, 255];

/// The picture in grey, so that heat shows on products of any colour, with its heatmap over it: clear up to the threshold,
/// then from amber to red.
///
/// `heatmap` is `[height][width]` of the picture, 0..=1; a missing or not-a-number value counts as 0.
pub fn heatmap_overlay(picture: &Picture, heatmap: &[f32], threshold: f32) -> Picture {
    let full = FULL_COLOUR.max(2.0 * threshold).min(1.0).max(threshold + 0.01);
    let mut result = grey(picture);
    for (pixel, &value) in result.rgb.as_chunks_mut::<3>().0.iter_mut().zip(heatmap) {
        let strength = ((value - threshold) / (full - threshold)).clamp(0.0, 1.0);
        // False for NaN, too.
        if strength > 0.0 {
            // The square root lifts what just passes the threshold out of invisibility.
            let opacity = LARGEST_OPACITY * strength.sqrt();
            for (channel, level) in pixel.iter_mut().enumerate() {
                let colour = SUSPECT[channel] + (SURE[channel] - SUSPECT[channel]) * strength;
                *level = (f32::from(*level) * (1.0 - opacity) + colour * opacity + 0.5) as u8;
            }
        }
    }
    result
}

/// Brightness alone, with BT.601's weights in 256ths.
fn grey(picture: &Picture) -> Picture {
    let mut result = picture.clone();
    for pixel in result.rgb.as_chunks_mut::<3>().0 {
        let [red, green, blue] = pixel.map(u32::from);
        *pixel = [((77 * red + 150 * green + 29 * blue) >> 8) as u8; 3];
    }
    result
}

/// The picture with the outline of a mask, drawn just outside it so that the defect stays visible.
///
/// A mask of another size leaves the picture as it is.
pub fn mask_outline(picture: &Picture, mask: &Mask) -> Picture {
    let mut result = picture.clone();
    let (width, height) = (picture.width, picture.height);
    if (mask.width, mask.height) != (width, height) || mask.pixels.len() != width * height {
        return result;
    }
    for (at, pixel) in result.rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let (x, y) = (at % width, at / width);
        let beside =
            |inside: bool, other: fn(usize, usize) -> usize, step: usize| inside && mask.pixels[other(at, step)] != 0;
        let touches = beside(x > 0, |a, s| a - s, 1)
            || beside(x + 1 < width, |a, s| a + s, 1)
            || beside(y > 0, |a, s| a - s, width)
            || beside(y + 1 < height, |a, s| a + s, width);
        if mask.pixels[at] == 0 && touches {
            *pixel = OUTLINE;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_the_threshold_nothing_is_coloured() {
        let picture = Picture::filled(4, 2, [100, 110, 120]);
        for threshold in [0.0, 0.02, 0.3, 0.8, 1.0] {
            let quiet = [0.0, threshold, threshold * 0.99, f32::NAN, -1.0, threshold / 2.0, 0.0, 0.0];
            assert_eq!(heatmap_overlay(&picture, &quiet, threshold), grey(&picture), "threshold {threshold}");
        }
    }

    #[test]
    fn the_same_value_has_the_same_colour_whatever_else_is_on_the_picture() {
        let picture = Picture::filled(2, 1, [80, 80, 80]);
        let alone = heatmap_overlay(&picture, &[0.4, 0.0], 0.1);
        let beside_worse = heatmap_overlay(&picture, &[0.4, 1.0], 0.1);
        assert_eq!(alone.rgb[..3], beside_worse.rgb[..3]);
        assert_ne!(alone.rgb[..3], picture.rgb[..3]);
    }

    #[test]
    fn colour_turns_from_amber_to_red_and_never_hides_the_picture() {
        let dark = Picture::filled(3, 1, [0, 0, 0]);
        let shown = heatmap_overlay(&dark, &[0.15, 0.3, 1.0], 0.1);
        let green_share = |pixel: usize| f32::from(shown.rgb[pixel * 3 + 1]) / f32::from(shown.rgb[pixel * 3]);
        assert!(green_share(0) > green_share(1) && green_share(1) > green_share(2), "{:?}", shown.rgb);
        let light = heatmap_overlay(&Picture::filled(1, 1, [255, 255, 255]), &[1.0], 0.1);
        assert!(light.rgb[1] > 80, "white under full colour: {:?}", light.rgb);
    }

    #[test]
    fn an_outline_lies_outside_the_mask() {
        let picture = Picture::filled(5, 5, [9, 9, 9]);
        let mut mask = Mask::empty(5, 5);
        mask.pixels[12] = 1;
        let outlined = mask_outline(&picture, &mask);
        let painted: Vec<usize> = (0..25).filter(|at| outlined.rgb[at * 3..at * 3 + 3] == OUTLINE).collect();
        assert_eq!(painted, [7, 11, 13, 17]);
        assert_eq!(mask_outline(&picture, &Mask::empty(4, 5)), picture);
    }
}
