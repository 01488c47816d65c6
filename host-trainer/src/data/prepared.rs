//! One product's pictures, loaded and split, with the facts that go into manifest and report.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use shared::limits::MAX_GOOD_SCORES;
use shared::preprocess::Preprocess;
use thiserror::Error;

use super::dataset::{Dataset, DatasetError};
use super::groups::{GroupError, Grouping};
use super::load::{Loaded, Loader, Skipped};
use super::picture::{Mask, Picture};
use super::split::{SplitError, hold_out};

/// At most this share of the good pictures may be unreadable: beyond it the folder is not what it is taken for.
pub const LARGEST_SKIPPED_SHARE: f64 = 0.2;

/// A picture with the name that reports give it.
#[derive(Clone, Debug)]
pub struct Named {
    /// File name below the data folder.
    pub name: String,
    /// Number of the part that it shows; pictures of one part share it.
    pub part: usize,
    /// The picture.
    pub picture: Picture,
}

/// A picture to test on.
#[derive(Clone, Debug)]
pub struct TestPicture {
    /// File name below the data folder.
    pub name: String,
    /// `good`, or the kind of defect.
    pub kind: String,
    /// Whether the part is defective.
    pub defective: bool,
    /// The picture.
    pub picture: Picture,
    /// Where the defect is; empty for a good part, `None` for a defective one that nobody drew.
    pub mask: Option<Mask>,
}

/// Which good pictures are learnt from.
#[derive(Clone, Debug)]
pub enum Use {
    /// Some are learnt from and enough are held out for this false-reject rate, chosen by the seed.
    Learn {
        /// Target false-reject rate, within 0..1.
        target: f64,
        /// Chooses the split.
        seed: u64,
        /// Which pictures show one part.
        same_part: Grouping,
    },
    /// None: all of them, up to as many as a manifest holds, serve the threshold of a network trained elsewhere.
    HoldOutAll,
}

/// The pictures of one product.
#[derive(Debug)]
pub struct Prepared {
    /// Name of the data folder, which becomes the product's name.
    pub product: String,
    /// Good parts to learn from.
    pub learn: Vec<Picture>,
    /// Their files, in the same order.
    pub learn_files: Vec<PathBuf>,
    /// Good parts for the threshold.
    pub held_out: Vec<Named>,
    /// Parts to test on; empty for a flat folder.
    pub test: Vec<TestPicture>,
    /// Files that could not be read.
    pub skipped: Vec<Skipped>,
    /// Width and height that most good pictures have in their files.
    pub frame_size: (usize, usize),
    /// SHA-256 over the names and bytes of the good pictures that were read, in order.
    pub sha256: [u8; 32],
}

/// Why there is nothing to work with.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// The folder cannot be listed or is empty.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// It is not known which pictures show one part.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// Too few good parts for the target.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Too many unreadable files.
    #[error("{skipped} of {all} pictures of good parts cannot be read, the first is {first}")]
    Unreadable {
        /// How many.
        skipped: usize,
        /// Of how many.
        all: usize,
        /// The first one and why.
        first: String,
    },
}

impl Prepared {
    /// Lists, loads and splits the pictures below `root`.
    ///
    /// # Errors
    /// [`PrepareError`].
    pub fn load(root: &Path, steps: Preprocess, how: Use) -> Result<Self, PrepareError> {
        let dataset = Dataset::list(root)?;
        let loader = Loader::new(steps);
        let (good, mut skipped) = loader.pictures(&dataset.good);
        if skipped.len() as f64 > LARGEST_SKIPPED_SHARE * dataset.good.len() as f64 {
            let first = format!("{}: {}", skipped[0].path.display(), skipped[0].why);
            return Err(PrepareError::Unreadable { skipped: skipped.len(), all: dataset.good.len(), first });
        }
        let names: Vec<String> = good.iter().map(|loaded| dataset.name(&dataset.good[loaded.index])).collect();
        let (parts, (learn, held_out)) = match how {
            Use::Learn { target, seed, same_part } => {
                let parts = same_part.parts(root, &names)?;
                let split = hold_out(&parts, target, seed)?;
                (parts, split)
            }
            Use::HoldOutAll => {
                let held_out = (0..good.len().min(MAX_GOOD_SCORES)).collect();
                (Grouping::File.parts(root, &names)?, (Vec::new(), held_out))
            }
        };
        let frame_size = most_frequent(good.iter().map(|loaded| loaded.size));
        let sha256 = digest(&dataset, good.iter().map(|loaded| loaded.index));
        let named = |at: usize| Named { name: names[at].clone(), part: parts[at], picture: good[at].picture.clone() };
        let held_out = held_out.into_iter().map(named).collect();
        let learn_files = learn.iter().map(|&at| dataset.good[good[at].index].clone()).collect();
        let learn = learn.into_iter().map(|at| good[at].picture.clone()).collect();
        let test = test_pictures(&dataset, &loader, &mut skipped);
        let folder = root.canonicalize().ok();
        let name = folder.as_deref().unwrap_or(root).file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { product: name, learn, learn_files, held_out, test, skipped, frame_size, sha256 })
    }
}

fn test_pictures(dataset: &Dataset, loader: &Loader, skipped: &mut Vec<Skipped>) -> Vec<TestPicture> {
    let paths: Vec<_> = dataset.test.iter().map(|file| file.path.clone()).collect();
    let (pictures, unreadable) = loader.pictures(&paths);
    skipped.extend(unreadable);
    let mut test = Vec::with_capacity(pictures.len());
    for Loaded { index, picture, .. } in pictures {
        let file = &dataset.test[index];
        let mask = match &file.mask {
            None if file.defective() => None,
            None => Some(Mask::empty(picture.width, picture.height)),
            Some(path) => match loader.mask(path, &file.path) {
                Ok(mask) => Some(mask),
                Err(why) => {
                    skipped.push(Skipped { path: path.clone(), why });
                    None
                }
            },
        };
        let (name, kind) = (dataset.name(&file.path), file.kind.clone());
        test.push(TestPicture { name, kind, defective: file.defective(), picture, mask });
    }
    test
}

fn most_frequent(sizes: impl Iterator<Item = (usize, usize)>) -> (usize, usize) {
    let mut counts = BTreeMap::new();
    sizes.for_each(|size| *counts.entry(size).or_insert(0usize) += 1);
    counts.into_iter().max_by_key(|&(_, count)| count).map(|(size, _)| size).unwrap_or_default()
}

fn digest(dataset: &Dataset, indices: impl Iterator<Item = usize>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for path in indices.map(|index| &dataset.good[index]) {
        hash.update(dataset.name(path));
        hash.update([0]);
        // The picture was read a moment ago; if it is gone now, its name alone still tells the sets apart.
        hash.update(std::fs::read(path).unwrap_or_default());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(good: u32, broken: u32) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let train = root.path().join("train/good");
        std::fs::create_dir_all(&train).unwrap();
        for at in 0..good {
            let colour = image::Rgb([at as u8, 0, 0]);
            image::RgbImage::from_pixel(64, 48, colour).save(train.join(format!("{at:03}.png"))).unwrap();
        }
        (0..broken).for_each(|at| std::fs::write(train.join(format!("x{at}.png")), b"broken").unwrap());
        root
    }

    fn load(root: &tempfile::TempDir) -> Result<Prepared, PrepareError> {
        let steps = Preprocess::new(None, 32, 32).unwrap();
        Prepared::load(root.path(), steps, Use::Learn { target: 0.2, seed: 5, same_part: Grouping::File })
    }

    #[test]
    fn a_few_broken_files_are_left_out_and_many_are_refused() {
        let prepared = load(&folder(20, 2)).unwrap();
        assert_eq!((prepared.learn.len(), prepared.held_out.len(), prepared.skipped.len()), (16, 4, 2));
        assert_eq!(prepared.frame_size, (64, 48));
        let message = load(&folder(20, 6)).unwrap_err().to_string();
        assert!(message.contains("6 of 26") && message.contains("x0.png"), "{message}");
    }

    #[test]
    fn held_out_parts_are_not_learnt_from() {
        let prepared = load(&folder(20, 0)).unwrap();
        assert!(prepared.held_out.iter().all(|held| !prepared.learn.contains(&held.picture)));
    }
}
