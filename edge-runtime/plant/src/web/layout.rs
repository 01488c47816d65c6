//! What every page has: head, navigation, language, and how times and numbers are written.

use axum::http::header::HeaderName;
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, Html};
use maud::{DOCTYPE, Markup, html};
use shared::wall::WallTime;

use super::serve::Shared;
use crate::line::Line;
use crate::roles::{Role, Visitor};
use crate::words::{Language, Word};

/// Name of the cookie that remembers a language.
const COOKIE: &str = "language";

/// Where a page is in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// *Live*.
    Live,
    /// *Rejects*.
    Rejects,
    /// *Threshold*.
    Threshold,
    /// *Health*.
    Health,
    /// *Products*.
    Products,
    /// What became of an upload.
    Upload,
    /// *Log*.
    Log,
    /// Signing in; also whatever is refused.
    Login,
}

/// The language of a reader: what was chosen, what the browser asks for, or the configuration's.
pub fn language(headers: &HeaderMap, usual: Language) -> Language {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let chosen = text(header::COOKIE).and_then(|cookies| {
        let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == COOKIE).and_then(|(_, code)| Language::of(code))
    });
    chosen.or_else(|| text(header::ACCEPT_LANGUAGE).and_then(Language::accepted)).unwrap_or(usual)
}

/// The cookie that remembers a choice for a year.
pub fn cookie(language: Language) -> String {
    format!("{COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Strict; HttpOnly", language.code())
}

/// A cookie, as an answer takes it along.
pub type Remembered = AppendHeaders<[(HeaderName, String); 1]>;

/// The language of a reader who may choose one with a page's address, and the cookie that remembers it.
pub fn chosen(wish: Option<&str>, headers: &HeaderMap, usual: Language) -> (Language, Option<Remembered>) {
    let chosen = wish.and_then(Language::of);
    let cookie = chosen.map(|language| AppendHeaders([(header::SET_COOKIE, cookie(language))]));
    (chosen.unwrap_or_else(|| language(headers, usual)), cookie)
}

/// What every form says that changes something; see `admit`.
pub fn csrf(visitor: &Visitor) -> Markup {
    html! { @if let Some(csrf) = &visitor.csrf { input type="hidden" name="csrf" value=(csrf); } }
}

/// A page. Only *Live* and *Products* have the script.
pub fn page(shared: &Shared, visitor: &Visitor, language: Language, place: Place, main: Markup) -> Html<String> {
    let say = |word: Word| word.to(language);
    let line = shared.station.line();
    let name = line.greeting.as_ref().map_or("draem-edge", |greeting| greeting.station.as_str());
    let (here, link) = match place {
        Place::Live => (Word::Live, "/"),
        Place::Rejects => (Word::Rejects, "/rejects"),
        Place::Threshold => (Word::Threshold, "/threshold"),
        Place::Health => (Word::Health, "/health"),
        Place::Products => (Word::Products, "/products"),
        Place::Upload => (Word::UploadBundle, "/products"),
        Place::Log => (Word::Log, "/log"),
        Place::Login => (Word::SignIn, "/login"),
    };
    let entry = |word: Word, link: &str| {
        html! { a href=(link) aria-current=[(word == here).then_some("page")] { (say(word)) } }
    };
    let page = html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (say(here)) " – " (name) }
                link rel="stylesheet" href="/assets/style.css";
                @if matches!(place, Place::Live | Place::Products) {
                    noscript { meta http-equiv="refresh" content="5"; }
                    script src="/assets/live.js" defer {}
                }
            }
            body {
                a.skip href="#main" { (say(Word::Skip)) }
                header {
                    p.station id="station" { (station(&line, language)) }
                    nav {
                        (entry(Word::Live, "/")) (entry(Word::Rejects, "/rejects"))
                        (entry(Word::Threshold, "/threshold"))
                        (entry(Word::Health, "/health"))
                        (entry(Word::Products, "/products"))
                        @if visitor.role >= Some(Role::Engineer) { (entry(Word::Log, "/log")) }
                    }
                    (who(visitor, language, shared.access.closed()))
                    p.languages {
                        @for other in Language::ALL {
                            a href={ (link) "?language=" (other.code()) } lang=(other.code()) hreflang=(other.code())
                                aria-current=[(other == language).then_some("true")] { (other.name()) }
                        }
                    }
                }
                main id="main" { (main) }
            }
        }
    };
    Html(page.into_string())
}

/// Who the station is, and whether its line is a simulated one. A region of *Live*: a station may come, or be another one, while a page is open.
pub fn station(line: &Line, language: Language) -> Markup {
    let (name, simulation) = line
        .greeting
        .as_ref()
        .map_or(("draem-edge", false), |greeting| (greeting.station.as_str(), greeting.simulation));
    html! { (name) @if simulation { " " span.badge { (Word::Simulation.to(language)) } } }
}

/// Who is signed in, and the way out; or the way in.
fn who(visitor: &Visitor, language: Language, closed: bool) -> Markup {
    let say = |word: Word| word.to(language);
    html! {
        @if visitor.token.is_some() {
            form.who method="post" action="/logout" {
                (csrf(visitor))
                span { (visitor.name) " (" (role(language, visitor.role)) ")" }
                button type="submit" { (say(Word::SignOut)) }
            }
        } @else if closed { p.who { a href="/login" { (say(Word::SignIn)) } } }
    }
}

fn role(language: Language, role: Option<Role>) -> &'static str {
    role.map_or("", |role| {
        match role {
            Role::Operator => Word::Operator,
            Role::Engineer => Word::Engineer,
            Role::Admin => Word::Admin,
        }
        .to(language)
    })
}

/// A page that says one thing.
pub fn message(shared: &Shared, visitor: &Visitor, language: Language, words: &str) -> Html<String> {
    page(shared, visitor, language, Place::Rejects, html! { p.message { (words) } })
}

/// A number as its language writes it.
pub fn number(language: Language, value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if language == Language::German { text.replace('.', ",") } else { text }
}

/// Microseconds as milliseconds.
pub fn milliseconds(language: Language, micros: i64) -> String {
    format!("{} ms", number(language, micros as f64 / 1e3, 1))
}

/// A time of the clock on the wall, in microseconds, to the second.
pub fn time(wall_us: i64) -> String {
    let text = WallTime(wall_us).to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_comes_before_the_browser_and_the_browser_before_the_configuration() {
        let mut headers = HeaderMap::new();
        assert_eq!(language(&headers, Language::German), Language::German);
        headers.insert(header::ACCEPT_LANGUAGE, "en-US,en".parse().unwrap());
        assert_eq!(language(&headers, Language::German), Language::English);
        headers.insert(header::COOKIE, "a=b; language=de".parse().unwrap());
        assert_eq!(language(&headers, Language::English), Language::German);
        headers.insert(header::COOKIE, "language=tlh".parse().unwrap());
        assert_eq!(language(&headers, Language::German), Language::English);
    }

    #[test]
    fn numbers_and_times_are_written_for_people() {
        assert_eq!(number(Language::German, 0.1234, 3), "0,123");
        assert_eq!(milliseconds(Language::English, -1_250), "-1.2 ms");
        assert_eq!(time(0), "1970-01-01 00:00:00");
    }
}
