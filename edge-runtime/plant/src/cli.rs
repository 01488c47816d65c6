//! The commands. Standard output is data, standard error is talk.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done; `serve` was told to end |
//! | 2 | wrong arguments or configuration |
//! | 3 | `verify-log`: the log is another than it was |
//! | 5 | anything else: an address that cannot be listened on, a fault of the program |

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::log::{Chain, Journal, read};
use crate::{link, modbus, web};

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
            Command::Serve(args) => read_config(&args.config).map(|config| serve(config).map(|()| ExitCode::SUCCESS)),
            Command::CheckConfig(args) => read_config(&args.config).map(|config| {
                for (key, value) in config.table() {
                    println!("{key:<20} {value}");
                }
                Ok(ExitCode::SUCCESS)
            }),
            Command::VerifyLog(args) => Ok(verify_log(args)),
        };
        done.unwrap_or_else(Ok)
    }
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
fn serve(config: Config) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build();
    runtime.context("cannot start")?.block_on(async {
        let listen = config.listen();
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr().context("no address")?;
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let journal = match config.log() {
            Some(folder) => Journal::open(&folder).context("no log of changes")?,
            None => Journal::default(),
        };
        let station = link::start(config.socket().to_owned());
        if let Some(listen) = config.modbus() {
            let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
            eprintln!("modbus://{}", listener.local_addr().context("no address")?);
            tokio::spawn(modbus::serve::serve(listener, station.clone(), journal.clone()));
        }
        eprintln!("http://{address}/");
        tokio::select! {
            () = web::serve(listener, config, station, journal) => Ok(()),
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        }
    })
}
