//! The form that hands a bundle over, and how much of one has come.
//!
//! The file is its last field: what is said before it is known before the file's first byte; see `take`. Works without a script, then on a page of its own, which
//! does not renew itself while somebody fills it in.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use crate::roles::{Role, Visitor};
use crate::setting::MOST_REASON;
use crate::web::layout::{self, Place};
use crate::web::live;
use crate::web::serve::Shared;
use crate::wire::Products;
use crate::words::{Language, Word};

/// `GET /products/upload`: the form that hands a bundle over, by itself, for browsers without a script.
pub async fn page(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    let language = layout::language(&headers, shared.language);
    let line = shared.station.line().clone();
    let main = html! {
        h1 { (Word::Products.to(language)) }
        div id="trouble" role="status" { (live::trouble(&line, language)) }
        @if let Some(products) = &line.products { (form(products, &visitor, language)) }
        p { a href="/products" { (Word::Back.to(language)) } }
    };
    layout::page(&shared, &visitor, language, Place::Upload, main).into_response()
}

/// The form, for those who may.
pub fn form(products: &Products, visitor: &Visitor, language: Language) -> Markup {
    let say = |word: Word| word.to(language);
    html! {
        section {
            h2 { (say(Word::UploadBundle)) }
            @if visitor.role < Some(Role::Engineer) { p.hint { (say(Word::EngineersUpload)) } } @else {
                form.upload method="post" action="/products/upload" enctype="multipart/form-data" {
                    (layout::csrf(visitor))
                    label { (say(Word::ForRecipe)) " "
                        input type="text" name="recipe" list="recipes" required maxlength="40" pattern="[A-Za-z0-9_\\-]+" autocomplete="off" aria-describedby="upload-recipe";
                    }
                    datalist id="recipes" {
                        @for product in products.list.iter().filter(|product| product.number != Some(0)) { option value=(product.name) {} }
                    }
                    p.hint id="upload-recipe" { (say(Word::ForRecipeHint)) }
                    label { (say(Word::SettingsAs)) " "
                        select name="like" {
                            @for (product, number) in products.list.iter().filter_map(|product| Some((product, product.number?))) {
                                option value=(number) { (number) " · " (product.name) }
                            }
                            @if products.list.is_empty() { option value="0" { "0 · own" } }
                        }
                    }
                    label { (say(Word::WhyChange)) " " input type="text" name="reason" required maxlength=(MOST_REASON); }
                    label.toggle { input type="checkbox" name="older" value="yes"; " " (say(Word::EvenIfOlder)) }
                    label { (say(Word::BundleFile)) " " input type="file" name="file" accept=".draem" required; }
                    button type="submit" aria-describedby="upload-what" { (say(Word::Upload)) }
                    p.hint id="upload-what" { (say(Word::UploadWhat)) }
                }
            }
        }
    }
}

/// How far the one is that is on its way, whoever sends it.
pub fn arriving(products: &Products, language: Language) -> Markup {
    let say = |word: Word| word.to(language);
    html! {
        @if let Some(arriving) = &products.arriving {
            div.notice {
                p { (say(if arriving.percent < 100 { Word::BundleComes } else { Word::BundleIsTested })) " " b { (arriving.recipe) } }
                progress max="100" value=(arriving.percent) aria-label=(say(Word::BundleComes)) { (arriving.percent) " %" }
            }
        }
    }
}
