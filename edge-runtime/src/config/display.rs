//! `[display]`: which display shows the station's state.
//!
//! Takes the section as written; gives settings that the display's driver can use as they are. Whether the device is there is
//! found out when it is opened.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::checker::Checker;
use super::error::ConfigError;

/// The section as written. Each kind has its own keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum RawDisplay {
    None {},
    Ssd1306 {
        /// The I2C bus, such as `/dev/i2c-1`.
        device: PathBuf,
        /// Address on the bus. Modules print it doubled: 0x78 is 0x3c.
        #[serde(default = "default::address")]
        address: u32,
        /// Mounted head down.
        #[serde(default)]
        rotate180: bool,
    },
    St7789 {
        /// The SPI device, such as `/dev/spidev0.0`.
        device: PathBuf,
        /// Line that tells data from commands.
        dc: String,
        /// Line that resets the display, where it is wired.
        reset: Option<String>,
        /// Line that switches its light, where it is wired.
        backlight: Option<String>,
        /// Mounted the other way round.
        #[serde(default)]
        rotate180: bool,
        /// Whether the panel shows bits inverted; `false` where colours look like a negative.
        #[serde(default = "default::inverted")]
        inverted: bool,
        /// Clock of the bus; lower where there are stripes or noise.
        #[serde(default = "default::speed_mhz")]
        speed_mhz: f64,
    },
    Framebuffer {
        /// The node of the screen.
        #[serde(default = "default::framebuffer")]
        device: PathBuf,
    },
}

/// What holds for keys that a file does not have.
mod default {
    use std::path::PathBuf;

    /// What nearly all modules have.
    pub const fn address() -> u32 {
        0x3c
    }

    /// What the IPS panels behind nearly all of these controllers need.
    pub const fn inverted() -> bool {
        true
    }

    /// Safe over a hand's breadth of jumper wires; a whole picture takes 50 ms.
    pub const fn speed_mhz() -> f64 {
        24.0
    }

    /// The first screen.
    pub fn framebuffer() -> PathBuf {
        PathBuf::from("/dev/fb0")
    }
}

/// The display, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisplaySettings {
    /// An OLED display of 128 by 64 pixels on I2C.
    Ssd1306(Ssd1306Settings),
    /// A colour display of 240 by 320 pixels on SPI.
    St7789(St7789Settings),
    /// A screen that the kernel drives.
    Framebuffer {
        /// Its node, such as `/dev/fb0`.
        device: PathBuf,
    },
}

/// Settings of an SSD1306.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssd1306Settings {
    device: PathBuf,
    address: u8,
    rotate180: bool,
}

impl Ssd1306Settings {
    /// The I2C bus, such as `/dev/i2c-1`.
    #[must_use]
    pub fn device(&self) -> &Path {
        &self.device
    }

    /// The address on the bus, 0x3c or 0x3d.
    #[must_use]
    pub const fn address(&self) -> u8 {
        self.address
    }

    /// Whether the display is mounted head down.
    #[must_use]
    pub const fn rotate180(&self) -> bool {
        self.rotate180
    }
}

/// Settings of an ST7789.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct St7789Settings {
    device: PathBuf,
    dc: String,
    reset: Option<String>,
    backlight: Option<String>,
    rotate180: bool,
    inverted: bool,
    speed_hz: u32,
}

impl St7789Settings {
    /// The SPI device, such as `/dev/spidev0.0`.
    #[must_use]
    pub fn device(&self) -> &Path {
        &self.device
    }

    /// Name of the line that tells data (high) from commands (low).
    #[must_use]
    pub fn dc(&self) -> &str {
        &self.dc
    }

    /// Name of the line that resets the display while it is low, if it is wired to one.
    #[must_use]
    pub fn reset(&self) -> Option<&str> {
        self.reset.as_deref()
    }

    /// Name of the line that switches the light on while it is high, if it is wired to one.
    #[must_use]
    pub fn backlight(&self) -> Option<&str> {
        self.backlight.as_deref()
    }

    /// Whether the display is mounted the other way round.
    #[must_use]
    pub const fn rotate180(&self) -> bool {
        self.rotate180
    }

    /// Whether the panel shows bits inverted.
    #[must_use]
    pub const fn inverted(&self) -> bool {
        self.inverted
    }

    /// Clock of the bus.
    #[must_use]
    pub const fn speed_hz(&self) -> u32 {
        self.speed_hz
    }
}

impl DisplaySettings {
    /// `None` where no display is asked for.
    pub(super) fn check(checker: &Checker<'_>, raw: Option<&RawDisplay>) -> Result<Option<Self>, ConfigError> {
        Ok(match raw {
            None | Some(RawDisplay::None {}) => None,
            Some(RawDisplay::Ssd1306 { device, address, rotate180 }) => Some(Self::Ssd1306(Ssd1306Settings {
                device: node(checker, device)?,
                address: i2c_address(checker, *address)?,
                rotate180: *rotate180,
            })),
            Some(RawDisplay::St7789 { device, dc, reset, backlight, rotate180, inverted, speed_mhz }) => {
                let optional = |key, name: &Option<String>| name.as_ref().map(|n| line(checker, key, n)).transpose();
                let settings = St7789Settings {
                    device: node(checker, device)?,
                    dc: line(checker, "display.dc", dc)?,
                    reset: optional("display.reset", reset)?,
                    backlight: optional("display.backlight", backlight)?,
                    rotate180: *rotate180,
                    inverted: *inverted,
                    // The controller takes a bit in 16 ns.
                    speed_hz: (checker.range("display.speed_mhz", *speed_mhz, 1.0, 62.5)? * 1e6) as u32,
                };
                distinct(checker, &settings)?;
                Some(Self::St7789(settings))
            }
            Some(RawDisplay::Framebuffer { device }) => Some(Self::Framebuffer { device: node(checker, device)? }),
        })
    }
}

fn node(checker: &Checker<'_>, device: &Path) -> Result<PathBuf, ConfigError> {
    if device.starts_with("/dev") && device.file_name().is_some_and(|name| name != "dev") {
        return Ok(device.to_owned());
    }
    let got = device.display().to_string();
    Err(checker.value("display.device", &got, "a node below /dev; `edge-runtime probe` lists them"))
}

fn i2c_address(checker: &Checker<'_>, address: u32) -> Result<u8, ConfigError> {
    match address {
        0x3c => Ok(0x3c),
        0x3d => Ok(0x3d),
        other => Err(checker.value(
            "display.address",
            &format!("{other:#04x}"),
            "permitted are 0x3c and 0x3d, which modules print doubled, as 0x78 and 0x7A",
        )),
    }
}

fn line(checker: &Checker<'_>, key: &'static str, name: &str) -> Result<String, ConfigError> {
    if name.trim().is_empty() {
        return Err(checker.value(
            key,
            name,
            "the name of a line, such as \"GPIO25\"; `edge-runtime probe` lists them",
        ));
    }
    Ok(name.to_owned())
}

fn distinct(checker: &Checker<'_>, settings: &St7789Settings) -> Result<(), ConfigError> {
    let (dc, reset, backlight) = (Some(settings.dc()), settings.reset(), settings.backlight());
    let twice = "which has another function at this display already";
    if reset == dc {
        return Err(checker.value("display.reset", settings.dc(), twice));
    }
    if backlight.is_some() && (backlight == dc || backlight == reset) {
        return Err(checker.value("display.backlight", backlight.unwrap_or_default(), twice));
    }
    Ok(())
}

/// Kind and device, for a table.
impl fmt::Display for DisplaySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ssd1306(Ssd1306Settings { device, address, .. }) => {
                write!(f, "SSD1306, {} at {address:#04x}", device.display())
            }
            Self::St7789(St7789Settings { device, speed_hz, .. }) => {
                write!(f, "ST7789, {} at {} MHz", device.display(), f64::from(*speed_hz) / 1e6)
            }
            Self::Framebuffer { device } => write!(f, "framebuffer, {}", device.display()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::Config;
    use super::*;

    const SIM: &str = include_str!("../../config/sim.toml");

    /// What the shipped file gives with these lines as its section.
    fn parse(lines: &str) -> Result<Option<DisplaySettings>, ConfigError> {
        let text = format!("{SIM}\n[display]\n{lines}\n");
        Config::parse(&text, "sim.toml", Path::new("base")).map(|config| config.display().cloned())
    }

    /// Checked settings, for tests of displays.
    pub(crate) fn settings(lines: &str) -> DisplaySettings {
        parse(lines).unwrap().unwrap()
    }

    #[test]
    fn without_a_section_and_with_none_there_is_no_display() {
        assert_eq!(Config::parse(SIM, "sim.toml", Path::new("base")).unwrap().display(), None);
        assert_eq!(parse("kind = \"none\"").unwrap(), None);
    }

    #[test]
    fn each_kind_is_understood_with_few_keys_and_with_all() {
        for (lines, table) in [
            ("kind = \"ssd1306\"\ndevice = \"/dev/i2c-1\"", "SSD1306, /dev/i2c-1 at 0x3c"),
            (
                "kind = \"ssd1306\"\ndevice = \"/dev/i2c-1\"\naddress = 0x3d\nrotate180 = true",
                "SSD1306, /dev/i2c-1 at 0x3d",
            ),
            ("kind = \"st7789\"\ndevice = \"/dev/spidev0.0\"\ndc = \"GPIO25\"", "ST7789, /dev/spidev0.0 at 24 MHz"),
            ("kind = \"framebuffer\"", "framebuffer, /dev/fb0"),
            ("kind = \"framebuffer\"\ndevice = \"/dev/fb1\"", "framebuffer, /dev/fb1"),
        ] {
            assert_eq!(settings(lines).to_string(), table, "{lines}");
        }
        let all = "kind = \"st7789\"\ndevice = \"/dev/spidev0.0\"\ndc = \"GPIO25\"\nreset = \"GPIO27\"\n\
                   backlight = \"GPIO18\"\nrotate180 = true\ninverted = false\nspeed_mhz = 62.5";
        let expected = St7789Settings {
            device: "/dev/spidev0.0".into(),
            dc: "GPIO25".into(),
            reset: Some("GPIO27".into()),
            backlight: Some("GPIO18".into()),
            rotate180: true,
            inverted: false,
            speed_hz: 62_500_000,
        };
        assert_eq!(settings(all), DisplaySettings::St7789(expected));
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        let oled = "kind = \"ssd1306\"\ndevice = \"/dev/i2c-1\"\n";
        let tft = "kind = \"st7789\"\ndevice = \"/dev/spidev0.0\"\ndc = \"GPIO25\"\n";
        for (lines, says) in [
            ("kind = \"vga\"".to_owned(), "`none`, `ssd1306`, `st7789`, `framebuffer`"),
            ("device = \"/dev/fb0\"".to_owned(), "missing field `kind`"),
            ("kind = \"ssd1306\"".to_owned(), "missing field `device`"),
            ("kind = \"none\"\ndevice = \"/dev/fb0\"".to_owned(), "unknown field `device`"),
            ("kind = \"framebuffer\"\ndc = \"GPIO25\"".to_owned(), "unknown field `dc`"),
            (format!("{oled}address = 0x78"), "display.address = \"0x78\", permitted are 0x3c and 0x3d"),
            (format!("{oled}address = 1000"), "display.address = \"0x3e8\""),
            ("kind = \"ssd1306\"\ndevice = \"i2c-1\"".to_owned(), "display.device = \"i2c-1\", a node below /dev"),
            ("kind = \"framebuffer\"\ndevice = \"/dev\"".to_owned(), "display.device = \"/dev\""),
            (format!("{tft}speed_mhz = 80"), "display.speed_mhz = 80, permitted is 1 to 62.5"),
            (format!("{tft}speed_mhz = nan"), "display.speed_mhz = NaN"),
            (format!("{tft}reset = \"\""), "display.reset = \"\", the name of a line"),
            (format!("{tft}reset = \"GPIO25\""), "display.reset = \"GPIO25\", which has another function"),
            (format!("{tft}reset = \"A\"\nbacklight = \"A\""), "display.backlight = \"A\", which has another"),
        ] {
            let message = parse(&lines).unwrap_err().to_string();
            assert!(message.starts_with("sim.toml: ") && message.contains(says), "{lines}: {message}");
        }
    }
}
