//! Connects to the broker again and again, asks the store for what is to be told, and keeps how far the broker has heard.
//!
//! Four tasks share the outbox: one watches the line, one asks the store, one speaks with the broker, one keeps the mark. None of
//! them waits for another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::backlog::{PAGE, Place, Question};
use super::command::{self, Refused};
use super::mark::{self, MarkError};
use super::outbox::{Done, Outbox};
use super::payload::Answer;
use super::session::{Heard, Session, SessionError};
use super::settings::Settings;
use crate::clock::wall;
use crate::link::{Station, Unheard};
use crate::log::Journal;
use crate::press::{self, PressError};
use crate::web::records::{Records, RecordsError};

/// From one look at the line, while nothing comes from it, to the next.
const LOOK: Duration = Duration::from_millis(500);

/// From one message with figures to the next.
const FIGURES: Duration = Duration::from_secs(5);

/// From one question to the store to the next, while nothing is heard of parts: they may leave unheard.
const QUIET: Duration = Duration::from_secs(2);

/// The same while no broker listens: only to count what is too much.
const AWAY: Duration = Duration::from_secs(10);

/// From one time that the mark is kept to the next: what was told meanwhile is told again after a power cut, and a card wears out by writing.
const KEEP: Duration = Duration::from_secs(5);

/// From the end of a connection to the next try; doubled with each that fails, up to the second.
const RETRY: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(16)];

/// A broker that is there takes a connection within this time.
const CONNECT: Duration = Duration::from_secs(10);

/// What the tasks share.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    station: Station,
    journal: Journal,
    state: Mutex<State>,
    /// Something may be to be sent.
    news: Notify,
    /// It is known where to begin, and has to be kept before anything leaves that would not be told after a restart.
    begun: Notify,
}

#[derive(Debug)]
struct State {
    outbox: Outbox,
    /// Whether a broker listens.
    connected: bool,
}

impl Shared {
    /// Never held while waiting.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells the broker.
#[derive(Debug)]
pub struct Teller(Arc<Shared>);

/// Starts, within a runtime.
///
/// # Errors
/// [`MarkError`] where the mark cannot be kept.
pub fn start(settings: Settings, station: Station, journal: Journal, records: Records) -> Result<Teller, MarkError> {
    let done = mark::read(&settings.state_dir)?;
    mark::write(&settings.state_dir, done.clone())?;
    let outbox = Outbox::new(settings.topics.clone(), done, settings.queue);
    let state = Mutex::new(State { outbox, connected: false });
    let shared = Arc::new(Shared { settings, station, journal, state, news: Notify::new(), begun: Notify::new() });
    tokio::spawn(watch(Arc::clone(&shared)));
    tokio::spawn(ask(Arc::clone(&shared), records));
    tokio::spawn(tell(Arc::clone(&shared)));
    tokio::spawn(keep(Arc::clone(&shared)));
    Ok(Teller(shared))
}

impl Teller {
    /// Keeps how far the broker has heard, at the end.
    ///
    /// # Errors
    /// [`MarkError`].
    pub fn finish(&self) -> Result<(), MarkError> {
        let done = self.0.state().outbox.done();
        mark::write(&self.0.settings.state_dir, done)
    }
}

async fn watch(shared: Arc<Shared>) {
    let mut line = shared.station.watch();
    let mut figures = interval(FIGURES);
    figures.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut count = false;
        tokio::select! {
            changed = line.changed() => if changed.is_err() { return },
            // A station that hangs says nothing, and that is news too.
            () = sleep(LOOK) => {}
            _ = figures.tick() => count = true,
        }
        let line = line.borrow_and_update().clone();
        let outbox = &mut shared.state().outbox;
        outbox.stand(&line, wall());
        if count {
            outbox.count(&line, wall());
        }
        shared.news.notify_one();
    }
}

async fn ask(shared: Arc<Shared>, records: Records) {
    let (mut heard, mut asked_at, mut told) = (None, None::<Instant>, None);
    loop {
        sleep(LOOK).await;
        let newest = {
            let line = shared.station.line();
            (line.greeting.as_ref().map(|greeting| greeting.run), line.last.map(|part| part.number), line.lost)
        };
        let due = {
            let State { outbox, connected } = &*shared.state();
            let passed = |pause| asked_at.is_none_or(|at| at.elapsed() >= pause);
            let news = heard != Some(newest) || outbox.has_more();
            if *connected { outbox.is_low() && (news || passed(QUIET)) } else { passed(AWAY) }
        };
        if due {
            (heard, asked_at) = (Some(newest), Some(Instant::now()));
            match look(&shared, &records).await {
                Ok(()) => told = None,
                Err(error) => complain("parts are not told", &error.to_string(), &mut told),
            }
            shared.news.notify_one();
        }
    }
}

/// Asks the store until the mark stands where there is something to be told, or at its end.
async fn look(shared: &Shared, records: &Records) -> Result<(), RecordsError> {
    loop {
        let question = shared.state().outbox.question();
        match question {
            Question::Newest => {
                let newest = records.ask(|reader| reader.newest()).await?;
                shared.state().outbox.begin(newest);
                shared.begun.notify_one();
            }
            Question::Page(Place { run, part }) => {
                let page = records.ask(move |reader| reader.page(run, part, PAGE)).await?;
                let State { outbox, connected } = &mut *shared.state();
                let again = outbox.found(page);
                if !*connected {
                    // Asked only for what is too much: nothing is held that cannot be sent.
                    outbox.away();
                }
                if !again {
                    return Ok(());
                }
            }
        }
    }
}

/// Says what is wrong, once for as long as it lasts.
fn complain(about: &str, words: &str, told: &mut Option<String>) {
    if told.as_deref() != Some(words) {
        tracing::warn!("MQTT: {about}: {words}");
        *told = Some(words.to_owned());
    }
}

async fn tell(shared: Arc<Shared>) {
    let (mut pause, mut told) = (RETRY[0], None);
    loop {
        // A task of its own, so that a panic costs one connection.
        let session = tokio::spawn(connection(Arc::clone(&shared)));
        let error = session.await.unwrap_or(SessionError::Panicked);
        let was_connected = {
            let State { outbox, connected } = &mut *shared.state();
            outbox.away();
            std::mem::take(connected)
        };
        if was_connected {
            (pause, told) = (RETRY[0], None);
        }
        complain("no connection", &error.to_string(), &mut told);
        sleep(pause).await;
        pause = (2 * pause).min(RETRY[1]);
    }
}

/// One connection, to its end.
async fn connection(shared: Arc<Shared>) -> SessionError {
    let Err(error) = connected(&shared).await;
    error
}

async fn connected(shared: &Arc<Shared>) -> Result<std::convert::Infallible, SessionError> {
    let settings = &shared.settings;
    let address = (settings.host.as_str(), settings.port);
    let failed = |source| SessionError::Connect { broker: format!("{}:{}", settings.host, settings.port), source };
    let stream = timeout(CONNECT, TcpStream::connect(address)).await.map_err(|_| SessionError::Silent)?;
    let stream = stream.map_err(failed)?;
    stream.set_nodelay(true)?;
    match &settings.tls {
        None => converse(shared, stream).await,
        Some(tls) => {
            let opened = timeout(CONNECT, tls.connect(stream)).await.map_err(|_| SessionError::Silent)?;
            converse(shared, opened.map_err(failed)?).await
        }
    }
}

/// Speaks MQTT on a connection that is open.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    shared: &Arc<Shared>,
    stream: S,
) -> Result<std::convert::Infallible, SessionError> {
    let settings = &shared.settings;
    let mut session = Session::open(stream, settings).await?;
    {
        let State { outbox, connected } = &mut *shared.state();
        outbox.connected();
        *connected = true;
    }
    tracing::info!("MQTT: connected with {}:{}", settings.host, settings.port);
    let mut refused = false;
    loop {
        while session.has_room() {
            let Some(message) = shared.state().outbox.send() else { break };
            session.publish(message)?;
        }
        let has_room = session.has_room();
        let heard = tokio::select! {
            heard = session.hear() => heard?,
            () = shared.news.notified(), if has_room => continue,
        };
        for heard in heard {
            match heard {
                Heard::Acknowledged(receipt) => shared.state().outbox.acknowledged(receipt),
                Heard::Command { payload, retained } => command(shared, &payload, retained, &mut refused),
                Heard::NoCommands => tracing::warn!("MQTT: the broker does not let us hear commands"),
            }
        }
    }
}

/// Answers a command, or has the button pressed. `warned` is whether the log has had its word about refused ones of this connection.
fn command(shared: &Arc<Shared>, payload: &[u8], retained: bool, warned: &mut bool) {
    let Some(secret) = &shared.settings.command_secret else { return };
    match command::read(payload, retained, secret) {
        Ok(command) => {
            let shared = Arc::clone(shared);
            tokio::spawn(async move {
                let pressed = press::press(&shared.station, &shared.journal, "mqtt", "command").await;
                tracing::warn!(?pressed, id = ?command.id, "acknowledged over MQTT");
                let result = match pressed {
                    Ok(true) => "acknowledged",
                    Ok(false) => "on_its_way",
                    Err(PressError::Unheard(Unheard::NoStation)) => "no_station",
                    Err(PressError::Unheard(Unheard::NoAnswer)) => "no_answer",
                    Err(PressError::Log(_)) => "no_log",
                };
                answer(&shared, command.id.as_deref(), result);
            });
        }
        Err(error) => {
            if !std::mem::replace(warned, true) {
                tracing::warn!("MQTT: a command is not obeyed ({error}); others of this connection are not logged");
            }
            let result = error.to_string();
            let id = if let Refused::Secret { id } = error { id } else { None };
            answer(shared, id.as_deref(), &result);
        }
    }
}

fn answer(shared: &Shared, id: Option<&str>, result: &str) {
    let answer = Answer { time: wall().to_string(), command: "acknowledge", id, result };
    shared.state().outbox.answer(&answer);
    shared.news.notify_one();
}

async fn keep(shared: Arc<Shared>) {
    let (mut kept, mut told) = (Done::default(), None);
    loop {
        // Either is reason enough.
        let _ = timeout(KEEP, shared.begun.notified()).await;
        let done = shared.state().outbox.done();
        if done == kept {
            continue;
        }
        let (folder, writes) = (shared.settings.state_dir.clone(), done.clone());
        let written = tokio::task::spawn_blocking(move || mark::write(&folder, writes)).await;
        match written {
            Ok(Ok(())) => (kept, told) = (done, None),
            // Tried again: until then, a restart tells more of it again.
            Ok(Err(error)) => complain("a restart would tell parts again", &error.to_string(), &mut told),
            // A fault of this program, which standard error has; the next one may do better.
            Err(_) => {}
        }
    }
}
