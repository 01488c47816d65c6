//! The commands. Standard output is data, standard error is talk.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done; `serve` was told to end |
//! | 2 | wrong arguments or configuration |
//! | 3 | `verify-log`: the log is another than it was |
//! | 5 | anything else: an address that cannot be listened on, a fault of the program |

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::export::{Exported, export};
use crate::log::files::{LIMITS, Log};
use crate::log::{Chain, Journal, Note, read};
use crate::marks::Marks;
use crate::roles::people::{PeopleError, hold};
use crate::roles::{Access, People, Role};
use crate::web::Served;
use crate::web::records::Records;
use crate::{clock, link, modbus, mqtt, web, wired};

/// Wrong arguments or configuration.
pub const USAGE: u8 = 2;

/// The log has been changed.
pub const CHANGED: u8 = 3;

/// Anything else.
pub const INTERNAL: u8 = 5;

/// What is around a station: a page for the people at the line, and figures for the plant.
#[derive(Debug, clap::Parser)]
#[command(name = "edge-plant", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Connects to a station, and serves its page, its metrics and its rejected parts.
    ///
    /// Runs until SIGTERM or Ctrl-C. A station that is not there, or goes away, is waited for.
    ///
    /// Example: edge-plant serve --config edge-runtime/plant/config/plant.example.toml
    Serve(Args),
    /// Says whether a configuration can be used.
    ///
    /// Example: edge-plant check-config --config edge-runtime/plant/config/plant.example.toml
    CheckConfig(Args),
    /// Gives somebody a password and a role: operator, engineer or admin.
    ///
    /// Asks for the password, or reads it from standard input where that is no terminal; it is never an argument. From the first admin's password
    /// on everybody has to sign in to change something, without a restart. To be run as the user of the service.
    ///
    /// Example: sudo -u draem-plant edge-plant set-password --config /etc/draem-edge/plant.toml --role admin
    SetPassword(SetPassword),
    /// Takes somebody's password away, and signs them out.
    ///
    /// Example: sudo -u draem-plant edge-plant remove-password --config /etc/draem-edge/plant.toml --name anna
    RemovePassword(RemovePassword),
    /// Writes the frames of parts that were marked on the page into folders that host-trainer takes.
    ///
    /// DIR/good and DIR/bad, and DIR/marks.json with every mark. DIR must not be there, or be empty. To be run as the user of the service.
    ///
    /// Example: sudo -u draem-plant edge-plant export-marks --config /etc/draem-edge/plant.toml --store /var/lib/draem-edge/audit --out /tmp/marked
    ExportMarks(ExportMarks),
    /// Checks that no entry of the log of changes was edited, removed, or put elsewhere.
    ///
    /// An end that was cut off, and a log that somebody wrote anew from its first to its last entry, can only be told by what is kept
    /// elsewhere: --head takes an entry's number and hash, as an earlier check printed them or /metrics had them.
    ///
    /// Example: edge-plant verify-log --config /etc/draem-edge/plant.toml
    VerifyLog(VerifyLog),
}

#[derive(Debug, clap::Args)]
struct Args {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, clap::Args)]
struct SetPassword {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What they may do.
    #[arg(long, value_name = "ROLE")]
    role: Role,
    /// The name to sign in with, and in the log; the role's own where none is given.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
struct RemovePassword {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Whose.
    #[arg(long, value_name = "NAME")]
    name: String,
}

#[derive(Debug, clap::Args)]
struct ExportMarks {
    /// The configuration file, which names the marks' folder.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The station's records, where the configuration does not name them.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The folder to be written.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct VerifyLog {
    /// The configuration file, which names the folder.
    #[arg(long, value_name = "FILE", required_unless_present = "dir")]
    config: Option<PathBuf>,
    /// The log's folder itself, or a copy of it.
    #[arg(long, value_name = "FOLDER", conflicts_with = "config")]
    dir: Option<PathBuf>,
    /// An entry that has to be there: its number and its hash.
    #[arg(long, value_name = "NUMBER:HASH", value_parser = head)]
    head: Option<Chain>,
}

/// Reads a head as it is printed.
fn head(text: &str) -> Result<Chain, String> {
    let expected = || format!("{text:?} is no number and 64 digits of a hash, such as 17:9f86d0…");
    let (entries, head) = text.split_once(':').ok_or_else(expected)?;
    let entries = entries.parse().map_err(|_| expected())?;
    let is_hash = head.len() == 64 && head.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if is_hash { Ok(Chain { entries, head: head.to_owned() }) } else { Err(expected()) }
}

/// The configuration, or what is wrong with it on standard error.
fn read_config(path: &Path) -> Result<Config, ExitCode> {
    Config::read(path).map_err(|error| refused(&error))
}

fn refused(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(USAGE)
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// What ends with [`INTERNAL`].
    pub fn run(&self) -> Result<ExitCode> {
        let done = match &self.command {
            Command::Serve(args) => read_config(&args.config).map(serve),
            Command::CheckConfig(args) => read_config(&args.config).map(|config| check_config(&config)),
            Command::SetPassword(args) => read_config(&args.config).map(|config| set_password(&config, args)),
            Command::RemovePassword(RemovePassword { config, name }) => read_config(config).map(|config| {
                change(&config, name, "password.removed", "none", |people| people.remove(name).map(drop))
            }),
            Command::ExportMarks(args) => read_config(&args.config).map(|config| export_marks(&config, args)),
            Command::VerifyLog(args) => Ok(verify_log(args)),
        };
        done.unwrap_or_else(Ok)
    }
}

/// Says what was understood, and what has to be thought about or done.
fn check_config(config: &Config) -> Result<ExitCode> {
    for (key, value) in config.table() {
        println!("{key:<20} {value}");
    }
    if let Some(warning) = config.warning() {
        eprintln!("warning: {warning}");
    }
    if let Some(tls) = config.tls()
        && let Err(error) = web::tls::acceptor(tls)
    {
        return Ok(refused(&error));
    }
    // The user who checks need not be the one who may read passwords.
    match config.roles().map(People::read).transpose() {
        Ok(people) => {
            let closed = people.is_some_and(|people| people.closed());
            println!(
                "{:<20} {}",
                "admin's password",
                if closed { "set" } else { "none: whoever is at this machine may acknowledge" }
            );
            Ok(if closed || config.listen().ip().is_loopback() { ExitCode::SUCCESS } else { refused(&NO_ADMIN) })
        }
        Err(error) => {
            eprintln!("warning: whether an admin has a password is not known: {error}");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Why nothing is served.
const NO_ADMIN: &str = "web.listen is beyond this machine itself, and no admin has a password: edge-plant set-password --role admin gives one";

fn set_password(config: &Config, args: &SetPassword) -> Result<ExitCode> {
    let name = args.name.clone().unwrap_or_else(|| args.role.name().to_owned());
    let Some(password) = password(&name)? else {
        return Ok(refused(&"the two are not the same; nothing is changed"));
    };
    let after = format!("{name}: {}", args.role.name());
    change(config, &name, "password.set", &after, |people| people.set(&name, args.role, &password))
}

/// A password, asked for twice at a terminal, or a line of standard input; none where the two are not the same.
fn password(name: &str) -> Result<Option<String>> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let one = rpassword::prompt_password(format!("password of {name}: ")).context("no password")?;
        let two = rpassword::prompt_password("once more: ").context("no password")?;
        return Ok((one == two).then_some(one));
    }
    let mut line = String::new();
    // Some more than the longest password, so that one that is too long is told as such.
    stdin.lock().take(4_096).read_line(&mut line).context("no password")?;
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Changes the people, and writes so to the log first.
fn change(
    config: &Config,
    name: &str,
    what: &str,
    after: &str,
    change: impl FnOnce(&mut People) -> Result<(), PeopleError>,
) -> Result<ExitCode> {
    let (Some(folder), Some(log)) = (config.roles(), config.log()) else {
        return Ok(refused(&"there is no place for passwords: the configuration has no [roles]"));
    };
    let _held = hold(folder)?;
    let mut people = People::read(folder)?;
    let before = people.get(name).map_or("none", |person| person.role.name()).to_owned();
    if let Err(error) = change(&mut people) {
        return Ok(refused(&error));
    }
    let mut log = Log::open(&log, LIMITS, clock::wall())?;
    let [who, what, after] = ["shell", what, after].map(str::to_owned);
    log.append(clock::wall(), &Note { who, role: String::new(), what, before: format!("{name}: {before}"), after })?;
    people.write(folder)?;
    eprintln!(
        "{}",
        if people.closed() { "everybody has to sign in" } else { "no admin has a password yet: nobody has to sign in" }
    );
    Ok(ExitCode::SUCCESS)
}

fn export_marks(config: &Config, args: &ExportMarks) -> Result<ExitCode> {
    let Some(folder) = config.roles() else {
        return Ok(refused(&"no marks are kept: the configuration has no [roles]"));
    };
    let Some(store) = args.store.as_deref().or(config.store()) else {
        return Ok(refused(&"where the station's records are is not known: name their folder with --store"));
    };
    let Exported { good, bad, gone } = export(&Marks::within(folder), store, &args.out)?;
    println!("{:<20} {good}", "good");
    println!("{:<20} {bad}", "bad");
    println!("{:<20} {gone}", "without a frame");
    Ok(ExitCode::SUCCESS)
}

fn verify_log(args: &VerifyLog) -> Result<ExitCode> {
    let folder = match (&args.dir, &args.config) {
        (Some(folder), _) => folder.clone(),
        (None, config) => match read_config(config.as_deref().unwrap_or(Path::new(""))) {
            Err(code) => return Ok(code),
            Ok(config) => match config.log() {
                Some(folder) => folder,
                None => return Ok(refused(&"no log is kept: the configuration has no [roles]")),
            },
        },
    };
    let found = read::verify(&folder, args.head.clone())?;
    let Chain { entries, head } = &found.chain;
    println!("{:<20} {} to {entries}", "entries", found.first);
    println!("{:<20} {entries}:{head}", "head");
    if found.torn > 0 {
        println!(
            "{:<20} {} bytes of a line that was never finished, as a power cut leaves it; the next start closes it",
            "torn", found.torn
        );
    }
    for flaw in &found.flaws {
        println!("{:<20} {flaw}", "CHANGED");
    }
    if found.held == Some(false) {
        println!(
            "{:<20} the entry given with --head is not there: the end is missing, or all was written anew",
            "CHANGED"
        );
    }
    Ok(if found.whole() { ExitCode::SUCCESS } else { ExitCode::from(CHANGED) })
}

/// One thread: what it serves is little, and a station's processors are for the station.
fn serve(config: Config) -> Result<ExitCode> {
    let tls = match config.tls().map(web::tls::Renewing::open).transpose() {
        Ok(tls) => tls,
        Err(error) => return Ok(refused(&error)),
    };
    let journal = match config.log() {
        Some(folder) => Journal::open(&folder).context("no log of changes")?,
        None => Journal::default(),
    };
    let access = Access::open(config.roles().map(Path::to_owned), journal.clone())?;
    if !access.closed() && !config.listen().ip().is_loopback() {
        return Ok(refused(&NO_ADMIN));
    }
    if let Some(warning) = config.warning() {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build();
    runtime.context("cannot start")?.block_on(async {
        let listen = config.listen();
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr().context("no address")?;
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let station = link::start(config.socket().to_owned());
        if let Some(listen) = config.modbus() {
            let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
            eprintln!("modbus://{}", listener.local_addr().context("no address")?);
            tokio::spawn(modbus::serve::serve(listener, station.clone(), journal.clone()));
        }
        let mut teller = None;
        if let Some(settings) = config.mqtt() {
            let records = Records::new(config.store().map(Into::into), station.clone());
            let started = mqtt::serve::start(settings.clone(), station.clone(), journal.clone(), records);
            teller = Some(started.context("no MQTT")?);
        }
        tokio::spawn(look_through(journal.clone()));
        tokio::spawn(wired::watch(station.clone(), journal.clone()));
        eprintln!("{}://{address}/", config.scheme());
        tokio::select! {
            () = web::serve(listener, tls, Served { config, station, journal, access }) => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        teller.map_or(Ok(()), |teller| teller.finish()).context("what was told is told again")?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Says at the start whether the log is as it was written; it is written on in any case.
async fn look_through(journal: Journal) {
    match journal.verify().await {
        Ok(Some(found)) if !found.whole() => {
            tracing::error!(flaws = ?found.flaws, "the log of changes is another than it was");
        }
        Ok(_) => {}
        Err(error) => tracing::error!(%error, "the log of changes cannot be checked"),
    }
}
