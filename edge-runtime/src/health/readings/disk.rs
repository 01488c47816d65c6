//! Room on a disk, and what kind of disk it is.
//!
//! Takes a folder; asks the kernel. It writes nothing.

use std::path::Path;

/// How much room a file system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that a user without rights may still write.
    pub free_bytes: u64,
    /// All of it.
    pub total_bytes: u64,
    /// The kernel's number for the kind of file system.
    pub(super) kind: u64,
}

/// The kernel's numbers of file systems that forget everything when the board is switched off.
const IN_MEMORY: [(u64, &str); 2] = [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs")];
/// And of others that stations have.
const KNOWN: [(u64, &str); 6] = [
    (0xef53, "ext4"),
    (0x9123_683e, "btrfs"),
    (0x5846_5342, "xfs"),
    (0xf2f5_2010, "f2fs"),
    (0x794c_7630, "overlay"),
    (0x6969, "NFS"),
];

impl Room {
    /// Of the disk that a folder is on. `None` when it cannot be told.
    #[must_use]
    pub fn of(folder: &Path) -> Option<Self> {
        let disk = rustix::fs::statvfs(folder).ok()?;
        // Its type differs from one processor to the other.
        let kind = rustix::fs::statfs(folder).map_or(0, |of| of.f_type as u64 & 0xffff_ffff);
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Some(Self { free_bytes: bytes(disk.f_bavail), total_bytes: bytes(disk.f_blocks), kind })
    }

    /// Whether what is written is lost when the board is switched off.
    #[must_use]
    pub fn forgets(&self) -> bool {
        IN_MEMORY.iter().any(|(kind, _)| *kind == self.kind)
    }

    /// The file system's name; its number where that has none here.
    #[must_use]
    pub fn kind(&self) -> String {
        let mut names = IN_MEMORY.iter().chain(&KNOWN);
        names
            .find(|(kind, _)| *kind == self.kind)
            .map_or_else(|| format!("kind 0x{:x}", self.kind), |(_, name)| (*name).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_room_and_one_that_is_not_there_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::of(folder.path()).unwrap();
        assert!(room.free_bytes <= room.total_bytes && room.total_bytes > 0);
        assert_eq!(Room::of(&folder.path().join("absent")), None);
    }

    #[test]
    fn kinds_have_names_and_those_in_memory_forget() {
        let of = |kind| Room { free_bytes: 1, total_bytes: 1, kind };
        assert_eq!((of(0x0102_1994).kind().as_str(), of(0x0102_1994).forgets()), ("tmpfs", true));
        assert_eq!((of(0xef53).kind().as_str(), of(0xef53).forgets()), ("ext4", false));
        assert_eq!((of(0xabc).kind().as_str(), of(0xabc).forgets()), ("kind 0xabc", false));
    }
}
