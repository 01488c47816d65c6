//! Why a camera cannot be used.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::control::ControlError;

/// What a camera or its driver refused, or that it has gone.
#[derive(Debug, Error)]
pub enum VideoError {
    /// The node cannot be opened.
    #[error("{}: cannot be opened: {source}{}", device.display(), advice(source))]
    Open {
        /// The node or link.
        device: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The node belongs to something that takes no pictures.
    #[error("{}: {card} captures no pictures; `probe` lists the nodes that do", device.display())]
    NotACamera {
        /// The node.
        device: PathBuf,
        /// What calls itself so.
        card: String,
    },
    /// The device offers nothing but V4L2's multi-planar interface.
    #[error(
        "{}: {card} (driver {driver}) offers nothing but V4L2's multi-planar interface, which is not supported: take a USB \
         camera, or one whose driver offers single-planar capture", device.display()
    )]
    MultiPlanar {
        /// The node.
        device: PathBuf,
        /// The camera's name.
        card: String,
        /// Its driver.
        driver: String,
    },
    /// Another program uses the camera.
    #[error("{}: is in use by another program ({doing})", device.display())]
    Busy {
        /// The node.
        device: PathBuf,
        /// What was refused for it.
        doing: &'static str,
    },
    /// The driver gives other frames than those asked for.
    #[error("{}: asked for {asked}, the driver gives {got}; it has {has}", device.display())]
    Format {
        /// The node.
        device: PathBuf,
        /// Encodings and size that were asked for.
        asked: String,
        /// What the driver made of each.
        got: String,
        /// Encodings with their sizes that the driver lists.
        has: String,
    },
    /// The driver interleaves two half pictures of different moments.
    #[error("{}: gives {got} interlaced: its rows are of two moments, so that moving parts look torn", device.display())]
    Interlaced {
        /// The node.
        device: PathBuf,
        /// Encoding and size.
        got: String,
    },
    /// A control cannot be set as wanted.
    #[error("{}: {source}", device.display())]
    Control {
        /// The node.
        device: PathBuf,
        /// Which, and why not.
        source: ControlError,
    },
    /// The driver does not take a control's value, though it is within the range that it lists.
    #[error("{}: control {name} = {value}: the driver refuses it: {source}", device.display())]
    ControlRefused {
        /// The node.
        device: PathBuf,
        /// The control.
        name: String,
        /// The value.
        value: i64,
        /// What the kernel said.
        source: io::Error,
    },
    /// The driver gives too few buffers, or buffers that cannot be mapped.
    #[error("{}: the driver gives {got} buffers, at least {least} are needed", device.display())]
    Buffers {
        /// The node.
        device: PathBuf,
        /// How many there are.
        got: u32,
        /// How many are needed.
        least: u32,
    },
    /// The driver answered a request with an error.
    #[error("{}: {doing} failed: {source}", device.display())]
    Request {
        /// The node.
        device: PathBuf,
        /// What was asked.
        doing: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The camera has been unplugged, has lost its power, or its driver has given up.
    #[error("{}: the camera has gone ({evidence})", device.display())]
    Gone {
        /// The node or link.
        device: PathBuf,
        /// How that was noticed.
        evidence: String,
    },
}

impl VideoError {
    /// Whether the camera is not there, as opposed to being there and not usable.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        match self {
            Self::Gone { .. } => true,
            Self::Open { source, .. } => source.kind() == io::ErrorKind::NotFound || is_gone(source),
            _ => false,
        }
    }
}

/// Whether an error of the kernel says that the device behind an open node no longer answers.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    use rustix::io::Errno;
    Errno::from_io_error(error).is_some_and(|errno| [Errno::NODEV, Errno::IO, Errno::NXIO].contains(&errno))
}

/// Gives the kernel's errors the words that this room has for them.
pub(crate) fn refused(device: &std::path::Path, doing: &'static str, source: io::Error) -> VideoError {
    let device = device.to_owned();
    if is_gone(&source) {
        VideoError::Gone { device, evidence: format!("{doing}: {source}") }
    } else if source.kind() == io::ErrorKind::ResourceBusy {
        VideoError::Busy { device, doing }
    } else {
        VideoError::Request { device, doing, source }
    }
}

/// As [`refused`] for a control. Kernels answer `EIO` for any value that a USB camera turns down, so that here it is no sign
/// of a camera that has gone; nor is a locked control in use by another program.
pub(crate) fn refused_control(device: &std::path::Path, name: &str, value: i64, source: io::Error) -> VideoError {
    use rustix::io::Errno;
    let (device, name) = (device.to_owned(), name.to_owned());
    match Errno::from_io_error(&source) {
        Some(Errno::NODEV | Errno::NXIO) => {
            VideoError::Gone { device, evidence: format!("setting control {name} = {value}: {source}") }
        }
        _ => VideoError::ControlRefused { device, name, value, source },
    }
}

fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => "; is the camera plugged in? `probe` lists those that are",
        io::ErrorKind::PermissionDenied => "; the station's user must be in the group video",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_become_ours() {
        let of = |errno: rustix::io::Errno| refused("/dev/video0".as_ref(), "starting the stream", errno.into());
        assert!(matches!(of(rustix::io::Errno::NODEV), VideoError::Gone { .. }));
        assert!(matches!(of(rustix::io::Errno::IO), VideoError::Gone { .. }));
        assert!(matches!(of(rustix::io::Errno::BUSY), VideoError::Busy { .. }));
        assert!(matches!(of(rustix::io::Errno::INVAL), VideoError::Request { .. }));
    }

    #[test]
    fn a_refused_control_is_named_and_no_camera_has_gone_for_it() {
        use rustix::io::Errno;
        let of = |errno: Errno| refused_control("/dev/video0".as_ref(), "focus", 30, errno.into());
        for errno in [Errno::IO, Errno::BUSY, Errno::RANGE] {
            let error = of(errno);
            assert!(!error.is_absent(), "{error}");
            assert!(
                error.to_string().starts_with("/dev/video0: control focus = 30: the driver refuses it: "),
                "{error}"
            );
        }
        assert!(of(Errno::NODEV).is_absent());
    }

    #[test]
    fn a_missing_node_says_what_to_check() {
        let missing = crate::node::Node::open("/dev/no-such-camera".as_ref()).map(|_| ()).unwrap_err();
        let error = VideoError::Open { device: "/dev/no-such-camera".into(), source: missing };
        assert!(error.is_absent());
        assert!(error.to_string().contains("is the camera plugged in?"), "{error}");
    }
}
