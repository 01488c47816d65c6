//! Stores, records and what must hold of them, for the tests beside this file.

use std::path::Path;

use shared::record::{RawRecord, Record};
use shared::units::{Micros, PartId, Score, Travel};
use shared::verdict::Verdict;
use shared::wall::WallTime;

use crate::stage::audit::RecordSink as _;
use crate::stage::details::Details;
use crate::stage::workers::Evidence;
use crate::store::entry::Entry;
use crate::store::read::{Filter, Reader};
use crate::store::run::{EndReason, RunStart};
use crate::store::sink::Store;
use crate::store::{Keep, Limits, sweep};

pub const DAY: u64 = 86_400_000_000;
pub const START: WallTime = WallTime(1_780_000_000_000_000);

pub const LIMITS: Limits = Limits {
    max_pictures: 1_000,
    max_picture_bytes: 1 << 30,
    max_picture_age: Micros(30 * DAY),
    min_free_bytes: 0,
    max_records: 1_000_000,
    max_record_age: Micros(365 * DAY),
};

pub const KEEP: Keep = Keep { good_one_in: 4, near_threshold: 0.8 };

pub fn start() -> RunStart {
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

pub fn score(value: f32) -> Score {
    Score::new(value).unwrap()
}

pub fn good(value: f32) -> Verdict {
    Verdict::Good(score(value))
}

pub fn bad(value: f32) -> Verdict {
    Verdict::Bad(score(value))
}

/// A part a second.
pub fn record(part: u32, verdict: Verdict) -> Record {
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

pub fn evidence() -> Evidence {
    Evidence { width: 8, input: vec![100; 192], heatmap: vec![0.5; 64], original: None, bundle: 0, drift: None }
}

pub fn open(folder: &Path) -> Store {
    Store::open(folder, LIMITS, KEEP, start()).unwrap()
}

pub fn written(folder: &Path, limits: Limits, records: &[Record]) {
    let mut store = Store::open(folder, limits, KEEP, start()).unwrap();
    for record in records {
        store.paced().append_measured(record, &Details::default(), Some(&evidence())).unwrap();
    }
    store.finish(START, EndReason::Rest).unwrap();
}

pub fn entries(folder: &Path, filter: Filter) -> Vec<Entry> {
    Reader::open(folder).unwrap().entries(filter).map(Result::unwrap).collect()
}

pub fn parts(entries: &[Entry]) -> Vec<u32> {
    entries.iter().map(|entry| entry.record.get().part.0).collect()
}

/// Each named picture exists and decodes, and no other file lies there.
pub fn assert_pictures_sound(folder: &Path) -> usize {
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
