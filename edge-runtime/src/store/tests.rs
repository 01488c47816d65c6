//! The store as a whole: what is written comes back, what cannot be written is told, what is too much goes.

use std::path::Path;

use shared::limits::{PICTURE_QUEUE, RECORD_QUEUE};
use shared::record::{RawRecord, Record};
use shared::units::{Micros, PartId, Score, Travel};
use shared::verdict::{Reason, Verdict};
use shared::wall::WallTime;

use super::entry::Entry;
use super::export::{ExportError, Exported, export};
use super::read::{Filter, Kind, Reader};
use super::run::{EndReason, RunStart};
use super::sink::{Store, locked};
use super::{Class, Keep, Limits, StoreError, schema, sweep};
use crate::stage::audit::RecordSink as _;
use crate::stage::details::Details;
use crate::stage::infer::Evidence;

const DAY: u64 = 86_400_000_000;
const START: WallTime = WallTime(1_780_000_000_000_000);

const LIMITS: Limits = Limits {
    max_pictures: 1_000,
    max_picture_bytes: 1 << 30,
    max_picture_age: Micros(30 * DAY),
    min_free_bytes: 0,
    max_records: 1_000_000,
    max_record_age: Micros(365 * DAY),
};

const KEEP: Keep = Keep { good_one_in: 4, near_threshold: 0.8 };

fn start() -> RunStart {
    RunStart {
        started_at: START,
        clock_at_start: Micros(1_000),
        station: "press 4".to_owned(),
        product: "cap".to_owned(),
        bundle_sha256: [0xab; 32],
        threshold: score(0.5),
        config_sha256: [1; 32],
        simulation: true,
        software: "1.2.3".to_owned(),
    }
}

fn score(value: f32) -> Score {
    Score::new(value).unwrap()
}

fn good(value: f32) -> Verdict {
    Verdict::Good(score(value))
}

fn bad(value: f32) -> Verdict {
    Verdict::Bad(score(value))
}

/// A part a second.
fn record(part: u32, verdict: Verdict) -> Record {
    Record::check(RawRecord {
        part: PartId(part),
        seen_at: Micros(1_000),
        seen_travel: Travel(2),
        decided_at: Micros(1_000 + u64::from(part) * 1_000_000),
        verdict,
        passed: verdict.passes(),
        override_reason: None,
        late_verdict: None,
        simulation: true,
    })
    .unwrap()
}

fn evidence() -> Evidence {
    Evidence { width: 8, input: vec![100; 192], heatmap: vec![0.5; 64], original: None }
}

fn open(folder: &Path) -> Store {
    Store::open(folder, LIMITS, KEEP, start()).unwrap()
}

fn written(folder: &Path, limits: Limits, records: &[Record]) {
    let mut store = Store::open(folder, limits, KEEP, start()).unwrap();
    for record in records {
        store.paced().append_measured(record, &Details::default(), Some(&evidence())).unwrap();
    }
    store.finish(START, EndReason::Rest).unwrap();
}

fn entries(folder: &Path, filter: Filter) -> Vec<Entry> {
    Reader::open(folder).unwrap().entries(filter).map(Result::unwrap).collect()
}

fn parts(entries: &[Entry]) -> Vec<u32> {
    entries.iter().map(|entry| entry.record.get().part.0).collect()
}

/// Each named picture exists and decodes, and no other file lies there.
fn assert_pictures_sound(folder: &Path) -> usize {
    let mut named = Vec::new();
    for entry in entries(folder, Filter::default()) {
        let Some(pictures) = entry.pictures else { continue };
        for name in [pictures.view, pictures.original] {
            image::open(folder.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            named.push(name);
        }
    }
    let mut there = Vec::new();
    for run in std::fs::read_dir(folder.join(sweep::PICTURES)).unwrap().map(Result::unwrap) {
        for file in std::fs::read_dir(run.path()).unwrap().map(Result::unwrap) {
            let (run, file) = (run.file_name().into_string().unwrap(), file.file_name().into_string().unwrap());
            there.push(format!("{}/{run}/{file}", sweep::PICTURES));
        }
    }
    named.sort();
    there.sort();
    assert_eq!(named, there);
    named.len() / 2
}

#[test]
fn what_is_written_can_be_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let wall = WallTime(START.0 - 5 * DAY as i64);
    let details =
        Details { wall: Some(wall), fire_error_us: Some(-3), inference: Some(Micros(9)), ..Details::default() };
    let sent = [
        (record(1, good(0.1)), Details::default()),
        (record(2, bad(0.9)), details),
        (record(3, Verdict::Uninspected(Reason::NoFrame)), Details::default()),
        (record(4, good(0.45)), Details::default()),
        (record(5, good(0.1)), Details::default()),
    ];
    for (record, details) in &sent {
        let seen = evidence();
        store.take(record, details, (record.get().part != PartId(3)).then_some(&seen)).unwrap();
    }
    store.flush().unwrap();
    assert_eq!((store.acknowledged(), store.waiting(), store.failure().is_none()), (5, 0, true));
    // While the station runs.
    let read = entries(folder.path(), Filter::default());
    assert_eq!(read.iter().map(|entry| entry.record).collect::<Vec<_>>(), sent.map(|(record, _)| record));
    let kept: Vec<_> = read.iter().map(|entry| entry.pictures.as_ref().map(|pictures| pictures.class)).collect();
    assert_eq!(kept, [Some(Class::Good), Some(Class::Rejected), None, Some(Class::Near), None]);
    assert_eq!(read[0].wall, START.saturating_add(Micros(1_000_000)), "reckoned from the start");
    assert_eq!((read[1].wall, read[1].details), (wall, details), "as the clock on the wall showed");
    assert_eq!(read[1].pictures.as_ref().unwrap().view, "pictures/000001/part-000002-BAD.png");
    let summary = store.finish(START.saturating_add(Micros(77)), EndReason::Stopped).unwrap();
    assert_eq!((summary.records, summary.pictures, summary.pictures_lost), (5, 3, 0));
    assert_eq!(assert_pictures_sound(folder.path()), 3);
    let reader = Reader::open(folder.path()).unwrap();
    reader.check().unwrap();
    let [run] = &reader.runs().unwrap()[..] else { panic!("one run") };
    assert_eq!((run.station.as_str(), run.product.as_str(), run.threshold), ("press 4", "cap", Some(score(0.5))));
    assert_eq!(run.bundle_sha256, "ab".repeat(32));
    assert_eq!(run.end, Some((WallTime(START.0 + 77), "stopped".to_owned())));
}

#[test]
fn a_filter_finds_times_and_verdicts_across_pages_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    let of = |part: u32| if part.is_multiple_of(100) { bad(0.9) } else { good(0.1) };
    let many: Vec<Record> = (0..1_200).map(|part| record(part, of(part))).collect();
    let few = Limits { max_pictures: 0, ..LIMITS };
    written(folder.path(), few, &many);
    written(folder.path(), few, &many[..3]);
    assert_eq!(entries(folder.path(), Filter::default()).len(), 1_203);
    let at = |part: u64| Some(START.saturating_add(Micros(part * 1_000_000)));
    let found = entries(folder.path(), Filter { since: at(0), until: at(300), verdict: Some(Kind::Bad) });
    assert_eq!(parts(&found), [0, 100, 200, 0]);
    assert_eq!(found[3].run.0, 2);
    assert_eq!(entries(folder.path(), Filter { since: at(1_199), ..Filter::default() }).len(), 1);
}

#[test]
fn a_second_record_of_a_part_is_refused_and_costs_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    for part in [1, 2, 1, 3] {
        // The refusal may come before the last is handed over.
        if store.take(&record(part, good(0.1)), &Details::default(), None).is_err() {
            assert_eq!(part, 3);
        }
    }
    let error = store.flush().unwrap_err();
    assert!(matches!(error, StoreError::Refused { part: PartId(1), .. }), "{error}");
    let refused = store.take(&record(4, good(0.1)), &Details::default(), None).unwrap_err();
    assert!(matches!(refused, StoreError::Refused { .. }), "the line hears of it: {refused}");
    assert!(store.finish(START, EndReason::Fault).is_err());
    assert!(parts(&entries(folder.path(), Filter::default())).starts_with(&[1, 2]));
}

#[test]
fn nobody_else_writes_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let error = Store::open(folder.path(), LIMITS, KEEP, start()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    drop(store);
    assert_eq!(open(folder.path()).run().0, 2);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let error = Store::open(&file.join("audit"), LIMITS, KEEP, start()).unwrap_err();
    assert!(matches!(&error, StoreError::File { path, .. } if path.starts_with(&file)), "{error}");
    std::fs::write(folder.path().join(sweep::PICTURES), "in the way too").unwrap();
    let error = Store::open(folder.path(), LIMITS, KEEP, start()).unwrap_err();
    assert!(matches!(&error, StoreError::File { path, .. } if path.ends_with(sweep::PICTURES)), "{error}");
    assert!(matches!(Reader::open(&folder.path().join("none")), Err(StoreError::File { .. })));
}

#[test]
fn a_full_disk_is_told_at_once_and_what_was_acknowledged_stays() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let connection = schema::open(&folder.path().join(schema::FILE)).unwrap();
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "max_page_count", pages + 4).unwrap();
    let lock = locked(folder.path()).unwrap();
    let mut store = Store::begin(folder.path(), lock, connection, LIMITS, KEEP, start()).unwrap();
    let mut taken = 0;
    let error = loop {
        assert!(taken < 10_000, "four pages never fill");
        match store.take(&record(taken, good(0.1)), &Details::default(), None) {
            Ok(()) => taken += 1,
            // Room in the queue comes back as long as the disk takes records.
            Err(StoreError::QueueFull { .. }) => drop(store.flush()),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(error.to_string().contains("records.db: no room for records"), "{error}");
    assert!(matches!(store.flush(), Err(StoreError::Full { .. })));
    let acknowledged = store.acknowledged();
    assert!(acknowledged > 0 && acknowledged < u64::from(taken), "{acknowledged} of {taken}");
    assert!(matches!(store.finish(START, EndReason::Fault), Err(StoreError::Full { .. })));
    let found = parts(&entries(folder.path(), Filter::default()));
    assert_eq!(found, (0..acknowledged as u32).collect::<Vec<_>>());
}

#[test]
fn when_there_is_room_again_nothing_that_was_taken_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let blocker = rusqlite::Connection::open(folder.path().join(schema::FILE)).unwrap();
    // Somebody's tool holds the database for longer than the writer waits for a lock.
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.take(&record(1, good(0.1)), &Details::default(), None).unwrap();
    let error = store.flush().unwrap_err();
    assert!(matches!(error, StoreError::Database { .. }), "{error}");
    assert!(store.take(&record(2, good(0.1)), &Details::default(), None).is_err());
    blocker.execute_batch("COMMIT").unwrap();
    assert_eq!(store.finish(START, EndReason::Rest).unwrap().records, 1);
    assert_eq!(parts(&entries(folder.path(), Filter::default())), [1]);
}

#[test]
fn a_database_that_may_not_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let connection = schema::open(&folder.path().join(schema::FILE)).unwrap();
    connection.pragma_update(None, "query_only", true).unwrap();
    let lock = locked(folder.path()).unwrap();
    let error = Store::begin(folder.path(), lock, connection, LIMITS, KEEP, start()).unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
}

#[test]
fn a_line_faster_than_the_disk_is_told_and_pictures_cost_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let blocker = rusqlite::Connection::open(folder.path().join(schema::FILE)).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut taken = 0;
    let error = loop {
        match store.take(&record(taken, bad(0.9)), &Details::default(), Some(&evidence())) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::QueueFull { capacity: RECORD_QUEUE }), "{error}");
    assert!(taken as usize >= RECORD_QUEUE - PICTURE_QUEUE, "{taken}");
    blocker.execute_batch("COMMIT").unwrap();
    store.flush().unwrap();
    let lost = store.pictures_lost();
    let summary = store.finish(START, EndReason::Rest).unwrap();
    assert_eq!((summary.records, summary.pictures + lost), (u64::from(taken), u64::from(taken)));
    assert_eq!(assert_pictures_sound(folder.path()) as u64, summary.pictures);
}

#[test]
fn pictures_stay_within_their_number_and_the_good_ones_go_first() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { max_pictures: 6, ..LIMITS };
    let of = |part: u32| if part.is_multiple_of(10) { bad(0.9) } else { good(0.1) };
    let many: Vec<Record> = (1..=45).map(|part| record(part, of(part))).collect();
    written(folder.path(), limits, &many);
    // What came with the last write goes with the next.
    written(folder.path(), limits, &[record(1, good(0.45)), record(2, good(0.1))]);
    written(folder.path(), limits, &[record(1, Verdict::Uninspected(Reason::Late))]);
    let kept: Vec<Entry> = entries(folder.path(), Filter::default());
    assert_eq!(kept.len(), 48, "records stay");
    let mut classes: Vec<_> = kept.iter().filter_map(|entry| entry.pictures.as_ref()).map(|p| p.class).collect();
    classes.sort();
    assert_eq!(classes, [[Class::Near; 1].as_slice(), &[Class::Rejected; 5]].concat());
    assert_eq!(assert_pictures_sound(folder.path()), 6);
}

#[test]
fn records_stay_within_number_and_age_and_take_their_pictures_along() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { max_records: 20, ..LIMITS };
    let many: Vec<Record> = (1..=30).map(|part| record(part, bad(0.9))).collect();
    written(folder.path(), limits, &many);
    written(folder.path(), limits, &[record(1, bad(0.9))]);
    let left = entries(folder.path(), Filter::default());
    assert!(left.len() <= 21 && parts(&left).ends_with(&[29, 30, 1]), "{:?}", parts(&left));
    assert_eq!(assert_pictures_sound(folder.path()), left.len());

    // A run whose line's clock runs for forty days: pictures are too old after thirty.
    let late = Record::check(RawRecord { decided_at: Micros(40 * DAY), ..*record(2, good(0.1)).get() }).unwrap();
    written(folder.path(), LIMITS, &[record(1, bad(0.9)), late]);
    written(folder.path(), LIMITS, &[late]);
    let kept = entries(folder.path(), Filter::default());
    let with: Vec<_> = kept.iter().filter(|entry| entry.pictures.is_some()).map(|entry| entry.wall).collect();
    assert!(with.iter().all(|&wall| wall >= START.saturating_add(Micros(10 * DAY))), "{with:?}");
    assert_eq!(assert_pictures_sound(folder.path()), with.len());
}

#[test]
fn below_the_floor_of_free_space_records_are_kept_and_no_pictures() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), LIMITS, &[record(1, bad(0.9))]);
    let mut store = Store::open(folder.path(), Limits { min_free_bytes: u64::MAX, ..LIMITS }, KEEP, start()).unwrap();
    store.take(&record(1, bad(0.9)), &Details::default(), Some(&evidence())).unwrap();
    let summary = store.finish(START, EndReason::Rest).unwrap();
    assert_eq!((summary.records, summary.pictures, summary.pictures_lost), (1, 0, 1));
    assert_eq!(entries(folder.path(), Filter::default()).len(), 2);
    assert_eq!(assert_pictures_sound(folder.path()), 0, "the old one made room");
}

#[test]
fn what_a_kill_left_without_a_name_is_removed_and_strangers_files_are_not() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), LIMITS, &[record(1, bad(0.9))]);
    let run = folder.path().join(sweep::PICTURES).join("000001");
    let dead = folder.path().join(sweep::PICTURES).join("000000");
    std::fs::create_dir(&dead).unwrap();
    let mine = [run.join(".new-x7"), run.join("part-000009-BAD.png"), dead.join("part-000001-BAD-original.png")];
    mine.iter().for_each(|path| std::fs::write(path, "half").unwrap());
    let strange = run.join("thesis.txt");
    std::fs::write(&strange, "years").unwrap();
    drop(open(folder.path()));
    assert!(mine.iter().all(|path| !path.exists()) && !dead.exists() && strange.exists());
    std::fs::remove_file(strange).unwrap();
    assert_eq!(assert_pictures_sound(folder.path()), 1);
}

#[test]
fn an_export_has_the_trainers_layout_and_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let late = Verdict::Uninspected(Reason::Late);
    let all = [record(1, good(0.1)), record(2, bad(0.9)), record(3, late), record(4, good(0.1)), record(5, good(0.45))];
    written(folder.path(), LIMITS, &all);
    let reader = Reader::open(folder.path()).unwrap();
    let listed = |out: &Path, below: &str| -> Vec<String> {
        let entries = std::fs::read_dir(out.join(below)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let out = folder.path().join("out");
    let exported = export(&reader, Filter::default(), false, &out).unwrap();
    assert_eq!(exported, Exported { records: 5, good: 2, bad: 1, gone: 0 });
    assert_eq!(listed(&out, "train/good"), ["run-000001-part-000001.png", "run-000001-part-000005.png"]);
    assert_eq!(listed(&out, "test/bad"), ["run-000001-part-000002.png"]);
    assert_eq!(image::open(out.join("test/bad/run-000001-part-000002.png")).unwrap().width(), 8);
    let table = std::fs::read_to_string(out.join("records.csv")).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    let columns = lines[0].split(',').count();
    assert!(lines.len() == 6 && lines.iter().all(|line| line.split(',').count() == columns), "{table}");
    assert!(lines[0].starts_with("run,part,wall,") && lines[0].ends_with(",frame"), "{table}");
    assert!(lines[2].contains(",bad,0.9,") && lines[2].ends_with(",test/bad/run-000001-part-000002.png"), "{table}");

    // Somebody knows that all were good.
    let known = export(&reader, Filter::default(), true, &folder.path().join("known")).unwrap();
    assert_eq!((known.good, known.bad), (4, 0));
    let before = listed(folder.path(), ".");
    assert!(matches!(export(&reader, Filter::default(), false, &out), Err(ExportError::Occupied { .. })));
    std::fs::remove_file(folder.path().join("pictures/000001/part-000002-BAD-original.png")).unwrap();
    let gone = export(&reader, Filter::default(), false, &folder.path().join("gone")).unwrap();
    assert_eq!((gone.bad, gone.gone), (0, 1));
    assert_eq!(listed(folder.path(), ".").len(), before.len() + 1, "nothing half written stays");
}
