//! Bytes that claim to be records, a row of the store that claims to be one, and text that claims to be a time.
//!
//! What is read is written again, and read as the same. Frames are tried as they come and with a true checksum; a row's columns are
//! of whatever kind the bytes choose, in a table that refuses nothing.

#![no_main]

use std::path::Path;

use arbitrary::Unstructured;
use crc::{CRC_32_ISO_HDLC, Crc};
use edge_runtime::store::entry::{self, Entry};
use libfuzzer_sys::fuzz_target;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use shared::limits::MAX_RECORD_BYTES;
use shared::record::Record;
use shared::verdict::FAILURES;
use shared::wall::WallTime;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Ok((record, behind)) = Record::decode(rest) {
        comes_back(record);
        assert!(behind.len() < rest.len(), "each record takes some bytes");
        rest = behind;
    }
    if bytes.len() + 6 <= MAX_RECORD_BYTES {
        let checksum = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(bytes);
        let frame = [&(bytes.len() as u16 + 4).to_le_bytes(), bytes, &checksum.to_le_bytes()].concat();
        if let Ok((record, behind)) = Record::decode(&frame) {
            comes_back(record);
            assert!(behind.is_empty());
        }
    }
    // A choice ends early when the bytes do; there is no row then.
    if let Ok(values) = row(&mut Unstructured::new(bytes)) {
        STORE.with(|store| in_the_store(store, values));
    }
    if let Ok(time) = std::str::from_utf8(bytes).unwrap_or_default().parse::<WallTime>() {
        let millis = |time: WallTime| time.0.div_euclid(1_000);
        assert_eq!(time.to_string().parse().map(millis), Ok(millis(time)), "a time is read as it is written");
    }
});

fn comes_back(record: Record) {
    let raw = record.get();
    assert!(!raw.passed || raw.verdict.passes(), "an unproven part passed");
    let mut buffer = [0; MAX_RECORD_BYTES];
    let bytes = record.encode(&mut buffer).expect("every record fits");
    assert_eq!(Record::decode(bytes), Ok((record, &[][..])));
}

thread_local! {
    static STORE: Connection = {
        let store = Connection::open_in_memory().expect("SQLite has memory");
        store.execute_batch(&format!("CREATE TABLE records ({})", entry::COLUMNS)).expect("the names are columns");
        store
    };
}

/// A value of any kind for each column; words and small numbers that are legal somewhere come often.
fn row(chance: &mut Unstructured<'_>) -> arbitrary::Result<Vec<Value>> {
    let columns = entry::COLUMNS.split(',').count();
    (0..columns).map(|_| value(chance)).collect()
}

fn value(chance: &mut Unstructured<'_>) -> arbitrary::Result<Value> {
    Ok(match chance.int_in_range(0..=9)? {
        0 => Value::Null,
        1 => Value::Integer(chance.arbitrary()?),
        2 | 3 => Value::Integer(chance.int_in_range(-2..=3)?),
        4 => Value::Real(chance.arbitrary()?),
        5 => Value::Real(f64::from(chance.arbitrary::<u8>()?) / 128.0),
        6 => Value::Text((*chance.choose(&["good", "bad", "uninspected"])?).to_owned()),
        7 => Value::Text(chance.choose(&FAILURES)?.code.to_owned()),
        8 => Value::Text(chance.arbitrary::<&str>()?.to_owned()),
        _ => Value::Blob(chance.arbitrary::<&[u8]>()?.to_owned()),
    })
}

fn in_the_store(store: &Connection, values: Vec<Value>) {
    let marks = vec!["?"; values.len()].join(", ");
    let mut insert = store
        .prepare(&format!("INSERT INTO records ({}) VALUES ({marks})", entry::COLUMNS))
        .expect("the statement is whole");
    insert.execute(params_from_iter(&values)).expect("the table takes everything");
    let Some((first, _)) = taken(store) else { return };
    let raw = first.record.get();
    assert!(!raw.passed || raw.verdict.passes(), "an unproven part passed");
    assert!(first.fields().iter().all(|(name, _)| !name.is_empty()));
    let mut insert = store.prepare(entry::INSERT).expect("the statement is whole");
    entry::insert(&mut insert, first.run, &first.record, first.wall, &first.details).expect("a record fits its row");
    let (again, written) = taken(store).expect("what is written is read");
    // Pictures are named later.
    assert_eq!(Entry { pictures: first.pictures.clone(), ..again }, first);
    for ((column, before), after) in entry::COLUMNS.split(',').zip(&values).zip(&written) {
        // SQLite has no flags: every number but 0 is one.
        let flag = matches!(column.trim(), "passed" | "simulation");
        if let (false, Value::Integer(before), Value::Integer(after)) = (flag, before, after) {
            assert_eq!(before, after, "{}", column.trim());
        }
    }
}

/// The one row, which is no more in the table then: as an entry, if it is one, and as it is.
fn taken(store: &Connection) -> Option<(Entry, Vec<Value>)> {
    let mut select = store.prepare(&format!("SELECT {} FROM records", entry::COLUMNS)).expect("the columns exist");
    let whole = |row: &Row<'_>| -> rusqlite::Result<_> {
        let columns = entry::COLUMNS.split(',').count();
        let values = (0..columns).map(|column| row.get(column)).collect::<rusqlite::Result<_>>()?;
        Ok((entry::read(row, Path::new("records.db")), values))
    };
    let (entry, values) = select.query_row([], whole).expect("there is a row");
    store.prepare("DELETE FROM records").and_then(|mut delete| delete.execute([])).expect("a row can go");
    Some((entry.ok()?, values))
}
