//! What is too much goes, what a kill left goes, and what is wanted elsewhere is exported.

use std::path::Path;

use shared::record::{RawRecord, Record};
use shared::units::Micros;
use shared::verdict::{Reason, Verdict};

use super::fixture::*;
use crate::stage::details::Details;
use crate::store::entry::Entry;
use crate::store::export::{ExportError, Exported, export};
use crate::store::read::{Filter, Reader};
use crate::store::run::EndReason;
use crate::store::sink::Store;
use crate::store::{Class, Limits, sweep};

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
