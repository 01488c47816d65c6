//! Files that appear under their name whole or not at all.
//!
//! Takes bytes and a path; writes beside the path and renames, so that neither a crash nor a full disk leaves half a
//! file. Creates the folder if it is absent.

use std::fs::Permissions;
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Who may read the file, before the process's umask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever the umask lets.
    Public,
    /// The owner alone: mode 0600.
    Owner,
}

/// What happens to a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced.
    Replace,
    /// It stays, and writing fails with `AlreadyExists`.
    Keep,
}

/// Writes `bytes` to `path`.
///
/// # Errors
/// Whatever the file system says; the old file, if any, is then untouched.
pub fn write_whole(path: &Path, bytes: &[u8], access: Access, existing: Existing) -> Result<(), Error> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if path.file_name().is_none() {
        return Err(Error::new(ErrorKind::InvalidInput, "the path names no file"));
    }
    std::fs::create_dir_all(folder)?;
    let mode = match access {
        Access::Public => 0o666,
        Access::Owner => 0o600,
    };
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(mode)).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    match existing {
        Existing::Replace => file.persist(path),
        Existing::Keep => file.persist_noclobber(path),
    }
    .map(drop)
    .map_err(|error| error.error)
}
