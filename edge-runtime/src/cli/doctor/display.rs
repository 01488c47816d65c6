//! Whether the display's device is there and may be opened. Opens none: some controllers answer to being opened.

use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::row::Row;
use crate::config::DisplaySettings;

const WHAT: &str = "display";

/// Looks at the device of the configured display. The line runs without it, so that nothing here fails.
pub(super) fn check(display: Option<&DisplaySettings>) -> Row {
    match display {
        None => Row::ok(WHAT, "none configured"),
        Some(DisplaySettings::Ssd1306(settings)) => node(settings.device(), "i2c", "switch I2C on and load i2c-dev"),
        Some(DisplaySettings::St7789(settings)) => {
            node(settings.device(), "spi", "switch SPI on in the board's configuration")
        }
        Some(DisplaySettings::Framebuffer { device }) => {
            node(device, "video", "plug the screen in before the board starts")
        }
    }
}

fn node(device: &Path, group: &str, absent: &str) -> Row {
    match access(device, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) => Row::ok(WHAT, format!("{} can be opened", device.display())),
        Err(Errno::NOENT) => Row::look(WHAT, format!("{} is not there", device.display()), absent),
        Err(error) => {
            let remedy = format!("the station's user must be in the group {group}");
            Row::look(WHAT, format!("{} cannot be opened: {error}", device.display()), remedy)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::row::Mark;

    #[test]
    fn a_device_is_there_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("fb0");
        assert_eq!(node(&device, "video", "plug it in").remedy.as_deref(), Some("plug it in"));
        std::fs::write(&device, "").unwrap();
        let settings = DisplaySettings::Framebuffer { device };
        assert_eq!(check(Some(&settings)).mark, Mark::Ok);
        assert_eq!(check(None).finding, "none configured");
    }
}
