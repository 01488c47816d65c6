//! A bundle that arrives.
//!
//! What arrives is handed on as it comes, and nothing of it is kept here. The form's fields stand before the file, so that who may, whether it is meant, and
//! what it is for is known before its first byte. Whatever comes of it, the rest of the file is heard out and thrown away, since browsers show no
//! answer to a request that they could not send. A sender that is slow beyond bounds is left off.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::html;
use shared::bundle::MAX_BUNDLE_BYTES;
use tokio::time::{Instant, timeout_at};

use super::answer::{accepted, refused};
use crate::roles::Visitor;
use crate::setting::MOST_REASON;
use crate::upload::{Handing, UploadError, Wanted};
use crate::web::admit::{ARRIVES, CSRF, MOST_FORM};
use crate::web::layout::{self, Place};
use crate::web::serve::Shared;
use crate::wire::{NotTaken, Offer, Uploaded};
use crate::words::Word;

/// Bytes of a request: the largest bundle, and the form around it.
const MOST_REQUEST: usize = MAX_BUNDLE_BYTES + (16 << 10);

/// A bundle has to be here this soon: the largest one over some megabits a second.
const LONGEST: Duration = Duration::from_secs(1_800);

/// Letters of a file's name that are written down.
const MOST_NAME: usize = 80;

/// How much of a request is taken in at most.
pub fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(MOST_REQUEST)
}

/// What the form says before its file.
#[derive(Debug, Default)]
struct Fields {
    csrf: Option<String>,
    recipe: String,
    like: String,
    reason: String,
    older: bool,
}

impl Fields {
    fn take(&mut self, name: &str, text: String) {
        match name {
            "csrf" => self.csrf = Some(text),
            "recipe" => self.recipe = text,
            "like" => self.like = text,
            "reason" => self.reason = text,
            "older" => self.older = text == "yes",
            _ => {}
        }
    }

    /// What is wanted, if it is something that can be.
    fn wanted(&self, visitor: &Visitor, file: &str) -> Result<Wanted, Word> {
        let reason = self.reason.trim();
        if reason.is_empty() || reason.chars().count() > MOST_REASON {
            return Err(Word::NoReason);
        }
        let file: String =
            file.chars().map(|letter| if letter.is_control() { '?' } else { letter }).take(MOST_NAME).collect();
        let like = if self.like.is_empty() { 0 } else { self.like.parse().map_err(|_| Word::OldPage)? };
        // A name that is far too long for one need not get as far as the log.
        let recipe = self.recipe.trim().chars().take(MOST_NAME).collect();
        Ok(Wanted {
            who: visitor.name.clone(),
            role: visitor.role_name().to_owned(),
            file,
            reason: reason.to_owned(),
            offer: Offer { recipe, like, allow_older: self.older },
        })
    }
}

/// Why an upload is answered without the station's word.
#[derive(Debug)]
enum Refused {
    /// It is no form of this page, or it says nothing that can be.
    Said(StatusCode, Word),
    /// What became of it.
    Upload(UploadError),
}

impl From<UploadError> for Refused {
    fn from(error: UploadError) -> Self {
        Self::Upload(error)
    }
}

/// `POST /products/upload`: a bundle for a recipe, as a form with a file. 201 when the station has verified and tested it and it is the recipe's;
/// 422 for one that is refused, 409 while another one is on its way or where there are no recipes, 413 for one larger than any, 408 for one that
/// does not come, 503 when nobody hears it or it cannot be kept, 507 without room.
pub async fn take(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let language = layout::language(&headers, shared.language);
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let taken = match form {
        // Not waited for: nobody sends so much by mistake.
        _ if length.is_some_and(|length: u64| length > MOST_REQUEST as u64) => {
            Err(UploadError::from(NotTaken::TooLarge).into())
        }
        Err(_) => Err(Refused::Said(StatusCode::UNSUPPORTED_MEDIA_TYPE, Word::OldPage)),
        Ok(mut form) => {
            let until = Instant::now() + LONGEST;
            let said = headers.get(CSRF).and_then(|said| said.to_str().ok());
            received(&shared, &visitor, said, &mut form, until).await
        }
    };
    let (status, main) = match &taken {
        Ok(taken) => (StatusCode::CREATED, accepted(taken, language)),
        Err(Refused::Said(status, word)) => (*status, html! { p.message { (word.to(language)) } }),
        Err(Refused::Upload(error)) => refused(error, language),
    };
    tracing::warn!(status = status.as_u16(), who = visitor.name, "a bundle is handed over from the page");
    let say = |word: Word| word.to(language);
    let main = html! { h1 { (say(Word::UploadBundle)) } (main) p { a href="/products" { (say(Word::Back)) } } };
    (status, layout::page(&shared, &visitor, language, Place::Upload, main)).into_response()
}

/// Takes the form in field by field, and hands its file on.
async fn received(
    shared: &Shared,
    visitor: &Visitor,
    said: Option<&str>,
    form: &mut Multipart,
    until: Instant,
) -> Result<Uploaded, Refused> {
    let mut fields = Fields { csrf: said.map(str::to_owned), ..Fields::default() };
    loop {
        let field = soon(until, form.next_field()).await?;
        // Without a file it is none of this page's forms.
        let mut field = field.ok_or(Refused::Said(StatusCode::UNPROCESSABLE_ENTITY, Word::NoFile))?;
        let name = field.name().unwrap_or_default().to_owned();
        if name != "file" {
            fields.take(&name, text(&mut field, until).await?);
            continue;
        }
        let wanted = match meant(&fields, visitor, field.file_name()) {
            Ok(wanted) => wanted,
            Err(refused) => {
                while soon(until, field.chunk()).await?.is_some() {}
                return Err(refused);
            }
        };
        let handing = Handing::begin(shared.station.clone(), shared.journal.clone(), wanted);
        while let Some(chunk) = soon(until, field.chunk()).await? {
            handing.chunk(chunk).await;
        }
        drop(field);
        let taken = handing.whole().await;
        while soon(until, form.next_field()).await?.is_some() {}
        return Ok(taken?);
    }
}

/// What is wanted, if it is meant and can be.
fn meant(fields: &Fields, visitor: &Visitor, file: Option<&str>) -> Result<Wanted, Refused> {
    if !visitor.means_it(fields.csrf.as_deref()) {
        return Err(Refused::Said(StatusCode::FORBIDDEN, Word::OldPage));
    }
    let refused = |word| Refused::Said(StatusCode::UNPROCESSABLE_ENTITY, word);
    let file = file.filter(|name| !name.is_empty()).ok_or(refused(Word::NoFile))?;
    fields.wanted(visitor, file).map_err(refused)
}

/// Something of the request, if it comes.
async fn soon<T>(until: Instant, comes: impl Future<Output = Result<T, MultipartError>>) -> Result<T, Refused> {
    match timeout_at(until.min(Instant::now() + ARRIVES), comes).await {
        Ok(Ok(came)) => Ok(came),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(UploadError::from(NotTaken::TooLarge).into())
        }
        Ok(Err(_)) => Err(UploadError::BrokenOff.into()),
        Err(_) => Err(Refused::Said(StatusCode::REQUEST_TIMEOUT, Word::BundleBrokenOff)),
    }
}

/// A short field. A longer one is heard out.
async fn text(field: &mut Field<'_>, until: Instant) -> Result<String, Refused> {
    let (mut bytes, mut long) = (Vec::new(), false);
    while let Some(chunk) = soon(until, field.chunk()).await? {
        long |= bytes.len() + chunk.len() > MOST_FORM;
        if !long {
            bytes.extend_from_slice(&chunk);
        }
    }
    let refused = |status| Refused::Said(status, Word::OldPage);
    if long {
        return Err(refused(StatusCode::PAYLOAD_TOO_LARGE));
    }
    String::from_utf8(bytes).map_err(|_| refused(StatusCode::UNPROCESSABLE_ENTITY))
}
