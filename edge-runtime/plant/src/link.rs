//! The connection with the station.
//!
//! Takes the station's socket; keeps what is known of the line in a place that everybody may watch, hands requests on and brings their
//! answers. A station that is not there is tried again for as long as it takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::line::{Line, SILENT};
use crate::store::Kept;
use crate::wire::{self, Decoder, NotSet, NotTaken, PREFACE, Step, ToPlant, ToStation, Uploaded, WireError};

/// From one try to connect to the next.
const RETRY: Duration = Duration::from_secs(1);

/// Requests that wait to be sent: more fingers than reach a button.
const REQUESTS: usize = 8;

/// Parts that wait for whoever wants to hear of each: as many as the station itself keeps for us.
const PARTS: usize = 256;

/// The station answers within its turn of a tenth of a second.
const ANSWER: Duration = Duration::from_secs(3);

/// Why a connection is over.
#[derive(Debug, Error)]
enum LinkError {
    /// There is none.
    #[error("{path}: {source}")]
    Connect {
        /// The socket.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The station closed it.
    #[error("the station has closed the connection; it ended, or another process is connected with it")]
    Closed,
    /// The station says nothing.
    #[error("the station says nothing any more")]
    Silent,
    /// The socket fails.
    #[error("{0}")]
    Socket(#[from] std::io::Error),
    /// The station says something that is no message.
    #[error("{0}")]
    Wire(#[from] WireError),
}

/// Why a request was not answered.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
pub enum Unheard {
    /// No station is connected, or it went away with the request.
    #[error("no station is connected")]
    NoStation,
    /// Too many wait already, or the answer does not come.
    #[error("the station does not answer")]
    NoAnswer,
}

/// What the station says to a request: whether the line is told, otherwise an earlier one is still on its way; or why it is not done.
pub type Heard = Result<bool, NotSet>;

/// The station's word on a request.
#[derive(Debug)]
enum Word {
    Heard(Heard),
    Uploaded(Box<Result<Uploaded, NotTaken>>),
}

/// A request, with a number that is none yet, and who waits for its answer.
type Request = (ToStation, oneshot::Sender<Word>);

/// The station, as the rest of the process knows it.
#[derive(Debug, Clone)]
pub struct Station {
    line: Arc<watch::Sender<Line>>,
    parts: broadcast::Sender<ToPlant>,
    requests: mpsc::Sender<Request>,
}

impl Station {
    /// What is known of the line now. Not to be held while waiting.
    #[must_use]
    pub fn line(&self) -> watch::Ref<'_, Line> {
        self.line.borrow()
    }

    /// To be told when that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Line> {
        self.line.subscribe()
    }

    /// Every part, that some were lost, and greetings, in their order.
    #[must_use]
    pub fn parts(&self) -> broadcast::Receiver<ToPlant> {
        self.parts.subscribe()
    }

    /// The newest part whose pictures are kept, as the store says.
    pub fn pictured(&self, kept: Option<Kept>) {
        self.line.send_if_modified(|line| {
            let changed = line.picture != kept;
            line.picture = kept;
            changed
        });
    }

    /// Asks for something. Gives whether the line is told; otherwise what was asked for before is still on its way.
    ///
    /// # Errors
    /// [`Unheard`].
    pub async fn acknowledge(&self) -> Result<bool, Unheard> {
        // No station refuses it; one that did would not have told the line.
        Ok(self.ask(ToStation::Acknowledge { number: 0 }).await?.unwrap_or(false))
    }

    /// Wants the product with this number. Gives whether the station begins; otherwise a change before is still under way.
    ///
    /// # Errors
    /// [`Unheard`].
    pub async fn select(&self, product: u16) -> Result<bool, Unheard> {
        Ok(self.ask(ToStation::Select { number: 0, product }).await?.unwrap_or(false))
    }

    /// Asks the station for something; the request's number does not count.
    ///
    /// # Errors
    /// [`Unheard`].
    pub async fn ask(&self, request: ToStation) -> Result<Heard, Unheard> {
        match self.word(request, ANSWER).await? {
            Word::Heard(heard) => Ok(heard),
            // Of an upload alone.
            Word::Uploaded(_) => Err(Unheard::NoAnswer),
        }
    }

    /// Says the next step of an upload, and waits for so long at most. Gives the upload's end, where it has ended by that.
    ///
    /// # Errors
    /// [`Unheard`].
    pub async fn step(&self, step: Step, patience: Duration) -> Result<Option<Result<Uploaded, NotTaken>>, Unheard> {
        match self.word(ToStation::Upload { number: 0, step }, patience).await? {
            Word::Heard(_) => Ok(None),
            Word::Uploaded(outcome) => Ok(Some(*outcome)),
        }
    }

    async fn word(&self, request: ToStation, patience: Duration) -> Result<Word, Unheard> {
        if !self.line().connected {
            return Err(Unheard::NoStation);
        }
        let (answer, answered) = oneshot::channel();
        self.requests.try_send((request, answer)).map_err(|_| Unheard::NoAnswer)?;
        match timeout(patience, answered).await {
            Ok(Ok(word)) => Ok(word),
            Ok(Err(_)) => Err(Unheard::NoStation),
            Err(_) => Err(Unheard::NoAnswer),
        }
    }
}

/// Starts to connect, within a runtime.
#[must_use]
pub fn start(socket: PathBuf) -> Station {
    let line = Arc::new(watch::Sender::new(Line::default()));
    let (requests, asked) = mpsc::channel(REQUESTS);
    let parts = broadcast::Sender::new(PARTS);
    tokio::spawn(work(socket, Arc::clone(&line), parts.clone(), asked));
    Station { line, parts, requests }
}

async fn work(
    socket: PathBuf,
    line: Arc<watch::Sender<Line>>,
    parts: broadcast::Sender<ToPlant>,
    mut asked: mpsc::Receiver<Request>,
) {
    loop {
        let Err(error) = connected(&socket, &line, &parts, &mut asked).await;
        let words = error.to_string();
        if line.borrow().trouble.as_ref() != Some(&words) {
            tracing::warn!("{words}");
        }
        line.send_modify(|line| line.gone(words));
        let until = Instant::now() + RETRY;
        loop {
            tokio::select! {
                () = sleep_until(until) => break,
                // Dropped, it is answered: nobody is there.
                asked = asked.recv() => if asked.is_none() { return },
            }
        }
    }
}

/// One connection, to its end.
async fn connected(
    socket: &Path,
    line: &watch::Sender<Line>,
    parts: &broadcast::Sender<ToPlant>,
    asked: &mut mpsc::Receiver<Request>,
) -> Result<std::convert::Infallible, LinkError> {
    let stream = UnixStream::connect(socket).await;
    let mut stream = stream.map_err(|source| LinkError::Connect { path: socket.display().to_string(), source })?;
    stream.write_all(&PREFACE).await?;
    let (mut decoder, mut bytes) = (Decoder::default(), vec![0; 16 * 1024]);
    let (mut number, mut open) = (0u32, Vec::new());
    let mut silent_at = Instant::now() + SILENT;
    loop {
        tokio::select! {
            read = stream.read(&mut bytes) => {
                let read = read?;
                if read == 0 {
                    return Err(LinkError::Closed);
                }
                silent_at = Instant::now() + SILENT;
                decoder.push(&bytes[..read]);
                while let Some(message) = decoder.message::<ToPlant>()? {
                    match message {
                        ToPlant::Answer { number, taken } => answer(&mut open, number, Word::Heard(Ok(taken))),
                        ToPlant::Refused { number, why } => answer(&mut open, number, Word::Heard(Err(why))),
                        ToPlant::Uploaded { number, outcome } => answer(&mut open, number, Word::Uploaded(outcome)),
                        message => {
                            line.send_modify(|line| line.hear(&message));
                            if !matches!(message, ToPlant::Standing(_) | ToPlant::Basis(_)) {
                                // Nobody may want to hear it.
                                let _ = parts.send(message);
                            }
                        }
                    }
                }
            }
            Some((word, request)) = asked.recv() => {
                number = number.wrapping_add(1);
                // Who does not wait any more is not kept, so that as many are open as there are people who wait.
                open.retain(|(_, waits): &(u32, oneshot::Sender<Word>)| !waits.is_closed());
                open.push((number, request));
                let mut out = Vec::new();
                wire::encode(&word.numbered(number), &mut out)?;
                stream.write_all(&out).await?;
            }
            () = sleep_until(silent_at) => return Err(LinkError::Silent),
        }
    }
}

/// Answers come in the order in which the station is done with the requests.
fn answer(open: &mut Vec<(u32, oneshot::Sender<Word>)>, number: u32, word: Word) {
    if let Some(at) = open.iter().position(|(asked, _)| *asked == number) {
        // Whoever asked may have gone meanwhile.
        let _ = open.swap_remove(at).1.send(word);
    }
}
