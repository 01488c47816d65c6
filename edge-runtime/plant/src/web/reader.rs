//! Who reads a page, and in which language: what every page begins with.
//!
//! A language that is chosen with the page's address is remembered by a cookie, which goes out with the page.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;

use super::layout::{self, Remembered};
use super::serve::Shared;
use crate::roles::Visitor;
use crate::words::Language;

/// What every page may be asked with.
#[derive(Debug, Default, Deserialize)]
struct Choice {
    /// The code of a language.
    language: Option<String>,
}

/// Who reads.
pub struct Reader {
    /// Who asks, as `admit` found out.
    pub visitor: Visitor,
    /// The language to answer in.
    pub language: Language,
    /// What remembers a language that was chosen just now; it belongs to the answer.
    pub cookie: Option<Remembered>,
}

impl FromRequestParts<Arc<Shared>> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Infallible> {
        let visitor = parts.extensions.get::<Visitor>().cloned().unwrap_or_default();
        // What is no question at all asks for no language either.
        let choice = Query::<Choice>::try_from_uri(&parts.uri).map(|Query(choice)| choice).unwrap_or_default();
        let (language, cookie) = layout::chosen(choice.language.as_deref(), &parts.headers, shared.language);
        Ok(Self { visitor, language, cookie })
    }
}
