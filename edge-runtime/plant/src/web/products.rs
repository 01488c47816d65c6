//! The page *Products*: the station's recipes with their bundles, which one is inspected, and the change to another.
//!
//! What is chosen lies outside of the region that is sent again as it changes; see `live`.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Place, number, time};
use super::live;
use super::reader::Reader;
use super::serve::Shared;
use super::upload;
use crate::line::Line;
use crate::roles::{Role, Visitor};
use crate::select::{SelectError, select};
use crate::wire::{Bundle, Change, Product, Products};
use crate::words::{Language, Word};

/// Letters of a hash that tell two bundles apart.
const SHORT: usize = 12;

/// `GET /products`: the station's recipes, which one is inspected, and how far a change is.
pub async fn page(State(shared): State<Arc<Shared>>, Reader { visitor, language, cookie }: Reader) -> Response {
    let say = |word: Word| word.to(language);
    let line = shared.station.line().clone();
    let main = html! {
        h1 { (say(Word::Products)) }
        div.notice id="lost" role="alert" hidden { (say(Word::NoServer)) }
        div id="trouble" role="status" { (live::trouble(&line, language)) }
        div id="state" role="status" { (live::state(&line, language)) }
        div id="products" role="status" { (region(&line, language)) }
        @if let Some(products) = &line.products {
            (form(products, judges(&line), &visitor, language))
            (upload::form(products, &visitor, language))
            @if visitor.role >= Some(Role::Engineer) {
                noscript { p { a href="/products/upload" { (say(Word::UploadBundle)) } } }
            }
        }
    };
    (cookie, layout::page(&shared, &visitor, language, Place::Products, main)).into_response()
}

/// SHA-256 of the bundle that judges, as far as it is known.
fn judges(line: &Line) -> Option<[u8; 32]> {
    line.basis.as_ref().map(|basis| basis.bundle_sha256)
}

fn form(products: &Products, judges: Option<[u8; 32]>, visitor: &Visitor, language: Language) -> Markup {
    let say = |word: Word| word.to(language);
    let usable =
        || products.list.iter().filter_map(|product| Some((product, product.number?, product.bundle.as_ref().ok()?)));
    let another =
        |number, bundle: &Bundle| number != products.running || judges.is_some_and(|judges| judges != bundle.sha256);
    html! {
        @if visitor.role.is_none() { p { a href="/login" { (say(Word::SignInToChange)) } } } @else {
            form.filter method="post" action="/products" {
                (layout::csrf(visitor))
                label { (say(Word::ChangeTo)) " "
                    select name="product" required {
                        @for (product, number, bundle) in usable().filter(|(_, number, bundle)| another(*number, bundle)) {
                            option value=(number) { (number) " · " (product.name) " (" (bundle.product) ")" }
                        }
                    }
                }
                button type="submit" aria-describedby="change-what" { (say(Word::ChangeProduct)) }
                p.hint id="change-what" { (say(Word::ChangeWhat)) }
            }
        }
    }
}

/// What changes while the page is looked at.
pub fn region(line: &Line, language: Language) -> Markup {
    let say = |word: Word| word.to(language);
    let Some(products) = &line.products else {
        return html! { @if line.connected { p.hint { (say(Word::NoRecipes)) } } };
    };
    let of =
        |number: u16| format!("{number} · {}", products.numbered(number).map_or("?", |product| product.name.as_str()));
    html! {
        @match products.change {
            Change::Rest => {}
            Change::Preparing(number) => p.message.warn { (say(Word::Preparing)) " " b { (of(number)) } },
            Change::Changing(number) => p.message.warn { (say(Word::Changing)) " " b { (of(number)) } },
        }
        @if let Some(refused) = &products.refused {
            div.notice.bad role="alert" { p { (say(Word::NotChanged)) " " b { (of(refused.number)) } } p { (refused.why) } }
        }
        (upload::arriving(products, language))
        div.wide tabindex="0" role="region" aria-label=(say(Word::Products)) {
            table {
                thead { tr {
                    @for word in [Word::Number, Word::Recipe, Word::Inspected, Word::Product, Word::Threshold, Word::Made, Word::Bundle] {
                        th scope="col" { (say(word)) }
                    }
                } }
                tbody { @for product in &products.list { (row(product, products.running, judges(line), language)) } }
            }
        }
    }
}

fn row(product: &Product, running: u16, judges: Option<[u8; 32]>, language: Language) -> Markup {
    let say = |word: Word| word.to(language);
    let here = product.number == Some(running);
    html! {
        tr class=[here.then_some("good").or(product.bundle.is_err().then_some("bad"))] {
            td { (product.number.map_or("–".to_owned(), |number| number.to_string())) }
            td { (product.name) }
            td { @if here { b { (say(Word::Now)) } } }
            @match &product.bundle {
                Err(why) => td colspan="4" { (say(Word::Unusable)) " " (why) },
                Ok(Bundle { product, sha256, threshold, created, good_parts, signer }) => {
                    td { (product) }
                    td { (number(language, threshold.get().into(), 4)) " (" (good_parts) " " (say(Word::GoodParts)) ")" }
                    td { (time(i64::try_from(*created).unwrap_or(i64::MAX).saturating_mul(1_000_000))) }
                    td {
                        code { (sha256.iter().map(|byte| format!("{byte:02x}")).collect::<String>()[..SHORT]) } " · " (say(Word::SignedBy)) " " (signer)
                        @if here && judges.is_some_and(|judges| judges != *sha256) { " · " b { (say(Word::OtherThanJudges)) } }
                    }
                },
            }
        }
    }
}

/// What is filled in.
#[derive(Debug, Deserialize)]
pub struct Filled {
    product: u16,
}

/// `POST /products`: another product. 303 to the page when the station begins, 409 while a change is under way, 404 for a number that no
/// recipe has, 503 when nobody hears it.
pub async fn change(
    State(shared): State<Arc<Shared>>,
    Reader { visitor, language, .. }: Reader,
    Form(filled): Form<Filled>,
) -> Response {
    let wanted = select(&shared.station, &shared.journal, &visitor.name, visitor.role_name(), filled.product).await;
    tracing::warn!(product = filled.product, who = visitor.name, ?wanted, "another product is wanted from the page");
    let (status, word) = match wanted {
        Ok(true) => return (StatusCode::SEE_OTHER, [(header::LOCATION, "/products")]).into_response(),
        Ok(false) => (StatusCode::CONFLICT, Word::ChangedBefore),
        Err(SelectError::Unknown(_)) => (StatusCode::NOT_FOUND, Word::NoSuchProduct),
        Err(SelectError::Unheard(_)) => (StatusCode::SERVICE_UNAVAILABLE, Word::NotHeard),
        Err(SelectError::Log(error)) => {
            tracing::error!(%error, "a change cannot be written to the log");
            (StatusCode::SERVICE_UNAVAILABLE, Word::NotLogged)
        }
    };
    let main = html! { p.message { (word.to(language)) } p { a href="/products" { (Word::Back.to(language)) } } };
    (status, layout::page(&shared, &visitor, language, Place::Products, main)).into_response()
}

#[cfg(test)]
mod tests {
    use shared::units::Score;

    use super::*;
    use crate::wire::Refusal;

    fn product(name: &str, number: u16, is: &str) -> Product {
        let bundle = Bundle {
            product: is.to_owned(),
            sha256: [0xab; 32],
            threshold: Score::new(0.25).unwrap(),
            created: 1_780_000_000,
            good_parts: 200,
            signer: "1234".to_owned(),
        };
        Product { name: name.to_owned(), number: Some(number), bundle: Ok(bundle) }
    }

    #[test]
    fn every_recipe_is_shown_as_text_with_what_is_wrong_and_how_far_a_change_is() {
        let broken = Product { name: "broken".to_owned(), number: None, bundle: Err("<b>why</b>".to_owned()) };
        let list = vec![product("own", 0, "caps"), product("rings", 7, "<i>rings</i>"), broken];
        let mut products = Products { list, running: 7, change: Change::Preparing(0), ..Products::default() };
        let mut line = Line { connected: true, products: Some(products.clone()), ..Line::default() };
        let page = region(&line, Language::German).into_string();
        for expected in ["&lt;i&gt;rings", "&lt;b&gt;why", "0,2500 (200 ", "2026-05-28", "abababababab<", "0 · own"] {
            assert!(page.contains(expected), "{expected} is not in {page}");
        }
        assert_eq!(page.matches(Word::Now.to(Language::German)).count(), 1);
        products.refused = Some(Refusal { number: 9, why: "<no>".to_owned() });
        line.products = Some(products.clone());
        let page = region(&line, Language::English).into_string();
        assert!(page.contains("9 · ?") && page.contains("&lt;no&gt;"), "{page}");
        line.products = None;
        assert!(region(&line, Language::English).into_string().contains(Word::NoRecipes.to(Language::English)));

        let visitor = Visitor { role: Some(crate::roles::Role::Operator), ..Visitor::default() };
        let choices = |judges| form(&products, judges, &visitor, Language::English).into_string();
        let options = |judges| choices(judges).matches("<option").count();
        assert_eq!(options(Some([0xab; 32])), 1, "neither the one that runs nor the broken one");
        assert_eq!([options(None), options(Some([1; 32]))], [1, 2], "the one that runs has another bundle by now");
        assert!(!form(&products, None, &Visitor::default(), Language::English).into_string().contains("<form"));
    }

    #[test]
    fn what_is_on_its_way_is_shown_and_the_form_is_for_engineers() {
        use crate::wire::Arriving;

        let arriving = Some(Arriving { recipe: "<b>rings</b>".to_owned(), percent: 35 });
        let products = Products {
            list: vec![product("own", 0, "caps"), product("rings", 7, "rings")],
            arriving,
            ..Products::default()
        };
        let line = Line { connected: true, products: Some(products.clone()), ..Line::default() };
        let page = region(&line, Language::English).into_string();
        assert!(
            page.contains("&lt;b&gt;rings") && page.contains("value=\"35\"") && page.contains("on its way"),
            "{page}"
        );
        let form =
            |role| upload::form(&products, &Visitor { role, ..Visitor::default() }, Language::German).into_string();
        for (role, there) in
            [(None, false), (Some(Role::Operator), false), (Some(Role::Engineer), true), (Some(Role::Admin), true)]
        {
            assert_eq!(form(role).contains("type=\"file\""), there, "{role:?}");
        }
        let page = form(Some(Role::Engineer));
        assert!(page.find("name=\"reason\"") < page.find("name=\"file\""), "the file comes last: {page}");
        assert!(page.contains("<option value=\"rings\">") && !page.contains("<option value=\"own\">"), "{page}");
    }
}
