//! The disk of the records: whether they can be written there, how much room there is, and whether they stay.

use std::path::Path;

use rustix::fs::{Access, access};

use super::row::Row;
use crate::cli::exit::Exit;
use crate::config::Audit;
use crate::health::readings::Room;

/// Looks at the folder, or at the one that it would be made in. Leaves nothing behind.
pub(super) fn check(audit: &Audit) -> Vec<Row> {
    let folder = audit.dir();
    let Some(there) = folder.ancestors().find(|folder| folder.is_dir()) else {
        let finding = format!("{}: nothing of this path is there", folder.display());
        return vec![Row::fail("audit folder", finding, "correct audit.dir", Exit::Engine)];
    };
    let mut rows = vec![writable(folder, there)];
    rows.extend(Room::of(there).map(|room| room_of(there, room, audit.limits().min_free_bytes)));
    rows
}

fn writable(folder: &Path, there: &Path) -> Row {
    const WHAT: &str = "audit folder";
    let refused = |error: String| {
        let remedy = "make the folder and give it to the station's user; a service also needs ReadWritePaths=";
        Row::fail(WHAT, format!("{} cannot be written: {error}", there.display()), remedy, Exit::Engine)
    };
    if folder != there {
        return match access(there, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Row::ok(WHAT, format!("{} is made at the first start", folder.display())),
            Err(error) => refused(error.to_string()),
        };
    }
    // Only a file that is written proves it: permissions say nothing of a disk that is mounted for reading, or full.
    let written = tempfile::tempfile_in(there).and_then(|mut file| std::io::Write::write_all(&mut file, &[0; 4096]));
    match written {
        Ok(()) => Row::ok(WHAT, format!("{} can be written", there.display())),
        Err(error) => refused(error.to_string()),
    }
}

fn room_of(there: &Path, room: Room, least: u64) -> Row {
    const WHAT: &str = "disk";
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let finding = format!("{} of {} free, {}", gigabytes(room.free_bytes), gigabytes(room.total_bytes), room.kind());
    if room.forgets() {
        let remedy = "records are lost when the board is switched off: take a folder on a disk";
        return Row::look(WHAT, format!("{finding}: {} is in memory", there.display()), remedy);
    }
    if room.free_bytes < least {
        let finding = format!("{finding}; audit.min_free_mb asks for {}", gigabytes(least));
        return Row::look(WHAT, finding, "make room: pictures are not kept, and old ones are deleted");
    }
    Row::ok(WHAT, finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::row::Mark;

    #[test]
    fn a_folder_that_is_there_one_that_is_made_and_one_that_cannot_be() {
        let there = tempfile::tempdir().unwrap();
        assert_eq!(writable(there.path(), there.path()).mark, Mark::Ok);
        let row = writable(&there.path().join("new/audit"), there.path());
        assert!(row.mark == Mark::Ok && row.finding.ends_with("new/audit is made at the first start"), "{row:?}");
        // Nobody, root included, makes files there.
        let row = writable(Path::new("/proc"), Path::new("/proc"));
        assert!(row.mark == Mark::Fail && row.finding.starts_with("/proc cannot be written: "), "{row:?}");
        assert_eq!(std::fs::read_dir(there.path()).unwrap().count(), 0);
    }

    #[test]
    fn too_little_room_is_looked_at() {
        let mut room = Room::of(Path::new("/proc")).unwrap();
        room.free_bytes = 100_000_000;
        assert_eq!(room_of(Path::new("/a"), room, 100_000_000).mark, Mark::Ok);
        let row = room_of(Path::new("/a"), room, 512_000_000);
        assert_eq!(row.mark, Mark::Look);
        assert!(row.finding.ends_with("audit.min_free_mb asks for 0.5 GB"), "{}", row.finding);
    }
}
