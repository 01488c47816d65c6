//! The plant's thread: opens the socket, and feeds whoever is connected.
//!
//! Looks every [`TURN`] whether somebody knocks. One connection at a time: a second one is turned away for as long as the first lives. A
//! socket that cannot be opened is tried again, and the line runs without.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use edge_plant::wire::Greeting;
use shared::units::Micros;

use super::client::Client;
use super::setter::Setter;
use super::slot::Shared;
use crate::hw::sim::live::SharedClock;

/// A request of the plant waits this long at most to be heard.
const TURN: Duration = Duration::from_millis(100);

/// The same while a bundle comes in pieces, of which one waits for the other: some megabytes a second.
const HURRIED: Duration = Duration::from_millis(2);

/// From one try to open the socket to the next.
const RETRY: Micros = Micros::from_millis(2_000);

/// Reading and writing: the station's own group. Its folder keeps everybody else away too.
const MODE: u32 = 0o660;

/// How long an ending station waits for the thread, which never waits long for anything but the disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// The thread. Dropping it ends it and removes the socket.
pub struct Thread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Thread {
    /// Starts it.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        path: PathBuf,
        greeting: Greeting,
        shared: Arc<Shared>,
        setter: Setter,
        clock: SharedClock,
    ) -> io::Result<Self> {
        let ending = Ending(Arc::clone(&shared));
        let work = move || {
            let ending = ending;
            let mut door = Door { path, listener: None, tried_at: None, told: None };
            let mut client: Option<Client> = None;
            while let Some(news) =
                ending.0.take(if client.as_ref().is_some_and(Client::hurries) { HURRIED } else { TURN })
            {
                let now = clock.now();
                if let Some(stream) = door.knock(now) {
                    match Client::new(stream, &greeting, &ending.0.basis(), now) {
                        Ok(new) if client.is_none() => {
                            tracing::info!("the plant's process is connected");
                            client = Some(new);
                        }
                        Ok(_) => {
                            tracing::warn!("a second process that wants to know what the line does is turned away")
                        }
                        Err(error) => tracing::warn!(%error, "a connection of the plant's process fails"),
                    }
                }
                if let Some(Err(error)) = client.as_mut().map(|client| client.turn(news, &ending.0, &setter, now)) {
                    tracing::warn!(%error, "the plant's process is connected no more");
                    client = None;
                    ending.0.exchange.left();
                }
            }
        };
        let thread = std::thread::Builder::new().name("plant".to_owned()).spawn(work)?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        match self.thread.take() {
            // A panic was reported when it happened.
            Some(thread) if self.shared.close(PATIENCE) => drop(thread.join()),
            _ => tracing::warn!("the plant's thread does not come back, and is left behind"),
        }
    }
}

/// Tells those who wait that the thread has ended, however it did.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the plant's thread panicked; the line runs on, and the plant hears nothing of it");
        }
        self.0.ended();
    }
}

/// The socket.
struct Door {
    path: PathBuf,
    listener: Option<UnixListener>,
    tried_at: Option<Micros>,
    /// What was said of it already.
    told: Option<String>,
}

impl Door {
    /// Somebody who has connected since the last call. Opens the socket where it is not open.
    fn knock(&mut self, now: Micros) -> Option<UnixStream> {
        if self.listener.is_none() {
            if self.tried_at.is_some_and(|at| now.saturating_sub(at) < RETRY) {
                return None;
            }
            self.tried_at = Some(now);
            match self.open() {
                Ok(listener) => self.listener = Some(listener),
                Err(error) => {
                    let words = error.to_string();
                    if self.told.as_ref() != Some(&words) {
                        tracing::error!(socket = %self.path.display(), %error, "no socket for the plant's process");
                        self.told = Some(words);
                    }
                }
            }
        }
        // A failed knock is not the socket's end.
        self.listener.as_ref()?.accept().ok().map(|(stream, _)| stream)
    }

    fn open(&self) -> io::Result<UnixListener> {
        let old = std::fs::symlink_metadata(&self.path).ok().filter(|old| old.file_type().is_socket());
        if old.is_some() {
            // What a station that was killed has left behind answers nobody.
            match UnixStream::connect(&self.path) {
                Ok(_) => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another station has it open")),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(&self.path)?,
                Err(error) => return Err(error),
            }
        }
        let listener = UnixListener::bind(&self.path)?;
        listener.set_nonblocking(true)?;
        std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(MODE))?;
        Ok(listener)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if self.listener.take().is_some() {
            // One that stays is found by the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
