//! Where a line is: chip and offset by name.
//!
//! Takes a name, or chip and offset as `gpiochip0:17`; gives the one line that is meant. Requests nothing.

use std::path::PathBuf;

use gpiocdev::chip::{Chip, chips};
use gpiocdev::line::{Info, Offset};

use super::open::LinesError;

/// A line of a chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The chip's device.
    pub chip: PathBuf,
    /// The line's number on it.
    pub offset: Offset,
}

/// Finds the line `name`, which the configuration has under `key`.
pub fn find(key: &'static str, name: &str) -> Result<Place, LinesError> {
    let all = chips().map_err(|error| LinesError::NoChips { evidence: error.to_string() })?;
    if all.is_empty() {
        return Err(LinesError::NoChips { evidence: "there is no /dev/gpiochip*".to_owned() });
    }
    if let Some(place) = by_number(&all, name) {
        return Ok(place);
    }
    let (mut found, mut asked) = (Vec::new(), Vec::new());
    for path in all {
        asked.push(path.display().to_string());
        // A chip that cannot be asked may not be this program's; that it has the line shows below.
        let Ok(chip) = Chip::from_path(&path) else { continue };
        let Ok(lines) = chip.line_info_iter() else { continue };
        found.extend(lines.flatten().filter(|line| line.name == name).map(|line| (path.clone(), line)));
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (None, _) => Err(LinesError::NotFound { key, name: name.to_owned(), asked: asked.join(", ") }),
        (Some((one, _)), Some((other, _))) => Err(LinesError::Ambiguous {
            key,
            name: name.to_owned(),
            chips: format!("{} and {}", one.display(), other.display()),
        }),
        (Some((chip, line)), None) if line.used => {
            let holder = holder_of(line);
            Err(LinesError::Busy { key, name: name.to_owned(), chip, holder })
        }
        (Some((chip, line)), None) => Ok(Place { chip, offset: line.offset }),
    }
}

/// Who holds a line; nobody where the chip does not tell.
pub fn holder(place: &Place) -> Option<String> {
    let line = Chip::from_path(&place.chip).and_then(|chip| chip.line_info(place.offset)).ok()?;
    line.used.then(|| holder_of(line))
}

fn holder_of(line: Info) -> String {
    if line.consumer.is_empty() { "the kernel".to_owned() } else { line.consumer }
}

/// The line of a name such as `gpiochip0:17`, if its chip is there.
fn by_number(chips: &[PathBuf], name: &str) -> Option<Place> {
    let (chip, offset) = name.rsplit_once(':')?;
    let offset = offset.parse().ok()?;
    let chip = chips.iter().find(|path| path.file_name().is_some_and(|file| file == chip))?;
    Some(Place { chip: chip.clone(), offset })
}
