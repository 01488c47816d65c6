//! Devices that are known by the name of their node alone: I2C buses, SPI devices, framebuffers.
//!
//! Looks at names and permissions; opens nothing, since some devices answer to being opened.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::words::{in_group, line};

/// A kind of device that is known by the name of its node alone.
pub(super) struct Kind {
    heading: &'static str,
    prefix: &'static str,
    /// Where the kernel keeps names for them, if it does, and the file that holds one.
    names: Option<(&'static str, &'static str)>,
    none: &'static str,
    group: &'static str,
}

/// The kinds that are listed.
pub(super) const KINDS: [Kind; 3] = [
    Kind {
        heading: "I2C BUSES",
        prefix: "i2c-",
        names: Some(("/sys/class/i2c-dev", "name")),
        none: "no /dev/i2c-*: switch I2C on in the board's configuration and load the module i2c-dev",
        group: "i2c",
    },
    Kind {
        heading: "SPI DEVICES",
        prefix: "spidev",
        names: None,
        none: "no /dev/spidev*: switch SPI on in the board's configuration",
        group: "spi",
    },
    Kind {
        heading: "FRAMEBUFFERS",
        prefix: "fb",
        names: Some(("/sys/class/graphics", "name")),
        none: "no /dev/fb*: no display is attached, or its driver offers no framebuffer",
        group: "video",
    },
];

/// A device node with the kernel's name for it, and whether it can be opened for reading and writing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NodeFound {
    path: PathBuf,
    name: Option<String>,
    permitted: bool,
}

/// The devices of a kind in a folder, in the order of their numbers.
pub(super) fn find(folder: &Path, kind: &Kind) -> Vec<NodeFound> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let numbered = |name: &str| {
        let rest = name.strip_prefix(kind.prefix)?;
        rest.starts_with(|letter: char| letter.is_ascii_digit()).then_some(())
    };
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| numbered(name).is_some());
    // A shorter number is a smaller one.
    names.sort_by_key(|name| (name.len(), name.clone()));
    names
        .into_iter()
        .map(|node| {
            let path = folder.join(&node);
            let name = kind
                .names
                .and_then(|(class, file)| std::fs::read_to_string(Path::new(class).join(&node).join(file)).ok());
            let permitted = access(&path, Access::READ_OK | Access::WRITE_OK).is_ok();
            NodeFound { path, name: name.map(|name| name.trim().to_owned()), permitted }
        })
        .collect()
}

/// The table of one kind.
pub(super) fn table(kind: &Kind, found: &[NodeFound]) -> String {
    let mut out = format!("{}\n", kind.heading);
    if found.is_empty() {
        line(&mut out, format_args!("  none: {}", kind.none));
    }
    for NodeFound { path, name, permitted } in found {
        let name = name.as_ref().map_or_else(String::new, |name| format!("  {name}"));
        let denied = if *permitted { String::new() } else { format!("  cannot be opened; {}", in_group(kind.group)) };
        line(&mut out, format_args!("  {}{name}{denied}", path.display()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_a_kind_come_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["i2c-10", "i2c-2", "i2c-", "i2c-stub", "spidev0.1", "spidev0.0"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names = |kind| -> Vec<_> {
            find(folder.path(), kind).iter().map(|node| node.path.file_name().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&KINDS[0]), ["i2c-2", "i2c-10"]);
        assert_eq!(names(&KINDS[1]), ["spidev0.0", "spidev0.1"]);
        assert_eq!(names(&KINDS[2]).len(), 0);
    }

    #[test]
    fn each_kind_says_what_to_check() {
        for kind in &KINDS {
            assert!(table(kind, &[]).contains("none: no /dev/"), "{}", kind.heading);
        }
        let node = NodeFound { path: "/dev/i2c-1".into(), name: Some("bcm2835".into()), permitted: false };
        let says = "  /dev/i2c-1  bcm2835  cannot be opened; the station's user must be in the group i2c\n";
        assert_eq!(table(&KINDS[0], &[node]), format!("I2C BUSES\n{says}"));
    }
}
