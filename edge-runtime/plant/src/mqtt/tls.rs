//! TLS to the broker: whose certificates are believed, and who we are, from files.
//!
//! TLS 1.2 and 1.3 as rustls has them, nothing of which is to be chosen. Only the authorities of the file are believed and none of the public
//! ones: a plant's broker has a certificate of the plant's own. The files are read once; renewed ones need a restart.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::settings::SettingsError;
use crate::pem::certificates;
use crate::secret::Secret;

/// Keys of the configuration.
pub const CA: &str = "tls_ca_file";
/// The same.
pub const CERTIFICATE: &str = "tls_certificate_file";
/// The same.
pub const KEY: &str = "tls_key_file";

/// What speaks TLS with one broker.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.name).finish()
    }
}

fn wrong(key: &'static str, path: &Path, reason: &dyn fmt::Display) -> SettingsError {
    SettingsError::Tls { key, path: path.display().to_string(), reason: reason.to_string() }
}

impl Tls {
    /// Believes the authorities of a file, and shows our certificate where there is one, with its key as PEM.
    ///
    /// # Errors
    /// [`SettingsError::Tls`].
    pub fn load(host: &str, authorities: &Path, ours: Option<(&Path, &Path, Secret)>) -> Result<Self, SettingsError> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| SettingsError::Value {
            key: "host",
            got: format!("\"{host}\""),
            expected: format!("TLS needs a name that a certificate can have: {error}"),
        })?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates(authorities).map_err(|reason| wrong(CA, authorities, &reason))? {
            roots.add(certificate).map_err(|error| wrong(CA, authorities, &error))?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(CA, authorities, &error))?
            .with_root_certificates(roots);
        let config = match ours {
            None => config.with_no_client_auth(),
            Some((certificate, path, key)) => {
                let chain = certificates(certificate).map_err(|reason| wrong(CERTIFICATE, certificate, &reason))?;
                let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes());
                let key = key.map_err(|error| wrong(KEY, path, &error))?;
                config.with_client_auth_cert(chain, key).map_err(|error| wrong(KEY, path, &error))?
            }
        };
        Ok(Self { config: Arc::new(config), name })
    }

    /// Speaks TLS on a connection that is open.
    ///
    /// # Errors
    /// What the system or the other side said; also where the broker is not who it should be.
    pub async fn connect(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), stream).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_or_no_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let certificate = file("certificate.pem", include_str!("../../tests/mqtt/tls/certificate.pem"));
        let stranger = file("stranger.pem", include_str!("../../tests/mqtt/tls/stranger.pem"));
        let nothing = file("nothing.pem", "nothing\n");
        let missing = folder.path().join("missing.pem");
        let key = Secret::new(include_str!("../../tests/mqtt/tls/key.pem"));
        let of = |authorities: &Path, ours: &Path, key: &Secret| {
            Tls::load("127.0.0.1", authorities, Some((ours, Path::new("key.pem"), key.clone())))
        };
        assert!(of(&certificate, &certificate, &key).is_ok());
        for (authorities, ours, key, expected) in [
            (&nothing, &certificate, &key, "mqtt.tls_ca_file: "),
            (&missing, &certificate, &key, "missing.pem: "),
            (&certificate, &nothing, &key, "nothing.pem: there is no certificate"),
            (&certificate, &stranger, &key, "mqtt.tls_key_file: key.pem: "),
            (&certificate, &certificate, &Secret::new("nothing"), "mqtt.tls_key_file: key.pem: "),
        ] {
            let message = of(authorities, ours, key).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}, not {expected}");
        }
        let message = Tls::load("a..b", &certificate, None).unwrap_err().to_string();
        assert!(message.starts_with("mqtt.host = \"a..b\", TLS needs a name"), "{message}");
    }
}
