//! The commands. Standard output is data, standard error is talk.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done; `serve` was told to end |
//! | 2 | wrong arguments or configuration |
//! | 5 | anything else: an address that cannot be listened on, a fault of the program |

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::web::records::Records;
use crate::{link, modbus, mqtt, web};

/// Wrong arguments or configuration.
pub const USAGE: u8 = 2;

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
}

#[derive(Debug, clap::Args)]
struct Args {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// What ends with [`INTERNAL`].
    pub fn run(&self) -> Result<ExitCode> {
        let (Command::Serve(args) | Command::CheckConfig(args)) = &self.command;
        let config = match Config::read(&args.config) {
            Ok(config) => config,
            Err(error) => {
                eprintln!("error: {error}");
                return Ok(ExitCode::from(USAGE));
            }
        };
        match self.command {
            Command::Serve(_) => serve(config)?,
            Command::CheckConfig(_) => {
                for (key, value) in config.table() {
                    println!("{key:<20} {value}");
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// One thread: what it serves is little, and a station's processors are for the station.
fn serve(config: Config) -> Result<()> {
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
            tokio::spawn(modbus::serve::serve(listener, station.clone()));
        }
        let mut teller = None;
        if let Some(settings) = config.mqtt() {
            let records = Records::new(config.store().map(Into::into), station.clone());
            teller = Some(mqtt::serve::start(settings.clone(), station.clone(), records).context("no MQTT")?);
        }
        eprintln!("http://{address}/");
        tokio::select! {
            () = web::serve(listener, config, station) => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        teller.map_or(Ok(()), |teller| teller.finish()).context("what was told is told again")
    })
}
