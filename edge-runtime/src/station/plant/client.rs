//! One connection of the plant's process.
//!
//! Takes news; sends them as the socket has room, without ever waiting for it. What it holds is bounded: of a plant that does not keep up
//! parts are left out and counted, and one that reads nothing for [`PATIENCE`] is given up.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use edge_plant::wire::{self, Basis, Decoder, Greeting, PREFACE, Step, ToPlant, ToStation, WireError};
use shared::units::Micros;
use thiserror::Error;

use super::setter::Setter;
use super::slot::{News, Shared};
use crate::station::recipes::intake::Reply;

/// Bytes that wait for the socket. Some thousand parts; beyond it parts are left out.
const MOST_WAITING: usize = 128 * 1024;

/// Somebody who reads nothing for this long while bytes wait reads nothing any more.
const PATIENCE: Micros = Micros::from_millis(5_000);

/// Bytes that are read at once: the longest piece of a bundle, or more requests than a person's finger can ask for.
const READ: usize = wire::MOST_BYTES;

/// Turns without a further piece after which a bundle on its way is waited for as for anything else.
const HURRIES: u16 = 500;

/// Why a connection is over.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The other side has gone.
    #[error("the plant's process has gone")]
    Gone,
    /// It reads nothing.
    #[error("the plant's process has read nothing for {} s", PATIENCE.0 / 1_000_000)]
    Silent,
    /// It says something that is no message.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// The socket fails.
    #[error("{0}")]
    Socket(#[from] std::io::Error),
}

/// A connection.
///
/// # Invariants
/// `out[at..]` was not sent yet, and begins with whole messages but for the first.
pub struct Client {
    stream: UnixStream,
    decoder: Decoder,
    out: Vec<u8>,
    at: usize,
    /// When the socket last took something, or nothing waited.
    moved_at: Micros,
    lost: u64,
    /// Which state of the products was told last.
    products: u64,
    /// Number of the step of an upload that waits for its reply.
    step: Option<u32>,
    /// Turns in which the next piece of a bundle is soon to come.
    hurry: u16,
}

impl Client {
    /// A connection that is to be greeted.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(stream: UnixStream, greeting: &Greeting, basis: &Basis, now: Micros) -> Result<Self, ClientError> {
        stream.set_nonblocking(true)?;
        let mut out = PREFACE.to_vec();
        wire::encode(&ToPlant::Greeting(greeting.clone()), &mut out)?;
        wire::encode(&ToPlant::Basis(Box::new(basis.clone())), &mut out)?;
        Ok(Self {
            stream,
            decoder: Decoder::default(),
            out,
            at: 0,
            moved_at: now,
            lost: 0,
            products: 0,
            step: None,
            hurry: 0,
        })
    }

    /// Hears requests, and sends what there is to be said.
    ///
    /// # Errors
    /// [`ClientError`]; the connection is over.
    pub fn turn(&mut self, news: News, shared: &Shared, setter: &Setter, now: Micros) -> Result<(), ClientError> {
        self.hurry = self.hurry.saturating_sub(1);
        self.hear(shared, setter)?;
        let reply = self.step.and_then(|number| Some((number, shared.exchange.heard()?)));
        self.say(news)?;
        self.say_products(shared)?;
        // Behind what it changed.
        if let Some((number, reply)) = reply {
            self.step = None;
            self.reply(number, reply)?;
        }
        self.send(now)
    }

    fn hear(&mut self, shared: &Shared, setter: &Setter) -> Result<(), ClientError> {
        let mut bytes = [0; READ];
        match self.stream.read(&mut bytes) {
            Ok(0) => return Err(ClientError::Gone),
            Ok(read) => self.decoder.push(&bytes[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        while let Some(word) = self.decoder.message()? {
            if self.waiting() > MOST_WAITING {
                return Err(ClientError::Silent);
            }
            let answer = match word {
                ToStation::Acknowledge { number } => {
                    let taken = shared.ask_for_reset();
                    if taken {
                        tracing::warn!("the plant's process acknowledges what is latched");
                    }
                    ToPlant::Answer { number, taken }
                }
                ToStation::Select { number, product } => {
                    let taken = shared.exchange.select(product);
                    if taken {
                        tracing::warn!(product, "the plant's process wants another product");
                    }
                    ToPlant::Answer { number, taken }
                }
                ToStation::SetThreshold { number, bundle_sha256, threshold } => {
                    match setter.set(shared, &bundle_sha256, threshold) {
                        Ok(()) => ToPlant::Answer { number, taken: true },
                        Err(why) => ToPlant::Refused { number, why },
                    }
                }
                ToStation::Upload { number, step } => {
                    self.hurry = if matches!(step, Step::Begin(_) | Step::Piece(_)) { HURRIES } else { 0 };
                    if step == Step::Abandon {
                        self.step = None;
                    }
                    match shared.exchange.offer(step) {
                        Some(reply) => self.reply(number, reply)?,
                        None => self.step = Some(number),
                    }
                    continue;
                }
            };
            wire::encode(&answer, &mut self.out)?;
        }
        Ok(())
    }

    fn reply(&mut self, number: u32, reply: Reply) -> Result<(), WireError> {
        let answer = match reply {
            Reply::Go => ToPlant::Answer { number, taken: true },
            Reply::Ended(outcome) => {
                self.hurry = 0;
                ToPlant::Uploaded { number, outcome }
            }
        };
        wire::encode(&answer, &mut self.out)
    }

    /// Whether pieces of a bundle follow each other.
    pub const fn hurries(&self) -> bool {
        self.hurry > 0
    }

    fn say(&mut self, news: News) -> Result<(), ClientError> {
        // As seldom as bundles take over, so that there is room for it in any case.
        if let Some(basis) = news.basis {
            wire::encode(&ToPlant::Basis(Box::new(basis.as_ref().clone())), &mut self.out)?;
        }
        for part in news.parts {
            if self.waiting() > MOST_WAITING {
                self.lost = self.lost.saturating_add(1);
                continue;
            }
            if self.lost > 0 {
                wire::encode(&ToPlant::Lost(std::mem::take(&mut self.lost)), &mut self.out)?;
            }
            wire::encode(&ToPlant::Part(part), &mut self.out)?;
        }
        // They would have come behind those that had room.
        self.lost = self.lost.saturating_add(news.lost);
        // A newer one comes soon, and one that has to wait is old when it is read.
        if let Some(standing) = news.standing.filter(|_| self.waiting() < MOST_WAITING / 8) {
            wire::encode(&ToPlant::Standing(standing), &mut self.out)?;
        }
        Ok(())
    }

    fn say_products(&mut self, shared: &Shared) -> Result<(), ClientError> {
        if self.waiting() < MOST_WAITING / 8
            && let Some((version, products)) = shared.exchange.products(self.products)
        {
            self.products = version;
            wire::encode(&ToPlant::Products(Box::new(products)), &mut self.out)?;
        }
        Ok(())
    }

    fn send(&mut self, now: Micros) -> Result<(), ClientError> {
        while self.waiting() > 0 {
            match self.stream.write(&self.out[self.at..]) {
                Ok(0) => return Err(ClientError::Gone),
                Ok(sent) => {
                    self.at += sent;
                    self.moved_at = now;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Err(ClientError::Gone),
                Err(error) => return Err(error.into()),
            }
        }
        if self.waiting() == 0 {
            self.moved_at = now;
        }
        self.out.drain(..self.at);
        self.at = 0;
        if now.saturating_sub(self.moved_at) >= PATIENCE { Err(ClientError::Silent) } else { Ok(()) }
    }

    fn waiting(&self) -> usize {
        self.out.len() - self.at
    }
}
