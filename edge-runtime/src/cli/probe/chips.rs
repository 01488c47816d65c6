//! GPIO chips with their named lines.
//!
//! Asks each chip; requests no line. Lines without a name cannot be used in a configuration, and are only counted.

use std::path::{Path, PathBuf};

use gpiocdev::chip::Chip;

use super::words::{in_group, line};

/// A GPIO chip, or why it could not be asked.
pub(super) struct ChipFound {
    path: PathBuf,
    about: Result<ChipAbout, String>,
}

struct ChipAbout {
    label: String,
    lines: u32,
    /// Number, name, and who holds it.
    named: Vec<(u32, String, Option<String>)>,
}

/// Every GPIO chip of this machine.
pub(super) fn find() -> Vec<ChipFound> {
    let paths = gpiocdev::chip::chips().unwrap_or_default();
    paths.into_iter().map(|path| ChipFound { about: about(&path).map_err(|error| error.to_string()), path }).collect()
}

fn about(path: &Path) -> gpiocdev::Result<ChipAbout> {
    let chip = Chip::from_path(path)?;
    let info = chip.info()?;
    let mut named = Vec::new();
    for line in chip.line_info_iter()? {
        let line = line?;
        if !line.name.is_empty() {
            let holder = if line.consumer.is_empty() { "the kernel".to_owned() } else { line.consumer };
            named.push((line.offset, line.name, line.used.then_some(holder)));
        }
    }
    Ok(ChipAbout { label: info.label, lines: info.num_lines, named })
}

/// A chip as seen from outside this room.
#[derive(Debug)]
pub(in crate::cli) struct ChipSeen {
    pub path: PathBuf,
    /// Lines with a name.
    pub named: usize,
    /// Why it could not be asked.
    pub refusal: Option<String>,
}

/// Every GPIO chip, in short.
pub(in crate::cli) fn chips() -> Vec<ChipSeen> {
    let seen = |ChipFound { path, about }| match about {
        Ok(about) => ChipSeen { path, named: about.named.len(), refusal: None },
        Err(refusal) => ChipSeen { path, named: 0, refusal: Some(refusal) },
    };
    find().into_iter().map(seen).collect()
}

/// The table of chips.
pub(super) fn table(found: &[ChipFound]) -> String {
    let mut out = String::from("GPIO CHIPS\n");
    if found.is_empty() {
        out += "  none: no /dev/gpiochip*. The kernel must have its GPIO character device.\n";
    }
    for ChipFound { path, about } in found {
        match about {
            Err(error) => line(&mut out, format_args!("  {}  {error}; {}", path.display(), in_group("gpio"))),
            Ok(ChipAbout { label, lines, named }) => {
                line(&mut out, format_args!("  {}  {label}, {lines} lines, {} named", path.display(), named.len()));
                for (number, name, holder) in named {
                    let used = holder.as_ref().map_or_else(String::new, |holder| format!("  in use by {holder}"));
                    line(&mut out, format_args!("    line     {name}  ({number}){used}"));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_with_their_names_and_who_holds_them() {
        let named = vec![(0, "TRIGGER".into(), None), (5, "GATE".into(), Some("relay".into()))];
        let about = Ok(ChipAbout { label: "pinctrl-bcm2711".into(), lines: 58, named });
        let denied = ChipFound { path: "/dev/gpiochip1".into(), about: Err("Permission denied".into()) };
        let expected = "\
GPIO CHIPS
  /dev/gpiochip0  pinctrl-bcm2711, 58 lines, 2 named
    line     TRIGGER  (0)
    line     GATE  (5)  in use by relay
  /dev/gpiochip1  Permission denied; the station's user must be in the group gpio
";
        assert_eq!(table(&[ChipFound { path: "/dev/gpiochip0".into(), about }, denied]), expected);
        assert!(table(&[]).contains("none: no /dev/gpiochip*"));
    }
}
