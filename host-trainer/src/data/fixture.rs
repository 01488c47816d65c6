//! Which fixture suits parts that lie anywhere: what the part's size in the good pictures makes of field, cut and limits.
//!
//! Takes where parts were found; gives numbers. Looks at no defect and at no test picture. Whether parts lie in one place once they are fixed
//! is the survey's to say.

use shared::limits::{INPUT_MULTIPLE, MAX_INPUT_SIDE, MIN_INPUT_SIDE};
use shared::preprocess::{Fixture, Pose};

/// Longer side in pixels of the field in which parts are looked for before anything is known of them.
const FIRST_SIDE: usize = 256;
/// Most pixels of a cut, unless somebody names its size: as many as one and a half inputs for parts that lie in one place, since the smallest defects
/// of parts that lie loose have few.
const CUT_PIXELS: usize = 128 * 128 * 3 / 2;
/// Share of the good parts that the cut must hold wholly; of the rest, whose shadow was taken for part of them, it leaves out the ends.
const HELD: f64 = 0.98;
/// The cut is larger than parts by this factor: a bent tip or a burr sticks out.
const MARGIN: f64 = 1.08;
/// A part has so many times the pixels of the largest good one at most, and the smallest good one so many times its pixels: fewer than two parts
/// that touch, where good ones differ by a third.
const SPREAD: f64 = 1.5;

/// The field in which parts are first looked for; no limits.
pub fn first(region: (usize, usize), turned: bool) -> Fixture {
    let zoom = (FIRST_SIDE as f64 / region.0.max(region.1) as f64).min(1.0);
    let (width, height) = reduced(region, zoom);
    Fixture { width, height, turned, fewest: 0, most: u32::MAX }
}

/// The fixture for parts that were found in such places in a first field, and the size of its cut: `size`, or one that suits the parts. `region`
/// is the size of what the camera's frame or its crop shows. `None` where no part was found.
pub fn suited(
    poses: &[Pose],
    first: Fixture,
    region: (usize, usize),
    size: Option<(usize, usize)>,
) -> Option<(Fixture, (usize, usize))> {
    let held = |of: fn(&Pose) -> f64| {
        let mut sizes: Vec<f64> = poses.iter().map(of).collect();
        sizes.sort_by(f64::total_cmp);
        let at = (HELD * sizes.len() as f64).ceil() as usize;
        sizes.get(at.max(1) - 1).map(|size| MARGIN * size)
    };
    let (length, breadth) = (held(|pose| pose.size.0)?, held(|pose| pose.size.1)?);
    // What the camera shows is so much larger than the first field.
    let camera = region.0.max(region.1) as f64 / f64::from(first.width.max(first.height));
    let (size, grown) = match size {
        Some(size) => (size, scale(size, (length, breadth))),
        None => roomiest((length, breadth), camera),
    };
    // The camera's own scale, which blurs nothing, is worth more than the margin.
    let grown = if (grown..grown * MARGIN).contains(&camera) { camera } else { grown };
    let grown = grown.min(MAX_INPUT_SIDE as f64 / f64::from(first.width.max(first.height)));
    let (width, height) = reduced(region, grown / camera);
    let pixels = |pose: &Pose| f64::from(pose.pixels) * grown * grown;
    let (fewest, most) = poses
        .iter()
        .map(pixels)
        .fold((f64::INFINITY, 0.0_f64), |(fewest, most), pixels| (fewest.min(pixels), most.max(pixels)));
    let limits = ((fewest / SPREAD).floor() as u32, (most * SPREAD).ceil() as u32);
    let fixture = Fixture { width, height, fewest: limits.0, most: limits.1, ..first };
    Some((fixture, size))
}

/// By how much what is so long and broad grows until it fills a cut.
fn scale(cut: (usize, usize), (length, breadth): (f64, f64)) -> f64 {
    (cut.0 as f64 / length).min(cut.1 as f64 / breadth)
}

/// The cut of at most [`CUT_PIXELS`] in which what is so long and broad is largest, and by how much it grows: up to `most`, since what the
/// camera does not show is not made up. Of cuts that do equally well the smallest.
fn roomiest(part: (f64, f64), most: f64) -> ((usize, usize), f64) {
    let sides = || (MIN_INPUT_SIDE..=MAX_INPUT_SIDE).step_by(INPUT_MULTIPLE);
    let cuts = sides().flat_map(|wide| sides().map(move |high| (wide, high)));
    let mut best = ((MIN_INPUT_SIDE, MIN_INPUT_SIDE), 0.0);
    for cut in cuts.filter(|&(wide, high)| wide * high <= CUT_PIXELS) {
        let grown = scale(cut, part).min(most);
        let pixels = |(wide, high): (usize, usize)| wide * high;
        if grown > best.1 || (grown == best.1 && pixels(cut) < pixels(best.0)) {
            best = (cut, grown);
        }
    }
    best
}

fn reduced(region: (usize, usize), zoom: f64) -> (u16, u16) {
    let side = |side: usize| ((side as f64 * zoom).round() as usize).clamp(1, MAX_INPUT_SIDE) as u16;
    (side(region.0), side(region.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts of this length, twice as long as broad.
    fn poses(lengths: impl Iterator<Item = f64>) -> Vec<Pose> {
        let pose = |length: f64| Pose {
            middle: (0.0, 0.0),
            along: (1.0, 0.0),
            size: (length, length / 2.0),
            pixels: (length * length / 4.0) as u32,
        };
        lengths.map(pose).collect()
    }

    #[test]
    fn the_cut_holds_all_but_the_odd_one_out_at_the_cameras_own_scale() {
        let lengths = (0..100).map(|at| if at < 2 { 250.0 } else { 180.0 + f64::from(at % 5) });
        let region = (256, 200);
        let (fixture, size) = suited(&poses(lengths), first(region, true), region, None).unwrap();
        // With their margin, 199 by 99 pixels do not quite fit into so many, and are left at the camera's scale all the same.
        assert_eq!((fixture.width, fixture.height, size), (256, 200, (192, 96)));
        assert_eq!((fixture.fewest, fixture.most), (180 * 180 / 6, (250_u32 * 250 * 3).div_ceil(8)));
    }

    #[test]
    fn small_parts_of_large_frames_are_cut_from_a_larger_field() {
        let region = (1600, 1200);
        let found = poses([64.0].into_iter());
        let before = first(region, false);
        assert_eq!((before.width, before.height, before.turned), (256, 192, false));
        let (fixture, size) = suited(&found, before, region, None).unwrap();
        // 69 by 35 pixels become as many times larger as they fit.
        assert_eq!(size, (192, 96));
        assert_eq!((fixture.width, fixture.height), (711, 533));
        assert!(fixture.fewest.abs_diff((1024.0 * 2.778 * 2.778 / 1.5) as u32) < 10, "{fixture:?}");
    }

    #[test]
    fn whoever_names_a_size_gets_it() {
        let region = (256, 256);
        let found = poses([100.0].into_iter());
        let (fixture, size) = suited(&found, first(region, true), region, Some((224, 64))).unwrap();
        // The breadth, 54 pixels, decides.
        assert_eq!((size, fixture.width), ((224, 64), 303));
        let (fixture, _) = suited(&found, first(region, true), region, Some((1024, 1024))).unwrap();
        assert_eq!((fixture.width, fixture.height), (1024, 1024));
    }

    #[test]
    fn without_parts_there_is_no_fixture() {
        assert_eq!(suited(&[], first((64, 64), true), (64, 64), None), None);
        let one = poses([1.0].into_iter());
        let (fixture, size) = suited(&one, first((64, 64), true), (64, 64), None).unwrap();
        assert_eq!((fixture.width, size), (64, (32, 32)));
    }
}
