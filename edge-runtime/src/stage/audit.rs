//! Everything said about a part, made into exactly one record when the part has left.
//!
//! Takes registrations, judgements and the tracker's words, with time and belt position; gives a [`Record`] with its
//! evidence to a [`RecordSink`]. It writes no file and decides nothing.

use std::collections::BTreeMap;

use shared::line::{Cause, Fate};
use shared::record::{RawRecord, Record, RecordError};
use shared::units::{Micros, PartId, Travel};
use shared::verdict::{Reason, Verdict};
use thiserror::Error;

use super::details::Details;
use super::workers::Evidence;
use crate::store::{StoreError, Takeover};

/// Why a record was not written.
#[derive(Debug, Error)]
pub enum AuditError {
    /// A part left of which no fate was ever heard. The tracker never does that.
    #[error("part {} left undecided", part.0)]
    Undecided {
        /// The part.
        part: PartId,
    },
    /// The record contradicts itself.
    #[error("{0}")]
    Record(RecordError),
    /// The store does not take the record.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Takes records for good.
pub trait RecordSink {
    /// Takes one record and, where there is any, what the part was judged by.
    ///
    /// # Errors
    /// [`AuditError`] when it cannot be kept.
    fn append(&mut self, record: &Record, evidence: Option<&Evidence>) -> Result<(), AuditError>;

    /// The same with what was measured while the part passed. A sink that keeps no measurements drops them.
    ///
    /// # Errors
    /// [`AuditError`] when it cannot be kept.
    fn append_measured(
        &mut self,
        record: &Record,
        _details: &Details,
        evidence: Option<&Evidence>,
    ) -> Result<(), AuditError> {
        self.append(record, evidence)
    }

    /// Another bundle judges; records of parts that it judged come later and name its number. A sink that keeps no measurements
    /// drops it.
    ///
    /// # Errors
    /// [`AuditError`] when it cannot be kept; records could not be attributed then.
    fn takeover(&mut self, _takeover: &Takeover) -> Result<(), AuditError> {
        Ok(())
    }
}

#[derive(Debug, Clone, Default)]
struct Known {
    seen: Option<(Micros, Travel)>,
    decided: Option<(Micros, Travel, Fate)>,
    late: Option<Verdict>,
    details: Details,
    evidence: Option<Evidence>,
}

/// What is known of the parts that have not left.
///
/// # Invariants
/// Holds the parts in flight and no others, so that the tracker's limit bounds it.
#[derive(Debug, Default)]
pub struct Audit {
    simulation: bool,
    known: BTreeMap<PartId, Known>,
}

impl Audit {
    /// `simulation` marks every record.
    #[must_use]
    pub fn new(simulation: bool) -> Self {
        Self { simulation, known: BTreeMap::new() }
    }

    /// A part was registered at its edge.
    pub fn seen(&mut self, part: PartId, at: Micros, edge: Travel) {
        self.known.entry(part).or_default().seen = Some((at, edge));
    }

    /// A judgement with its evidence; whether it came in time is the tracker's to say.
    pub fn judged(&mut self, part: PartId, evidence: Option<Evidence>) {
        if let Some(known) = self.known.get_mut(&part) {
            known.details.bundle = evidence.as_ref().map(|evidence| evidence.bundle);
            known.evidence = evidence;
        }
    }

    /// A part's fate. For a part first met at the gate this is the first word, and its edge is taken to be here.
    pub fn decided(&mut self, part: PartId, at: Micros, travel: Travel, fate: Fate) {
        self.known.entry(part).or_default().decided = Some((at, travel, fate));
    }

    /// A verdict that came too late.
    pub fn late(&mut self, part: PartId, verdict: Verdict) {
        if let Some(known) = self.known.get_mut(&part) {
            known.late = Some(verdict);
        }
    }

    /// What is measured of a part, to be filled in as it becomes known, as long as the part has not left.
    pub fn details(&mut self, part: PartId) -> Option<&mut Details> {
        self.known.get_mut(&part).map(|known| &mut known.details)
    }

    /// What a part was judged by, as long as it has not left.
    #[must_use]
    pub fn evidence(&self, part: PartId) -> Option<&Evidence> {
        self.known.get(&part)?.evidence.as_ref()
    }

    /// A part has left: its record goes to `sink`.
    ///
    /// # Errors
    /// [`AuditError`]; the line must then end, since no further part could be accounted for.
    pub fn left(&mut self, part: PartId, sink: &mut dyn RecordSink) -> Result<Record, AuditError> {
        let known = self.known.remove(&part).unwrap_or_default();
        let Some((decided_at, travel, fate)) = known.decided else { return Err(AuditError::Undecided { part }) };
        let (seen_at, seen_travel) = known.seen.unwrap_or((decided_at, travel));
        let record = Record::check(RawRecord {
            part,
            seen_at,
            seen_travel,
            decided_at,
            verdict: fate.verdict(),
            passed: fate.passed(),
            override_reason: fate.override_reason(),
            late_verdict: known.late,
            simulation: self.simulation,
        })
        .map_err(AuditError::Record)?;
        sink.append_measured(&record, &known.details, known.evidence.as_ref())?;
        Ok(record)
    }

    /// The line ends early: each part that has not left gets its record, those without a fate as flushed. Goes on past parts
    /// that cannot be kept.
    ///
    /// # Errors
    /// The first [`AuditError`].
    pub fn abandon(&mut self, at: Micros, travel: Travel, sink: &mut dyn RecordSink) -> Result<(), AuditError> {
        let flushed = Fate::Rejected(Cause::Uninspected(Reason::Flushed));
        let mut first = Ok(());
        for part in self.known.keys().copied().collect::<Vec<_>>() {
            if let Some(known) = self.known.get_mut(&part) {
                known.decided.get_or_insert((at, travel, flushed));
            }
            first = first.and(self.left(part, sink).map(drop));
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use shared::line::Cause;
    use shared::units::Score;
    use shared::verdict::Reason;

    use super::*;

    #[derive(Default)]
    struct Kept(Vec<(Record, Details, bool)>);

    impl RecordSink for Kept {
        fn append(&mut self, record: &Record, seen: Option<&Evidence>) -> Result<(), AuditError> {
            self.append_measured(record, &Details::default(), seen)
        }

        fn append_measured(
            &mut self,
            record: &Record,
            details: &Details,
            seen: Option<&Evidence>,
        ) -> Result<(), AuditError> {
            self.0.push((*record, *details, seen.is_some()));
            Ok(())
        }
    }

    #[test]
    fn a_part_leaves_one_record_with_everything_that_was_said() {
        let (mut audit, mut kept, part) = (Audit::new(true), Kept::default(), PartId(5));
        let late = Verdict::Good(Score::new(0.1).unwrap());
        audit.seen(part, Micros(10), Travel(100));
        audit.decided(part, Micros(20), Travel(200), Fate::Rejected(Cause::Uninspected(Reason::NotJudged)));
        audit.judged(
            part,
            Some(Evidence { width: 1, input: vec![0; 3], heatmap: vec![0.0], original: None, bundle: 0, drift: None }),
        );
        audit.late(part, late);
        audit.details(part).unwrap().fire_error_us = Some(12);
        let record = audit.left(part, &mut kept).unwrap();
        let raw = record.get();
        assert_eq!((raw.seen_at, raw.seen_travel, raw.decided_at), (Micros(10), Travel(100), Micros(20)));
        assert_eq!(raw.verdict, Verdict::Uninspected(Reason::NotJudged));
        assert!(!raw.passed && raw.simulation && raw.late_verdict == Some(late));
        let details = Details { fire_error_us: Some(12), bundle: Some(0), ..Details::default() };
        assert_eq!(kept.0, [(record, details, true)]);
        assert!(audit.known.is_empty() && audit.details(part).is_none());
    }

    #[test]
    fn a_part_first_met_at_the_gate_was_seen_there() {
        let (mut audit, mut kept) = (Audit::new(false), Kept::default());
        let fate = Fate::Rejected(Cause::Uninspected(Reason::UnknownPart));
        audit.decided(PartId(9), Micros(70), Travel(700), fate);
        let record = audit.left(PartId(9), &mut kept).unwrap();
        assert_eq!((record.get().seen_at, record.get().seen_travel), (Micros(70), Travel(700)));
    }

    #[test]
    fn a_line_that_ends_early_leaves_a_record_of_each_part_in_flight() {
        let (mut audit, mut kept) = (Audit::new(true), Kept::default());
        let good = Score::new(0.1).unwrap();
        audit.seen(PartId(1), Micros(10), Travel(100));
        audit.decided(PartId(1), Micros(20), Travel(200), Fate::Passed(good));
        audit.seen(PartId(2), Micros(15), Travel(150));
        audit.abandon(Micros(30), Travel(300), &mut kept).unwrap();
        let verdicts: Vec<_> = kept.0.iter().map(|(r, ..)| (r.get().part, r.get().verdict, r.get().passed)).collect();
        let flushed = Verdict::Uninspected(Reason::Flushed);
        assert_eq!(verdicts, [(PartId(1), Verdict::Good(good), true), (PartId(2), flushed, false)]);
    }

    #[test]
    fn a_part_that_nobody_decided_is_an_error_and_no_record() {
        let (mut audit, mut kept) = (Audit::new(true), Kept::default());
        audit.seen(PartId(1), Micros(0), Travel(0));
        assert!(matches!(audit.left(PartId(1), &mut kept), Err(AuditError::Undecided { part: PartId(1) })));
        assert!(kept.0.is_empty());
    }
}
