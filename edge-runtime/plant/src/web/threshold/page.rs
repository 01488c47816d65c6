//! The page, and what becomes of a change.
//!
//! Looking at another threshold changes nothing, and is for whoever may look. Changing it takes a reason, and an engineer.

use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use shared::threshold::Promise;
use shared::units::Score;

use super::tally::{CLASSES, Classes, DECADES, PER_DECADE, Tally, classes, lower_end, lowest_decade};
use super::wish::{self, NoTrial, Wish};
use crate::log::chain::hex;
use crate::roles::{Role, Visitor};
use crate::setting::{MOST_REASON, SetError, Wanted, set};
use crate::web::chart::{Chart, Mark};
use crate::web::layout::{self, Place, number};
use crate::web::reader::Reader;
use crate::web::rejects;
use crate::web::serve::Shared;
use crate::wire::{Basis, NotSet};
use crate::words::{Language, Word};

/// What the page is drawn from.
struct Looked<'a> {
    language: Language,
    basis: &'a Basis,
    now: Score,
    trial: Option<Score>,
    good: Classes,
    tally: Option<Tally>,
}

/// `GET /threshold`: scores of the held-out good parts and of the line's, and what another threshold promises and would have done.
pub async fn page(
    State(shared): State<Arc<Shared>>,
    Reader { visitor, language, cookie }: Reader,
    Query(wish): Query<Wish>,
) -> Response {
    let say = |word: Word| word.to(language);
    // Not to be held while the store is asked.
    let known = {
        let line = shared.station.line();
        line.now().map(|now| now.threshold).zip(line.basis.clone())
    };
    let Some((now, basis)) = known else {
        let main = html! { h1 { (say(Word::Threshold)) } p.notice { (say(Word::NoStation)) } };
        let page = layout::page(&shared, &visitor, language, Place::Threshold, main);
        return (StatusCode::SERVICE_UNAVAILABLE, cookie, page).into_response();
    };
    let (hours, trial) = (rejects::hours(wish.hours.as_deref()), wish.trial(&basis));
    let thresholds = [now, trial.ok().flatten().unwrap_or(now)].map(Score::get);
    let (since, sha256) = (rejects::since(hours), basis.bundle_sha256);
    let counted = shared.records.ask(move |reader| {
        let mut tally = Tally::default();
        reader.scores(since, &sha256, |part| tally.take(&part, thresholds))?;
        Ok(tally)
    });
    let (tally, trouble) = match counted.await {
        Ok(tally) => (Some(tally), None),
        Err(error) => (None, Some(rejects::refused(language, &error).1)),
    };
    let good = classes(basis.good_scores.iter().map(|score| score.get().into()));
    let looked = Looked { language, basis: &basis, now, trial: trial.ok().flatten(), good, tally };
    let main = html! {
        h1 { (say(Word::Threshold)) }
        (looked.in_force())
        form.filter method="get" action="/threshold" {
            (rejects::choice_of_hours(language, hours))
            label { (say(Word::TargetShare)) " " input type="text" inputmode="decimal" name="target" size="6" value=[&wish.target]; }
            label { (say(Word::OrThreshold)) " " input type="text" inputmode="decimal" name="at" size="8" value=[&wish.at]; }
            button type="submit" { (say(Word::LookAtIt)) }
            small { (say(Word::LookHint)) }
        }
        @if let Err(why) = trial { p.notice role="alert" { (not_tried(language, why)) } }
        (looked.pictures())
        @if let Some(trouble) = trouble { (trouble) }
        (looked.comparison())
        (looked.figures())
        (looked.change(&visitor))
    };
    (cookie, layout::page(&shared, &visitor, language, Place::Threshold, main)).into_response()
}

fn percent(language: Language, share: f64) -> String {
    format!("{} %", number(language, share * 100.0, 2))
}

fn not_tried(language: Language, why: NoTrial) -> String {
    let say = |word: Word| word.to(language).to_owned();
    match why {
        NoTrial::Target => say(Word::NoTarget),
        NoTrial::Score => say(Word::NoThreshold),
        NoTrial::NoScores => say(Word::NoGoodScores),
        NoTrial::TooFew { parts, needed, reachable } => format!(
            "{} {parts}. {} {needed}. {} {}.",
            Word::TooFewHeld.to(language),
            Word::TooFewNeeded.to(language),
            Word::TooFewReachable.to(language),
            percent(language, reachable)
        ),
    }
}

/// A line across where a score lies, in a picture whose classes begin with the `first`.
fn mark(score: f64, first: usize, style: &'static str) -> Mark {
    let place = (score.log10() + DECADES as f64) * PER_DECADE as f64;
    Mark { at: place.clamp(first as f64, CLASSES as f64) - first as f64, style }
}

/// Powers of ten below a picture that begins with the decade `lowest` from the bottom.
fn labels(language: Language, lowest: usize) -> Vec<(f64, String)> {
    let label = |decade: usize| {
        let below = DECADES - decade;
        (((decade - lowest) * PER_DECADE) as f64, number(language, 10f64.powi(-(below as i32)), below))
    };
    (lowest..=DECADES).map(label).collect()
}

/// A part's score among those of the good parts that the trainer held out, and how many of them score more.
pub(in crate::web) fn among_good(language: Language, basis: &Basis, score: f64, threshold: f64) -> Markup {
    let scores = || basis.good_scores.iter().map(|score| f64::from(score.get()));
    let (good, more) = (classes(scores()), scores().filter(|&other| other > score).count());
    let lowest = lowest_decade([&good], threshold.min(score));
    let first = lowest * PER_DECADE;
    let marks = [mark(threshold, first, "mark"), mark(score, first, "mark tried")];
    let about = format!("{}: {}", Word::GoodHeldOut.to(language), basis.good_scores.len());
    html! {
        section {
            figure {
                figcaption { b { (about) } }
                (Chart { about: &about, counts: &good[first..], marks: &marks, labels: &labels(language, lowest) }.draw())
            }
            p { (Word::GoodThatScoreMore.to(language)) " " b { (more) } }
            p.hint { (Word::ChartHint.to(language)) " " (Word::ChartPart.to(language)) }
        }
    }
}

impl Looked<'_> {
    fn say(&self, word: Word) -> &'static str {
        word.to(self.language)
    }

    fn threshold(&self, threshold: Score) -> String {
        number(self.language, threshold.get().into(), 4)
    }

    fn in_force(&self) -> Markup {
        html! {
            dl.head {
                div { dt { (self.say(Word::InForce)) } dd { (self.threshold(self.now)) } }
                div { dt { (self.say(Word::OwnThreshold)) } dd { (self.threshold(self.basis.own)) } }
                div { dt { (self.say(Word::Bundle)) } dd { code { (hex(&self.basis.bundle_sha256[..8])) } } }
            }
        }
    }

    fn pictures(&self) -> Markup {
        let thresholds = self.trial.filter(|trial| *trial < self.now).unwrap_or(self.now);
        let all = std::iter::once(&self.good).chain(self.tally.iter().map(|tally| &tally.classes));
        let lowest = lowest_decade(all, thresholds.get().into());
        let first = lowest * PER_DECADE;
        let mark = |threshold: Score, style| mark(threshold.get().into(), first, style);
        let mut marks = vec![mark(self.now, "mark")];
        marks.extend(self.trial.map(|trial| mark(trial, "mark tried")));
        let labels = labels(self.language, lowest);
        let picture = |about: Word, counts: &Classes| {
            let total: u64 = counts.iter().sum();
            let about = format!("{}: {total}", self.say(about));
            html! {
                figure {
                    figcaption { b { (about) } }
                    (Chart { about: &about, counts: &counts[first..], marks: &marks, labels: &labels }.draw())
                }
            }
        };
        html! {
            section {
                (picture(Word::GoodHeldOut, &self.good))
                @if let Some(tally) = &self.tally { (picture(Word::PartsOfTime, &tally.classes)) }
                p.hint { (self.say(Word::ChartHint)) @if self.trial.is_some() { " " (self.say(Word::ChartTried)) } }
            }
        }
    }

    /// What the two thresholds promise, and what parts would have been.
    fn comparison(&self) -> Markup {
        let columns: Vec<Score> = std::iter::once(self.now).chain(self.trial).collect();
        let promises: Vec<Option<Promise>> =
            columns.iter().map(|&threshold| wish::promised(self.basis, threshold)).collect();
        let row = |word: Word, value: &dyn Fn(usize) -> String| {
            html! { tr { th scope="row" { (self.say(word)) } @for column in 0..columns.len() { td { (value(column)) } } } }
        };
        let promised = |column: usize, of: fn(&Promise) -> f64| {
            promises[column].as_ref().map_or("–".to_owned(), |promise| percent(self.language, of(promise)))
        };
        html! {
            section.wide tabindex="0" role="region" aria-label=(self.say(Word::Threshold)) {
                table.compare {
                    thead {
                        tr {
                            td {}
                            @for (column, &threshold) in columns.iter().enumerate() {
                                th scope="col" {
                                    (self.threshold(threshold)) " – "
                                    (self.say(if column == 0 { Word::InForce } else { Word::Tried }))
                                }
                            }
                        }
                    }
                    tbody {
                        (row(Word::ExpectedRejects, &|column| promised(column, |promise| promise.expected)))
                        (row(Word::BoundRejects, &|column| promised(column, |promise| promise.upper_bound_95)))
                        @if let Some(tally) = &self.tally {
                            (row(Word::WouldBeBad, &|column| tally.above[column].to_string()))
                            (row(Word::WouldBeGood, &|column| (tally.judged - tally.above[column]).to_string()))
                            (row(Word::WithoutScore, &|_| tally.unjudged.to_string()))
                        }
                    }
                }
                p.hint {
                    (self.say(Word::CompareHint))
                    @if let Some(tally) = &self.tally {
                        @if tally.neighbours > 0 { " " (self.say(Word::NeighbourHint)) " " (tally.neighbours) "." }
                        @if tally.others > 0 { " " (self.say(Word::OtherBundleHint)) " " (tally.others) "." }
                    }
                }
            }
        }
    }

    /// The pictures' figures.
    fn figures(&self) -> Markup {
        let parts = self.tally.as_ref().map_or([0; CLASSES], |tally| tally.classes);
        let end = |class: usize| number(self.language, lower_end(class), 5);
        html! {
            details.wide {
                summary { (self.say(Word::AsTable)) }
                table.compare {
                    thead { tr { @for word in [Word::Score, Word::GoodHeldOut, Word::PartsOfTime] { th scope="col" { (self.say(word)) } } } }
                    tbody {
                        @for class in (0..CLASSES).filter(|&class| self.good[class] + parts[class] > 0) {
                            tr {
                                th scope="row" { (end(class)) " – " (end(class + 1)) }
                                td { (self.good[class]) }
                                td { (parts[class]) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The way to change it, for those who may.
    fn change(&self, visitor: &Visitor) -> Markup {
        let away = self.now != self.basis.own;
        html! {
            section {
                h2 { (self.say(Word::ChangeThreshold)) }
                @if !self.basis.may_be_set { p.hint { (self.say(Word::ThresholdFixed)) } }
                @else if visitor.role < Some(Role::Engineer) { p.hint { (self.say(Word::EngineersOnly)) } }
                @else if self.trial.is_none() && !away { p.hint { (self.say(Word::LookFirst)) } }
                @else {
                    form.login method="post" action="/threshold" {
                        (layout::csrf(visitor))
                        input type="hidden" name="bundle" value=(hex(&self.basis.bundle_sha256));
                        label { (self.say(Word::WhyChange)) input type="text" name="reason" required maxlength=(MOST_REASON) autocomplete="off"; }
                        @if let Some(trial) = self.trial {
                            button type="submit" name="threshold" value=(trial.get()) {
                                (self.threshold(self.now)) " → " (self.threshold(trial))
                            }
                        }
                        @if away {
                            button type="submit" name="threshold" value="own" {
                                (self.say(Word::BackToOwn)) ": " (self.threshold(self.basis.own))
                            }
                        }
                        p.hint { (self.say(Word::ChangeHint)) }
                    }
                }
            }
        }
    }
}

/// What a change says.
#[derive(Debug, Deserialize)]
pub struct Filled {
    bundle: String,
    threshold: String,
    reason: String,
}

impl Filled {
    /// What is wanted, if it is something that can be.
    fn wanted(&self) -> Result<Wanted, Word> {
        let mut bundle_sha256 = [0; 32];
        // Of the page's own making: whoever sends another hash is told that the page was an old one.
        let digits = self.bundle.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Word::OldPage);
        }
        for (byte, pair) in bundle_sha256.iter_mut().zip(digits.chunks_exact(2)) {
            let text = std::str::from_utf8(pair).map_err(|_| Word::OldPage)?;
            *byte = u8::from_str_radix(text, 16).map_err(|_| Word::OldPage)?;
        }
        let threshold = match self.threshold.as_str() {
            "own" => None,
            text => Some(wish::threshold(text).ok_or(Word::NoThreshold)?),
        };
        let reason = self.reason.trim();
        if reason.is_empty() || reason.chars().count() > MOST_REASON {
            return Err(Word::NoReason);
        }
        Ok(Wanted { bundle_sha256, threshold, reason: reason.to_owned() })
    }
}

/// `POST /threshold`: 202 when the station has it on its disk; 422 for what is no threshold or has no reason, 409 where the station does not want
/// it, 503 when nobody hears it or it cannot be kept.
pub async fn change(
    State(shared): State<Arc<Shared>>,
    Reader { visitor, language, .. }: Reader,
    Form(filled): Form<Filled>,
) -> Response {
    let (status, word) = match filled.wanted() {
        Err(word) => (StatusCode::UNPROCESSABLE_ENTITY, word),
        Ok(wanted) => {
            let done = set(&shared.station, &shared.journal, &visitor.name, visitor.role_name(), wanted).await;
            match done {
                Ok(()) => (StatusCode::ACCEPTED, Word::ThresholdSet),
                Err(SetError::Refused(NotSet::Fixed)) => (StatusCode::CONFLICT, Word::ThresholdFixed),
                Err(SetError::Refused(NotSet::OtherBundle)) => (StatusCode::CONFLICT, Word::OtherBundleNow),
                Err(SetError::Refused(NotSet::NoThreshold)) => (StatusCode::UNPROCESSABLE_ENTITY, Word::NoThreshold),
                Err(SetError::Refused(NotSet::NotKept)) => (StatusCode::SERVICE_UNAVAILABLE, Word::ThresholdNotKept),
                Err(SetError::Unheard(_)) => (StatusCode::SERVICE_UNAVAILABLE, Word::ThresholdUnheard),
                Err(SetError::Log(error)) => {
                    tracing::error!(%error, "a change cannot be written to the log");
                    (StatusCode::SERVICE_UNAVAILABLE, Word::NotLogged)
                }
            }
        }
    };
    tracing::warn!(status = status.as_u16(), who = visitor.name, "the threshold is set from the page");
    let main = html! { p.message { (word.to(language)) } p { a href="/threshold" { (Word::Back.to(language)) } } };
    (status, layout::page(&shared, &visitor, language, Place::Threshold, main)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_a_bundle_a_threshold_and_a_reason() {
        let filled = |bundle: &str, threshold: &str, reason: &str| {
            let [bundle, threshold, reason] = [bundle, threshold, reason].map(str::to_owned);
            Filled { bundle, threshold, reason }.wanted()
        };
        let bundle = hex(&[0xab; 32]);
        let wanted = filled(&bundle, "0.25", " new lamp ").unwrap();
        assert_eq!(
            (wanted.bundle_sha256, wanted.threshold, &*wanted.reason),
            ([0xab; 32], Score::new(0.25), "new lamp")
        );
        assert_eq!(filled(&bundle, "own", "x").unwrap().threshold, None);
        let long = "ä".repeat(MOST_REASON + 1);
        for (bundle, threshold, reason, why) in [
            ("ab", "0.25", "x", Word::OldPage),
            (&*"é".repeat(32), "0.25", "x", Word::OldPage),
            (&*"+1".repeat(32), "0.25", "x", Word::OldPage),
            (&*bundle, "1", "x", Word::NoThreshold),
            (&*bundle, "", "x", Word::NoThreshold),
            (&*bundle, "0.25", " ", Word::NoReason),
            (&*bundle, "0.25", &*long, Word::NoReason),
        ] {
            assert_eq!(filled(bundle, threshold, reason), Err(why), "{bundle} {threshold} {reason}");
        }
        assert!(filled(&bundle, "0.25", &long[2..]).is_ok());
    }
}
