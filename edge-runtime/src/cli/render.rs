//! `render`: draws pictures of the simulated line's product, so that a model can be trained without a camera.
//!
//! Takes counts and a seed; writes a folder in MVTec layout: `train/good`, `test/good`, `test/KIND`, and
//! `ground_truth/KIND/STEM_mask.png` (255 inside the defect). Pictures are RGB PNG, 256 pixels square, and have gone through
//! the camera's YUYV and back by `shared::preprocess`, so that training and line see the same thing.
//! The folder appears whole or not at all. It trains nothing.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use image::{ExtendedColorType, ImageFormat};
use rayon::prelude::*;

use super::exit::Exit;
use crate::hw::sim::camera;
use crate::hw::sim::defect::Kind;
use crate::hw::sim::product::{self, FRAME_SIDE, Purpose};

/// The file by which the command knows a folder that it made, and may replace.
const MARK: &str = ".rendered.toml";

/// Draws pictures of the simulated product, in MVTec layout.
///
/// Example: edge-runtime render --out caps --good 200 --test-good 40 --defects 60 --seed 1
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to write. Must be new, empty, or made by this command.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Good parts to learn from.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub good: u32,
    /// Good parts to test with.
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub test_good: u32,
    /// Defective parts to test with, spread evenly over the kinds of defect.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub defects: u32,
    /// Seed of all chance; the same seed draws the same pictures.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// One picture to draw and where it goes.
struct Job {
    purpose: Purpose,
    index: u32,
    kind: Option<Kind>,
    picture: PathBuf,
    mask: Option<PathBuf>,
}

/// Draws and writes. [`Exit::Usage`] with the reason on standard error when the folder holds something that this command
/// did not make.
///
/// # Errors
/// When the folder cannot be written.
pub fn run(args: &Args) -> Result<Exit> {
    if let Err(refusal) = may_replace(&args.out) {
        eprintln!("error: {refusal:#}");
        return Ok(Exit::Usage);
    }
    let parent = match args.out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    let made = tempfile::Builder::new()
        .prefix(".render-")
        .tempdir_in(parent)
        .with_context(|| format!("cannot write in {}", parent.display()))?;
    let fresh = made.path().join("pictures");
    let jobs = jobs(args, &fresh);
    for job in &jobs {
        for path in [Some(&job.picture), job.mask.as_ref()].into_iter().flatten() {
            let folder = path.parent().unwrap_or(&fresh);
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
    }
    jobs.par_iter().try_for_each(|job| draw(args.seed, job))?;
    std::fs::create_dir_all(&fresh)?;
    let mark = format!(
        "# Made by edge-runtime render, which may replace this folder.\nseed = {}\ngood = {}\ntest_good = {}\ndefects = {}\n",
        args.seed, args.good, args.test_good, args.defects
    );
    std::fs::write(fresh.join(MARK), mark).with_context(|| format!("cannot write {MARK}"))?;
    if args.out.exists() {
        // The old pictures go with the temporary folder, after the new ones stand in their place.
        let old = fresh.with_extension("old");
        std::fs::rename(&args.out, &old).with_context(|| format!("cannot replace {}", args.out.display()))?;
    }
    std::fs::rename(&fresh, &args.out).with_context(|| format!("cannot write {}", args.out.display()))?;
    eprintln!("{} pictures in {}", jobs.len(), args.out.display());
    Ok(Exit::Done)
}

fn may_replace(out: &Path) -> Result<()> {
    let mut entries = match std::fs::read_dir(out) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(error).with_context(|| format!("--out {}: not a folder that can be read", out.display()));
        }
        Ok(entries) => entries,
    };
    if entries.next().is_none() || out.join(MARK).is_file() {
        return Ok(());
    }
    bail!("--out {}: the folder holds files that this command did not make; name a new or an empty one", out.display())
}

fn jobs(args: &Args, root: &Path) -> Vec<Job> {
    let good = |purpose, count, folder: &'static str| {
        (0..count).map(move |index| Job {
            purpose,
            index,
            kind: None,
            picture: root.join(folder).join(format!("{index:04}.png")),
            mask: None,
        })
    };
    let defective = (0..args.defects).map(|index| {
        let kind = Kind::ALL[index as usize % Kind::ALL.len()];
        let stem = format!("{:04}", index as usize / Kind::ALL.len());
        Job {
            purpose: Purpose::TestDefect,
            index,
            kind: Some(kind),
            picture: root.join("test").join(kind.name()).join(format!("{stem}.png")),
            mask: Some(root.join("ground_truth").join(kind.name()).join(format!("{stem}_mask.png"))),
        }
    });
    good(Purpose::Train, args.good, "train/good")
        .chain(good(Purpose::TestGood, args.test_good, "test/good"))
        .chain(defective)
        .collect()
}

fn draw(seed: u64, job: &Job) -> Result<()> {
    let drawn = product::draw(seed, job.purpose, job.index, job.kind);
    let seen = camera::seen(&camera::to_yuyv(&drawn.rgb, FRAME_SIDE), FRAME_SIDE)
        .with_context(|| format!("cannot convert {}", job.picture.display()))?;
    save(&job.picture, &seen, ExtendedColorType::Rgb8)?;
    job.mask.as_ref().map_or(Ok(()), |path| save(path, &drawn.mask, ExtendedColorType::L8))
}

fn save(path: &Path, pixels: &[u8], colour: ExtendedColorType) -> Result<()> {
    let side = FRAME_SIDE as u32;
    image::save_buffer_with_format(path, pixels, side, side, colour, ImageFormat::Png)
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(out: &Path) -> Args {
        Args { out: out.to_owned(), good: 2, test_good: 1, defects: 7, seed: 4 }
    }

    #[test]
    fn the_folder_has_the_layout_and_each_defect_its_mask() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("caps");
        assert_eq!(run(&args(&out)).unwrap(), Exit::Done);
        for path in ["train/good/0001.png", "test/good/0000.png", "test/scratch/0001.png", "test/hair/0000.png"] {
            assert!(out.join(path).is_file(), "{path}");
        }
        let mask = image::open(out.join("ground_truth/scratch/0001_mask.png")).unwrap().to_luma8();
        assert!(mask.pixels().any(|p| p.0 == [255]) && mask.pixels().all(|p| matches!(p.0, [0] | [255])));
        assert_eq!(run(&args(&out)).unwrap(), Exit::Done, "its own folder may be replaced");
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused_and_left_alone() {
        let out = tempfile::tempdir().unwrap();
        std::fs::write(out.path().join("thesis.txt"), "years").unwrap();
        assert_eq!(run(&args(out.path())).unwrap(), Exit::Usage);
        let refusal = may_replace(out.path()).unwrap_err().to_string();
        assert!(refusal.contains("did not make"), "{refusal}");
        assert!(out.path().join("thesis.txt").is_file());
    }
}
