//! A contact sheet of the anomaly simulator, to be looked at.
//!
//! Takes a folder of good pictures (PNG, JPEG or BMP), an output PNG and optionally a folder of textures; writes 48 samples
//! of 128 by 128 pixels, each as clean picture, picture with defect, mask. Every sample has a defect, because clean ones show
//! nothing. Trains nothing.
//!
//! `cargo run -p host-trainer --example contact_sheet -- GOOD_FOLDER OUT.png [TEXTURE_FOLDER]`

use anyhow::{Context, bail};
use host_trainer::data::Picture;
use host_trainer::simulate::{Recipe, Textures, simulate};
use image::{RgbImage, imageops};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::path::Path;

const SIDE: u32 = 128;
const COLUMNS: u32 = 4;
const SAMPLES: u32 = 48;
const GAP: u32 = 6;

fn pictures(folder: &Path, at_most: usize) -> anyhow::Result<Vec<Picture>> {
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
            let resized = image.resize_exact(SIDE, SIDE, imageops::FilterType::Triangle).to_rgb8();
            Ok(Picture { width: SIDE as usize, height: SIDE as usize, rgb: resized.into_raw() })
        })
        .collect()
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, out, rest @ ..] = arguments.as_slice() else {
        bail!("usage: contact_sheet GOOD_FOLDER OUT.png [TEXTURE_FOLDER]");
    };
    let good = pictures(Path::new(folder), SAMPLES as usize)?;
    if good.is_empty() {
        bail!("{folder}: no PNG, JPEG or BMP picture in it");
    }
    let textures = match rest.first() {
        Some(folder) => Textures::with_pictures(pictures(Path::new(folder), 200)?),
        None => Textures::procedural(),
    };
    let recipe = Recipe { anomaly_probability: 1.0, ..Recipe::default() };
    let (cell, rows) = (3 * SIDE + GAP, SAMPLES / COLUMNS);
    let mut sheet = RgbImage::from_pixel(COLUMNS * cell, rows * (SIDE + GAP), image::Rgb([255, 0, 255]));
    for index in 0..SAMPLES {
        let picture = &good[index as usize % good.len()];
        let made = simulate(picture, &good, &textures, &recipe, &mut ChaCha8Rng::seed_from_u64(u64::from(index)));
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
