//! TLS from a certificate and a key in files.
//!
//! TLS 1.2 and 1.3 as rustls has them, nothing of which is to be chosen. The files are read once; a renewed certificate needs a restart.

use std::path::Path;
use std::sync::Arc;

use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::config::Tls;
use crate::pem::certificates;

/// Why there is no TLS.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read, or has not what is needed.
    #[error("{file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// Certificate and key do not fit each other, or are of a kind that is not used.
    #[error("certificate and key: {0}")]
    Pair(#[from] tokio_rustls::rustls::Error),
}

/// What speaks TLS on a connection.
///
/// # Errors
/// [`TlsError`].
pub fn acceptor(tls: &Tls) -> Result<TlsAcceptor, TlsError> {
    let wrong = |file: &Path, reason: &dyn std::fmt::Display| TlsError::File {
        file: file.display().to_string(),
        reason: reason.to_string(),
    };
    let chain = certificates(&tls.certificate).map_err(|reason| wrong(&tls.certificate, &reason))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| wrong(&tls.key, &error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    let mut config = config.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
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
        let certificate = file("certificate.pem", include_str!("../../tests/tls/certificate.pem"));
        let key = file("key.pem", include_str!("../../tests/tls/key.pem"));
        let nothing = file("nothing.pem", "nothing\n");
        let missing = folder.path().join("missing.pem");
        let of = |certificate: &Path, key: &Path| {
            acceptor(&Tls { certificate: certificate.to_owned(), key: key.to_owned() })
        };
        assert!(of(&certificate, &key).is_ok());
        for (certificate, key, expected) in [
            (&nothing, &key, "nothing.pem: there is no certificate"),
            (&missing, &key, "missing.pem: "),
            (&certificate, &nothing, "nothing.pem: "),
            (&certificate, &certificate, "certificate.pem: "),
        ] {
            let message = of(certificate, key).map(drop).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
