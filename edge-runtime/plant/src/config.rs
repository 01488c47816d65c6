//! From what the file says to what can be relied on.
//!
//! Takes a path or text; gives a [`Config`] with private fields. It reads the files with secrets that it names, and opens neither socket nor
//! port.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::mqtt::settings::{self, Settings, SettingsError};
use crate::words::Language;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    station: RawStation,
    web: RawWeb,
    modbus: Option<RawModbus>,
    mqtt: Option<settings::Raw>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStation {
    socket: PathBuf,
    store: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWeb {
    listen: String,
    #[serde(default)]
    language: Language,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModbus {
    listen: String,
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no configuration.
    #[error("{file}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// Where and why.
        message: String,
    },
    /// A value cannot be used.
    #[error("{file}: {key} = \"{got}\", {expected}")]
    Listen {
        /// The file.
        file: String,
        /// Which key.
        key: &'static str,
        /// What it says.
        got: String,
        /// What would be right.
        expected: &'static str,
    },
    /// Something of the section `[mqtt]` cannot be used.
    #[error("{file}: {source}")]
    Mqtt {
        /// The file.
        file: String,
        /// What.
        source: SettingsError,
    },
}

/// An address of this machine's own.
fn own(file: &str, key: &'static str, got: &str) -> Result<SocketAddr, ConfigError> {
    let refused = |expected| ConfigError::Listen { file: file.to_owned(), key, got: got.to_owned(), expected };
    let address: SocketAddr =
        got.parse().map_err(|_| refused("an address with a port is needed, such as 127.0.0.1:8410"))?;
    if !address.ip().is_loopback() {
        let expected = "only addresses of this machine itself (127.0.0.1, [::1]) can be served: there are no passwords and roles yet, and \
                        whoever reaches it may acknowledge alarms";
        return Err(refused(expected));
    }
    Ok(address)
}

/// A configuration that has been checked.
///
/// # Invariants
/// The addresses that it listens on are of this machine's own, which nobody else reaches.
#[derive(Debug, Clone)]
pub struct Config {
    socket: PathBuf,
    store: Option<PathBuf>,
    listen: SocketAddr,
    modbus: Option<SocketAddr>,
    mqtt: Option<Settings>,
    language: Language,
}

impl Config {
    /// Reads and checks a file. Paths in it are relative to its own folder.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { file: file.clone(), source })?;
        Self::parse(&text, &file, path.parent().unwrap_or(Path::new(".")))
    }

    /// Checks a text. `file` is its name in errors, `base` the folder that its paths are relative to.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(text: &str, file: &str, base: &Path) -> Result<Self, ConfigError> {
        let Raw { station, web, modbus, mqtt } = toml::from_str(text)
            .map_err(|error| ConfigError::Syntax { file: file.to_owned(), message: error.to_string() })?;
        let listen = own(file, "web.listen", &web.listen)?;
        let modbus = modbus.map(|modbus| own(file, "modbus.listen", &modbus.listen)).transpose()?;
        let mqtt = mqtt.map(|raw| Settings::check(raw, base)).transpose();
        let mqtt = mqtt.map_err(|source| ConfigError::Mqtt { file: file.to_owned(), source })?;
        Ok(Self {
            socket: base.join(station.socket),
            store: station.store.map(|store| base.join(store)),
            listen,
            modbus,
            mqtt,
            language: web.language,
        })
    }

    /// The station's socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The folder of records and pictures, where it is another than the station says, or to be known before the station is there.
    #[must_use]
    pub fn store(&self) -> Option<&Path> {
        self.store.as_deref()
    }

    /// Where pages are served.
    #[must_use]
    pub const fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Where controllers are answered, if they are.
    #[must_use]
    pub const fn modbus(&self) -> Option<SocketAddr> {
        self.modbus
    }

    /// The broker that is told, if there is one.
    #[must_use]
    pub const fn mqtt(&self) -> Option<&Settings> {
        self.mqtt.as_ref()
    }

    /// The language of those who ask for none that is known.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Key and value of what was understood, for a table.
    #[must_use]
    pub fn table(&self) -> [(&'static str, String); 6] {
        let store = self.store.as_ref().map_or("as the station says".to_owned(), |store| store.display().to_string());
        [
            ("station's socket", self.socket.display().to_string()),
            ("records", store),
            ("page", format!("http://{}/", self.listen)),
            ("modbus", self.modbus.map_or("none".to_owned(), |address| address.to_string())),
            ("mqtt", self.mqtt.as_ref().map_or("none".to_owned(), Settings::about)),
            ("language", self.language.code().to_owned()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../config/plant.example.toml");

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, "plant.toml", Path::new("base"))
    }

    #[test]
    fn the_shipped_file_passes() {
        let config = parse(EXAMPLE).unwrap();
        assert_eq!(config.socket(), Path::new("/run/draem-edge/plant.sock"));
        assert_eq!((config.listen().port(), config.store()), (8410, None));
        let relative = parse(&EXAMPLE.replace("/run/draem-edge/plant.sock", "run/plant.sock")).unwrap();
        assert_eq!(relative.socket(), Path::new("base/run/plant.sock"));
    }

    #[test]
    fn whoever_would_serve_the_whole_plant_is_told_why_not() {
        for listen in ["0.0.0.0:8410", "192.168.1.7:8410", "[::]:8410"] {
            let message = parse(&EXAMPLE.replace("127.0.0.1:8410", listen)).unwrap_err().to_string();
            assert!(message.contains(listen) && message.contains("no passwords and roles yet"), "{message}");
            let message = parse(&format!("{EXAMPLE}[modbus]\nlisten = \"{listen}\"\n")).unwrap_err().to_string();
            assert!(message.contains("modbus.listen") && message.contains("no passwords and roles yet"), "{message}");
        }
        assert!(parse(&EXAMPLE.replace("127.0.0.1:8410", "[::1]:8410")).is_ok());
        for (listen, expected) in [("127.0.0.1", "with a port"), ("localhost:8410", "with a port")] {
            let message = parse(&EXAMPLE.replace("127.0.0.1:8410", listen)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_section_that_cannot_be_used_is_named_with_its_file() {
        let section = "[mqtt]\nhost = \"broker\"\nstation = \"north\"\nstate_dir = \"state\"\n";
        let config = parse(&format!("{EXAMPLE}{section}")).unwrap();
        assert_eq!(config.mqtt().unwrap().state_dir, Path::new("base/state"));
        let message = parse(&format!("{EXAMPLE}{}", section.replace("north", "#"))).unwrap_err().to_string();
        assert!(message.starts_with("plant.toml: mqtt.station = \"#\", "), "{message}");
    }

    #[test]
    fn an_unknown_key_and_an_unknown_language_are_named() {
        let message = parse(&EXAMPLE.replace("listen = ", "lisen = ")).unwrap_err().to_string();
        assert!(message.starts_with("plant.toml: ") && message.contains("lisen"), "{message}");
        let message = parse(&EXAMPLE.replace("language = \"en\"", "language = \"fr\"")).unwrap_err().to_string();
        assert!(message.contains("fr") && message.contains("de"), "{message}");
    }
}
