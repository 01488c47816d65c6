//! The server: who is let in, and which file answers what.
//!
//! Takes a listener that is open; serves until it is dropped. Connections and streams of events are bounded: whoever comes later waits, or
//! is told to, and a connection that asks for nothing is closed.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::records::Records;
use super::{events, guard, layout, live, metrics, pictures, rejects};
use crate::config::Config;
use crate::link::Station;
use crate::log::Journal;
use crate::words::{Language, Word};

/// Connections at once: some ten viewers with some connections each. Beyond it they wait in the kernel's queue.
const CONNECTIONS: usize = 256;

/// A request's head has to be there this soon after the connection, or after the answer before: nobody can hold all connections by asking for
/// nothing, or ever so slowly.
const HEAD: Duration = Duration::from_secs(10);

/// After a connection that cannot be taken, for want of files or memory, which pass.
const PAUSE: Duration = Duration::from_millis(200);

/// Streams of events at once: screens that show *Live*.
const STREAMS: usize = 64;

/// What every answer is made from.
#[derive(Debug)]
pub struct Shared {
    /// The station.
    pub station: Station,
    /// Its records.
    pub records: Records,
    /// The log of changes.
    pub journal: Journal,
    /// The language of those who ask for none.
    pub language: Language,
    /// Room for streams of events.
    pub streams: Arc<Semaphore>,
}

/// Serves for as long as it is waited for.
pub async fn serve(listener: TcpListener, config: Config, station: Station, journal: Journal) {
    let records = Records::new(config.store().map(Into::into), station.clone());
    tokio::spawn(records.clone().watch_pictures());
    let streams = Arc::new(Semaphore::new(STREAMS));
    let shared = Arc::new(Shared { station, records, journal, language: config.language(), streams });
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
    let service = TowerToHyperService::new(router);
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    // It is never closed, so that there is room at some time.
    while let Ok(room) = Arc::clone(&connections).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                sleep(PAUSE).await;
                continue;
            }
        };
        let service = service.clone();
        tokio::spawn(async move {
            let _room = room;
            let mut protocol = http1::Builder::new();
            protocol.timer(TokioTimer::new()).header_read_timeout(HEAD);
            // Whoever goes away in the middle, or says what is no HTTP, is no news.
            let _ = protocol.serve_connection(TokioIo::new(stream), service).await;
        });
    }
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
