//! Files and folders that are on the disk, whole, before anybody may count on their names.
//!
//! Takes paths and bytes. A file is written under a temporary name, brought to the disk, renamed, and its folder is brought to
//! the disk; a kill in between leaves at most a temporary file, known by [`TEMPORARY`].

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// How the names of unfinished files begin.
pub const TEMPORARY: &str = ".new-";

/// Creates a folder and those above it that are not there.
pub fn folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent(path);
    folder(parent)?;
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync(parent),
    }
}

/// Writes files, each whole or not at all, into one folder.
pub fn files(folder: &Path, files: &[(&str, &[u8])]) -> io::Result<()> {
    for (name, bytes) in files {
        file(folder, name, |out| out.write_all(bytes))?;
    }
    sync(folder)
}

/// Writes a file that is too large to be held, whole or not at all.
pub fn stream(folder: &Path, name: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    file(folder, name, write)?;
    sync(folder)
}

/// Removes a file, if it is there, so that it does not come back after a power cut.
pub fn remove(folder: &Path, name: &str) -> io::Result<()> {
    match std::fs::remove_file(folder.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => sync(folder),
    }
}

fn file(folder: &Path, name: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY).permissions(std::fs::Permissions::from_mode(0o666));
    let mut file = BufWriter::new(builder.tempfile_in(folder)?);
    write(&mut file)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name)).map_err(|error| error.error)?;
    Ok(())
}

/// Brings a folder's list of names to the disk.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_down_to_the_last_and_files_appear_whole() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b/c");
        folder(&deep).unwrap();
        folder(&deep).unwrap();
        files(&deep, &[("one", b"1"), ("two", b"22")]).unwrap();
        files(&deep, &[("two", b"other")]).unwrap();
        let mut names: Vec<_> = std::fs::read_dir(&deep).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["one", "two"]);
        assert_eq!(std::fs::read(deep.join("two")).unwrap(), b"other");
        assert!(folder(&deep.join("one")).is_err(), "a file stands in the way");
    }
}
