//! What the good pictures show of how parts come before the camera: always in one place or anywhere, one way up or turned
//! any way, in steady light or not, on a plain ground or not.
//!
//! Takes pictures of one size; gives numbers, in an order of operations that is fixed, and from them the kind of scene. What
//! follows from these is the recipe's business. Looks at no defect and at no test picture.

use shared::preprocess::Exposure;

use super::picture::Picture;

/// Pictures are reduced to about this many pixels a side: poses are seen, noise is not.
const REDUCED_SIDE: usize = 64;
/// Directions of edges are told apart in this many sectors of the circle; a multiple of four, so that a quarter turn moves
/// whole sectors.
const SECTORS: usize = 24;
/// A pixel of the rim shows the ground when no channel differs more than this from the rim's usual colour, in levels.
const GROUND_LEVELS: u8 = 24;

/// From this [`Survey::looseness`] on, what the pictures show may lie anywhere. Measured: parts in a nest 0.01, parts that lie
/// anywhere 0.68, pieces of a pattern 0.62 to 0.99.
const LOOSE: f64 = 0.3;
/// From this [`Survey::plain_rim`] on, a part lies on a plain ground. Measured: 0.98 and 1 where it does, at most 0.58 where it does not.
const PLAIN: f64 = 0.9;

/// From this [`Survey::light`] on, light varies by more than learning can cover with changed light. Measured: 0.01 and 0.03 in steady light; 0.08
/// over a pattern whose pieces differ, which is learnt well as it is; 0.24 to 0.31 where parts were taken with several exposures.
const UNSTEADY: f64 = 0.15;

/// How the product comes before the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Each part lies where the last one did.
    Nested,
    /// Parts lie anywhere on a plain ground.
    Loose,
    /// Pieces of a pattern or a surface that fill the frame.
    Pattern,
}

/// The numbers; each 0 where there is nothing to see.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Survey {
    /// Share of the pixels' variance that lies between pictures at one place, 0..=1: near 0 where each part lies as the last one
    /// did, near 1 where it may lie anywhere. Brightness of whole pictures is set aside.
    pub looseness: f64,
    /// How much the directions of edges differ from picture to picture, as a share of how much they would if each were turned
    /// on its own: near 1 where parts lie turned any way.
    pub turned: f64,
    /// How much of what the mean picture shows, within the largest circle around its middle, depends on the distance from there
    /// alone, 0..=1: near 1 for a round part in the middle of the frame.
    pub roundness: f64,
    /// Standard deviation of the pictures' mean levels, as a share of their mean.
    pub light: f64,
    /// Share of the pixels along the frame's rim that show one colour, 0..=1.
    pub plain_rim: f64,
}

impl Survey {
    /// Looks at the pictures; all of one size.
    pub fn of(pictures: &[Picture]) -> Self {
        let reduced: Vec<Field> = pictures.iter().map(Field::reduced).filter(|field| field.mean() > 0.0).collect();
        if reduced.is_empty() {
            return Self::default();
        }
        let means: Vec<f64> = reduced.iter().map(Field::mean).collect();
        let plain: f64 = pictures.iter().map(plain_rim).sum();
        Self {
            looseness: looseness(&reduced, &means),
            turned: turned(&reduced),
            roundness: roundness(&reduced, &means),
            light: variance(&means).sqrt() / mean(&means),
            plain_rim: plain / pictures.len() as f64,
        }
    }

    /// What stands before the camera.
    pub fn scene(&self) -> Scene {
        match (self.looseness >= LOOSE, self.plain_rim >= PLAIN) {
            (false, _) => Scene::Nested,
            (true, true) => Scene::Loose,
            (true, false) => Scene::Pattern,
        }
    }

    /// What should become of the pictures' light.
    pub fn exposure(&self) -> Exposure {
        if self.light >= UNSTEADY { Exposure::Evened } else { Exposure::AsTaken }
    }

    /// The numbers, for whoever trains.
    pub fn in_words(&self) -> String {
        let Self { looseness, turned, roundness, light, plain_rim } = self;
        format!(
            "looseness {looseness:.3}, turning {turned:.3}, roundness {roundness:.3}, light {light:.3}, plain rim {plain_rim:.2}"
        )
    }
}

/// Grey levels `[height][width]`.
struct Field {
    width: usize,
    height: usize,
    values: Vec<f64>,
}

impl Field {
    /// Means of square blocks of the picture's grey levels; what is left over at the right and below is left out.
    fn reduced(picture: &Picture) -> Self {
        let block = (picture.width.min(picture.height) / REDUCED_SIDE).max(1);
        let (width, height) = (picture.width / block, picture.height / block);
        let grey = |x: usize, y: usize| {
            let at = (y * picture.width + x) * 3;
            picture.rgb[at..at + 3].iter().map(|&level| u64::from(level)).sum::<u64>()
        };
        let values = (0..width * height)
            .map(|at| {
                let (left, top) = (at % width * block, at / width * block);
                let sum: u64 = (0..block * block).map(|i| grey(left + i % block, top + i / block)).sum();
                sum as f64 / (3 * block * block) as f64
            })
            .collect();
        Self { width, height, values }
    }

    fn mean(&self) -> f64 {
        if self.values.is_empty() { 0.0 } else { mean(&self.values) }
    }

    /// How strong the edges of each direction are, as shares that add up to 1; `None` for a flat picture.
    fn directions(&self) -> Option<[f64; SECTORS]> {
        let mut strengths = [0.0; SECTORS];
        let value = |x: usize, y: usize| self.values[y * self.width + x];
        for y in 1..self.height.saturating_sub(1) {
            for x in 1..self.width.saturating_sub(1) {
                let (across, down) = (value(x + 1, y) - value(x - 1, y), value(x, y + 1) - value(x, y - 1));
                let turn = down.atan2(across) / core::f64::consts::TAU;
                // The product can reach the number of sectors by rounding.
                let sector = ((turn.rem_euclid(1.0) * SECTORS as f64) as usize).min(SECTORS - 1);
                strengths[sector] += (across * across + down * down).sqrt();
            }
        }
        let all: f64 = strengths.iter().sum();
        (all > 0.0).then(|| strengths.map(|strength| strength / all))
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let middle = mean(values);
    values.iter().map(|value| (value - middle) * (value - middle)).sum::<f64>() / values.len() as f64
}

fn looseness(fields: &[Field], means: &[f64]) -> f64 {
    let pixels = fields[0].values.len();
    let (mut between, mut total) = (0.0, 0.0);
    for at in 0..pixels {
        // As shares of the picture's mean, so that the mean of all is 1.
        let levels: Vec<f64> = fields.iter().zip(means).map(|(field, mean)| field.values[at] / mean).collect();
        between += variance(&levels);
        total += levels.iter().map(|level| (level - 1.0) * (level - 1.0)).sum::<f64>() / levels.len() as f64;
    }
    // Rounding leaves crumbs where nothing varies.
    if total > 1e-9 * pixels as f64 { (between / total).min(1.0) } else { 0.0 }
}

/// Variance of the mean picture between rings around its middle, as a share of all of its variance within the circle.
fn roundness(fields: &[Field], means: &[f64]) -> f64 {
    let (width, height) = (fields[0].width, fields[0].height);
    let (middle_x, middle_y) = ((width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0);
    let rings = width.min(height) / 2;
    let mut levels = vec![Vec::new(); rings];
    for at in 0..width * height {
        let (x, y) = ((at % width) as f64 - middle_x, (at / width) as f64 - middle_y);
        let distance = (x * x + y * y).sqrt() as usize;
        if let Some(ring) = levels.get_mut(distance) {
            let sum: f64 = fields.iter().zip(means).map(|(field, mean)| field.values[at] / mean).sum();
            ring.push(sum / fields.len() as f64);
        }
    }
    let all: Vec<f64> = levels.iter().flatten().copied().collect();
    if all.is_empty() {
        return 0.0;
    }
    let within: f64 =
        levels.iter().filter(|ring| !ring.is_empty()).map(|ring| variance(ring) * ring.len() as f64).sum();
    let total = variance(&all) * all.len() as f64;
    // Rounding leaves crumbs where nothing varies.
    if total > 1e-9 * all.len() as f64 { (1.0 - within / total).clamp(0.0, 1.0) } else { 0.0 }
}

/// The pictures' distances to their mean directions, over the same with the mean turned by every other angle.
fn turned(fields: &[Field]) -> f64 {
    let directions: Vec<[f64; SECTORS]> = fields.iter().filter_map(Field::directions).collect();
    let usual: [f64; SECTORS] = core::array::from_fn(|sector| {
        directions.iter().map(|shares| shares[sector]).sum::<f64>() / fields.len() as f64
    });
    let distance = |turn: usize| -> f64 {
        let one = |shares: &[f64; SECTORS]| -> f64 {
            (0..SECTORS).map(|sector| (shares[sector] - usual[(sector + turn) % SECTORS]).abs()).sum()
        };
        directions.iter().map(one).sum()
    };
    let others: f64 = (1..SECTORS).map(distance).sum::<f64>() / (SECTORS - 1) as f64;
    if others > 0.0 { distance(0) / others } else { 0.0 }
}

fn plain_rim(picture: &Picture) -> f64 {
    let (width, height) = (picture.width, picture.height);
    if width * height == 0 {
        return 0.0;
    }
    let usual = picture.rim_colour();
    let plain = |(x, y): (usize, usize)| {
        let at = (y * width + x) * 3;
        (0..3).all(|c| picture.rgb[at + c].abs_diff(usual[c]) <= GROUND_LEVELS)
    };
    let rows = (0..width).flat_map(|x| [(x, 0), (x, height - 1)]);
    let columns = (0..height).flat_map(|y| [(0, y), (width - 1, y)]);
    let found = rows.chain(columns).filter(|&place| plain(place)).count();
    found as f64 / (2 * (width + height)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dark bar on a bright ground: its middle, its direction as a vector, the light.
    fn bar((middle_x, middle_y): (f64, f64), (along_x, along_y): (f64, f64), light: f64) -> Picture {
        let mut picture = Picture::filled(128, 128, [(200.0 * light) as u8; 3]);
        for (at, pixel) in picture.rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let (x, y) = ((at % 128) as f64 - middle_x, (at / 128) as f64 - middle_y);
            let (along, across) = (x * along_x + y * along_y, y * along_x - x * along_y);
            if along.abs() < 40.0 && across.abs() < 8.0 {
                // One flank is lit, so that half a turn can be seen.
                *pixel = [((60.0 + 4.0 * across) * light) as u8; 3];
            }
        }
        picture
    }

    fn surveyed(
        place: impl Fn(usize) -> (f64, f64),
        turn: impl Fn(usize) -> f64,
        light: impl Fn(usize) -> f64,
    ) -> Survey {
        let one = |at: usize| {
            let (sine, cosine) = turn(at).to_radians().sin_cos();
            bar(place(at), (cosine, sine), light(at))
        };
        Survey::of(&(0..48).map(one).collect::<Vec<_>>())
    }

    #[test]
    fn parts_that_lie_still_look_still() {
        let survey = surveyed(|at| (64.0 + (at % 2) as f64, 64.0), |at| (at % 3) as f64, |_| 1.0);
        assert!(survey.looseness < 0.15 && survey.turned < 0.5 && survey.light < 0.005, "{survey:?}");
        assert!(survey.plain_rim > 0.99, "{survey:?}");
    }

    #[test]
    fn parts_that_lie_anywhere_and_any_way_are_seen_as_such() {
        let anywhere = |at: usize| (50.0 + (at * 7 % 29) as f64, 50.0 + (at * 11 % 29) as f64);
        let survey = surveyed(anywhere, |at| 7.5 * at as f64, |_| 1.0);
        assert!(survey.looseness > 0.5 && survey.turned > 0.8, "{survey:?}");
        let upright = surveyed(anywhere, |_| 30.0, |_| 1.0);
        assert!(upright.looseness > 0.3 && upright.turned < 0.5, "{upright:?}");
    }

    #[test]
    fn a_round_part_in_the_middle_is_round_and_no_other() {
        let survey = |middle: f64, shape: fn(f64, f64) -> bool| {
            let mut picture = Picture::filled(128, 128, [200; 3]);
            for (at, pixel) in picture.rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let (x, y) = ((at % 128) as f64 - middle, (at / 128) as f64 - middle);
                if shape(x, y) {
                    *pixel = [60; 3];
                }
            }
            Survey::of(&[picture.clone(), picture]).roundness
        };
        let disc = |x: f64, y: f64| x.hypot(y) < 40.0;
        let square = |x: f64, y: f64| x.abs() < 36.0 && y.abs() < 36.0;
        assert!(survey(63.5, disc) > 0.95);
        assert!(survey(50.0, disc) < 0.8, "beside the middle");
        assert!(survey(63.5, square) < 0.9, "{}", survey(63.5, square));
    }

    #[test]
    fn light_is_not_taken_for_looseness() {
        let survey = surveyed(|_| (64.0, 64.0), |_| 20.0, |at| 0.8 + 0.2 * (at % 3) as f64);
        assert!((0.1..0.25).contains(&survey.light) && survey.looseness < 0.05, "{survey:?}");
        assert_eq!(survey.exposure(), Exposure::Evened);
        let steady = surveyed(|_| (64.0, 64.0), |_| 20.0, |at| 0.98 + 0.02 * (at % 3) as f64);
        assert_eq!(steady.exposure(), Exposure::AsTaken, "{steady:?}");
    }

    #[test]
    fn nothing_to_see_gives_zeros() {
        assert_eq!(Survey::of(&[]), Survey::default());
        let black = Survey::of(&[Picture::filled(32, 32, [0; 3])]);
        assert_eq!(black, Survey::default());
        let flat = Survey::of(&[Picture::filled(40, 32, [9; 3]), Picture::filled(40, 32, [9; 3])]);
        assert_eq!((flat.looseness, flat.turned, flat.light, flat.plain_rim), (0.0, 0.0, 0.0, 1.0));
        assert_eq!(Survey::of(&[Picture::filled(1, 1, [9; 3])]).looseness, 0.0);
    }
}
