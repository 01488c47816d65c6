//! How rough the product's surface is: by how many levels a pixel commonly lies off its surroundings.
//!
//! Takes pictures as the networks will see them; gives one number. What follows from it is the recipe's business. Looks at no defect and
//! at no test picture.

use super::picture::Picture;

/// Surroundings reach this many pixels each way.
const REACH: usize = 3;
/// At most about this many pictures are looked at, spread over all of them: more hardly move the number.
const PICTURES: usize = 64;
/// This share of a picture's pixels lie nearer to their surroundings.
const COMMON: f64 = 0.9;

/// The distance in levels of 255 beyond which one pixel in ten lies from the median of the 7 by 7 pixels around it, in the middle one of the
/// pictures; 0 where there is nothing to see. Colours count by the mean of their channels.
pub fn grain(pictures: &[Picture]) -> f64 {
    let step = pictures.len().div_ceil(PICTURES).max(1);
    let mut distances: Vec<u16> = pictures.iter().step_by(step).filter_map(common_distance).collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).map_or(0.0, |&distance| f64::from(distance) / 3.0)
}

/// The same of one picture, in thirds of a level.
fn common_distance(picture: &Picture) -> Option<u16> {
    let (width, height) = (picture.width, picture.height);
    let sums: Vec<u16> = picture.rgb.as_chunks::<3>().0.iter().map(|pixel| pixel.map(u16::from).iter().sum()).collect();
    let mut around = Vec::with_capacity((2 * REACH + 1) * (2 * REACH + 1));
    let mut distances = Vec::with_capacity(sums.len());
    for y in 0..height {
        for x in 0..width {
            around.clear();
            let columns = x.saturating_sub(REACH)..(x + REACH + 1).min(width);
            for row in y.saturating_sub(REACH)..(y + REACH + 1).min(height) {
                around.extend_from_slice(&sums[row * width + columns.start..row * width + columns.end]);
            }
            let middle = around.len() / 2;
            let (_, &mut median, _) = around.select_nth_unstable(middle);
            distances.push(sums[y * width + x].abs_diff(median));
        }
    }
    distances.sort_unstable();
    distances.get((COMMON * distances.len() as f64) as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// A ramp with noise of so many levels either way, evenly drawn.
    fn rough(noise: i32, seed: u64) -> Picture {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut picture = Picture::filled(48, 32, [0; 3]);
        for (at, pixel) in picture.rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = [(100 + (at % 48) as i32 + rng.random_range(-noise..=noise)) as u8; 3];
        }
        picture
    }

    #[test]
    fn a_smooth_surface_has_none_and_a_rough_one_what_its_noise_gives() {
        let of = |noise: i32| grain(&(0..9).map(|seed| rough(noise, seed)).collect::<Vec<_>>());
        assert!(of(0) <= 1.0, "a ramp: {}", of(0));
        // Nine in ten of what is drawn evenly from -20..=20 lie within 18 of the middle; the median of 49 lies near it.
        assert!((16.0..21.0).contains(&of(20)), "{}", of(20));
        assert!((7.0..11.0).contains(&of(10)), "{}", of(10));
    }

    #[test]
    fn one_rough_picture_among_smooth_ones_moves_nothing() {
        let pictures: Vec<Picture> = (0..200).map(|seed| rough(if seed == 0 { 60 } else { 4 }, seed)).collect();
        assert!(grain(&pictures) < 5.0, "{}", grain(&pictures));
    }

    #[test]
    fn nothing_to_see_gives_nothing() {
        assert_eq!(grain(&[]), 0.0);
        assert_eq!(grain(&[Picture::filled(0, 7, [9; 3])]), 0.0);
        assert_eq!(grain(&[Picture::filled(1, 1, [9; 3])]), 0.0);
        assert_eq!(grain(&[Picture::filled(30, 20, [9; 3])]), 0.0);
    }
}
