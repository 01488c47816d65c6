//! Which cameras there are.
//!
//! Reads `/dev` and asks each node what it can do; starts and changes nothing.

use std::io;
use std::path::{Path, PathBuf};

use crate::abilities::{controls, formats};
use crate::error::{VideoError, refused};
use crate::info::CameraInfo;
use crate::node::Node;

/// What was found.
#[derive(Debug, Default)]
pub struct Survey {
    /// Nodes that capture, in the order of their numbers.
    pub cameras: Vec<CameraInfo>,
    /// Nodes that could not be asked, and why.
    pub refused: Vec<VideoError>,
}

/// The cameras that there are.
#[must_use]
pub fn list() -> Vec<CameraInfo> {
    survey().cameras
}

/// As [`list`], with the nodes that could not be asked.
#[must_use]
pub fn survey() -> Survey {
    let mut found = Survey::default();
    for path in nodes(Path::new("/dev")) {
        match describe(&path) {
            Ok(Some(camera)) => found.cameras.push(camera),
            Ok(None) => {}
            Err(error) => found.refused.push(error),
        }
    }
    found
}

/// The nodes `video0`, `video1` and so on of a folder, in the order of their numbers.
fn nodes(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let number = |name: &str| name.strip_prefix("video")?.parse::<u32>().ok();
    let mut numbered: Vec<_> =
        entries.filter_map(|entry| Some((number(entry.file_name().to_str()?)?, entry.path()))).collect();
    numbered.sort();
    numbered.into_iter().map(|(_, path)| path).collect()
}

/// Links in the folders of stable names that lead to a node.
fn links(node: &Path) -> Vec<PathBuf> {
    let mut links = Vec::new();
    for folder in ["/dev/v4l/by-path", "/dev/v4l/by-id"] {
        let mut here: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
        here.retain(|link| link.canonicalize().is_ok_and(|target| target == node));
        here.sort();
        links.append(&mut here);
    }
    links
}

fn describe(path: &Path) -> Result<Option<CameraInfo>, VideoError> {
    let node = Node::open(path).map_err(|source| VideoError::Open { device: path.to_owned(), source })?;
    let asked = || -> io::Result<Option<CameraInfo>> {
        let about = node.capability()?;
        if !about.captures() && !about.only_multi_planar() {
            return Ok(None);
        }
        Ok(Some(CameraInfo {
            node: path.to_owned(),
            links: links(path),
            multi_planar: about.only_multi_planar(),
            card: about.card,
            driver: about.driver,
            bus: about.bus,
            formats: formats(&node)?,
            controls: controls(&node)?,
        }))
    };
    asked().map_err(|source| refused(path, "asking what it can do", source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_come_in_the_order_of_their_numbers_and_nothing_else_comes() {
        let folder = std::env::temp_dir().join(format!("edge-video-nodes-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["video10", "video2", "videos", "video", "video-dec0", "v4l"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        let found: Vec<_> = nodes(&folder).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, ["video2", "video10"]);
    }
}
