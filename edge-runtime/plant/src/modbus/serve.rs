//! Answers requests of controllers.
//!
//! Every connection sees the same handshake: two controllers that both acknowledge take results from each other. Connections are bounded;
//! what the map has not is refused with the exception that Modbus has for it.

use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_modbus::server::Service;
use tokio_modbus::server::tcp::Server;
use tokio_modbus::{ExceptionCode, Request, Response};

use super::handshake::Handshake;
use super::map;
use crate::clock::Moment;
use crate::line::Line;
use crate::link::Station;
use crate::log::Journal;
use crate::press;
use crate::select::select;
use crate::wire::ToPlant;

/// Connections at once. Others are closed at once.
const CONNECTIONS: usize = 16;

/// After a connection that cannot be taken.
const PAUSE: Duration = Duration::from_millis(200);

/// What all connections share.
struct Bus {
    station: Station,
    journal: Journal,
    begun: Moment,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    handshake: Handshake,
    /// *Acknowledge Alarms*, as the controller left it.
    resetting: bool,
    /// *Select Product*, likewise.
    selecting: bool,
    /// *Product Wanted*, likewise.
    wanted: u16,
}

/// One connection.
struct Controller {
    bus: Arc<Bus>,
    _room: OwnedSemaphorePermit,
}

/// Serves for as long as it is waited for.
pub async fn serve(listener: TcpListener, station: Station, journal: Journal) {
    let bus = Arc::new(Bus { station, journal, begun: Moment::now(), state: Mutex::default() });
    tokio::spawn(listen(Arc::clone(&bus)));
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let server = Server::new(listener);
    let connected = |stream, _| {
        let room = Arc::clone(&room).try_acquire_owned();
        let controller = room.map(|_room| Controller { bus: Arc::clone(&bus), _room });
        ready(Ok(controller.ok().map(|controller| (controller, stream))))
    };
    loop {
        // A connection that breaks is no news; one that cannot be taken, for want of files or memory, passes.
        if let Err(error) = server.serve(&connected, drop).await {
            tracing::warn!(%error, "a controller's connection cannot be taken");
        }
        sleep(PAUSE).await;
    }
}

/// Hears of every part.
async fn listen(bus: Arc<Bus>) {
    let (mut heard, mut run) = (bus.station.parts(), None);
    loop {
        let message = heard.recv().await;
        let mut state = bus.state.lock().unwrap_or_else(PoisonError::into_inner);
        match message {
            Ok(ToPlant::Part(part)) => state.handshake.left(part),
            Ok(ToPlant::Greeting(greeting)) => {
                if run.replace(greeting.run) != Some(greeting.run) {
                    state.handshake.restart();
                }
            }
            Ok(ToPlant::Lost(_)) | Err(RecvError::Lagged(_)) => state.handshake.lost(),
            Ok(_) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// What lies at these addresses.
fn of<T: Copy>(all: &[T], address: u16, count: u16) -> Result<Vec<T>, ExceptionCode> {
    let from = usize::from(address);
    let wanted = all.get(from..from + usize::from(count)).filter(|wanted| !wanted.is_empty());
    wanted.map(<[T]>::to_vec).ok_or(ExceptionCode::IllegalDataAddress)
}

impl Bus {
    fn answer(&self, request: &Request<'_>) -> Result<Response, ExceptionCode> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let line = self.station.line();
        let registers = || map::registers(&line, &state.handshake, self.begun.age().as_secs(), state.wanted);
        match request {
            Request::ReadDiscreteInputs(address, count) => {
                of(&map::bits(&line, &state.handshake), *address, *count).map(Response::ReadDiscreteInputs)
            }
            Request::ReadCoils(address, count) => {
                let coils = map::coils(&state.handshake, state.resetting, state.selecting);
                of(&coils, *address, *count).map(Response::ReadCoils)
            }
            Request::ReadInputRegisters(address, count) => {
                of(&registers(), *address, *count).map(Response::ReadInputRegisters)
            }
            Request::ReadHoldingRegisters(address, count) => {
                of(&registers(), *address, *count).map(Response::ReadHoldingRegisters)
            }
            Request::WriteSingleCoil(address, on) => {
                self.switch(&mut state, &line, *address, &[*on])?;
                Ok(Response::WriteSingleCoil(*address, *on))
            }
            Request::WriteMultipleCoils(address, on) => {
                self.switch(&mut state, &line, *address, on)?;
                Ok(Response::WriteMultipleCoils(*address, on.len() as u16))
            }
            Request::WriteSingleRegister(map::WANTED, wanted) => {
                state.wanted = *wanted;
                Ok(Response::WriteSingleRegister(map::WANTED, *wanted))
            }
            Request::WriteMultipleRegisters(map::WANTED, words) => match words.as_ref() {
                [wanted] => {
                    state.wanted = *wanted;
                    Ok(Response::WriteMultipleRegisters(map::WANTED, 1))
                }
                _ => Err(ExceptionCode::IllegalDataAddress),
            },
            Request::WriteSingleRegister(..) | Request::WriteMultipleRegisters(..) => {
                Err(ExceptionCode::IllegalDataAddress)
            }
            _ => Err(ExceptionCode::IllegalFunction),
        }
    }

    /// Switches coils, all of them or none.
    fn switch(&self, state: &mut State, line: &Line, address: u16, switched: &[bool]) -> Result<(), ExceptionCode> {
        let places = usize::from(address)..usize::from(address) + switched.len();
        if places.is_empty() || places.end > map::COILS.len() {
            return Err(ExceptionCode::IllegalDataAddress);
        }
        let mut wishes = places.clone().zip(switched);
        let product = line.products.as_ref().and_then(|products| products.numbered(state.wanted));
        if wishes.any(|wish| wish == (3, &true)) && !state.selecting && product.is_none() {
            return Err(ExceptionCode::IllegalDataValue);
        }
        for (place, &on) in places.zip(switched) {
            match (place, on) {
                (0, on) => state.handshake.acknowledge(on),
                (1, true) => state.handshake.clear_overrun(),
                (2, on) => {
                    if on && !std::mem::replace(&mut state.resetting, on) {
                        self.reset();
                    }
                    state.resetting = on;
                }
                (3, on) => {
                    if on && !std::mem::replace(&mut state.selecting, on) {
                        self.select(state.wanted);
                    }
                    state.selecting = on;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Presses the button; what becomes of it shows in the line's state.
    fn reset(&self) {
        let (station, journal) = (self.station.clone(), self.journal.clone());
        tokio::spawn(async move {
            match press::press(&station, &journal, "modbus", "controller").await {
                Ok(taken) => tracing::warn!(taken, "acknowledged by a controller"),
                Err(error) => tracing::warn!(%error, "not acknowledged by a controller"),
            }
        });
    }
}

impl Bus {
    /// Wants another product; what becomes of it shows in *Changeover*, *Changeover Refused* and *Product*.
    fn select(&self, number: u16) {
        let (station, journal) = (self.station.clone(), self.journal.clone());
        tokio::spawn(async move {
            match select(&station, &journal, "modbus", "controller", number).await {
                Ok(taken) => tracing::warn!(number, taken, "another product is wanted by a controller"),
                Err(error) => tracing::warn!(number, %error, "another product is not had by a controller"),
            }
        });
    }
}

impl Service for Controller {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        ready(self.bus.answer(&request))
    }
}
