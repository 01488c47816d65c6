//! Who is let in to what.
//!
//! [`identify`] finds out who asks, once for each request; [`admit`] stands before each answer of the table of routes. Whoever is not known and
//! would have to be is asked to sign in (401), whoever may not is told so (403). A change has to say what this session's pages say, in the
//! field `csrf` of its form or in a header.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::html;
use tokio::time::timeout;

use super::layout::{self, Place};
use super::routes::Needs;
use super::serve::Shared;
use crate::config::Look;
use crate::roles::sessions::same;
use crate::roles::{Role, Visitor};
use crate::secret::Secret;
use crate::words::Word;

/// Name of the cookie.
const COOKIE: &str = "session";

/// The header that says what the field `csrf` says.
pub const CSRF: &str = "x-csrf-token";

/// Bytes of a form: some short fields.
pub const MOST_FORM: usize = 4 << 10;

/// A form has to be there this soon after its head.
pub const ARRIVES: Duration = Duration::from_secs(10);

/// The cookie of a session, or the one that ends it. Gone with the browser; never sent with what another page asks for, never shown to a script.
pub fn cookie(token: Option<&str>, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    let (token, age) = token.map_or(("", "; Max-Age=0"), |token| (token, ""));
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{age}")
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, token)| token)
}

/// Whether a request carries this as its bearer token.
fn bears(headers: &HeaderMap, token: &Secret) -> bool {
    let said = headers.get(header::AUTHORIZATION).and_then(|said| said.to_str().ok()?.split_once(' '));
    said.is_some_and(|(scheme, said)| scheme.eq_ignore_ascii_case("bearer") && same(said.trim(), token.expose()))
}

/// Leaves a [`Visitor`] with the request.
pub async fn identify(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let visitor = shared.access.visitor(token(request.headers()));
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

/// The role without which there is no answer.
pub fn needed(needs: Needs, look: Look) -> Option<Role> {
    match (needs, look) {
        (Needs::Nothing, _) | (Needs::Look | Needs::Figures, Look::Anyone) => None,
        (Needs::Look | Needs::Figures, Look::Operator) => Some(Role::Operator),
        (Needs::Role(role) | Needs::Upload(role), _) => Some(role),
    }
}

/// Lets a request through, or answers it.
pub async fn admit(State((shared, needs)): State<(Arc<Shared>, Needs)>, request: Request, next: Next) -> Response {
    let visitor = request.extensions().get::<Visitor>().cloned().unwrap_or_default();
    let needed = needed(needs, shared.look);
    let by_token =
        needs == Needs::Figures && shared.metrics_token.as_ref().is_some_and(|token| bears(request.headers(), token));
    if visitor.role < needed && !by_token {
        let (status, word) = match visitor.role {
            None => (StatusCode::UNAUTHORIZED, Word::SignInFirst),
            Some(_) => (StatusCode::FORBIDDEN, Word::NotAllowed),
        };
        return refused(&shared, &visitor, request.headers(), status, word);
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) || matches!(needs, Needs::Upload(_)) {
        return next.run(request).await;
    }
    // Whole, before anything is done with it: nobody holds a connection with a form that never ends.
    let (request, said) = match said(request).await {
        Ok(arrived) => arrived,
        Err(status) => return (status, "no form of this page\n").into_response(),
    };
    if needed.is_some() && !visitor.means_it(said.as_deref()) {
        return refused(&shared, &visitor, request.headers(), StatusCode::FORBIDDEN, Word::OldPage);
    }
    next.run(request).await
}

/// What a change says beside the cookie, and the request as it was.
async fn said(request: Request) -> Result<(Request, Option<String>), StatusCode> {
    let (parts, body) = request.into_parts();
    let arrived = timeout(ARRIVES, to_bytes(body, MOST_FORM)).await.map_err(|_| StatusCode::REQUEST_TIMEOUT)?;
    let form = arrived.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let text = std::str::from_utf8(&form).unwrap_or_default();
    // Digits alone, which no form writes otherwise.
    let in_form = || text.split('&').find_map(|pair| pair.strip_prefix("csrf="));
    let said = parts.headers.get(CSRF).map_or_else(in_form, |said| said.to_str().ok()).map(str::to_owned);
    Ok((Request::from_parts(parts, Body::from(form)), said))
}

fn refused(shared: &Shared, visitor: &Visitor, headers: &HeaderMap, status: StatusCode, word: Word) -> Response {
    let language = layout::language(headers, shared.language);
    let challenge = (status == StatusCode::UNAUTHORIZED).then_some([(header::WWW_AUTHENTICATE, "Session")]);
    let reads = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if !reads.is_some_and(|reads| reads.contains("text/html")) {
        return (status, challenge, format!("{}\n", word.to(language))).into_response();
    }
    let main = html! {
        p.message { (word.to(language)) }
        @if visitor.role.is_none() { p { a href="/login" { (Word::SignIn.to(language)) } } }
    };
    (status, challenge, layout::page(shared, visitor, language, Place::Login, main)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others_and_kept_from_scripts_and_other_pages() {
        let mut headers = HeaderMap::new();
        assert_eq!(token(&headers), None);
        headers.append(header::COOKIE, "language=de".parse().unwrap());
        headers.append(header::COOKIE, "a=b; xsession=1; session=t0ken; c".parse().unwrap());
        assert_eq!(token(&headers), Some("t0ken"));
        assert_eq!(cookie(Some("t"), true), "session=t; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(cookie(None, false), "session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    }

    #[test]
    fn a_token_is_borne_as_it_is_and_no_other_way() {
        let token = Secret::new("a token of figures");
        let bears = |said: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, said.parse().unwrap());
            super::bears(&headers, &token)
        };
        assert!(bears("Bearer a token of figures") && bears("bearer  a token of figures"));
        for wrong in
            ["Bearer a token of figure", "Bearer ", "Bearer", "", "Basic a token of figures", "a token of figures"]
        {
            assert!(!bears(wrong), "{wrong}");
        }
        assert!(!super::bears(&HeaderMap::new(), &token));
    }

    #[test]
    fn a_change_says_so_in_a_header_or_in_its_form() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let ask = |form: &str| Request::builder().body(Body::from(form.to_owned())).unwrap();
            for (form, expected) in [("a=b&csrf=0f", Some("0f")), ("csrf=", Some("")), ("xcsrf=0f", None), ("", None)] {
                let (request, found) = said(ask(form)).await.unwrap();
                assert_eq!(found.as_deref(), expected, "{form}");
                assert_eq!(to_bytes(request.into_body(), 99).await.unwrap(), form, "it is still there");
            }
            let mut request = ask("csrf=1");
            request.headers_mut().insert(CSRF, "2".parse().unwrap());
            assert_eq!(said(request).await.unwrap().1.as_deref(), Some("2"));
            let long = said(ask(&"x".repeat(MOST_FORM + 1))).await;
            assert_eq!(long.unwrap_err(), StatusCode::PAYLOAD_TOO_LARGE);
        });
    }
}
