//! The gallery of rejected parts, and the page of one part.
//!
//! Both come from the station's store; see `store` for why. They need no script: the filter is a form, and older parts are a link away.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use shared::units::Micros;
use shared::verdict::FAILURES;
use shared::wall::WallTime;

use super::layout::{self, Place, milliseconds, number, time};
use super::reader::Reader;
use super::records::RecordsError;
use super::serve::Shared;
use super::{marks, threshold};
use crate::clock;
use crate::log::chain::hex;
use crate::marks::{Mark, MarksError};
use crate::store::{Entry, Filter, Key, PAGE};
use crate::words::{Language, Word, remedy};

/// Times to choose from, in hours; none is all.
const TIMES: [(Option<u64>, Word); 5] = [
    (Some(1), Word::LastHour),
    (Some(8), Word::LastShift),
    (Some(24), Word::LastDay),
    (Some(168), Word::LastWeek),
    (None, Word::Ever),
];

/// How many hours back are wished for: a shift, where nothing is said; all, where it is nothing that can be asked for.
pub(super) fn hours(wish: Option<&str>) -> Option<u64> {
    match wish {
        None => Some(8),
        Some(hours) => hours.parse().ok().filter(|hours| TIMES.iter().any(|(known, _)| *known == Some(*hours))),
    }
}

/// The choice of a time, in a form.
pub(super) fn choice_of_hours(language: Language, hours: Option<u64>) -> Markup {
    html! {
        label { (Word::Time.to(language)) " "
            select name="hours" {
                @for (known, word) in TIMES {
                    option value=(known.map_or("all".to_owned(), |hours| hours.to_string())) selected[known == hours] { (word.to(language)) }
                }
            }
        }
    }
}

/// The moment so many hours ago.
pub(super) fn since(hours: Option<u64>) -> Option<WallTime> {
    hours.map(|hours| clock::wall().saturating_sub(Micros::from_millis(hours * 3_600_000)))
}

/// The code of parts that were judged bad.
const BAD: &str = "BAD";

/// What may be asked for. Whatever is nothing that can be asked for counts as not asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    reason: Option<String>,
    hours: Option<String>,
    before: Option<String>,
}

impl Wish {
    fn code(&self) -> Option<&'static str> {
        let wished = self.reason.as_deref()?;
        std::iter::once(BAD).chain(FAILURES.iter().map(|failure| failure.code)).find(|code| *code == wished)
    }

    fn hours(&self) -> Option<u64> {
        hours(self.hours.as_deref())
    }

    fn before(&self) -> Option<Key> {
        let mut numbers = self.before.as_deref()?.splitn(3, '.');
        let mut next = || numbers.next();
        Some(Key { wall_us: next()?.parse().ok()?, run: next()?.parse().ok()?, part: next()?.parse().ok()? })
    }
}

/// `GET /rejects`: rejected parts by reason and time.
pub async fn gallery(
    State(shared): State<Arc<Shared>>,
    Reader { visitor, language, cookie }: Reader,
    Query(wish): Query<Wish>,
) -> Response {
    let hours = wish.hours();
    let filter = Filter { code: wish.code().map(str::to_owned), since: since(hours), before: wish.before() };
    let marks = shared.marks.clone();
    let found = shared.records.ask(move |reader| {
        let entries = reader.rejects(&filter)?;
        let keys: Vec<Key> = entries.iter().map(|entry| entry.key).collect();
        Ok((entries, marks.map(|marks| marks.of(&keys)).transpose()))
    });
    let (status, found) = match found.await {
        Ok((entries, Ok(marked))) => (StatusCode::OK, cards(language, &wish, &entries, &marked.unwrap_or_default())),
        Ok((entries, Err(error))) => {
            let trouble = no_marks(language, &error);
            (StatusCode::OK, html! { (trouble) (cards(language, &wish, &entries, &BTreeMap::new())) })
        }
        Err(error) => refused(language, &error),
    };
    let main = html! { h1 { (Word::Rejects.to(language)) } (form(language, &wish, hours)) (found) };
    (status, cookie, layout::page(&shared, &visitor, language, Place::Rejects, main)).into_response()
}

/// What is said in place of what the store does not give.
pub(super) fn refused(language: Language, error: &RecordsError) -> (StatusCode, Markup) {
    let say = |word: Word| word.to(language);
    let words = match error {
        RecordsError::Unknown => say(Word::StoreUnknown).to_owned(),
        RecordsError::TooLong => say(Word::TooLong).to_owned(),
        RecordsError::Store(error) => format!("{}{error}", say(Word::NoStore)),
    };
    (StatusCode::SERVICE_UNAVAILABLE, html! { p.notice { (words) } })
}

fn form(language: Language, wish: &Wish, hours: Option<u64>) -> Markup {
    let say = |word: Word| word.to(language);
    let code = wish.code();
    html! {
        form.filter method="get" action="/rejects" {
            label { (say(Word::Reason)) " "
                select name="reason" {
                    option value="" { (say(Word::AllReasons)) }
                    @for known in std::iter::once(BAD).chain(FAILURES.iter().map(|failure| failure.code)) {
                        option value=(known) selected[code == Some(known)] { (known) }
                    }
                }
            }
            (choice_of_hours(language, hours))
            button type="submit" { (say(Word::Show)) }
        }
    }
}

/// What is said in place of marks that cannot be read.
fn no_marks(language: Language, error: &MarksError) -> Markup {
    html! { p.notice { (Word::NoMarksRead.to(language)) (error) } }
}

fn cards(language: Language, wish: &Wish, entries: &[Entry], marked: &BTreeMap<(i64, u32), Mark>) -> Markup {
    let say = |word: Word| word.to(language);
    let asked = format!(
        "reason={}&hours={}",
        wish.code().unwrap_or(""),
        wish.hours().map_or("all".to_owned(), |hours| hours.to_string())
    );
    let older = entries
        .last()
        .filter(|_| entries.len() == PAGE)
        .map(|Entry { key, .. }| format!("/rejects?{asked}&before={}.{}.{}", key.wall_us, key.run, key.part));
    html! {
        @if entries.is_empty() { p.hint { (say(Word::NoRejects)) } }
        ul.gallery {
            @for entry in entries {
                li {
                    a href={ "/parts/" (entry.key.run) "/" (entry.key.part) } {
                        @if entry.pictured {
                            span.halves.heated {
                                img.heat src={ "/pictures/" (entry.key.run) "/" (entry.key.part) } width="256" height="256" loading="lazy"
                                    alt={ (say(Word::HeatmapOf)) " " (entry.key.part) };
                            }
                        } @else { span.none { (say(Word::NoPictureKept)) } }
                        b { (entry.code) } " · " (say(Word::Part)) " " (entry.key.part)
                        @if let Some(score) = entry.score { " · " (number(language, score, 3)) }
                        br; small { (time(entry.key.wall_us)) }
                        @if let Some(mark) = marked.get(&(entry.key.run, entry.key.part)) { br; b { (say(marks::word(*mark))) } }
                    }
                }
            }
        }
        nav.pages {
            @if wish.before().is_some() { a href={ "/rejects?" (asked) } { (say(Word::Newest)) } }
            @if let Some(older) = older { " " a rel="next" href=(older) { (say(Word::Older)) } }
        }
    }
}

/// `GET /parts/{run}/{part}`: one part, with its picture and times. 404 where there is no record of it.
pub async fn part(
    State(shared): State<Arc<Shared>>,
    Reader { visitor, language, .. }: Reader,
    Path((run, number)): Path<(i64, u32)>,
) -> Response {
    let marks = shared.marks.clone();
    let found = shared.records.ask(move |reader| {
        let Some(entry) = reader.part(run, number)? else { return Ok(None) };
        let marked = marks.map(|marks| marks.of(&[entry.key]));
        Ok(Some((entry, marked)))
    });
    let (status, main) = match found.await {
        Ok(Some((entry, marked))) => {
            let marking = match marked {
                None => html! {},
                Some(Ok(marked)) => {
                    let mark = marked.get(&(run, number)).copied();
                    marks::buttons(language, &visitor, entry.key, mark)
                }
                Some(Err(error)) => no_marks(language, &error),
            };
            let basis = shared.station.line().basis.clone();
            let basis = basis.filter(|basis| hex(&basis.bundle_sha256) == entry.bundle_sha256);
            let among = basis
                .zip(entry.score)
                .map(|(basis, score)| threshold::among_good(language, &basis, score, entry.threshold));
            (StatusCode::OK, about(language, &entry, &marking, among.as_ref()))
        }
        Ok(None) => (StatusCode::NOT_FOUND, html! { p.message { (Word::NoSuchPart.to(language)) } }),
        Err(error) => refused(language, &error),
    };
    (status, layout::page(&shared, &visitor, language, Place::Rejects, main)).into_response()
}

/// A part. `among` shows its score among those of good parts, where these are known.
fn about(language: Language, entry: &Entry, marking: &Markup, among: Option<&Markup>) -> Markup {
    let say = |word: Word| word.to(language);
    let Key { wall_us, run, part } = entry.key;
    let ms = |micros: Option<i64>| micros.map_or("–".to_owned(), |micros| milliseconds(language, micros));
    let fate = say(if entry.passed { Word::WasPassed } else { Word::WasRejected });
    let rows = [
        (Word::WhatHappened, format!("{} – {fate}", entry.code)),
        (Word::Score, entry.score.map_or("–".to_owned(), |score| number(language, score, 4))),
        (Word::Threshold, number(language, entry.threshold, 4)),
        (Word::LeftAt, time(wall_us)),
        (Word::DecidedAfter, milliseconds(language, entry.decided_after_us)),
        (Word::JudgedIn, ms(entry.inference_us)),
        (Word::ExposedLater, ms(entry.frame_residual_us)),
        (Word::FiredLater, ms(entry.fire_error_us)),
        (Word::LateVerdict, entry.late.clone().unwrap_or_else(|| "–".to_owned())),
        (Word::Product, entry.product.clone()),
        (Word::Run, run.to_string()),
    ];
    let failure = FAILURES.iter().find(|failure| failure.code == entry.code);
    html! {
        h1 { (say(Word::Part)) " " (part) @if entry.simulation { " " span.badge { (say(Word::Simulation)) } } }
        @if let Some(failure) = failure { p.notice { (remedy(language, failure.code, failure.remedy)) } }
        div.part {
            @if entry.pictured {
                div.both {
                    figure {
                        span.halves { img.plain src={ "/pictures/" (run) "/" (part) } width="256" height="256" alt={ (say(Word::PictureOf)) " " (part) }; }
                    }
                    figure {
                        span.halves.heated { img.heat src={ "/pictures/" (run) "/" (part) } width="256" height="256" alt={ (say(Word::HeatmapOf)) " " (part) }; }
                        figcaption { (say(Word::Heatmap)) }
                    }
                    p { a href={ "/originals/" (run) "/" (part) } { (say(Word::Original)) } }
                }
            } @else { p.hint { (say(Word::NoPictureKept)) } }
            dl { @for (key, value) in rows { div { dt { (say(key)) } dd { (value) } } } }
        }
        @if let Some(among) = among { (among) }
        (marking)
        p { a href="/rejects" { (say(Word::Back)) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_asked_for_is_not_asked_for() {
        let wish = |reason: &str, hours: &str, before: &str| Wish {
            reason: Some(reason.to_owned()),
            hours: Some(hours.to_owned()),
            before: Some(before.to_owned()),
        };
        let good = wish("NO_FRAME", "24", "-5.2.7");
        let key = Key { wall_us: -5, run: 2, part: 7 };
        assert_eq!((good.code(), good.hours(), good.before()), (Some("NO_FRAME"), Some(24), Some(key)));
        for (reason, hours, before) in [("' OR 1", "all", "1.2"), ("", "-3", "1.2.x"), ("GOOD", "7", "1.2.5000000000")]
        {
            let wish = wish(reason, hours, before);
            assert_eq!((wish.code(), wish.hours(), wish.before()), (None, None, None), "{reason} {hours} {before}");
        }
        assert_eq!(Wish::default().hours(), Some(8), "a shift, where nothing is said");
    }
}
