//! What became of a bundle that was handed over, for people.
//!
//! Takes the station's word; gives a status and what a page says: what the bundle is, or what is wrong with it and what would be right.

use axum::http::StatusCode;
use maud::{Markup, html};

use crate::log::chain::hex;
use crate::upload::UploadError;
use crate::web::layout::{number, time};
use crate::wire::{NotTaken, Uploaded};
use crate::words::{Language, Word};

/// One that was taken.
pub(super) fn accepted(taken: &Uploaded, language: Language) -> Markup {
    let say = |word: Word| word.to(language);
    let seconds = |seconds: u64| time(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000));
    let [reconstructive, discriminative] = taken.widths;
    let [width, height] = taken.input;
    let facts = [
        (Word::Recipe, format!("{} · {}", taken.number, taken.recipe)),
        (Word::Product, taken.product.clone()),
        (
            Word::Threshold,
            format!(
                "{} ({} {})",
                number(language, taken.threshold.get().into(), 4),
                taken.good_parts,
                say(Word::GoodParts)
            ),
        ),
        (
            Word::SelfTest,
            format!(
                "{} {}, {} {} ({} {})",
                taken.tested,
                say(Word::PicturesTested),
                say(Word::GreatestDifference),
                small(taken.worst.get()),
                say(Word::Allowed),
                small(taken.tolerance.get())
            ),
        ),
        (Word::SignedByKey, taken.signer.clone()),
        (Word::Made, seconds(taken.created)),
        (Word::Networks, format!("{} ({reconstructive}, {discriminative}), {width} × {height}", taken.preset)),
        (
            Word::Training,
            format!("{} {}, {} {}", taken.steps, say(Word::TrainingSteps), taken.pictures, say(Word::TrainingPictures)),
        ),
        (Word::FileFormat, format!("{}, {} kB", taken.format, taken.bytes.div_ceil(1_000))),
        (Word::Checksum, hex(&taken.sha256)),
    ];
    html! {
        p.message.good role="status" { (say(if taken.new { Word::UploadedNew } else { Word::Uploaded })) }
        p { (say(if taken.running { Word::UploadedRunning } else { Word::UploadedOther })) }
        dl.head { @for (word, fact) in facts { div { dt { (say(word)) } dd { (fact) } } } }
    }
}

/// A difference of scores, most of which are very small.
fn small(difference: f32) -> String {
    if difference == 0.0 { "0".to_owned() } else { format!("{difference:.1e}") }
}

/// One that was not taken: the status, what would be right, and the evidence.
pub(super) fn refused(error: &UploadError, language: Language) -> (StatusCode, Markup) {
    let (status, word, evidence) = why(error, language);
    let evidence = html! { @if let Some(evidence) = evidence { p { (evidence) } } };
    (status, html! { div.notice.bad role="alert" { p { (word.to(language)) } (evidence) } })
}

/// What is answered to one that was not taken: the status, what would be right, and the evidence.
fn why(error: &UploadError, language: Language) -> (StatusCode, Word, Option<String>) {
    const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    let say = |word: Word| word.to(language);
    let seconds = |seconds: u64| time(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000));
    let words = |evidence: &str| Some(evidence.to_owned());
    let pair = |got: String, there: String| {
        Some(format!("{}: {got} · {}: {there}", say(Word::ThisBundle), say(Word::OnStation)))
    };
    let error = match error {
        UploadError::Log(error) => {
            tracing::error!(%error, "a change cannot be written to the log");
            return (StatusCode::SERVICE_UNAVAILABLE, Word::NotLogged, None);
        }
        UploadError::Unheard(_) => return (StatusCode::SERVICE_UNAVAILABLE, Word::UploadUnheard, None),
        UploadError::BrokenOff => return (StatusCode::BAD_REQUEST, Word::BundleBrokenOff, None),
        UploadError::NotTaken(error) => error,
    };
    match error {
        NotTaken::NoRecipes => (StatusCode::CONFLICT, Word::NoRecipes, None),
        NotTaken::Busy => (StatusCode::CONFLICT, Word::UploadBusy, None),
        NotTaken::OutOfTurn => (StatusCode::SERVICE_UNAVAILABLE, Word::BundleBrokenOff, None),
        NotTaken::Name { name } => (REFUSED, Word::NoRecipeName, words(name)),
        NotTaken::TooMany { most } => (REFUSED, Word::TooManyRecipes, Some(most.to_string())),
        NotTaken::NoSuchRecipe { like } => (REFUSED, Word::NoSuchProduct, Some(like.to_string())),
        NotTaken::NotItsOwn { path } => (REFUSED, Word::NotItsOwnBundle, words(path)),
        NotTaken::Recipe { why } => (REFUSED, Word::RecipeUnfit, words(why)),
        NotTaken::NotABundle => (REFUSED, Word::NotABundle, None),
        NotTaken::Format { got, known } => (REFUSED, Word::OtherFormat, pair(got.to_string(), known.to_string())),
        NotTaken::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Word::BundleTooLarge, None),
        NotTaken::Length { expected, got } => (REFUSED, Word::BundleCutOff, Some(format!("{got} / {expected} bytes"))),
        NotTaken::NotTrusted { signer, trusted } => {
            (REFUSED, Word::NotTrusted, Some(format!("{} {signer}; {trusted}", say(Word::SignedByKey))))
        }
        NotTaken::Damaged { signer } => {
            (REFUSED, Word::BundleDamaged, Some(format!("{} {signer}", say(Word::SignedByKey))))
        }
        NotTaken::Unfit { why } => (REFUSED, Word::BundleUnfit, words(why)),
        NotTaken::OtherProduct { got, present } => (REFUSED, Word::OtherProduct, pair(got.clone(), present.clone())),
        NotTaken::Older { created, present } => {
            (REFUSED, Word::BundleOlder, pair(seconds(*created), seconds(*present)))
        }
        NotTaken::SelfTest { why } => (REFUSED, Word::SelfTestFailed, words(why)),
        NotTaken::NoRoom { needed, free } => {
            let megabytes = |bytes: u64| format!("{} MB", bytes / 1_000_000);
            let evidence =
                format!("{} {}, {} {}", say(Word::Needed), megabytes(*needed), say(Word::Disk), megabytes(*free));
            (StatusCode::INSUFFICIENT_STORAGE, Word::NoRoomForBundle, Some(evidence))
        }
        NotTaken::NotKept { why } => (StatusCode::SERVICE_UNAVAILABLE, Word::BundleNotKept, words(why)),
    }
}
