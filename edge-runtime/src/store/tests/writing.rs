//! What is written comes back, and what cannot be written is told.

use shared::limits::{PICTURE_QUEUE, RECORD_QUEUE};
use shared::record::Record;
use shared::units::{Micros, PartId};
use shared::verdict::{Reason, Verdict};
use shared::wall::WallTime;

use super::fixture::*;
use crate::stage::details::Details;
use crate::store::read::{Filter, Kind, Reader};
use crate::store::run::EndReason;
use crate::store::sink::{Store, locked};
use crate::store::{Class, Limits, StoreError, schema, sweep};

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
            Err(StoreError::QueueFull { .. }) => {
                if let Err(error) = store.flush() {
                    break error;
                }
            }
            Err(error) => panic!("{error}"),
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
    store.take(&record(2, good(0.1)), &Details::default(), None).unwrap();
    assert!(store.failure().is_some(), "the line hears of it, to be stopped");
    blocker.execute_batch("COMMIT").unwrap();
    assert_eq!(store.finish(START, EndReason::Rest).unwrap().records, 2);
    assert_eq!(parts(&entries(folder.path(), Filter::default())), [1, 2]);
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
