//! Pictures that are not plain 8-bit RGB of one size: each comes out right, or is named with what is wrong.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;

use host_trainer::data::{Grouping, Loader, PrepareError, Prepared, Use};
use image::{ImageBuffer, Rgb, RgbImage};
use shared::preprocess::Preprocess;

const COLOUR: [u8; 3] = [200, 60, 40];

fn loader() -> Loader {
    Loader::new(Preprocess::new(None, 32, 32).unwrap())
}

fn middle(path: &Path) -> [u8; 3] {
    let (picture, _) = loader().picture(path).unwrap();
    let at = (16 * picture.width + 16) * 3;
    [picture.rgb[at], picture.rgb[at + 1], picture.rgb[at + 2]]
}

#[test]
fn sixteen_bits_a_channel_are_read_as_their_upper_eight() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep.png");
    let deep: ImageBuffer<Rgb<u16>, Vec<u16>> =
        ImageBuffer::from_pixel(40, 40, Rgb(COLOUR.map(|level| u16::from(level) * 257)));
    deep.save(&path).unwrap();
    assert_eq!(middle(&path), COLOUR);
}

/// 32 by 32 pixels of one colour, with Adobe's inverted inks as printing programs write them.
#[test]
fn a_jpeg_in_printing_inks_has_its_colours() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/cmyk.jpg");
    let seen = middle(&path);
    assert!(seen.iter().zip(COLOUR).all(|(&got, expected)| got.abs_diff(expected) <= 3), "{seen:?}");
}

fn learn(root: &Path, target: f64) -> Result<Prepared, PrepareError> {
    let steps = Preprocess::new(None, 32, 32).unwrap();
    Prepared::load(root, steps, Use::Learn { target, seed: 1, same_part: Grouping::File })
}

#[test]
fn pictures_of_several_sizes_come_to_one() {
    let folder = tempfile::tempdir().unwrap();
    for (at, (width, height)) in [(32, 32), (64, 48), (64, 48), (33, 200)].into_iter().enumerate() {
        RgbImage::from_pixel(width, height, Rgb(COLOUR)).save(folder.path().join(format!("{at}.png"))).unwrap();
    }
    let prepared = learn(folder.path(), 0.5).unwrap();
    assert!(prepared.skipped.is_empty(), "{:?}", prepared.skipped);
    assert_eq!(prepared.frame_size, (64, 48));
    assert!(prepared.learn.iter().all(|picture| picture.rgb == COLOUR.repeat(32 * 32)));
}

#[test]
fn two_good_parts_are_refused_with_the_number_needed() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "b.png"] {
        RgbImage::from_pixel(40, 40, Rgb(COLOUR)).save(folder.path().join(name)).unwrap();
    }
    let message = learn(folder.path(), 0.05).unwrap_err().to_string();
    assert!(message.contains("at least 38 good parts; there are 2"), "{message}");
}
