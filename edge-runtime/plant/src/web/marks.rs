//! What somebody says a part really was: the buttons on its page, and what becomes of them.
//!
//! A mark is written to the log first. It changes nothing on the line, and nothing in the station's records.

use std::sync::Arc;

use axum::extract::{Extension, Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Place};
use super::rejects;
use super::serve::Shared;
use crate::clock;
use crate::log::Note;
use crate::marks::Mark;
use crate::roles::Visitor;
use crate::store::Key;
use crate::words::{Language, Word};

/// What an entry of a mark says.
const MARK: &str = "mark";

/// A mark, for people.
pub(super) fn word(mark: Mark) -> Word {
    match mark {
        Mark::Good => Word::MarkedGood,
        Mark::Bad => Word::MarkedBad,
    }
}

/// The buttons, for those who may press them, and as what the part is marked.
pub(super) fn buttons(language: Language, visitor: &Visitor, key: Key, marked: Option<Mark>) -> Markup {
    let say = |word: Word| word.to(language);
    let button = |value: &str, word: Word| html! { button type="submit" name="mark" value=(value) { (say(word)) } " " };
    html! {
        section {
            h2 { (say(Word::MarkForTraining)) }
            @if let Some(mark) = marked { p { b { (say(word(mark))) } } }
            @if visitor.role.is_some() {
                form method="post" action={ "/parts/" (key.run) "/" (key.part) } {
                    (layout::csrf(visitor))
                    @if marked != Some(Mark::Good) { (button("good", Word::MarkGood)) }
                    @if marked != Some(Mark::Bad) { (button("bad", Word::MarkBad)) }
                    @if marked.is_some() { (button("none", Word::MarkNone)) }
                }
                p.hint { (say(Word::MarkHint)) }
            } @else if marked.is_none() { p.hint { (say(Word::SignInToMark)) } }
        }
    }
}

/// What a press says.
#[derive(Debug, Deserialize)]
pub struct Filled {
    mark: String,
}

/// `POST /parts/{run}/{part}`: what the part really was. 303 to the part's page; 404 where there is no such part, 409 where no marks are kept, 503 where it cannot be written.
pub async fn mark(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Path((run, part)): Path<(i64, u32)>,
    Form(filled): Form<Filled>,
) -> Response {
    let language = layout::language(&headers, shared.language);
    let said = |status: StatusCode, word: Word| {
        (status, layout::message(&shared, &visitor, language, word.to(language))).into_response()
    };
    let wanted = match filled.mark.as_str() {
        "good" => Some(Mark::Good),
        "bad" => Some(Mark::Bad),
        "none" => None,
        _ => return said(StatusCode::UNPROCESSABLE_ENTITY, Word::OldPage),
    };
    let Some(marks) = shared.marks.clone() else { return said(StatusCode::CONFLICT, Word::NoMarks) };
    let reading = marks.clone();
    let found = shared.records.ask(move |reader| {
        let entry = reader.part(run, part)?;
        Ok(entry.map(|entry| (entry.key, reading.of(&[entry.key]))))
    });
    let (key, before) = match found.await {
        Ok(Some((key, Ok(before)))) => (key, before.get(&(run, part)).copied()),
        Ok(None) => return said(StatusCode::NOT_FOUND, Word::NoSuchPart),
        Ok(Some((_, Err(error)))) => {
            tracing::error!(%error, "a mark cannot be read");
            return said(StatusCode::SERVICE_UNAVAILABLE, Word::NotMarked);
        }
        Err(error) => {
            let (status, main) = rejects::refused(language, &error);
            return (status, layout::page(&shared, &visitor, language, Place::Rejects, main)).into_response();
        }
    };
    let words = |mark: Option<Mark>| format!("run {run} part {part}: {}", mark.map_or("none", Mark::word));
    let [who, role, what] = [visitor.name.as_str(), visitor.role_name(), MARK].map(str::to_owned);
    let note = Note { who, role, what, before: words(before), after: words(wanted) };
    if let Err(error) = shared.journal.write(note).await {
        tracing::error!(%error, "a change cannot be written to the log");
        return said(StatusCode::SERVICE_UNAVAILABLE, Word::NotLogged);
    }
    let who = visitor.name.clone();
    let set = tokio::task::spawn_blocking(move || marks.set(key, wanted, &who, clock::wall()));
    match set.await {
        Ok(Ok(())) => (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/parts/{run}/{part}"))]).into_response(),
        Ok(Err(error)) => {
            tracing::error!(%error, "a mark cannot be kept");
            said(StatusCode::SERVICE_UNAVAILABLE, Word::NotMarked)
        }
        // A fault of this program, told on standard error as such.
        Err(_) => said(StatusCode::SERVICE_UNAVAILABLE, Word::NotMarked),
    }
}
