//! Under which names is answered, and what a browser may do with the answer.
//!
//! A page of somewhere else that has its name point to this machine must not read what is here (the host is checked), and must not press
//! the button (the origin of every change is checked). A name that is an address points to nothing else, and is answered where others than this
//! machine are. Pages carry no script and no style of their own, so that none that is slipped in
//! runs.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::serve::Shared;

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

/// Under which names is answered.
#[derive(Debug, Clone)]
pub struct Names {
    /// In small letters.
    pub names: Vec<String>,
    /// Whether addresses are names too.
    pub addresses: bool,
    /// How the page is asked for: `http` or `https`.
    pub scheme: &'static str,
}

/// Lets a request through, or answers it.
pub async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let refused = refused(&shared.names, request.method(), request.headers());
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
fn refused(names: &Names, method: &Method, headers: &HeaderMap) -> Option<&'static str> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(host) = text(header::HOST).filter(|host| names.know(host)) else {
        return Some(
            "this page is not served under this name: web.names in its configuration has those that it is served under",
        );
    };
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let origin = text(header::ORIGIN).and_then(|origin| origin.strip_prefix(names.scheme)?.strip_prefix("://"));
    (!reads && origin != Some(host))
        .then_some("changes are taken from this page alone: the request's Origin is another, or missing")
}

impl Names {
    fn know(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let port =
            |rest: &str| rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        let mut known = HOSTS.into_iter().chain(self.names.iter().map(String::as_str));
        if known.any(|name| host.strip_prefix(name).is_some_and(port)) {
            return true;
        }
        let is_address = host.parse::<SocketAddr>().is_ok()
            || host.parse::<Ipv4Addr>().is_ok()
            || host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'))
                .is_some_and(|host| host.parse::<Ipv6Addr>().is_ok());
        self.addresses && is_address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Names = Names { names: Vec::new(), addresses: false, scheme: "http" };

    fn asked(names: &Names, method: Method, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        refused(names, &method, &headers).is_none()
    }

    #[test]
    fn only_this_machines_names_are_answered() {
        for host in ["localhost", "localhost:8410", "127.0.0.1:1", "[::1]:8410", "[::1]"] {
            assert!(asked(&HERE, Method::GET, host, None), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "localhost:", "localhost:x", ""]
        {
            assert!(!asked(&HERE, Method::GET, host, None), "{host}");
        }
        assert!(refused(&HERE, &Method::GET, &HeaderMap::new()).is_some());
    }

    #[test]
    fn changes_come_from_the_page_itself() {
        assert!(asked(&HERE, Method::POST, "localhost:8410", Some("http://localhost:8410")));
        for origin in [
            None,
            Some("null"),
            Some("http://evil.example"),
            Some("http://localhost:9000"),
            Some("https://localhost:8410"),
        ] {
            assert!(!asked(&HERE, Method::POST, "localhost:8410", origin), "{origin:?}");
            assert!(!asked(&HERE, Method::DELETE, "localhost:8410", origin), "{origin:?}");
        }
    }

    #[test]
    fn beyond_this_machine_addresses_and_given_names_are_answered() {
        let there = Names { names: vec!["board.plant.example".to_owned()], addresses: true, scheme: "https" };
        for host in [
            "10.0.0.7",
            "10.0.0.7:8443",
            "[2001:db8::1]",
            "[2001:db8::1]:8443",
            "Board.Plant.Example:8443",
            "localhost",
        ] {
            assert!(asked(&there, Method::GET, host, None), "{host}");
            assert!(asked(&there, Method::POST, host, Some(&format!("https://{host}"))), "{host}");
            assert!(!asked(&there, Method::POST, host, Some(&format!("http://{host}"))), "{host}");
        }
        for host in [
            "evil.example",
            "board.plant.example.evil.example",
            "xboard.plant.example",
            "10.0.0.7.evil.example",
            "2001:db8::1",
        ] {
            assert!(!asked(&there, Method::GET, host, None), "{host}");
        }
        assert!(!asked(&HERE, Method::GET, "10.0.0.7", None), "nobody else is answered anyway");
    }
}
