//! TLS from a certificate and a key in files.
//!
//! TLS 1.2 and 1.3 as rustls has them, nothing of which is to be chosen. The files are looked at again and again: a renewed pair holds for whoever
//! connects from then on, and connections that are open go on. Files that are no pair, as while the second one is still to be
//! written, leave the one before in its place.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::time::sleep;
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

/// From one look at the files to the next: nobody who has renewed a certificate waits long for it, and nothing comes of looking more often.
const LOOK: Duration = Duration::from_secs(60);

/// What tells a file from the one that was there before; nothing of one that cannot be seen.
type Stamp = Option<(u64, u64, i64, i64, i64, i64)>;

fn stamp(path: &Path) -> Stamp {
    let seen = std::fs::metadata(path).ok()?;
    Some((seen.ino(), seen.len(), seen.mtime(), seen.mtime_nsec(), seen.ctime(), seen.ctime_nsec()))
}

fn stamps(files: &Tls) -> [Stamp; 2] {
    [stamp(&files.certificate), stamp(&files.key)]
}

/// What speaks TLS, by certificate and key as they are now.
#[derive(Debug, Clone)]
pub struct Renewing(Arc<Inner>);

struct Inner {
    files: Tls,
    held: Mutex<Held>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.files.fmt(f)
    }
}

struct Held {
    acceptor: TlsAcceptor,
    /// Of the files that were tried last, whatever came of it.
    tried: [Stamp; 2],
}

impl Renewing {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(files: &Tls) -> Result<Self, TlsError> {
        // Before they are read: whatever is written meanwhile is seen at the next look.
        let tried = stamps(files);
        let held = Mutex::new(Held { acceptor: acceptor(files)?, tried });
        Ok(Self(Arc::new(Inner { files: files.clone(), held })))
    }

    /// Nothing panics while it holds the lock.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a connection that begins now.
    #[must_use]
    pub fn now(&self) -> TlsAcceptor {
        self.held().acceptor.clone()
    }

    /// Looks at the files. Gives what came of them, where they are others than were tried last; after an error the ones before hold.
    fn look(&self) -> Option<Result<(), TlsError>> {
        let seen = stamps(&self.0.files);
        if seen == std::mem::replace(&mut self.held().tried, seen) {
            return None;
        }
        Some(acceptor(&self.0.files).map(|acceptor| self.held().acceptor = acceptor))
    }

    /// Looks again and again, aside from whoever serves.
    pub async fn watch(self) {
        loop {
            sleep(LOOK).await;
            let looking = self.clone();
            match tokio::task::spawn_blocking(move || looking.look()).await {
                Ok(Some(Ok(()))) => tracing::info!("certificate and key were renewed"),
                Ok(Some(Err(error))) => {
                    tracing::error!(%error, "certificate and key have changed and cannot be used: those of before hold");
                }
                // A panic there is told on standard error.
                Ok(None) | Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::*;

    const FIRST: [&str; 2] = [include_str!("../../tests/tls/certificate.pem"), include_str!("../../tests/tls/key.pem")];
    const RENEWED: [&str; 2] =
        [include_str!("../../tests/tls/renewed-certificate.pem"), include_str!("../../tests/tls/renewed-key.pem")];

    /// Whether somebody who believes this certificate alone is answered.
    async fn believed(acceptor: TlsAcceptor, certificate: &str) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let (near, far) = tokio::io::duplex(16 * 1024);
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let (asked, answered) = tokio::join!(connector.connect(name, near), acceptor.accept(far));
        asked.is_ok() && answered.is_ok()
    }

    #[test]
    fn a_renewed_pair_is_taken_up_and_half_of_one_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let files = Tls { certificate: folder.path().join("c.pem"), key: folder.path().join("k.pem") };
        let write = |path: &Path, text: &str| std::fs::write(path, text).unwrap();
        write(&files.certificate, FIRST[0]);
        write(&files.key, FIRST[1]);
        let tls = Renewing::open(&files).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let which = |tls: &Renewing| {
            [FIRST[0], RENEWED[0]].map(|certificate| runtime.block_on(believed(tls.now(), certificate)))
        };
        assert!(tls.look().is_none(), "nothing has changed");
        assert_eq!(which(&tls), [true, false]);

        // Longer than the file before, so that it is seen whatever a disk knows of times.
        write(&files.certificate, &format!("renewed\n{}", RENEWED[0]));
        let half = tls.look().unwrap().unwrap_err();
        assert!(matches!(half, TlsError::Pair(_)), "{half}");
        assert!(tls.look().is_none(), "told once");
        assert_eq!(which(&tls), [true, false], "the certificate of before, with its key");
        std::fs::remove_file(&files.key).unwrap();
        assert!(matches!(tls.look(), Some(Err(TlsError::File { .. }))));
        assert_eq!(which(&tls), [true, false]);
        write(&files.key, RENEWED[1]);
        assert!(matches!(tls.look(), Some(Ok(()))));
        assert_eq!(which(&tls), [false, true]);
        assert!(tls.look().is_none());
    }

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
