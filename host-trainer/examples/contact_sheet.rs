//! A contact sheet of the anomaly simulator, to be looked at.
//!
//! Takes a folder of good pictures (PNG, JPEG or BMP), an output PNG and optionally a folder of textures; writes 48 samples
//! of 128 by 128 pixels by the recipe that suits the pictures, taken for frames of 256 pixels where it wants windows, each as clean picture, picture with defect, mask. Every sample has a defect, because clean ones show
//! nothing. Trains nothing.
//!
//! `cargo run -p host-trainer --example contact_sheet -- GOOD_FOLDER OUT.png [TEXTURE_FOLDER]`

use anyhow::{Context, bail};
use host_trainer::data::{Picture, Survey};
use host_trainer::simulate::recipe::LARGE_SIDE;
use host_trainer::simulate::{Recipe, Textures, simulate, simulate_window};
use image::{RgbImage, imageops};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::path::Path;

const SIDE: u32 = 128;
const COLUMNS: u32 = 4;
const SAMPLES: u32 = 48;
/// Good pictures that are looked at.
const SURVEYED: usize = 400;
const GAP: u32 = 6;

fn pictures(folder: &Path, side: u32, at_most: usize) -> anyhow::Result<Vec<Picture>> {
    let mut paths = Vec::new();
    for entry in folder.read_dir().with_context(|| format!("reading folder {}", folder.display()))? {
        let path = entry?.path();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
        if ["png", "jpg", "jpeg", "bmp"].contains(&extension.as_str()) {
            paths.push(path);
        }
    }
    paths.sort();
    paths.truncate(at_most);
    paths
        .iter()
        .map(|path| {
            let image = image::open(path).with_context(|| format!("reading {}", path.display()))?;
            let resized = image.resize_exact(side, side, imageops::FilterType::Triangle).to_rgb8();
            Ok(Picture { width: side as usize, height: side as usize, rgb: resized.into_raw() })
        })
        .collect()
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, out, rest @ ..] = arguments.as_slice() else {
        bail!("usage: contact_sheet GOOD_FOLDER OUT.png [TEXTURE_FOLDER]");
    };
    let mut good = pictures(Path::new(folder), LARGE_SIDE as u32, SURVEYED)?;
    if good.is_empty() {
        bail!("{folder}: no PNG, JPEG or BMP picture in it");
    }
    let survey = Survey::of(&good);
    let recipe = Recipe { anomaly_probability: 1.0, ..Recipe::suited(&survey) };
    println!("{survey:.4?}\n{}", recipe.in_words());
    if recipe.window.is_none() {
        good = pictures(Path::new(folder), SIDE, SURVEYED)?;
    }
    let textures = match rest.first() {
        Some(folder) => Textures::with_pictures(pictures(Path::new(folder), SIDE, 200)?),
        None => Textures::procedural(),
    };
    let (cell, rows) = (3 * SIDE + GAP, SAMPLES / COLUMNS);
    let mut sheet = RgbImage::from_pixel(COLUMNS * cell, rows * (SIDE + GAP), image::Rgb([255, 0, 255]));
    for index in 0..SAMPLES {
        let picture = &good[index as usize % good.len()];
        let mut rng = ChaCha8Rng::seed_from_u64(u64::from(index));
        let made = match recipe.window {
            Some(_) => simulate_window(picture, (SIDE as usize, SIDE as usize), &good, &textures, &recipe, &mut rng),
            None => simulate(picture, &good, &textures, &recipe, &mut rng),
        };
        let mask = made.mask.pixels.iter().flat_map(|&pixel| [pixel * 255; 3]).collect();
        let (left, top) = ((index % COLUMNS) * cell, (index / COLUMNS) * (SIDE + GAP));
        for (place, rgb) in (0..).zip([made.clean.rgb, made.augmented.rgb, mask]) {
            let tile = RgbImage::from_raw(SIDE, SIDE, rgb).context("a sample of the wrong size")?;
            imageops::replace(&mut sheet, &tile, i64::from(left + place * SIDE), i64::from(top));
        }
    }
    sheet.save(out).with_context(|| format!("writing {out}"))?;
    println!("{SAMPLES} samples in {out}");
    Ok(())
}
