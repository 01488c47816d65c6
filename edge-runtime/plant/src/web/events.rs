//! Regions of *Live* that have changed, as server-sent events.
//!
//! Each event has a region's id as its name and its new content as data; `beat` comes in between, so that a browser knows that the
//! connection lives. Of changes that come faster than people see only the newest is sent.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{sleep, timeout};

use super::layout;
use super::live::REGIONS;
use super::serve::Shared;
use crate::config::Look;
use crate::line::Line;
use crate::roles::Visitor;
use crate::words::Language;

/// From one look at the line to the next.
const EVERY: Duration = Duration::from_millis(200);

/// Something is sent at least this often. The script takes three times as long for a lost connection.
const BEAT: Duration = Duration::from_secs(2);

/// One viewer.
struct Viewer {
    line: watch::Receiver<Line>,
    language: Language,
    visitor: Visitor,
    shared: Arc<Shared>,
    sent: [Option<String>; REGIONS.len()],
    waiting: VecDeque<Event>,
    _room: OwnedSemaphorePermit,
}

/// `GET /events`: regions of *Live* that have changed, as server-sent events. 503 when too many watch already.
pub async fn stream(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    let Ok(room) = Arc::clone(&shared.streams).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "10")], "too many viewers\n").into_response();
    };
    let language = layout::language(&headers, shared.language);
    let line = shared.station.watch();
    let (sent, waiting) = Default::default();
    let viewer = Viewer { line, language, visitor, shared, sent, waiting, _room: room };
    Sse::new(unfold(viewer, next)).into_response()
}

async fn next(mut viewer: Viewer) -> Option<(Result<Event, Infallible>, Viewer)> {
    let first = viewer.sent.iter().all(Option::is_none);
    while viewer.waiting.is_empty() {
        if !first {
            sleep(EVERY).await;
            // A standing that has become old changes what is shown too, so that a silent line is looked at as well.
            match timeout(BEAT, viewer.line.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => viewer.waiting.push_back(Event::default().event("beat").data("-")),
            }
        }
        // A stream outlives the session that it was asked for with.
        if viewer.shared.look == Look::Operator && !viewer.shared.access.still(&viewer.visitor) {
            return None;
        }
        viewer.look();
    }
    let event = viewer.waiting.pop_front()?;
    Some((Ok(event), viewer))
}

impl Viewer {
    fn look(&mut self) {
        let line = self.line.borrow_and_update();
        for ((id, draw), sent) in REGIONS.iter().zip(&mut self.sent) {
            // A stream of events cannot carry them.
            let drawn = draw(&line, self.language).into_string().replace('\r', " ");
            if sent.as_ref() != Some(&drawn) {
                // Browsers pass over an event without data, and the region would keep what it had.
                self.waiting.push_back(Event::default().event(*id).data(if drawn.is_empty() { " " } else { &drawn }));
                *sent = Some(drawn);
            }
        }
    }
}
