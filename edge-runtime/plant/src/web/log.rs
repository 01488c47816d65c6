//! The page *Log*: what was changed, the newest first, and whether the log is as it was written.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Place};
use super::reader::Reader;
use super::serve::Shared;
use crate::log::check::Found;
use crate::log::journal::JournalError;
use crate::log::{Chain, Entry};
use crate::words::{Language, Word};

/// Entries of one page.
const PAGE: usize = 100;

/// What may be asked for.
#[derive(Debug, Deserialize)]
pub struct Wish {
    before: Option<String>,
}

/// `GET /log`: what was changed, and whether the log is as it was written.
pub async fn page(
    State(shared): State<Arc<Shared>>,
    Reader { visitor, language, cookie }: Reader,
    Query(wish): Query<Wish>,
) -> Response {
    // Whatever is no number counts as not asked for.
    let before = wish.before.and_then(|before| before.parse().ok());
    let (status, found) = match drawn(&shared, language, before).await {
        Ok(found) => (StatusCode::OK, found),
        Err(error) => {
            let words = format!("{}{error}", Word::NoLogRead.to(language));
            (StatusCode::SERVICE_UNAVAILABLE, html! { p.notice { (words) } })
        }
    };
    let main = html! { h1 { (Word::Log.to(language)) } (found) };
    (status, cookie, layout::page(&shared, &visitor, language, Place::Log, main)).into_response()
}

async fn drawn(shared: &Shared, language: Language, before: Option<u64>) -> Result<Markup, JournalError> {
    let (found, entries) = (shared.journal.verify().await?, shared.journal.newest(before, PAGE).await?);
    let (Some(found), Some(entries), Some(chain)) = (found, entries, shared.journal.chain()) else {
        return Ok(html! { p.notice { (Word::NoLog.to(language)) } });
    };
    Ok(html! { (state(language, &found, &chain)) (table(language, &entries, before)) })
}

fn state(language: Language, found: &Found, chain: &Chain) -> Markup {
    let say = |word: Word| word.to(language);
    html! {
        @if found.whole() { p.message.good { (say(Word::LogWhole)) } } @else {
            div.notice.bad role="alert" {
                p { (say(Word::LogChanged)) }
                ul { @for flaw in &found.flaws { li { (flaw) } } }
            }
        }
        dl.head {
            div { dt { (say(Word::LogKept)) } dd { (found.first) " – " (chain.entries) } }
            div { dt { (say(Word::LogHead)) } dd { code { (chain.entries) ":" (chain.head) } } }
        }
        p.hint { (say(Word::LogHint)) }
    }
}

fn table(language: Language, entries: &[Result<Entry, String>], before: Option<u64>) -> Markup {
    let say = |word: Word| word.to(language);
    let last = entries.iter().rev().find_map(|entry| entry.as_ref().ok()).map(|entry| entry.seq);
    let older = last.filter(|seq| *seq > 1 && entries.len() == PAGE);
    html! {
        @if entries.is_empty() { p.hint { (say(Word::LogEmpty)) } } @else {
            div.wide tabindex="0" role="region" aria-label=(say(Word::Log)) {
                table {
                    thead { tr {
                        @for word in [Word::Entry, Word::TimeUtc, Word::Who, Word::AsRole, Word::What, Word::Before, Word::After] {
                            th scope="col" { (say(word)) }
                        }
                    } }
                    tbody {
                        @for entry in entries {
                            @match entry {
                                Ok(entry) => tr {
                                    td { (entry.seq) }
                                    td { (entry.at.get(..19).unwrap_or(&entry.at).replace('T', " ")) }
                                    td { (entry.who) } td { (entry.role) } td { (entry.what) } td { (entry.before) } td { (entry.after) }
                                },
                                Err(line) => tr.bad { td colspan="7" { (say(Word::NoEntry)) " " code { (line) } } },
                            }
                        }
                    }
                }
            }
        }
        nav.pages {
            @if before.is_some() { a href="/log" { (say(Word::Newest)) } }
            @if let Some(older) = older { " " a rel="next" href={ "/log?before=" (older) } { (say(Word::Older)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_shown_as_text_and_what_is_wrong_is_said() {
        let entry = Entry {
            seq: 7,
            at: "2026-05-30T14:05:06.789Z".to_owned(),
            who: "<b>anna</b>".to_owned(),
            role: "engineer".to_owned(),
            what: "acknowledge".to_owned(),
            before: "BIN_FULL".to_owned(),
            after: "pressed".to_owned(),
            prev: String::new(),
        };
        let entries = [Ok(entry), Err("<script>".to_owned())];
        let page = table(Language::English, &entries, None).into_string();
        for expected in ["2026-05-30 14:05:06<", "&lt;b&gt;anna", "&lt;script&gt;", "No entry"] {
            assert!(page.contains(expected), "{expected} is not in {page}");
        }
        let found = Found { first: 1, flaws: vec!["line 3: <edited>".to_owned()], ..Found::default() };
        let page = state(Language::German, &found, &Chain::default()).into_string();
        assert!(
            page.contains("line 3: &lt;edited&gt;") && page.contains(Word::LogChanged.to(Language::German)),
            "{page}"
        );
    }
}
