//! The server: connections, and what every answer is made from.
//!
//! Takes a listener that is open; serves until it is dropped. Connections and streams of events are bounded: whoever comes later waits, or
//! is told to, and a connection that asks for nothing is closed.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::connections::Connections;
use super::guard::{self, Names};
use super::login::Peer;
use super::records::Records;
use super::tls::Renewing;
use super::{admit, layout, routes};
use crate::config::{Config, Look};
use crate::link::Station;
use crate::log::Journal;
use crate::marks::Marks;
use crate::roles::{Access, Visitor};
use crate::secret::Secret;
use crate::words::{Language, Word};

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
    /// What people say parts really were; nothing where there is no folder for it.
    pub marks: Option<Marks>,
    /// Who is signed in.
    pub access: Access,
    /// Who may look.
    pub look: Look,
    /// What opens the figures to who sends it, where they are not open.
    pub metrics_token: Option<Secret>,
    /// Under which names is answered.
    pub names: Names,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The language of those who ask for none.
    pub language: Language,
    /// Room for streams of events.
    pub streams: Arc<Semaphore>,
}

/// What is served, and with what.
#[derive(Debug)]
pub struct Served {
    /// What was configured.
    pub config: Config,
    /// The station.
    pub station: Station,
    /// The log of changes.
    pub journal: Journal,
    /// Who may do what.
    pub access: Access,
}

impl Shared {
    fn new(Served { config, station, journal, access }: Served) -> Self {
        let records = Records::new(config.store().map(Into::into), station.clone());
        let names = Names {
            names: config.names().to_vec(),
            addresses: !config.listen().ip().is_loopback(),
            scheme: config.scheme(),
        };
        let marks = config.roles().map(Marks::within);
        let (language, look, tls) = (config.language(), config.look(), config.tls().is_some());
        Self {
            station,
            records,
            journal,
            marks,
            access,
            look,
            metrics_token: config.metrics_token().cloned(),
            names,
            tls,
            language,
            streams: Arc::new(Semaphore::new(STREAMS)),
        }
    }
}

/// Serves for as long as it is waited for.
pub async fn serve(listener: TcpListener, tls: Option<Renewing>, served: Served) {
    let shared = Arc::new(Shared::new(served));
    tokio::spawn(shared.records.clone().watch_pictures());
    tokio::spawn(shared.access.clone().watch());
    if let Some(tls) = &tls {
        tokio::spawn(tls.clone().watch());
    }
    let router = routes::router(&shared)
        .fallback(nothing)
        .layer(from_fn_with_state(Arc::clone(&shared), admit::identify))
        .layer(from_fn_with_state(Arc::clone(&shared), guard::guard))
        .with_state(shared);
    let service = TowerToHyperService::new(router);
    let connections = Connections::default();
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                sleep(PAUSE).await;
                continue;
            }
        };
        // Where there is no place, it is closed at once.
        let Some(place) = connections.enter(peer.ip().to_canonical()).map(Arc::new) else { continue };
        let (service, asking, tls) = (service.clone(), Arc::clone(&place), tls.as_ref().map(Renewing::now));
        let service = service_fn(move |mut request: Request<Incoming>| {
            asking.asked();
            request.extensions_mut().insert(Peer(peer.ip().to_canonical()));
            service.call(request)
        });
        tokio::spawn(async move {
            let mut protocol = http1::Builder::new();
            protocol.timer(TokioTimer::new()).header_read_timeout(HEAD);
            // Whoever goes away in the middle, or says what is no HTTP or no TLS, is no news.
            let served = async {
                match tls {
                    None => drop(protocol.serve_connection(TokioIo::new(stream), service).await),
                    Some(tls) => {
                        if let Ok(Ok(stream)) = timeout(HEAD, tls.accept(stream)).await {
                            drop(protocol.serve_connection(TokioIo::new(stream), service).await);
                        }
                    }
                }
            };
            tokio::select! {
                () = served => {}
                () = place.ended() => {}
            }
        });
    }
}

/// `GET /assets/style.css`: how pages look.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../assets/style.css")).into_response()
}

/// `GET /assets/live.js`: what keeps *Live* up to date.
pub(super) async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../../assets/live.js")).into_response()
}

async fn nothing(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    let language = layout::language(&headers, shared.language);
    (StatusCode::NOT_FOUND, layout::message(&shared, &visitor, language, Word::NotFound.to(language))).into_response()
}
