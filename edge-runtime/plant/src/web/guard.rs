//! Who may ask, and what a browser may do with the answer.
//!
//! A page of somewhere else that has its name point to this machine must not read what is here (the host is checked), and must not press
//! the button (the origin of every change is checked). Pages carry no script and no style of their own, so that none that is slipped in
//! runs.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Names of this machine, as a browser on it has them. Any port: a tunnel's end may have another.
const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // Not `no-referrer`, with which browsers hide the origin of forms.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Lets a request through, or answers it.
pub async fn guard(request: Request, next: Next) -> Response {
    let refused = refused(request.method(), request.headers());
    let mut response = match refused {
        Some(why) => (StatusCode::FORBIDDEN, format!("{why}\n")).into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Why a request is not answered.
fn refused(method: &Method, headers: &HeaderMap) -> Option<&'static str> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(host) = text(header::HOST).filter(|host| is_ours(host)) else {
        return Some("this page is served under the names localhost, 127.0.0.1 and [::1] alone");
    };
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let from_here = text(header::ORIGIN).and_then(|origin| origin.strip_prefix("http://")) == Some(host);
    (!reads && !from_here)
        .then_some("changes are taken from this page alone: the request's Origin is another, or missing")
}

fn is_ours(host: &str) -> bool {
    let port = |rest: &str| rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    HOSTS.iter().any(|name| host.strip_prefix(name).is_some_and(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        refused(&method, &headers).is_none()
    }

    #[test]
    fn only_this_machines_names_are_answered() {
        for host in ["localhost", "localhost:8410", "127.0.0.1:1", "[::1]:8410", "[::1]"] {
            assert!(asked(Method::GET, host, None), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "localhost:", "localhost:x", ""]
        {
            assert!(!asked(Method::GET, host, None), "{host}");
        }
        assert!(refused(&Method::GET, &HeaderMap::new()).is_some());
    }

    #[test]
    fn changes_come_from_the_page_itself() {
        assert!(asked(Method::POST, "localhost:8410", Some("http://localhost:8410")));
        for origin in [
            None,
            Some("null"),
            Some("http://evil.example"),
            Some("http://localhost:9000"),
            Some("https://localhost:8410"),
        ] {
            assert!(!asked(Method::POST, "localhost:8410", origin), "{origin:?}");
            assert!(!asked(Method::DELETE, "localhost:8410", origin), "{origin:?}");
        }
    }
}
