//! Which files a folder offers: good parts to learn from, and parts to test on if there are any.
//!
//! Two layouts: MVTec AD's (`train/good`, `test/good`, `test/<defect>`, `ground_truth/<defect>/<stem>_mask.png`), or a flat
//! folder of good pictures. Lists in the order of names; opens no picture.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Endings of the picture files that can be read.
pub const ENDINGS: [&str; 4] = ["png", "jpg", "jpeg", "bmp"];

/// Name of the folder of good parts in MVTec's layout.
pub const GOOD: &str = "good";

/// One picture to test on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestFile {
    /// The picture.
    pub path: PathBuf,
    /// Name of its folder: `good`, or the kind of defect.
    pub kind: String,
    /// Where the defect is, if somebody drew it. Good parts have none.
    pub mask: Option<PathBuf>,
}

impl TestFile {
    /// Whether the part is defective.
    pub fn defective(&self) -> bool {
        self.kind != GOOD
    }
}

/// The files of one product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The folder.
    pub root: PathBuf,
    /// Pictures of good parts, to learn from.
    pub good: Vec<PathBuf>,
    /// Pictures to test on; empty for a flat folder.
    pub test: Vec<TestFile>,
}

/// Why a folder is no data set.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// A folder cannot be listed.
    #[error("cannot list the folder {}: {source}", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is nothing to learn from.
    #[error(
        "no pictures of good parts in {}: put PNG, JPEG or BMP files there, or into its sub-folder train/good",
        path.display()
    )]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

impl Dataset {
    /// Lists the files below `root`.
    ///
    /// # Errors
    /// [`DatasetError`] when a folder cannot be listed or there is no picture of a good part.
    pub fn list(root: &Path) -> Result<Self, DatasetError> {
        let train = root.join("train").join(GOOD);
        let layout = train.is_dir();
        let good = pictures(if layout { &train } else { root })?;
        if good.is_empty() {
            return Err(DatasetError::Empty { path: root.to_owned() });
        }
        let test = if layout { test_files(root)? } else { Vec::new() };
        Ok(Self { root: root.to_owned(), good, test })
    }

    /// The file's name below the root, with forward slashes: how reports and JSON name it.
    pub fn name(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
    }
}

fn test_files(root: &Path) -> Result<Vec<TestFile>, DatasetError> {
    let folder = root.join("test");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in entries(&folder)?.into_iter().filter(|entry| entry.is_dir()) {
        let kind = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let masks = root.join("ground_truth").join(&kind);
        for path in pictures(&entry)? {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let mask = masks.join(format!("{stem}_mask.png"));
            let mask = (kind != GOOD && mask.is_file()).then_some(mask);
            files.push(TestFile { path, kind: kind.clone(), mask });
        }
    }
    Ok(files)
}

/// The picture files directly in `folder`, in the order of names.
pub fn pictures(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let picture = |path: &PathBuf| {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        ENDINGS.contains(&ending.as_str()) && path.is_file()
    };
    Ok(entries(folder)?.into_iter().filter(picture).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let refuse = |source| DatasetError::List { path: folder.to_owned(), source };
    let mut paths = std::fs::read_dir(folder)
        .and_then(|list| list.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>())
        .map_err(refuse)?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(root: &Path, names: &[&str]) {
        for name in names {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
    }

    #[test]
    fn mvtec_layout_gives_kinds_and_masks() {
        let root = tempfile::tempdir().unwrap();
        touch(
            root.path(),
            &[
                "train/good/b.PNG",
                "train/good/a.jpg",
                "train/good/notes.txt",
                "test/good/0.png",
                "test/scratch/0.png",
                "test/scratch/1.png",
                "ground_truth/scratch/0_mask.png",
            ],
        );
        let set = Dataset::list(root.path()).unwrap();
        assert_eq!(
            set.good.iter().map(|path| set.name(path)).collect::<Vec<_>>(),
            ["train/good/a.jpg", "train/good/b.PNG"]
        );
        let test: Vec<_> =
            set.test.iter().map(|file| (set.name(&file.path), file.defective(), file.mask.is_some())).collect();
        assert_eq!(
            test,
            [
                ("test/good/0.png".to_owned(), false, false),
                ("test/scratch/0.png".to_owned(), true, true),
                ("test/scratch/1.png".to_owned(), true, false),
            ]
        );
    }

    #[test]
    fn a_flat_folder_is_all_good() {
        let root = tempfile::tempdir().unwrap();
        touch(root.path(), &["2.bmp", "1.jpeg"]);
        let set = Dataset::list(root.path()).unwrap();
        assert_eq!((set.good.len(), set.test.len()), (2, 0));
    }

    #[test]
    fn a_folder_without_pictures_says_what_to_put_there() {
        let root = tempfile::tempdir().unwrap();
        let message = Dataset::list(root.path()).unwrap_err().to_string();
        assert!(message.contains("train/good"), "{message}");
        assert!(matches!(Dataset::list(&root.path().join("absent")), Err(DatasetError::List { .. })));
    }
}
