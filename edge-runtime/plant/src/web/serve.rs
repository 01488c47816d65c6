//! The server: who is let in, and which file answers what.
//!
//! Takes a listener that is open; serves until it is dropped. Connections and streams of events are bounded: whoever comes later waits, or
//! is told to.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::records::Records;
use super::{events, guard, layout, live, metrics, pictures, rejects};
use crate::config::Config;
use crate::link::Station;
use crate::words::{Language, Word};

/// Connections at once: some ten viewers with some connections each. Beyond it they wait in the kernel's queue.
const CONNECTIONS: usize = 256;

/// Streams of events at once: screens that show *Live*.
const STREAMS: usize = 64;

/// What every answer is made from.
#[derive(Debug)]
pub struct Shared {
    /// The station.
    pub station: Station,
    /// Its records.
    pub records: Records,
    /// The language of those who ask for none.
    pub language: Language,
    /// Room for streams of events.
    pub streams: Arc<Semaphore>,
}

/// Serves.
///
/// # Errors
/// The listener fails for good.
pub async fn serve(listener: TcpListener, config: Config, station: Station) -> io::Result<()> {
    let records = Records::new(config.store().map(Into::into), station.clone());
    tokio::spawn(records.clone().watch_pictures());
    let streams = Arc::new(Semaphore::new(STREAMS));
    let shared = Arc::new(Shared { station, records, language: config.language(), streams });
    let router = Router::new()
        .route("/", get(live::page))
        .route("/events", get(events::stream))
        .route("/acknowledge", post(live::acknowledge))
        .route("/rejects", get(rejects::gallery))
        .route("/parts/{run}/{part}", get(rejects::part))
        .route("/pictures/{run}/{part}", get(pictures::view))
        .route("/originals/{run}/{part}", get(pictures::original))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(metrics::healthz))
        .route("/assets/style.css", get(style))
        .route("/assets/live.js", get(script))
        .fallback(nothing)
        .layer(axum::middleware::from_fn(guard::guard))
        .with_state(shared);
    axum::serve(Bounded { listener, room: Arc::new(Semaphore::new(CONNECTIONS)) }, router).await
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../assets/style.css")).into_response()
}

async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../../assets/live.js")).into_response()
}

async fn nothing(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let language = layout::language(&headers, shared.language);
    (StatusCode::NOT_FOUND, layout::message(&shared, language, Word::NotFound.to(language))).into_response()
}

/// A listener with room for so many connections.
struct Bounded {
    listener: TcpListener,
    room: Arc<Semaphore>,
}

/// A connection that gives its room back when it ends.
struct Admitted {
    stream: TcpStream,
    _room: Option<OwnedSemaphorePermit>,
}

impl Listener for Bounded {
    type Io = Admitted;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Admitted, SocketAddr) {
        // It is never closed, so that there is room at some time.
        let room = Arc::clone(&self.room).acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Admitted { stream, _room: room }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl AsyncRead for Admitted {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Admitted {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        std::pin::Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
