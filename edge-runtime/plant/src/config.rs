//! From what the file says to what can be relied on.
//!
//! Takes a path or text; gives a [`Config`] with private fields. It reads the files with secrets that it names, and opens neither socket nor
//! port.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::mqtt::settings::{self, Settings, SettingsError};
use crate::secret::{LEAST_SENT, Secret, SecretError};
use crate::words::Language;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    /// The station that is shown.
    station: RawStation,
    /// The page for people.
    web: RawWeb,
    /// Files for TLS; without it, plain HTTP is spoken.
    tls: Option<Tls>,
    /// Counters and a handshake for a controller, over Modbus TCP; without it, none is answered.
    modbus: Option<RawModbus>,
    /// Passwords, and the log of what is changed; without it, nobody has a password, and nothing is written down.
    roles: Option<RawRoles>,
    /// The MQTT broker that is told of parts and alarms; without it, none is.
    mqtt: Option<settings::Raw>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStation {
    /// As `socket` of `[plant]` in the station's configuration.
    socket: PathBuf,
    /// Folder of records and pictures, where it is another than the station says, or to be known while no station runs.
    store: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWeb {
    /// Address and port. Beyond this machine itself only with `[roles]` and `[tls]`.
    listen: String,
    /// For those whose browser asks for no language that is there.
    #[serde(default)]
    language: Language,
    /// Names under which the page may be asked for, beside its addresses: small letters, no port.
    #[serde(default)]
    names: Vec<String>,
    /// Serves beyond this machine without TLS: everybody on the way can read passwords.
    #[serde(default)]
    insecure_plain_http: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModbus {
    /// Address and port, of this machine itself only: Modbus knows no passwords.
    listen: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoles {
    /// Folder of passwords and of the log of changes; the service must be able to write it.
    folder: PathBuf,
    /// Who may look at pages, pictures and figures.
    #[serde(default)]
    look: Look,
    /// Where `look` is `"operator"`: a file whose first line, of 16 characters or more, opens `/metrics` to whoever sends it as a bearer token, since a
    /// Prometheus does not sign in. Only its owner may read it.
    metrics_token_file: Option<PathBuf>,
}

/// Who may look at pages, pictures and figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// Whoever reaches the page.
    #[default]
    Anyone,
    /// Who is signed in.
    Operator,
}

/// Files for TLS.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those that it needs, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
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
    Value {
        /// The file.
        file: String,
        /// Which key.
        key: &'static str,
        /// What it says.
        got: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A file with a secret cannot be used.
    #[error("{file}: {key}: {source}")]
    Secret {
        /// The file.
        file: String,
        /// Which key.
        key: &'static str,
        /// Why.
        source: SecretError,
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

/// An address with a port.
fn address(file: &str, key: &'static str, got: &str) -> Result<SocketAddr, ConfigError> {
    let expected = "an address with a port is needed, such as 127.0.0.1:8410";
    got.parse().map_err(|_| ConfigError::Value { file: file.to_owned(), key, got: got.to_owned(), expected })
}

/// Whether it can stand in a browser's address line, without a port.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    (1..=253).contains(&name.len()) && name.bytes().all(plain)
}

/// A configuration that has been checked.
///
/// # Invariants
/// Controllers are answered at addresses of this machine's own alone, which nobody else reaches; so are pages, where there are neither TLS nor the
/// wish to do without, or where nobody can have a password.
#[derive(Debug, Clone)]
pub struct Config {
    socket: PathBuf,
    store: Option<PathBuf>,
    listen: SocketAddr,
    modbus: Option<SocketAddr>,
    mqtt: Option<Settings>,
    language: Language,
    names: Vec<String>,
    tls: Option<Tls>,
    plain: bool,
    roles: Option<PathBuf>,
    look: Look,
    metrics_token: Option<Secret>,
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
        let Raw { station, web, tls, modbus, roles, mqtt } = toml::from_str(text)
            .map_err(|error| ConfigError::Syntax { file: file.to_owned(), message: error.to_string() })?;
        let refused =
            |key, got: &str, expected| ConfigError::Value { file: file.to_owned(), key, got: got.to_owned(), expected };
        let listen = address(file, "web.listen", &web.listen)?;
        if !listen.ip().is_loopback() {
            if roles.is_none() {
                return Err(refused(
                    "web.listen",
                    &web.listen,
                    "beyond this machine itself (127.0.0.1, [::1]) there have to be passwords: [roles] names their folder",
                ));
            }
            if tls.is_none() && !web.insecure_plain_http {
                return Err(refused(
                    "web.listen",
                    &web.listen,
                    "beyond this machine itself (127.0.0.1, [::1]) there has to be [tls], or everybody on the way reads the passwords; \
                     insecure_plain_http = true under [web] allows that",
                ));
            }
        }
        if tls.is_some() && web.insecure_plain_http {
            return Err(refused("web.insecure_plain_http", "true", "with [tls] there is no plain HTTP"));
        }
        if let Some(name) = web.names.iter().find(|name| !is_name(name)) {
            return Err(refused(
                "web.names",
                name,
                "a name in small letters without a port is needed, such as board.plant.example",
            ));
        }
        let token_file = roles.as_ref().and_then(|roles| roles.metrics_token_file.as_ref());
        if let (Some(token), Some(Look::Anyone)) = (token_file, roles.as_ref().map(|roles| roles.look)) {
            return Err(refused(
                "roles.metrics_token_file",
                &token.display().to_string(),
                "whoever may look needs no token for figures: leave it out, or say look = \"operator\"",
            ));
        }
        let metrics_token = token_file.map(|token| Secret::first_line(&base.join(token), LEAST_SENT)).transpose();
        let metrics_token = metrics_token.map_err(|source| ConfigError::Secret {
            file: file.to_owned(),
            key: "roles.metrics_token_file",
            source,
        })?;
        let modbus = modbus.map(|modbus| {
            let listen = address(file, "modbus.listen", &modbus.listen)?;
            if listen.ip().is_loopback() {
                return Ok(listen);
            }
            Err(refused(
                "modbus.listen",
                &modbus.listen,
                "only addresses of this machine itself (127.0.0.1, [::1]) can be served: Modbus knows no passwords, and whoever reaches it may \
                 acknowledge alarms",
            ))
        });
        let modbus = modbus.transpose()?;
        let mqtt = mqtt.map(|raw| Settings::check(raw, base)).transpose();
        let mqtt = mqtt.map_err(|source| ConfigError::Mqtt { file: file.to_owned(), source })?;
        Ok(Self {
            socket: base.join(station.socket),
            store: station.store.map(|store| base.join(store)),
            listen,
            modbus,
            mqtt,
            language: web.language,
            names: web.names,
            tls: tls.map(|tls| Tls { certificate: base.join(tls.certificate), key: base.join(tls.key) }),
            plain: web.insecure_plain_http,
            look: roles.as_ref().map_or(Look::Anyone, |roles| roles.look),
            metrics_token,
            roles: roles.map(|roles| base.join(roles.folder)),
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

    /// Names beside its addresses under which the page may be asked for.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Files for TLS, where it is spoken.
    #[must_use]
    pub const fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Who may look.
    #[must_use]
    pub const fn look(&self) -> Look {
        self.look
    }

    /// What opens the figures to who sends it, where they are not open.
    #[must_use]
    pub const fn metrics_token(&self) -> Option<&Secret> {
        self.metrics_token.as_ref()
    }

    /// The folder of passwords and log, where there is one.
    #[must_use]
    pub fn roles(&self) -> Option<&Path> {
        self.roles.as_deref()
    }

    /// How pages are asked for: `http` or `https`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// What whoever set it up should think about, if there is something.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        (self.plain && !self.listen.ip().is_loopback()).then_some(
            "insecure_plain_http: everybody on the way reads passwords and cookies, and may do what those may whose they are",
        )
    }

    /// The folder of the log of changes, if one is kept.
    #[must_use]
    pub fn log(&self) -> Option<PathBuf> {
        Some(self.roles.as_ref()?.join("log"))
    }

    /// Key and value of what was understood, for a table.
    #[must_use]
    pub fn table(&self) -> [(&'static str, String); 8] {
        let store = self.store.as_ref().map_or("as the station says".to_owned(), |store| store.display().to_string());
        [
            ("station's socket", self.socket.display().to_string()),
            ("records", store),
            ("page", format!("{}://{}/", self.scheme(), self.listen)),
            ("modbus", self.modbus.map_or("none".to_owned(), |address| address.to_string())),
            ("mqtt", self.mqtt.as_ref().map_or("none".to_owned(), Settings::about)),
            ("language", self.language.code().to_owned()),
            (
                "who may look",
                match (self.look, &self.metrics_token) {
                    (Look::Anyone, _) => "anyone",
                    (Look::Operator, None) => "who is signed in",
                    (Look::Operator, Some(_)) => "who is signed in; at figures who has the token too",
                }
                .to_owned(),
            ),
            ("log of changes", self.log().map_or("none: nobody will know".to_owned(), |log| log.display().to_string())),
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
    fn beyond_this_machine_there_are_passwords_and_tls_or_a_word_that_there_is_none() {
        const ROLES: &str = "[roles]\nfolder = \"state\"\n";
        const TLS: &str = "[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n";
        let plain = |text: &str| text.replace("[web]", "[web]\ninsecure_plain_http = true");
        for listen in ["0.0.0.0:8410", "192.168.1.7:8410", "[::]:8410"] {
            let open = EXAMPLE.replace("127.0.0.1:8410", listen);
            for (text, expected) in [
                (open.clone(), "have to be passwords"),
                (format!("{open}{TLS}"), "have to be passwords"),
                (plain(&open), "have to be passwords"),
                (format!("{open}{ROLES}"), "has to be [tls]"),
                (plain(&format!("{open}{ROLES}{TLS}")), "no plain HTTP"),
                (format!("{EXAMPLE}[modbus]\nlisten = \"{listen}\"\n{ROLES}{TLS}"), "Modbus knows no passwords"),
            ] {
                let message = parse(&text).unwrap_err().to_string();
                assert!(message.contains(expected), "{expected} is not in {message}");
            }
            let config = parse(&format!("{open}{ROLES}{TLS}")).unwrap();
            assert_eq!(
                (config.scheme(), config.warning(), config.roles()),
                ("https", None, Some(Path::new("base/state")))
            );
            assert_eq!(config.tls().unwrap().key, Path::new("base/k.pem"));
            let config = parse(&plain(&format!("{open}{ROLES}"))).unwrap();
            assert_eq!(config.scheme(), "http");
            assert!(config.warning().unwrap().contains("insecure_plain_http"));
        }
        assert!(parse(&EXAMPLE.replace("127.0.0.1:8410", "[::1]:8410")).is_ok());
        assert_eq!(parse(&plain(EXAMPLE)).unwrap().warning(), None);
        for listen in ["127.0.0.1", "localhost:8410"] {
            let message = parse(&EXAMPLE.replace("127.0.0.1:8410", listen)).unwrap_err().to_string();
            assert!(message.contains("with a port"), "{message}");
        }
    }

    #[test]
    fn names_are_names_and_whoever_may_look_is_said() {
        let with = |more: &str| parse(&format!("{EXAMPLE}{more}"));
        let named = |names: &str| parse(&EXAMPLE.replace("[web]", &format!("[web]\nnames = [{names}]")));
        assert_eq!(named("\"board.plant.example\"").unwrap().names(), ["board.plant.example"]);
        for names in ["\"board:8410\"", "\"\"", "\"Board\"", "\"a/b\""] {
            let message = named(names).unwrap_err().to_string();
            assert!(message.contains("web.names"), "{message}");
        }
        assert_eq!(with("").unwrap().look(), Look::Anyone);
        assert_eq!(with("[roles]\nfolder = \"s\"\nlook = \"operator\"\n").unwrap().look(), Look::Operator);
        assert!(with("[roles]\nfolder = \"s\"\nlook = \"nobody\"\n").is_err());
        for (look, expected) in [("anyone", "needs no token"), ("operator", "roles.metrics_token_file: base/none: ")] {
            let roles = format!("[roles]\nfolder = \"s\"\nlook = \"{look}\"\nmetrics_token_file = \"none\"\n");
            let message = with(&roles).unwrap_err().to_string();
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
