//! Picture files of kept parts.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::records::RecordsError;
use super::serve::Shared;
use crate::store::Which;

/// `GET /pictures/{run}/{part}`: a part's picture, 512 by 256 pixels, with the heatmap on the right.
pub async fn view(State(shared): State<Arc<Shared>>, Path(part): Path<(i64, u32)>) -> Response {
    answer(&shared, part, Which::View).await
}

/// `GET /originals/{run}/{part}`: the frame as the camera gave it.
pub async fn original(State(shared): State<Arc<Shared>>, Path(part): Path<(i64, u32)>) -> Response {
    answer(&shared, part, Which::Original).await
}

async fn answer(shared: &Shared, (run, part): (i64, u32), which: Which) -> Response {
    match shared.records.ask(move |reader| reader.picture(run, part, which)).await {
        // A part's picture never changes; a run's number is never given twice.
        Ok(Some(bytes)) => {
            let headers =
                [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "private, max-age=86400, immutable")];
            (headers, bytes).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "no picture is kept of this part\n").into_response(),
        Err(error) => {
            let status = match error {
                RecordsError::Unknown | RecordsError::TooLong => StatusCode::SERVICE_UNAVAILABLE,
                RecordsError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (status, format!("{error}\n")).into_response()
        }
    }
}
