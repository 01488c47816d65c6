//! The section `[mqtt]`, from what the file says to what can be relied on.
//!
//! Takes the section and the folder that its paths are relative to; reads the files with secrets, and connects to nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use super::tls::{self, Tls};
use super::topics::{MOST_LEVEL_BYTES, Topics, is_level};
use crate::secret::{LEAST_SENT, Secret, SecretError};

/// Bytes of a private key's file at most: the longest RSA keys have some twelve thousand.
const MOST_KEY_BYTES: u64 = 64 * 1024;

/// Parts that may wait, at the most: more than any store keeps.
const MOST_QUEUE: u64 = 1_000_000_000;

/// The section as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    /// Name or address of the broker.
    host: String,
    /// Its port; 1883 without it, or 8883 with TLS.
    port: Option<u16>,
    /// No other client of the broker may have this name; `draem-STATION` without it.
    client_id: Option<String>,
    /// All topics begin with PREFIX/STATION/.
    #[serde(default = "prefix")]
    prefix: String,
    /// The station's level in the topics.
    station: String,
    /// Name for the broker; without it, nobody in particular.
    user: Option<String>,
    /// File whose first line is the user's password; only its owner may read it.
    password_file: Option<PathBuf>,
    /// Seconds without a word after which the broker takes the connection for dead.
    #[serde(default = "keep_alive_s")]
    keep_alive_s: u16,
    /// Parts that may wait while the broker is away; beyond it the oldest are left out, and counted.
    #[serde(default = "queue")]
    queue: u64,
    /// Folder in which it is kept how far the broker has heard.
    state_dir: PathBuf,
    /// File whose first line, 16 characters or more, a command has to carry; without it no command is heard.
    command_secret_file: Option<PathBuf>,
    /// Authorities, or the broker's own certificate, in PEM; with it TLS is spoken.
    tls_ca_file: Option<PathBuf>,
    /// Certificate that is shown to a broker that asks for one, in PEM.
    tls_certificate_file: Option<PathBuf>,
    /// Its key, in PEM; only its owner may read it.
    tls_key_file: Option<PathBuf>,
}

/// The ports that brokers have: plain, and with TLS.
const PORTS: [u16; 2] = [1883, 8883];

fn prefix() -> String {
    "draem".to_owned()
}

const fn keep_alive_s() -> u16 {
    15
}

const fn queue() -> u64 {
    100_000
}

/// Why the section cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A value cannot be used.
    #[error("mqtt.{key} = {got}, {expected}")]
    Value {
        /// Which key.
        key: &'static str,
        /// What it says.
        got: String,
        /// What would be right.
        expected: String,
    },
    /// One key needs another.
    #[error("mqtt.{key} is missing: {why}")]
    Missing {
        /// Which key.
        key: &'static str,
        /// What for.
        why: &'static str,
    },
    /// A file with a secret cannot be used.
    #[error("mqtt.{key}: {source}")]
    Secret {
        /// Which key.
        key: &'static str,
        /// Why.
        source: SecretError,
    },
    /// It holds nothing that TLS can use.
    #[error("mqtt.{key}: {path}: {reason}")]
    Tls {
        /// Which key.
        key: &'static str,
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

/// The section, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The broker's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Our own name for the broker, which no other client may have.
    pub client_id: String,
    /// Where everything is said.
    pub topics: Topics,
    /// Who we are for the broker, and the password.
    pub login: Option<(String, Secret)>,
    /// The broker hears something this often.
    pub keep_alive: Duration,
    /// Parts that may wait.
    pub queue: u64,
    /// The folder in which the mark is kept.
    pub state_dir: PathBuf,
    /// What a command must carry; without it none is heard.
    pub command_secret: Option<Secret>,
    /// What encrypts the connection; without it nothing does.
    pub tls: Option<Tls>,
}

impl Settings {
    /// Checks. Paths are relative to `base`.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn check(raw: Raw, base: &Path) -> Result<Self, SettingsError> {
        let value = |key, got: &str, expected: &str| {
            Err(SettingsError::Value { key, got: format!("\"{got}\""), expected: expected.to_owned() })
        };
        let range = |key, got: u64, least: u64, most: u64| {
            let expected = format!("{least} to {most} can be used");
            if (least..=most).contains(&got) {
                Ok(got)
            } else {
                Err(SettingsError::Value { key, got: got.to_string(), expected })
            }
        };
        if raw.host.is_empty() || !raw.host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:_".contains(&byte))
        {
            return value("host", &raw.host, "a name or an address is needed, without a scheme and without a port");
        }
        let port = raw.port.unwrap_or(PORTS[usize::from(raw.tls_ca_file.is_some())]);
        range("port", port.into(), 1, u16::MAX.into())?;
        range("keep_alive_s", raw.keep_alive_s.into(), 2, 600)?;
        range("queue", raw.queue, 1, MOST_QUEUE)?;
        let level = format!("letters, digits, dots, - and _ are needed, {MOST_LEVEL_BYTES} at most");
        if let Some(strange) =
            raw.prefix.split('/').find(|part| !is_level(part)).or((raw.prefix.len() > 128).then_some(""))
        {
            return value(
                "prefix",
                &raw.prefix,
                &format!("between slashes {level} (here \"{strange}\"), and 128 in all"),
            );
        }
        if !is_level(&raw.station) {
            return value("station", &raw.station, &level);
        }
        let client_id = raw.client_id.unwrap_or_else(|| format!("draem-{}", raw.station));
        if !is_level(&client_id) {
            return value("client_id", &client_id, &level);
        }
        let secret = |key, file: &Path, least| {
            Secret::first_line(&base.join(file), least).map_err(|source| SettingsError::Secret { key, source })
        };
        let login = match (raw.user, raw.password_file) {
            (Some(user), Some(file)) => Some((user, secret("password_file", &file, 1)?)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(SettingsError::Missing { key: "password_file", why: "a user needs a password" });
            }
            (None, Some(_)) => return Err(SettingsError::Missing { key: "user", why: "a password is somebody's" }),
        };
        let command_secret = raw.command_secret_file.map(|file| secret("command_secret_file", &file, LEAST_SENT));
        let tls = match (raw.tls_ca_file, raw.tls_certificate_file, raw.tls_key_file) {
            (None, None, None) => None,
            (Some(ca), None, None) => Some(Tls::load(&raw.host, &base.join(ca), None)?),
            (Some(ca), Some(certificate), Some(key)) => {
                let (certificate, key) = (base.join(certificate), base.join(key));
                let private = Secret::whole(&key, MOST_KEY_BYTES);
                let private = private.map_err(|source| SettingsError::Secret { key: tls::KEY, source })?;
                Some(Tls::load(&raw.host, &base.join(ca), Some((&certificate, &key, private)))?)
            }
            (None, ..) => {
                return Err(SettingsError::Missing {
                    key: tls::CA,
                    why: "whose certificate the broker's has to be signed with",
                });
            }
            (Some(_), None, Some(_)) => {
                return Err(SettingsError::Missing { key: tls::CERTIFICATE, why: "a key is a certificate's" });
            }
            (Some(_), Some(_), None) => {
                return Err(SettingsError::Missing { key: tls::KEY, why: "a certificate is shown with its key" });
            }
        };
        Ok(Self {
            host: raw.host,
            port,
            tls,
            client_id,
            topics: Topics::new(&raw.prefix, &raw.station),
            login,
            keep_alive: Duration::from_secs(raw.keep_alive_s.into()),
            queue: raw.queue,
            state_dir: base.join(raw.state_dir),
            command_secret: command_secret.transpose()?,
        })
    }

    /// What was understood, in one line.
    #[must_use]
    pub fn about(&self) -> String {
        let login = self.login.as_ref().map_or("as nobody".to_owned(), |(user, _)| format!("as {user}"));
        let commands = if self.command_secret.is_some() { "commands allowed" } else { "no commands" };
        let (host, port, base, queue) = (&self.host, self.port, self.topics.base(), self.queue);
        let tls = if self.tls.is_some() { "TLS" } else { "not encrypted" };
        format!("{host}:{port} {login}, {tls}, {base}/, {queue} parts may wait, {commands}")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const LEAST: &str = "host = \"broker\"\nstation = \"north\"\nstate_dir = \"state\"\n";

    fn check(text: &str, base: &Path) -> Result<Settings, SettingsError> {
        Settings::check(toml::from_str(text).unwrap(), base)
    }

    #[test]
    fn what_is_left_out_has_a_value_that_works() {
        let settings = check(LEAST, Path::new("base")).unwrap();
        assert_eq!(
            settings.about(),
            "broker:1883 as nobody, not encrypted, draem/north/, 100000 parts may wait, no commands"
        );
        assert_eq!(
            (settings.client_id.as_str(), settings.state_dir.as_path()),
            ("draem-north", Path::new("base/state"))
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (from, to, expected) in [
            ("\"broker\"", "\"mqtt://broker\"", "mqtt.host = \"mqtt://broker\", a name or an address"),
            ("\"broker\"", "\"\"", "mqtt.host = \"\""),
            ("\"north\"", "\"a/b\"", "mqtt.station = \"a/b\", letters"),
            ("\"north\"", "\"north\"\nprefix = \"plant/+/x\"", "(here \"+\")"),
            ("\"north\"", "\"north\"\nprefix = \"/plant\"", "mqtt.prefix = \"/plant\""),
            ("\"north\"", "\"north\"\nport = 0", "mqtt.port = 0, 1 to 65535 can be used"),
            ("\"north\"", "\"north\"\nkeep_alive_s = 1", "mqtt.keep_alive_s = 1, 2 to 600"),
            ("\"north\"", "\"north\"\nqueue = 0", "mqtt.queue = 0, 1 to 1000000000"),
            ("\"north\"", "\"north\"\nclient_id = \"\"", "mqtt.client_id = \"\""),
            ("\"north\"", "\"north\"\nuser = \"me\"", "mqtt.password_file is missing"),
            ("\"north\"", "\"north\"\npassword_file = \"x\"", "mqtt.user is missing"),
            ("\"north\"", "\"north\"\ntls_key_file = \"x\"", "mqtt.tls_ca_file is missing"),
            (
                "\"north\"",
                "\"north\"\ntls_ca_file = \"x\"\ntls_key_file = \"x\"",
                "mqtt.tls_certificate_file is missing",
            ),
            (
                "\"north\"",
                "\"north\"\ntls_ca_file = \"x\"\ntls_certificate_file = \"x\"",
                "mqtt.tls_key_file is missing",
            ),
            ("\"north\"", "\"north\"\ntls_ca_file = \"none\"", "mqtt.tls_ca_file: base/none: "),
            ("\"north\"", "\"north\"\ncommand_secret_file = \"none\"", "mqtt.command_secret_file: base/none: "),
        ] {
            let message = check(&LEAST.replace(from, to), Path::new("base")).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}, not {expected}");
        }
    }

    #[test]
    fn a_secret_is_its_owners_alone_long_enough_and_never_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let text = format!("{LEAST}user = \"me\"\npassword_file = \"secret\"\ncommand_secret_file = \"secret\"\n");
        for (content, mode, expected) in [
            ("a long enough secret\n", 0o640, "has mode 640"),
            ("a long enough secret\n", 0o604, "chmod 600"),
            ("too short\n", 0o600, "16 characters or more"),
            ("", 0o600, "1 characters or more"),
            (&"x".repeat(2_000), 0o600, "less than 1024 bytes are expected"),
        ] {
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let message = check(&text, folder.path()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}, not {expected}");
        }
        std::fs::write(&path, "a long enough secret\r\nand more\n").unwrap();
        let settings = check(&text, folder.path()).unwrap();
        assert_eq!(settings.command_secret.as_ref().unwrap().expose(), "a long enough secret");
        assert!(settings.about().contains("as me") && settings.about().contains("commands allowed"));
        assert!(!format!("{settings:?}").contains("long enough"));
    }
}
