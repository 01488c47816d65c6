//! The page *Health*: how station and board are, against their limits, and how long judging and the gate take.
//!
//! All of it is what the station says of now and of its run; what it raises an alarm about stands on *Live*. Quantiles come from counts in
//! buckets, and are told as such: at most so much.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use shared::limits::{CAMERA_QUEUE, PICTURE_QUEUE, RECORD_QUEUE, SHOT_QUEUE};
use shared::units::Micros;

use super::chart::Chart;
use super::layout::{self, Place, milliseconds, number, time};
use super::reader::Reader;
use super::serve::Shared;
use crate::line::{Line, SILENT};
use crate::log::chain::hex;
use crate::wire::histogram::{BOUNDS, FIRE_ERROR_US, Histogram, LATENCY_US, Quantile};
use crate::wire::{Greeting, Standing};
use crate::words::{Language, Word};

/// So near to the heat that is too much, a hot day takes the board there.
const NEARLY_TOO_HOT: i32 = 5_000;

/// A thread of the station turns many times a second: one that has not for this long is to be looked at.
const SLOW: Micros = Micros::from_millis(1_000);

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Condition {
    Fine,
    Near,
    Beyond,
}

/// One row: what, how much, its limit, and how that is.
struct Row {
    what: Word,
    value: String,
    limit: String,
    /// Nothing where nobody tells.
    state: Option<Condition>,
}

/// `GET /health`: times to judge, fire errors, heat, room, queues and threads of the station, each with its limit.
pub async fn page(State(shared): State<Arc<Shared>>, Reader { visitor, language, cookie }: Reader) -> Response {
    // Not to be held while the layout looks at the line too.
    let line = shared.station.line().clone();
    let (status, found) = match (&line.greeting, line.now()) {
        (Some(greeting), Some(now)) => (StatusCode::OK, drawn(language, &line, greeting, now)),
        _ => (StatusCode::SERVICE_UNAVAILABLE, html! { p.notice { (Word::NoStation.to(language)) } }),
    };
    let main = html! { h1 { (Word::Health.to(language)) } (found) };
    (status, cookie, layout::page(&shared, &visitor, language, Place::Health, main)).into_response()
}

fn drawn(language: Language, line: &Line, greeting: &Greeting, now: &Standing) -> Markup {
    html! {
        (table(language, &rows(language, now, line.lost)))
        section {
            (distribution(language, Word::Latency, &now.latency, &LATENCY_US))
            (distribution(language, Word::FireError, &now.fire_error, &FIRE_ERROR_US))
            p.hint { (Word::AsFarAsBuckets.to(language)) }
        }
        (versions(language, line, greeting, now))
    }
}

/// The state of a value that is better the smaller it is.
fn state<T: PartialOrd>(value: T, near: T, beyond: T) -> Condition {
    if value >= beyond {
        Condition::Beyond
    } else if value >= near {
        Condition::Near
    } else {
        Condition::Fine
    }
}

fn rows(language: Language, now: &Standing, untold: u64) -> Vec<Row> {
    let say = |word: Word| word.to(language).to_owned();
    let unknown = || "–".to_owned();
    let readings = &now.readings;
    let degrees = |heat: i32| format!("{} °C", number(language, f64::from(heat) / 1e3, 1));
    let room = |bytes: u64| format!("{} GB", number(language, bytes as f64 / 1e9, 1));
    let heat = readings.hottest_millicelsius.zip(readings.too_hot_millicelsius);
    let disk = readings.free_bytes.zip(readings.least_free_bytes);
    let mut rows = vec![
        Row {
            what: Word::Temperature,
            value: readings.hottest_millicelsius.map_or_else(unknown, degrees),
            limit: readings.too_hot_millicelsius.map_or_else(unknown, degrees),
            state: heat.map(|(heat, limit)| state(heat, limit.saturating_sub(NEARLY_TOO_HOT), limit)),
        },
        Row {
            what: Word::Throttled,
            value: readings.throttled.map_or_else(unknown, |yes| say(if yes { Word::Yes } else { Word::No })),
            limit: unknown(),
            state: readings.throttled.map(|yes| if yes { Condition::Near } else { Condition::Fine }),
        },
        Row {
            what: Word::Disk,
            value: readings.free_bytes.map_or_else(unknown, room),
            limit: readings.least_free_bytes.map_or_else(unknown, room),
            state: disk.map(|(free, least)| match free {
                free if free < least => Condition::Beyond,
                free if free < least.saturating_mul(2) => Condition::Near,
                _ => Condition::Fine,
            }),
        },
    ];
    let queues = now.queues;
    for (what, waiting, room, near) in [
        (Word::RecordsWait, queues.records, RECORD_QUEUE, RECORD_QUEUE / 2),
        (Word::PicturesWait, queues.pictures, PICTURE_QUEUE, PICTURE_QUEUE / 2),
        (Word::ShotsWait, queues.shots, SHOT_QUEUE, SHOT_QUEUE),
        (Word::FramesWait, queues.frames, CAMERA_QUEUE, CAMERA_QUEUE / 2),
    ] {
        // A queue that is full is at its limit, not beyond it: what it loses is counted below.
        let state = Some(state(waiting, near as u64, room as u64 + 1));
        rows.push(Row { what, value: waiting.to_string(), limit: room.to_string(), state });
    }
    let silent = Micros(u64::try_from(SILENT.as_micros()).unwrap_or(u64::MAX));
    let ms = |time: Micros| milliseconds(language, i64::try_from(time.0).unwrap_or(i64::MAX));
    let ages = now.ages;
    for (what, age) in
        [(Word::CameraTurned, ages.camera), (Word::GateTurned, ages.gate), (Word::JudgingSince, ages.judging)]
    {
        rows.push(Row { what, value: ms(age), limit: ms(silent), state: Some(state(age, SLOW, silent)) });
    }
    for (what, lost) in [
        (Word::FramesLost, now.drops.frames),
        (Word::PicturesLost, now.drops.pictures),
        (Word::LateVerdicts, now.counters.late),
        (Word::Untold, untold),
    ] {
        let state = Some(if lost > 0 { Condition::Near } else { Condition::Fine });
        rows.push(Row { what, value: lost.to_string(), limit: "0".to_owned(), state });
    }
    rows
}

fn table(language: Language, rows: &[Row]) -> Markup {
    let say = |word: Word| word.to(language);
    html! {
        section.wide tabindex="0" role="region" aria-label=(Word::Health.to(language)) {
            table.compare {
                thead { tr { td {} @for word in [Word::Value, Word::Limit, Word::Judgement] { th scope="col" { (say(word)) } } } }
                tbody {
                    @for Row { what, value, limit, state } in rows {
                        @let (class, word) = match state {
                            None => ("unknown", Word::NotTold),
                            Some(Condition::Fine) => ("good", Word::Fine),
                            Some(Condition::Near) => ("warn", Word::Look),
                            Some(Condition::Beyond) => ("bad", Word::Beyond),
                        };
                        tr { th scope="row" { (say(*what)) } td { (value) } td { (limit) } td class=(class) { (say(word)) } }
                    }
                }
            }
        }
    }
}

fn distribution(language: Language, what: Word, histogram: &Histogram, bounds: &[i64; BOUNDS]) -> Markup {
    let say = |word: Word| word.to(language);
    // As short as the bounds are: 0.025 and 2000.
    let short = |micros: i64| {
        let text = number(language, micros as f64 / 1e3, 3);
        text.trim_end_matches('0').trim_end_matches(['.', ',']).to_owned()
    };
    let ends = |share: f64| match histogram.quantile(bounds, share) {
        None => say(Word::NoValues).to_owned(),
        Some(Quantile::AtMost(bound)) => format!("{} {} ms", say(Word::AtMost), short(bound)),
        Some(Quantile::MoreThan(bound)) => format!("{} {} ms", say(Word::MoreThan), short(bound)),
    };
    let about = format!("{}: {}", say(what), histogram.total());
    // A bound stands between its bucket and the next; every second one, for want of room.
    let labels: Vec<_> =
        bounds.iter().enumerate().step_by(2).map(|(at, &bound)| (at as f64 + 1.0, short(bound))).collect();
    html! {
        figure {
            figcaption { b { (about) } }
            p { (say(Word::Median)) b { (ends(0.5)) } " · " (say(Word::NinetyNine)) b { (ends(0.99)) } }
            (Chart { about: &about, counts: &histogram.counts, marks: &[], labels: &labels }.draw())
            details.wide {
                summary { (say(Word::AsTable)) }
                table.compare {
                    thead { tr { th scope="col" { (say(Word::UpTo)) } th scope="col" { (say(Word::Count)) } } }
                    tbody {
                        @for (at, count) in histogram.counts.iter().enumerate() {
                            tr { th scope="row" { (bounds.get(at).map_or("∞".to_owned(), |&bound| format!("{} ms", short(bound)))) } td { (count) } }
                        }
                    }
                }
            }
        }
    }
}

fn versions(language: Language, line: &Line, greeting: &Greeting, now: &Standing) -> Markup {
    let say = |word: Word| word.to(language);
    let own = env!("CARGO_PKG_VERSION");
    let bundle = line.basis.as_ref().map_or("–".to_owned(), |basis| hex(&basis.bundle_sha256[..8]));
    let rows = [
        (Word::StationSoftware, greeting.software.clone()),
        (Word::PlantSoftware, own.to_owned()),
        (Word::Run, greeting.run.to_string()),
        (Word::RunBegan, time(greeting.started_us)),
        (Word::Product, now.product.clone()),
        (Word::Bundle, bundle),
    ];
    html! {
        section {
            h2 { (say(Word::Versions)) }
            @if greeting.software != own { p.notice { (say(Word::OtherRelease)) } }
            dl { @for (key, value) in rows { div { dt { (say(key)) } dd { (value) } } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Ages, Queues, Readings};

    fn states(now: &Standing, untold: u64) -> Vec<(Word, Condition)> {
        let rows = rows(Language::English, now, untold).into_iter();
        rows.filter_map(|row| Some((row.what, row.state?))).filter(|(_, state)| *state != Condition::Fine).collect()
    }

    #[test]
    fn what_is_near_its_limit_or_beyond_it_is_said_and_nothing_else() {
        let readings = Readings {
            hottest_millicelsius: Some(74_999),
            throttled: Some(false),
            free_bytes: Some(2_000),
            too_hot_millicelsius: Some(80_000),
            least_free_bytes: Some(1_000),
        };
        let mut now = Standing { readings, ..Standing::default() };
        now.queues = Queues { records: 127, pictures: 7, shots: 1, frames: 3 };
        now.ages = Ages { camera: Micros(999_999), ..Ages::default() };
        assert_eq!(states(&now, 0), []);
        assert_eq!(states(&Standing::default(), 0), [], "a board that tells nothing");
        now.readings.hottest_millicelsius = Some(75_000);
        now.readings.throttled = Some(true);
        now.readings.free_bytes = Some(999);
        now.queues = Queues { records: 256, shots: 2, ..Queues::default() };
        now.ages = Ages { gate: Micros(3_000_000), camera: Micros(1_000_000), ..Ages::default() };
        now.drops.pictures = 1;
        let expected = [
            (Word::Temperature, Condition::Near),
            (Word::Throttled, Condition::Near),
            (Word::Disk, Condition::Beyond),
            (Word::RecordsWait, Condition::Near),
            (Word::ShotsWait, Condition::Near),
            (Word::CameraTurned, Condition::Near),
            (Word::GateTurned, Condition::Beyond),
            (Word::PicturesLost, Condition::Near),
            (Word::Untold, Condition::Near),
        ];
        assert_eq!(states(&now, 5), expected);
        now.readings.hottest_millicelsius = Some(80_000);
        assert_eq!(states(&now, 0)[0], (Word::Temperature, Condition::Beyond));
    }

    #[test]
    fn bounds_are_written_short_and_nothing_is_told_of_no_values() {
        let mut histogram = Histogram::default();
        let drawn = |histogram: &Histogram| {
            distribution(Language::German, Word::FireError, histogram, &FIRE_ERROR_US).into_string()
        };
        assert!(drawn(&histogram).contains("noch keine"));
        (0..200).for_each(|_| histogram.observe(&FIRE_ERROR_US, 20));
        histogram.observe(&FIRE_ERROR_US, 60_000);
        let told = drawn(&histogram);
        for expected in ["Die Hälfte: <b>höchstens 0,025 ms", "99 von 100: <b>höchstens 0,025 ms", ">50 ms<", ">0 ms<"]
        {
            assert!(told.contains(expected), "{expected} is not in {told}");
        }
    }
}
