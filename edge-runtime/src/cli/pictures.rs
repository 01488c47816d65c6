//! Picture files for `inspect`: finding, decoding, and writing whole or not at all.
//!
//! Takes paths. Decoding stops at the size of the largest frame, so that a file cannot take memory without bound. Does
//! not judge and does not resize.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use image::{ImageError, ImageReader, Limits, RgbImage};
use shared::limits::MAX_FRAME_SIDE;

/// Deepest folder below the one asked for; also what ends a circle of links.
const MAX_DEPTH: usize = 32;

/// Bytes that decoding one picture may take: the largest frame at eight bytes a pixel.
const MAX_DECODE_BYTES: u64 = (MAX_FRAME_SIDE * MAX_FRAME_SIDE * 8) as u64;

/// A file itself, or every png, jpg, jpeg and bmp below a folder, sorted.
///
/// # Errors
/// A folder that cannot be read, or is deeper than 32 levels.
pub fn below(path: &Path) -> Result<Vec<PathBuf>> {
    let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    collect(path, 0, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    anyhow::ensure!(depth <= MAX_DEPTH, "{} lies more than {MAX_DEPTH} folders deep", folder.display());
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        if path.is_dir() {
            collect(&path, depth + 1, files)?;
        } else if is_picture(&path) && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    matches!(extension.as_deref(), Some("png" | "jpg" | "jpeg" | "bmp"))
}

/// A picture as RGB; its content, not its name, says what format it has.
///
/// # Errors
/// Not readable, not a picture, damaged, or larger than a camera's frame.
pub fn decode(path: &Path) -> Result<RgbImage, ImageError> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_FRAME_SIDE as u32);
    limits.max_image_height = Some(MAX_FRAME_SIDE as u32);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    reader.limits(limits);
    Ok(reader.decode()?.into_rgb8())
}

/// Writes a file that appears under its name whole or not at all; creates its folder.
///
/// # Errors
/// Whatever the file system says, with the path.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole_with(path, |file| Ok(file.write_all(bytes)?))
}

/// The same for what is too large to be held: `write` writes it piece by piece.
///
/// # Errors
/// Whatever `write` says, or the file system, with the path.
pub fn write_whole_with(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = BufWriter::new(builder.tempfile_in(folder)?);
        write(&mut file)?;
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_found_in_order_below_a_folder_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/2.PNG", "a.jpg", "b/1.bmp", "notes.txt", "b/c/3.jpeg", "b/c/png"] {
            write_whole(&folder.path().join(name), b"").unwrap();
        }
        let found = below(folder.path()).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.strip_prefix(folder.path()).unwrap()).collect();
        assert_eq!(names, ["a.jpg", "b/1.bmp", "b/2.PNG", "b/c/3.jpeg"].map(Path::new));
    }

    #[test]
    fn a_damaged_picture_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        write_whole(&path, b"\x89PNG\r\n\x1a\n but no more").unwrap();
        assert!(decode(&path).is_err());
        assert!(decode(&folder.path().join("absent.png")).is_err());
    }
}
