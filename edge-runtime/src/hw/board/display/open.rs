//! From a checked section of the configuration to the display that it names.

use super::{framebuffer, ssd1306, st7789};
use crate::config::DisplaySettings;
use crate::hw::roles::{HwFault, Panel};

/// Opens a display and initialises it.
///
/// # Errors
/// [`HwFault::Panel`] when the device or a line of it is not there, is not permitted, or does not answer.
pub fn open(settings: &DisplaySettings) -> Result<Box<dyn Panel>, HwFault> {
    Ok(match settings {
        DisplaySettings::Ssd1306(settings) => Box::new(ssd1306::open(settings)?),
        DisplaySettings::St7789(settings) => Box::new(st7789::open(settings)?),
        DisplaySettings::Framebuffer { device } => Box::new(framebuffer::open(device)?),
    })
}
