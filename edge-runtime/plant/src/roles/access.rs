//! Who asks, and signing in and out, for the threads of the server.
//!
//! Takes the folder of people and the journal; gives a [`Visitor`] for each request. Passwords are compared aside, one at a time, so that nobody
//! who guesses takes the processors away from a station. Every sign-in, every refusal and every sign-out is in the log; refusals no
//! faster than one a minute after the first ones, with the number of those between.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::units::Micros;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::limit::{Limit, Pace, Tries};
use super::people::{People, PeopleError, Person};
use super::role::Role;
use super::sessions::{Sessions, same};
use crate::clock::Moment;
use crate::log::chain::hex;
use crate::log::journal::JournalError;
use crate::log::{Journal, Note};

/// What an entry says of who came in.
pub const SIGNED_IN: &str = "session.begun";

/// What an entry says of who went.
pub const SIGNED_OUT: &str = "session.ended";

/// What an entry says of who was not let in.
pub const REFUSED: &str = "session.refused";

/// From one look at the file of people to the next: who has another password or role is signed out within this time.
const LOOK: Duration = Duration::from_secs(2);

/// Whoever waits longer for a password to be compared is told to try again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Refusals that are written down one by one, and then one a minute: whoever guesses must not push older entries out of the log.
const WRITTEN: Limit = Limit { burst: 20, every: Micros(60_000_000) };

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visitor {
    /// The name for the log; empty where nobody is signed in.
    pub name: String,
    /// What they may do; nothing where nobody is signed in.
    pub role: Option<Role>,
    /// What a change has to say beside the cookie, where there is one.
    pub csrf: Option<String>,
    /// The cookie's token, where it is somebody's.
    pub token: Option<String>,
}

impl Visitor {
    /// Whether a change says what the pages of this session say.
    #[must_use]
    pub fn means_it(&self, said: Option<&str>) -> bool {
        self.csrf.as_deref().is_none_or(|csrf| said.is_some_and(|said| same(said, csrf)))
    }

    /// The role's name for the log.
    #[must_use]
    pub fn role_name(&self) -> &'static str {
        self.role.map_or("", Role::name)
    }
}

/// Why somebody is not let in.
#[derive(Debug, Error)]
pub enum RefusedError {
    /// Nobody has a password yet.
    #[error("no admin has a password yet")]
    NoPasswords,
    /// Name or password is wrong; nobody is told which.
    #[error("name or password is wrong")]
    Wrong,
    /// Too many tries.
    #[error("too many tries: again in {} s", wait.0.div_ceil(1_000_000))]
    TooMany {
        /// How long to wait.
        wait: Micros,
    },
    /// Others are waiting already.
    #[error("too many sign in at the same time")]
    Busy,
    /// The file of people cannot be read.
    #[error("{0}")]
    People(#[from] PeopleError),
    /// It cannot be written down.
    #[error("{0}")]
    Log(#[from] JournalError),
    /// The operating system gives no randomness.
    #[error("no session can be made: {0}")]
    Chance(String),
}

#[derive(Debug)]
struct Inner {
    folder: Option<PathBuf>,
    journal: Journal,
    begun: Moment,
    /// Once an admin was seen, nothing opens the page again while this process runs.
    closed: AtomicBool,
    sessions: Mutex<Sessions>,
    tries: Mutex<Tries>,
    written: Mutex<Pace>,
    unwritten: AtomicU64,
    refused: AtomicU64,
    comparing: Arc<Semaphore>,
}

/// Who is who.
#[derive(Debug, Clone)]
pub struct Access(Arc<Inner>);

/// No thread leaves what it holds half done.
fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 256 bits that nobody guesses.
fn secret() -> Result<String, RefusedError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| RefusedError::Chance(error.to_string()))?;
    Ok(hex(&bytes))
}

impl Access {
    /// Reads the people of a folder. Without one nobody signs in.
    ///
    /// # Errors
    /// [`PeopleError`]: nobody is let in rather than everybody.
    pub fn open(folder: Option<PathBuf>, journal: Journal) -> Result<Self, PeopleError> {
        let people = folder.as_deref().map(People::read).transpose()?;
        Ok(Self(Arc::new(Inner {
            folder,
            journal,
            begun: Moment::now(),
            closed: AtomicBool::new(people.is_some_and(|people| people.closed())),
            sessions: Mutex::default(),
            tries: Mutex::default(),
            written: Mutex::default(),
            unwritten: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            comparing: Arc::new(Semaphore::new(1)),
        })))
    }

    fn now(&self) -> Micros {
        Micros(u64::try_from(self.0.begun.age().as_micros()).unwrap_or(u64::MAX))
    }

    /// Whether people have to sign in.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.0.closed.load(Ordering::Relaxed)
    }

    /// Those who were not let in since this process runs.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Who has a cookie's token. Where nobody has to sign in, everybody is an operator.
    #[must_use]
    pub fn visitor(&self, token: Option<&str>) -> Visitor {
        if !self.closed() {
            return Visitor { name: "anyone".to_owned(), role: Some(Role::Operator), ..Visitor::default() };
        }
        let Some(token) = token else { return Visitor::default() };
        let mut sessions = held(&self.0.sessions);
        sessions.seen(self.now(), token).map_or_else(Visitor::default, |session| Visitor {
            name: session.person.name.clone(),
            role: Some(session.person.role),
            csrf: Some(session.csrf.clone()),
            token: Some(token.to_owned()),
        })
    }

    /// Whether somebody is still signed in, who only watches and asks for nothing.
    #[must_use]
    pub fn still(&self, visitor: &Visitor) -> bool {
        match &visitor.token {
            Some(token) => held(&self.0.sessions).alive(self.now(), token),
            None => visitor.role.is_none() || !self.closed(),
        }
    }

    /// Signs somebody in and gives the token for the cookie.
    ///
    /// # Errors
    /// [`RefusedError`].
    pub async fn sign_in(&self, name: &str, password: &str, address: IpAddr) -> Result<String, RefusedError> {
        let Some(folder) = self.0.folder.clone().filter(|_| self.closed()) else {
            return Err(RefusedError::NoPasswords);
        };
        let tried = held(&self.0.tries).take(self.now(), address);
        if let Err(wait) = tried {
            self.refuse("", address).await;
            return Err(RefusedError::TooMany { wait });
        }
        let waited = timeout(PATIENCE, Arc::clone(&self.0.comparing).acquire_owned()).await;
        let Ok(Ok(turn)) = waited else { return Err(RefusedError::Busy) };
        let (given, password) = (name.to_owned(), password.to_owned());
        let compared = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let people = People::read(&folder)?;
            Ok::<_, PeopleError>((people.verify(&given, &password).cloned(), people.get(&given).is_some()))
        });
        // A comparison that panics is a fault of this program, told as such on standard error, and lets nobody in.
        let (person, known): (Option<Person>, bool) = compared.await.unwrap_or(Ok((None, false)))?;
        let Some(person) = person else {
            self.refuse(if known { name } else { "" }, address).await;
            return Err(RefusedError::Wrong);
        };
        let (token, csrf) = (secret()?, secret()?);
        let after = format!("from {address}");
        let [who, role, what] = [&*person.name, person.role.name(), SIGNED_IN].map(str::to_owned);
        self.0.journal.write(Note { who, role, what, after, ..Note::default() }).await?;
        held(&self.0.tries).right(address);
        held(&self.0.sessions).begin(self.now(), &token, csrf, person);
        Ok(token)
    }

    /// Counts somebody who was not let in, and writes it down if not too many are. What was given for a name stands in the log only where it
    /// is one: people type their password there.
    async fn refuse(&self, name: &str, address: IpAddr) {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        let room = held(&self.0.written).take(self.now(), WRITTEN);
        if room.is_err() {
            self.0.unwritten.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let others = self.0.unwritten.swap(0, Ordering::Relaxed);
        let after = match others {
            0 => format!("from {address}"),
            others => format!("from {address}, and {others} more since the last such entry"),
        };
        let (who, what) = (if name.is_empty() { "unknown" } else { name }.to_owned(), REFUSED.to_owned());
        if let Err(error) = self.0.journal.write(Note { who, what, after, ..Note::default() }).await {
            // Whoever it was is not let in in any case.
            tracing::error!(%error, "a refusal cannot be written to the log");
        }
    }

    /// Signs a visitor out.
    pub async fn sign_out(&self, visitor: &Visitor) {
        let Some(token) = &visitor.token else { return };
        held(&self.0.sessions).end(token);
        let [who, role, what] = [&*visitor.name, visitor.role_name(), SIGNED_OUT].map(str::to_owned);
        if let Err(error) = self.0.journal.write(Note { who, role, what, ..Note::default() }).await {
            // To end a session is safe in any case.
            tracing::error!(%error, "a sign-out cannot be written to the log");
        }
    }

    /// Looks at the file of people again and again.
    pub async fn watch(self) {
        let Some(folder) = self.0.folder.clone() else { return };
        let mut told = None;
        loop {
            sleep(LOOK).await;
            let folder = folder.clone();
            let read = tokio::task::spawn_blocking(move || People::read(&folder)).await;
            match read {
                Ok(Ok(people)) => {
                    told = None;
                    self.look(&people);
                }
                // Nobody signs in with a file that cannot be read, and those who are signed in stay so: they were right about it.
                Ok(Err(error)) => {
                    let words = error.to_string();
                    if told.as_ref() != Some(&words) {
                        tracing::error!("{words}");
                        told = Some(words);
                    }
                }
                Err(error) => tracing::error!(%error, "the people cannot be read"),
            }
        }
    }

    fn look(&self, people: &People) {
        if people.closed() {
            self.0.closed.store(true, Ordering::Relaxed);
        }
        held(&self.0.sessions).keep(|person| people.get(&person.name) == Some(person));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::read;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn set(folder: &std::path::Path, name: &str, role: Role, password: &str) {
        let mut people = People::read(folder).unwrap();
        people.set(name, role, password).unwrap();
        people.write(folder).unwrap();
    }

    fn run(work: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
    }

    #[test]
    fn whoever_is_there_is_an_operator_until_an_admin_has_a_password_and_never_again() {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            let access = Access::open(Some(folder.path().to_owned()), Journal::default()).unwrap();
            let before = access.visitor(None);
            assert_eq!((before.role, before.csrf.as_deref()), (Some(Role::Operator), None));
            assert!(before.means_it(None) && access.still(&before));
            let refused = access.sign_in("admin", "correct horse", HERE).await;
            assert!(matches!(refused, Err(RefusedError::NoPasswords)));
            set(folder.path(), "admin", Role::Admin, "correct horse");
            access.look(&People::read(folder.path()).unwrap());
            assert_eq!(access.visitor(None), Visitor::default());
            assert!(!access.still(&before));
            access.look(&People::default());
            assert_eq!(access.visitor(None).role, None, "a file that is lost opens nothing");
        });
    }

    #[test]
    fn a_session_is_somebodys_until_something_is_different() {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            set(folder.path(), "admin", Role::Admin, "correct horse");
            set(folder.path(), "anna", Role::Engineer, "battery staple");
            let log = folder.path().join("log");
            let journal = Journal::open(&log).unwrap();
            let access = Access::open(Some(folder.path().to_owned()), journal).unwrap();
            for (name, password) in [("anna", "correct horse"), ("battery staple", "anna"), ("emil", "")] {
                assert!(matches!(access.sign_in(name, password, HERE).await, Err(RefusedError::Wrong)), "{name}");
            }
            let token = access.sign_in("anna", "battery staple", HERE).await.unwrap();
            let other = access.sign_in("anna", "battery staple", HERE).await.unwrap();
            assert!(token.len() == 64 && token != other);
            let anna = access.visitor(Some(&token));
            assert_eq!((&*anna.name, anna.role), ("anna", Some(Role::Engineer)));
            assert!(!anna.means_it(None) && !anna.means_it(Some("")) && anna.means_it(anna.csrf.as_deref()));
            assert!(!anna.means_it(access.visitor(Some(&other)).csrf.as_deref()), "another session's");
            assert_eq!(access.visitor(Some("")), Visitor::default());
            access.sign_out(&anna).await;
            assert_eq!(access.visitor(Some(&token)), Visitor::default());
            set(folder.path(), "anna", Role::Operator, "battery staple");
            access.look(&People::read(folder.path()).unwrap());
            assert_eq!(access.visitor(Some(&other)), Visitor::default(), "the role is another now");
            let said = read::newest(&log, None, 9).unwrap().into_iter().map(Result::unwrap);
            let said: Vec<_> = said.map(|entry| format!("{} {} {}", entry.what, entry.who, entry.role)).collect();
            let expected = [
                "session.ended anna engineer",
                "session.begun anna engineer",
                "session.begun anna engineer",
                "session.refused unknown ",
                "session.refused unknown ",
                "session.refused anna ",
            ];
            assert_eq!(said, expected);
        });
    }

    #[test]
    fn guessing_is_slow_and_does_not_fill_the_log() {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            set(folder.path(), "admin", Role::Admin, "correct horse");
            let log = folder.path().join("log");
            let access = Access::open(Some(folder.path().to_owned()), Journal::open(&log).unwrap()).unwrap();
            let mut compared = 0;
            for _ in 0..100 {
                match access.sign_in("admin", "a guess", HERE).await {
                    Err(RefusedError::Wrong) => compared += 1,
                    Err(RefusedError::TooMany { wait }) => assert!(wait.0 <= 20_000_000),
                    other => panic!("{other:?}"),
                }
            }
            assert!((6..20).contains(&compared), "{compared}");
            assert_eq!(access.refused(), 100);
            assert!(read::newest(&log, None, 99).unwrap().len() <= 22);
            let late = access.sign_in("admin", "correct horse", HERE).await;
            assert!(matches!(late, Err(RefusedError::TooMany { .. })), "right, and too soon");
        });
    }
}
