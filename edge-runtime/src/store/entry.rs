//! A record with everything kept beside it, to and from a row of the table.
//!
//! Takes and gives checked records: a row whose fields contradict each other is an error that names it, never a record. Column
//! names carry the unit. Opens no file.

use std::path::Path;

use rusqlite::{Row, Statement, params};
use serde_json::{Value, json};
use shared::record::{RawRecord, Record};
use shared::units::{Micros, PartId, Score, Travel};
use shared::verdict::{FAILURES, Reason, Verdict};
use shared::wall::WallTime;

use super::error::StoreError;
use super::keep::Class;
use super::run::RunId;
use crate::stage::details::Details;

/// Where a part's pictures lie, below the store's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pictures {
    /// What they are kept for.
    pub class: Class,
    /// For people: the network's input, and the heatmap over it.
    pub view: String,
    /// For the trainer: the frame as the camera gave it, or the network's input.
    pub original: String,
    /// Bytes of both.
    pub bytes: u64,
}

/// One part, as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The run.
    pub run: RunId,
    /// What became of the part.
    pub record: Record,
    /// When it left, by the clock on the wall.
    pub wall: WallTime,
    /// What was measured; its wall time is given above.
    pub details: Details,
    /// Its pictures, if any are kept.
    pub pictures: Option<Pictures>,
}

/// Takes a record in; its pictures are named later.
pub const INSERT: &str = "
INSERT INTO records (run, part, wall_us, seen_us, seen_travel_um, decided_us, verdict, score, reason, passed, override_reason,
    late_verdict, late_score, late_reason, simulation, fire_error_us, planned_travel_um, fired_travel_um, frame_residual_us,
    inference_us, bundle)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";

/// The columns of [`read`].
pub const COLUMNS: &str = "run, part, wall_us, seen_us, seen_travel_um, decided_us, verdict, score, reason, passed,
    override_reason, late_verdict, late_score, late_reason, simulation, fire_error_us, planned_travel_um, fired_travel_um,
    frame_residual_us, inference_us, kept, picture, original, picture_bytes, bundle";

/// Runs [`INSERT`].
pub fn insert(
    statement: &mut Statement<'_>,
    run: RunId,
    record: &Record,
    wall: WallTime,
    details: &Details,
) -> rusqlite::Result<usize> {
    let raw = record.get();
    let verdict = Words::of(raw.verdict);
    let late = raw.late_verdict.map(Words::of);
    statement.execute(params![
        run.0,
        raw.part.0,
        wall.0,
        micros(raw.seen_at),
        raw.seen_travel.0,
        micros(raw.decided_at),
        verdict.verdict,
        verdict.score,
        verdict.reason,
        raw.passed,
        raw.override_reason.map(Reason::code),
        late.map(|late| late.verdict),
        late.and_then(|late| late.score),
        late.and_then(|late| late.reason),
        raw.simulation,
        details.fire_error_us,
        details.planned_travel.map(|travel| travel.0),
        details.fired_travel.map(|travel| travel.0),
        details.frame_residual_us,
        details.inference.map(micros),
        details.bundle,
    ])
}

fn micros(time: Micros) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

/// A verdict in the table's words.
#[derive(Clone, Copy)]
struct Words {
    verdict: &'static str,
    score: Option<f32>,
    reason: Option<&'static str>,
}

impl Words {
    fn of(verdict: Verdict) -> Self {
        let (word, reason) = match verdict {
            Verdict::Good(_) => ("good", None),
            Verdict::Bad(_) => ("bad", None),
            Verdict::Uninspected(reason) => ("uninspected", Some(reason.code())),
        };
        Self { verdict: word, score: verdict.score().map(Score::get), reason }
    }
}

/// A row of [`COLUMNS`], checked. `path` is the database's name in errors.
pub fn read(row: &Row<'_>, path: &Path) -> Result<Entry, StoreError> {
    let row = Columns { row, path };
    let part: i64 = row.get(1, "part")?;
    let record = RawRecord {
        part: PartId(u32::try_from(part).map_err(|_| row.damaged("part", &part))?),
        seen_at: row.micros(3, "seen_us")?,
        seen_travel: Travel(row.get(4, "seen_travel_um")?),
        decided_at: row.micros(5, "decided_us")?,
        verdict: row.verdict(6, "verdict")?.ok_or_else(|| row.damaged("verdict", &"absent"))?,
        passed: row.get(9, "passed")?,
        override_reason: row.reason(10, "override_reason")?,
        late_verdict: row.verdict(11, "late_verdict")?,
        simulation: row.get(14, "simulation")?,
    };
    let wall = WallTime(row.get(2, "wall_us")?);
    Ok(Entry {
        run: RunId(row.get(0, "run")?),
        record: Record::check(record).map_err(|error| row.damaged("passed", &error))?,
        wall,
        details: Details {
            wall: Some(wall),
            fire_error_us: row.get(15, "fire_error_us")?,
            planned_travel: row.get::<Option<i64>>(16, "planned_travel_um")?.map(Travel),
            fired_travel: row.get::<Option<i64>>(17, "fired_travel_um")?.map(Travel),
            frame_residual_us: row.get(18, "frame_residual_us")?,
            inference: match row.get::<Option<i64>>(19, "inference_us")? {
                None => None,
                Some(_) => Some(row.micros(19, "inference_us")?),
            },
            bundle: row.get(24, "bundle")?,
        },
        pictures: row.pictures()?,
    })
}

struct Columns<'a> {
    row: &'a Row<'a>,
    path: &'a Path,
}

impl Columns<'_> {
    fn damaged(&self, column: &'static str, got: &dyn std::fmt::Display) -> StoreError {
        let number = |index: usize| self.row.get(index).unwrap_or_default();
        StoreError::Damaged {
            path: self.path.to_owned(),
            run: number(0),
            part: number(1),
            column,
            got: got.to_string(),
        }
    }

    fn get<T: rusqlite::types::FromSql>(&self, index: usize, column: &'static str) -> Result<T, StoreError> {
        self.row.get(index).map_err(|error| self.damaged(column, &error))
    }

    fn micros(&self, index: usize, column: &'static str) -> Result<Micros, StoreError> {
        let time: i64 = self.get(index, column)?;
        u64::try_from(time).map(Micros).map_err(|_| self.damaged(column, &time))
    }

    fn reason(&self, index: usize, column: &'static str) -> Result<Option<Reason>, StoreError> {
        let Some(code) = self.get::<Option<String>>(index, column)? else { return Ok(None) };
        let known = FAILURES.iter().find(|failure| failure.code == code).map(|failure| failure.reason);
        known.map(Some).ok_or_else(|| self.damaged(column, &code))
    }

    /// A verdict from three columns: the word, the score, the reason.
    fn verdict(&self, index: usize, column: &'static str) -> Result<Option<Verdict>, StoreError> {
        let Some(word) = self.get::<Option<String>>(index, column)? else { return Ok(None) };
        let score = self.get::<Option<f32>>(index + 1, column)?.and_then(Score::new);
        let reason = self.reason(index + 2, column)?;
        let verdict = match (word.as_str(), score, reason) {
            ("good", Some(score), None) => Verdict::Good(score),
            ("bad", Some(score), None) => Verdict::Bad(score),
            ("uninspected", None, Some(reason)) => Verdict::Uninspected(reason),
            _ => return Err(self.damaged(column, &format_args!("{word} with its score and reason"))),
        };
        Ok(Some(verdict))
    }

    fn pictures(&self) -> Result<Option<Pictures>, StoreError> {
        let Some(view) = self.get::<Option<String>>(21, "picture")? else { return Ok(None) };
        let (kept, bytes) = (self.get(20, "kept")?, self.get::<i64>(23, "picture_bytes")?);
        Ok(Some(Pictures {
            class: Class::of(kept).ok_or_else(|| self.damaged("kept", &kept))?,
            view,
            original: self.get(22, "original")?,
            bytes: u64::try_from(bytes).map_err(|_| self.damaged("picture_bytes", &bytes))?,
        }))
    }
}

impl Entry {
    /// Names and values, for tables that programs read. Absent values are null.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, Value)> {
        let (raw, details) = (self.record.get(), &self.details);
        let verdict = Words::of(raw.verdict);
        let late = raw.late_verdict.map(Words::of);
        let pictures = self.pictures.as_ref();
        vec![
            ("run", json!(self.run.0)),
            ("part", json!(raw.part.0)),
            ("wall", json!(self.wall.to_string())),
            ("seen_us", json!(raw.seen_at.0)),
            ("seen_travel_um", json!(raw.seen_travel.0)),
            ("decided_us", json!(raw.decided_at.0)),
            ("verdict", json!(verdict.verdict)),
            ("score", json!(verdict.score.and_then(short))),
            ("reason", json!(verdict.reason)),
            ("passed", json!(raw.passed)),
            ("override_reason", json!(raw.override_reason.map(Reason::code))),
            ("late_verdict", json!(late.map(|late| late.verdict))),
            ("late_score", json!(late.and_then(|late| late.score).and_then(short))),
            ("late_reason", json!(late.and_then(|late| late.reason))),
            ("simulation", json!(raw.simulation)),
            ("fire_error_us", json!(details.fire_error_us)),
            ("planned_travel_um", json!(details.planned_travel.map(|travel| travel.0))),
            ("fired_travel_um", json!(details.fired_travel.map(|travel| travel.0))),
            ("frame_residual_us", json!(details.frame_residual_us)),
            ("inference_us", json!(details.inference.map(|time| time.0))),
            ("bundle", json!(details.bundle)),
            ("kept", json!(pictures.map(|pictures| pictures.class.name()))),
            ("picture", json!(pictures.map(|pictures| &pictures.view))),
            ("original", json!(pictures.map(|pictures| &pictures.original))),
        ]
    }
}

/// The shortest decimal that names the same single-precision number, in place of the digits of its double.
fn short(score: f32) -> Option<f64> {
    score.to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::schema;
    use super::*;

    fn raw(part: u32, verdict: Verdict) -> RawRecord {
        RawRecord {
            part: PartId(part),
            seen_at: Micros(u64::from(part) * 10),
            seen_travel: Travel(-5),
            decided_at: Micros(77),
            verdict,
            passed: verdict.passes(),
            override_reason: None,
            late_verdict: None,
            simulation: false,
        }
    }

    fn database() -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let connection = schema::open(&folder.path().join(schema::FILE)).unwrap();
        connection.execute_batch("INSERT INTO runs VALUES (3, 0, '', '', '', 0.5, '', 1, '', NULL, NULL)").unwrap();
        (folder, connection)
    }

    fn all(connection: &Connection) -> Vec<Result<Entry, StoreError>> {
        let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM records")).unwrap();
        let entries = statement.query_map([], |row| Ok(read(row, Path::new("records.db")))).unwrap();
        entries.map(Result::unwrap).collect()
    }

    #[test]
    fn every_field_of_every_kind_of_record_comes_back() {
        let score = |value| Score::new(value).unwrap();
        let late = Some(Verdict::Bad(score(0.7)));
        let uninspected = FAILURES.iter().map(|failure| Verdict::Uninspected(failure.reason));
        let mut records: Vec<RawRecord> = uninspected
            .chain([Verdict::Bad(score(0.1)), Verdict::Good(score(0.3))])
            .zip(1..)
            .map(|(v, p)| raw(p, v))
            .collect();
        records[0].late_verdict = late;
        records[1].late_verdict = Some(Verdict::Uninspected(Reason::BadPicture));
        let neighbour = Some(Reason::Neighbour);
        records.push(RawRecord {
            passed: false,
            override_reason: neighbour,
            ..raw(u32::MAX, Verdict::Good(score(0.2)))
        });
        let details = Details {
            wall: Some(WallTime(123)),
            fire_error_us: Some(-40),
            planned_travel: Some(Travel(400_000)),
            fired_travel: Some(Travel(400_012)),
            frame_residual_us: Some(-7),
            inference: Some(Micros(31_000)),
            bundle: Some(2),
        };
        let empty = Details { wall: Some(WallTime(123)), ..Details::default() };
        let (_folder, connection) = database();
        for (at, &raw) in records.iter().enumerate() {
            let details = if at % 2 == 0 { &details } else { &empty };
            let record = Record::check(raw).unwrap();
            insert(&mut connection.prepare(INSERT).unwrap(), RunId(3), &record, WallTime(123), details).unwrap();
        }
        let entries: Vec<Entry> = all(&connection).into_iter().map(Result::unwrap).collect();
        assert_eq!(entries.len(), records.len());
        for (at, (entry, &raw)) in entries.iter().zip(&records).enumerate() {
            let expected = if at % 2 == 0 { details } else { empty };
            assert_eq!((entry.run, *entry.record.get(), entry.details), (RunId(3), raw, expected));
        }
    }

    #[test]
    fn a_row_that_no_record_can_be_is_an_error_that_names_it() {
        let cases = [
            ("UPDATE records SET reason = 'BORED', verdict = 'uninspected', score = NULL, passed = 0", "BORED"),
            ("UPDATE records SET score = 1.5", "verdict cannot be good"),
            ("UPDATE records SET seen_us = -1", "seen_us cannot be -1"),
            ("UPDATE records SET part = 5000000000", "part cannot be 5000000000"),
            // Found by fuzzing: they lost their sign.
            ("UPDATE records SET inference_us = -7", "inference_us cannot be -7"),
            (
                "UPDATE records SET picture = 'a.png', picture_bytes = -1, original = 'b.png', kept = 0",
                "picture_bytes cannot be -1",
            ),
            ("UPDATE records SET picture = 'a.png', picture_bytes = 1, original = 'b.png'", "kept cannot be"),
        ];
        for (damage, expected) in cases {
            let (_folder, connection) = database();
            let record = Record::check(raw(9, Verdict::Good(Score::default()))).unwrap();
            let mut statement = connection.prepare(INSERT).unwrap();
            insert(&mut statement, RunId(3), &record, WallTime(0), &Details::default()).unwrap();
            connection.execute_batch(damage).unwrap();
            let message = all(&connection).remove(0).unwrap_err().to_string();
            assert!(message.starts_with("records.db: run 3, part ") && message.contains(expected), "{message}");
        }
    }
}
