//! The page *Live*: the newest part's verdict, the newest kept picture, how the line stands, alarms, counters.
//!
//! Made of regions. The page has all of them; later each is sent again when it has changed, so that neither focus nor a reader's place is
//! lost. What is pressed or chosen lies outside of them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use shared::verdict::Verdict;

use super::layout::{self, Place, milliseconds, number};
use super::products;
use super::reader::Reader;
use super::serve::Shared;
use crate::line::{Line, Shown};
use crate::press::{PressError, press};
use crate::words::{Language, Word, remedy};

/// Draws a region.
pub type Draw = fn(&Line, Language) -> Markup;

/// Regions of this page and of *Products*, by the ids of their elements.
pub const REGIONS: [(&str, Draw); 8] = [
    ("station", layout::station),
    ("trouble", trouble),
    ("state", state),
    ("verdict", verdict),
    ("picture", picture),
    ("alarms", alarms),
    ("figures", figures),
    ("products", products::region),
];

/// `GET /`: *Live*, the newest part, the line, alarms and counters.
pub async fn page(State(shared): State<Arc<Shared>>, Reader { visitor, language, cookie }: Reader) -> Response {
    let say = |word: Word| word.to(language);
    // Not to be held while the layout looks at the line too.
    let line = shared.station.line().clone();
    let region = |id: &str| REGIONS.iter().find(|(known, _)| *known == id).map(|(_, draw)| draw(&line, language));
    let main = html! {
        div.notice id="lost" role="alert" hidden { (say(Word::NoServer)) }
        div id="trouble" role="status" { @if let Some(region) = region("trouble") { (region) } }
        div.live {
            section.verdict aria-label=(say(Word::NewestPart)) id="verdict" { @if let Some(region) = region("verdict") { (region) } }
            section.line aria-label=(say(Word::LineState)) {
                div id="state" role="status" { @if let Some(region) = region("state") { (region) } }
                h2 { (say(Word::Alarms)) }
                div id="alarms" role="status" { @if let Some(region) = region("alarms") { (region) } }
                @if visitor.role.is_some() {
                    form id="acknowledge" method="post" action="/acknowledge" {
                        (layout::csrf(&visitor))
                        button type="submit" aria-describedby="acknowledge-what" { (say(Word::Acknowledge)) }
                        p.hint id="acknowledge-what" { (say(Word::AcknowledgeWhat)) }
                        p.answer id="answer" role="status" {}
                    }
                } @else { p { a href="/login" { (say(Word::SignInToAcknowledge)) } } }
            }
            section.picture aria-label=(say(Word::Picture)) {
                label.toggle { input type="checkbox" id="heatmap" checked; " " (say(Word::Heatmap)) }
                div id="picture" { @if let Some(region) = region("picture") { (region) } }
            }
            section.figures aria-label=(say(Word::Counters)) id="figures" { @if let Some(region) = region("figures") { (region) } }
        }
    };
    (cookie, layout::page(&shared, &visitor, language, Place::Live, main)).into_response()
}

/// `POST /acknowledge`: the reset button is pressed. 202 when the line is told, 409 while an earlier one is on its way, 503 when nobody hears it.
pub async fn acknowledge(
    State(shared): State<Arc<Shared>>,
    Reader { visitor, language, .. }: Reader,
    headers: HeaderMap,
) -> Response {
    let pressed = press(&shared.station, &shared.journal, &visitor.name, visitor.role_name()).await;
    let (status, word) = match pressed {
        Ok(true) => (StatusCode::ACCEPTED, Word::Acknowledged),
        Ok(false) => (StatusCode::CONFLICT, Word::AcknowledgedBefore),
        Err(PressError::Unheard(_)) => (StatusCode::SERVICE_UNAVAILABLE, Word::NotAcknowledged),
        Err(PressError::Log(error)) => {
            tracing::error!(%error, "a change cannot be written to the log");
            (StatusCode::SERVICE_UNAVAILABLE, Word::NotLogged)
        }
    };
    tracing::warn!(status = status.as_u16(), who = visitor.name, "acknowledged from the page");
    // The script, which says so, shows the words alone.
    let wants_words = headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes() == b"text/plain");
    if wants_words {
        return (status, word.to(language)).into_response();
    }
    let main = html! { p.message { (word.to(language)) } p { a href="/" { (Word::Back.to(language)) } } };
    (status, layout::page(&shared, &visitor, language, Place::Live, main)).into_response()
}

/// Whether a station is connected.
pub fn trouble(line: &Line, language: Language) -> Markup {
    html! {
        @if line.shown() == Shown::Unknown {
            div.notice { (Word::NoStation.to(language)) @if let Some(why) = &line.trouble { " " small { (why) } } }
        }
    }
}

/// How the line stands, in one word.
pub fn state(line: &Line, language: Language) -> Markup {
    let (class, word) = match line.shown() {
        Shown::Unknown => ("unknown", Word::NotKnown),
        Shown::Starting => ("warn", Word::Starting),
        Shown::Run => ("good", Word::Running),
        Shown::Fault => ("bad", Word::Stopped),
        Shown::Changeover => ("warn", Word::Changeover),
    };
    html! { p class={ "state " (class) } { (word.to(language)) } }
}

fn verdict(line: &Line, language: Language) -> Markup {
    let say = |word: Word| word.to(language);
    // A verdict of a while ago must not look like one of now.
    let Some(standing) = line.now() else { return html! { p class="word unknown" { "–" } } };
    let Some(part) = &line.last else { return html! { p class="word unknown" { (say(Word::NoPart)) } } };
    let (class, sign, word) = match (part.passed, part.verdict) {
        (true, _) => ("good", "✓", Word::Good),
        (false, Verdict::Bad(_)) => ("bad", "✗", Word::Bad),
        (false, _) => ("warn", "?", Word::Uninspected),
    };
    html! {
        p class={ "word " (class) } { span aria-hidden="true" { (sign) " " } (say(word)) }
        p.about {
            (say(Word::Part)) " " b { (part.number.0) }
            @if class == "warn" { " · " b { (part.code()) } }
            @if let Some(score) = part.verdict.score() { " · " (say(Word::Score)) " " b { (number(language, score.get().into(), 3)) } }
            " · " (say(Word::Threshold)) " " b { (number(language, standing.threshold.get().into(), 3)) }
        }
    }
}

fn picture(line: &Line, language: Language) -> Markup {
    let say = |word: Word| word.to(language);
    let Some(kept) = &line.picture else { return html! { p.hint { (say(Word::NoPicture)) } } };
    let (source, part) = (format!("/pictures/{}/{}", kept.run, kept.part), kept.part);
    html! {
        a.halves href={ "/parts/" (kept.run) "/" (part) } {
            img.plain src=(source) width="256" height="256" alt={ (say(Word::PictureOf)) " " (part) };
            img.heat src=(source) width="256" height="256" alt={ (say(Word::HeatmapOf)) " " (part) };
        }
        p.about {
            (say(Word::Part)) " " b { (part) } " · " b { (kept.code) }
            @if let Some(score) = kept.score { " · " (say(Word::Score)) " " b { (number(language, score, 3)) } }
        }
    }
}

fn alarms(line: &Line, language: Language) -> Markup {
    let say = |word: Word| word.to(language);
    let Some(standing) = line.now() else { return html! { p.hint { "–" } } };
    html! {
        @if standing.alarms.is_empty() { p.hint { (say(Word::NoAlarms)) } } @else {
            ul.alarms {
                @for alarm in &standing.alarms {
                    li class=(if alarm.stops { "bad" } else { "warn" }) {
                        b { (alarm.code) }
                        " – " (say(if alarm.present { Word::Present } else { Word::WasPresent }))
                        @if alarm.latched { ", " (say(Word::Latched)) }
                        @if alarm.stops { ", " (say(Word::Stops)) }
                        ", " (say(Word::Since)) " " (layout::time(alarm.since_us))
                        br; (remedy(language, &alarm.code, &alarm.remedy))
                    }
                }
            }
        }
    }
}

fn figures(line: &Line, language: Language) -> Markup {
    let say = |word: Word| word.to(language);
    let Some(standing) = line.now() else { return html! { h2 { (say(Word::Counters)) } p.hint { "–" } } };
    let (counters, unknown) = (&standing.counters, || "–".to_owned());
    let share = counters.rejected() as f64 * 100.0 / counters.parts.max(1) as f64;
    let count = |word: Word, count: u64| (say(word), count.to_string());
    let counts = [
        count(Word::Parts, counters.parts),
        count(Word::Passed, counters.passed),
        count(Word::JudgedBad, counters.bad),
        count(Word::NotInspected, counters.reasons.iter().sum()),
        (say(Word::RejectShare), format!("{} %", number(language, share, 1))),
        count(Word::Late, counters.late),
    ];
    let judged = standing.latency.total();
    let judging =
        (judged > 0).then(|| milliseconds(language, standing.latency.sum / i64::try_from(judged).unwrap_or(i64::MAX)));
    let speed = standing.speed_um_s.map(|speed| format!("{} mm/s", number(language, speed as f64 / 1e3, 0)));
    let heat =
        standing.readings.hottest_millicelsius.map(|heat| format!("{} °C", number(language, f64::from(heat) / 1e3, 1)));
    let room = standing.readings.free_bytes.map(|bytes| format!("{} GB", number(language, bytes as f64 / 1e9, 1)));
    let figures = [
        (say(Word::Product), standing.product.clone()),
        (say(Word::Speed), speed.unwrap_or_else(unknown)),
        (say(Word::Judging), judging.unwrap_or_else(unknown)),
        (say(Word::Temperature), heat.unwrap_or_else(unknown)),
        (say(Word::Disk), room.unwrap_or_else(unknown)),
        (say(Word::Dropped), (standing.drops.frames + standing.drops.pictures).to_string()),
        (say(Word::Untold), line.lost.to_string()),
    ];
    let list =
        |rows: &[(&str, String)]| html! { dl { @for (key, value) in rows { div { dt { (key) } dd { (value) } } } } };
    html! { h2 { (say(Word::Counters)) } (list(&counts)) h2 { (say(Word::Figures)) } (list(&figures)) }
}
