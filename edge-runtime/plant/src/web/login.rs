//! Signing in and out.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Extension, Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::admit;
use super::layout::{self, Place};
use super::reader::Reader;
use super::serve::Shared;
use crate::roles::Visitor;
use crate::roles::access::RefusedError;
use crate::words::{Language, Word};

/// The machine at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// What is filled in.
#[derive(Deserialize)]
pub struct Filled {
    name: String,
    password: String,
}

/// `GET /login`: signing in.
pub async fn page(State(shared): State<Arc<Shared>>, Reader { visitor, language, cookie }: Reader) -> Response {
    let form = form(&shared, language, "", None);
    (cookie, layout::page(&shared, &visitor, language, Place::Login, form)).into_response()
}

fn form(shared: &Shared, language: Language, name: &str, trouble: Option<Word>) -> Markup {
    let say = |word: Word| word.to(language);
    html! {
        h1 { (say(Word::SignIn)) }
        @if !shared.access.closed() { p.notice { (say(Word::NoPasswords)) } } @else {
            @if let Some(trouble) = trouble { p.notice role="alert" { (say(trouble)) } }
            form.login method="post" action="/login" {
                label { (say(Word::Name)) input name="name" value=(name) autocomplete="username" autocapitalize="none" maxlength="32" required; }
                label { (say(Word::Password)) input name="password" type="password" autocomplete="current-password" maxlength="256" required; }
                button type="submit" { (say(Word::SignIn)) }
            }
        }
    }
}

/// `POST /login`: 303 to *Live* with a cookie; 401 where name or password is wrong, 429 after too many tries, 409 while nobody has a password.
pub async fn sign_in(
    State(shared): State<Arc<Shared>>,
    Extension(Peer(address)): Extension<Peer>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Form(filled): Form<Filled>,
) -> Response {
    let error = match shared.access.sign_in(&filled.name, &filled.password, address).await {
        Ok(token) => {
            let cookie = admit::cookie(Some(&token), shared.tls);
            // Whoever was signed in here before is not any more.
            shared.access.sign_out(&visitor).await;
            return (StatusCode::SEE_OTHER, [(header::LOCATION, "/".to_owned()), (header::SET_COOKIE, cookie)])
                .into_response();
        }
        Err(error) => error,
    };
    let wait = if let RefusedError::TooMany { wait } = &error { Some(wait.0.div_ceil(1_000_000)) } else { None };
    let (status, word) = match &error {
        RefusedError::NoPasswords => (StatusCode::CONFLICT, Word::NoPasswords),
        RefusedError::Wrong => (StatusCode::UNAUTHORIZED, Word::Wrong),
        RefusedError::TooMany { .. } | RefusedError::Busy => (StatusCode::TOO_MANY_REQUESTS, Word::TooManyTries),
        RefusedError::People(_) | RefusedError::Log(_) | RefusedError::Chance(_) => {
            tracing::error!(%error, "nobody can sign in");
            (StatusCode::SERVICE_UNAVAILABLE, Word::NoSignIn)
        }
    };
    let language = layout::language(&headers, shared.language);
    let page =
        layout::page(&shared, &visitor, language, Place::Login, form(&shared, language, &filled.name, Some(word)));
    let wait = wait.map(|wait| [(header::RETRY_AFTER, wait.to_string())]);
    let challenge = (status == StatusCode::UNAUTHORIZED).then_some([(header::WWW_AUTHENTICATE, "Session")]);
    (status, wait, challenge, page).into_response()
}

/// `POST /logout`: 303 to *Live*, without the cookie.
pub async fn sign_out(State(shared): State<Arc<Shared>>, Extension(visitor): Extension<Visitor>) -> Response {
    shared.access.sign_out(&visitor).await;
    let cookie = admit::cookie(None, shared.tls);
    (StatusCode::SEE_OTHER, [(header::LOCATION, "/".to_owned()), (header::SET_COOKIE, cookie)]).into_response()
}
