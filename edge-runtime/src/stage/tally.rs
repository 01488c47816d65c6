//! The table at the end of a simulated shift: what really happened, against what the records say.
//!
//! Takes the true departures and the records; gives a [`Report`] that is the same for the same seed, to the byte, when
//! written as JSON: it holds no time of day, no path and nothing that threads decide. Departures and records are matched by
//! belt position, not by number, so that a part without a record and a record without a part both show. It judges nothing.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::drift::Moved;
use shared::record::Record;
use shared::units::Travel;
use shared::verdict::{Reason, Verdict};

use super::shift::Counts;
use crate::hw::sim::defect::Kind;
use crate::hw::sim::world::{Departure, Plan};

/// What became of the defective parts of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OfKind {
    /// Parts with such a defect.
    pub defective: u32,
    /// Of these, diverted at the gate.
    pub found: u32,
    /// Of these, passed.
    pub missed: u32,
}

/// A figure that moved away from what the training saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// Parts that had left when it was noticed.
    pub after_parts: u32,
    /// Since when it has moved, in seconds on the line's own clock.
    pub since_seconds: f64,
    /// Which, and from where to where.
    pub what: String,
}

/// A simulated shift in numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Always true: nothing here was made of matter.
    pub simulation: bool,
    /// What the model was trained for.
    pub product: String,
    /// Seed of all chance.
    pub seed: u64,
    /// Parts that came down the belt.
    pub parts: u32,
    /// Parts with exactly one record.
    pub records: u32,
    /// Parts with a defect.
    pub defective: u32,
    /// Defective parts that left at the gate.
    pub found: u32,
    /// Defective parts that passed.
    pub missed: u32,
    /// Sound parts that left at the gate, for whatever reason.
    pub false_rejects: u32,
    /// Of these, judged bad.
    pub false_rejects_judged_bad: u32,
    /// Parts whose verdict came after the gate had decided.
    pub late: u32,
    /// Parts that were rejected because nothing proved them good.
    pub uninspected: u32,
    /// Parts that passed and were not proven good. Anything but 0 is a fault of the station.
    pub passed_uninspected: u32,
    /// Parts that went another way than their record says. Anything but 0 is a fault of the station.
    pub gate_disagrees: u32,
    /// Records that belong to no part. Anything but 0 is a fault of the station.
    pub records_without_part: u32,
    /// Further records of parts that a reversed belt carried back into a light barrier.
    #[serde(skip_serializing_if = "is_zero")]
    pub returned: u32,
    /// Edges that were bounces.
    pub bounced: u32,
    /// A part is bad when its score is greater.
    pub threshold: f32,
    /// Uninspected parts, by the code of the reason.
    pub reasons: BTreeMap<&'static str, u32>,
    /// Defective parts, by kind of defect.
    pub kinds: BTreeMap<&'static str, OfKind>,
    /// What had moved away from what the training saw.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drifts: Vec<Drift>,
    /// Metres of belt.
    pub belt_metres: f64,
    /// Seconds on the line's own clock.
    pub line_seconds: f64,
}

impl Report {
    /// Whether every part has its record and went the way that it says, and none passed unproven.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.records == self.parts && self.passed_uninspected == 0 && self.gate_disagrees == 0
    }
}

/// Makes the report. `product` and `threshold` are the bundle's.
#[must_use]
pub fn report(plan: &Plan, departures: &[Departure], counts: &Counts, product: &str, threshold: f32) -> Report {
    let mut report = Report {
        simulation: true,
        product: product.to_owned(),
        seed: plan.seed,
        parts: departures.len() as u32,
        late: counts.late.len() as u32,
        bounced: counts.bounced,
        threshold,
        drifts: counts.drifts.iter().map(drift).collect(),
        belt_metres: counts.ended_travel.0 as f64 / 1e6,
        line_seconds: counts.ended_at.0 as f64 / 1e6,
        kinds: Kind::ALL.iter().map(|kind| (kind.name(), OfKind::default())).collect(),
        ..Report::default()
    };
    let returned = |edge: i64| plan.motion.reversal_um > 0 && is_trailing_end(plan, departures, edge);
    let (returned, mut unmatched): (Vec<_>, Vec<_>) =
        counts.records.iter().map(|r| (edge_of(plan, r).0, r)).partition(|(edge, _)| returned(*edge));
    report.returned = returned.len() as u32;
    unmatched.sort_by_key(|(edge, _)| *edge);
    let mut records = unmatched.into_iter().peekable();
    for departure in departures {
        // Half the least distance between parts: no record can belong to two.
        let near = (plan.pitch_um as f64 * (1.0 - plan.pitch_variation) / 2.0) as i64;
        let edge = departure.part.edge.0;
        while records.next_if(|(at, _)| *at < edge - near).is_some() {
            report.records_without_part += 1;
        }
        let first = records.next_if(|(at, _)| *at <= edge + near).map(|(_, record)| record);
        let mut more = 0;
        while records.next_if(|(at, _)| *at <= edge + near).is_some() {
            more += 1;
        }
        tally(&mut report, departure, first, more);
    }
    report.records_without_part += records.count() as u32;
    report
}

/// Where the belt was when the record's part was at the trigger. A part first met at the photogate was there earlier.
fn edge_of(plan: &Plan, record: &Record) -> Travel {
    let raw = record.get();
    match raw.verdict {
        Verdict::Uninspected(Reason::UnknownPart) => {
            Travel(raw.seen_travel.0 - plan.gate_distance_um + plan.photogate_before_um)
        }
        _ => raw.seen_travel,
    }
}

fn drift((after_parts, moved): &(u32, Moved)) -> Drift {
    Drift { after_parts: *after_parts, since_seconds: moved.since.0 as f64 / 1e6, what: moved.to_string() }
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Whether a part ends here. Parts leave in the order of their edges.
fn is_trailing_end(plan: &Plan, departures: &[Departure], edge: i64) -> bool {
    // The encoder has said a step less at most, on the way back as on the way forwards.
    let step = plan.encoder_step_um;
    let place = edge - plan.part_length_um;
    let index = departures.partition_point(|departure| departure.part.edge.0 < place - step);
    departures.get(index).is_some_and(|departure| departure.part.edge.0 <= place + step)
}

fn tally(report: &mut Report, departure: &Departure, record: Option<&Record>, more: u32) {
    let raw = record.map(Record::get);
    report.records += u32::from(raw.is_some() && more == 0);
    if let Some(Verdict::Uninspected(reason)) = raw.map(|raw| raw.verdict) {
        report.uninspected += 1;
        *report.reasons.entry(reason.code()).or_default() += 1;
    }
    if let Some(kind) = departure.part.kind {
        let of_kind = report.kinds.entry(kind.name()).or_default();
        of_kind.defective += 1;
        report.defective += 1;
        if departure.diverted {
            of_kind.found += 1;
            report.found += 1;
        } else {
            of_kind.missed += 1;
            report.missed += 1;
        }
    } else if departure.diverted {
        report.false_rejects += 1;
        report.false_rejects_judged_bad += u32::from(raw.is_some_and(|raw| matches!(raw.verdict, Verdict::Bad(_))));
    }
    let proven = raw.is_some_and(|raw| raw.passed);
    report.passed_uninspected += u32::from(!departure.diverted && !raw.is_some_and(|raw| raw.verdict.passes()));
    report.gate_disagrees += u32::from(proven == departure.diverted);
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "SIMULATION  {}  seed {}", self.product, self.seed)?;
        writeln!(f, "  {:.1} m of belt in {:.1} s of line time", self.belt_metres, self.line_seconds)?;
        let lines = [
            ("parts", self.parts, ""),
            ("records", self.records, "one for each part"),
            ("defective", self.defective, ""),
            ("found", self.found, "defective, left at the gate"),
            ("missed", self.missed, "defective, passed"),
            ("falsely rejected", self.false_rejects, "sound, left at the gate"),
            ("  judged bad", self.false_rejects_judged_bad, ""),
            ("late", self.late, "verdict came after the gate had decided"),
            ("uninspected", self.uninspected, "not proven good, so rejected"),
            ("passed uninspected", self.passed_uninspected, "must be 0"),
            ("gate disagrees", self.gate_disagrees, "must be 0"),
        ];
        for (label, count, what) in lines {
            writeln!(f, "  {}", format!("{label:<20}{count:>6}   {what}").trim_end())?;
        }
        writeln!(f, "\n  {:<12}{:>10}{:>8}{:>8}", "defect", "defective", "found", "missed")?;
        for kind in Kind::ALL {
            let of = self.kinds.get(kind.name()).copied().unwrap_or_default();
            writeln!(f, "  {:<12}{:>10}{:>8}{:>8}", kind.name(), of.defective, of.found, of.missed)?;
        }
        if !self.reasons.is_empty() {
            writeln!(f, "\n  uninspected because")?;
        }
        for (code, count) in &self.reasons {
            writeln!(f, "  {code:<20}{count:>6}")?;
        }
        for Drift { after_parts, since_seconds, what } in &self.drifts {
            writeln!(f, "\n  drift: {what}, since {since_seconds:.1} s, noticed after {after_parts} parts")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use shared::record::RawRecord;
    use shared::units::{Micros, PartId, Score};

    use super::*;
    use crate::hw::sim::world::Part;
    use crate::hw::sim::world::tests::plan;

    fn departure(index: u32, kind: Option<Kind>, diverted: bool) -> Departure {
        Departure { part: Part { index, edge: Travel(i64::from(index) * 100_000), kind }, diverted }
    }

    fn record(seen: i64, verdict: Verdict) -> Record {
        Record::check(RawRecord {
            part: PartId(1),
            seen_at: Micros(0),
            seen_travel: Travel(seen),
            decided_at: Micros(1),
            verdict,
            passed: verdict.passes(),
            override_reason: None,
            late_verdict: None,
            simulation: true,
        })
        .unwrap()
    }

    #[test]
    fn every_outcome_is_counted_once_and_in_its_place() {
        let (low, high) = (Score::new(0.1).unwrap(), Score::new(0.9).unwrap());
        let departures = [
            departure(1, None, false),
            departure(2, Some(Kind::Dent), true),
            departure(3, Some(Kind::Dent), false),
            departure(4, None, true),
            departure(5, None, true),
            departure(6, None, false),
        ];
        let at_photogate = 500_000 + plan().gate_distance_um - plan().photogate_before_um;
        let records = vec![
            record(100_000, Verdict::Good(low)),
            record(200_100, Verdict::Bad(high)),
            record(299_900, Verdict::Good(low)),
            record(400_000, Verdict::Bad(high)),
            record(at_photogate, Verdict::Uninspected(Reason::UnknownPart)),
        ];
        let counts = Counts { records, bounced: 3, ..Counts::default() };
        let report = report(&plan(), &departures, &counts, "cap", 0.5);
        assert_eq!((report.parts, report.records), (6, 5), "the sixth has no record");
        assert_eq!((report.defective, report.found, report.missed), (2, 1, 1));
        assert_eq!((report.false_rejects, report.false_rejects_judged_bad), (2, 1));
        assert_eq!((report.uninspected, report.passed_uninspected), (1, 1), "the sixth passed without a record");
        assert_eq!(report.kinds["dent"], OfKind { defective: 2, found: 1, missed: 1 });
        assert_eq!(report.reasons["UNKNOWN_PART"], 1);
        assert_eq!(report.gate_disagrees, 1, "the sixth passed, and nothing says that it may");
    }

    #[test]
    fn a_part_with_two_records_does_not_count_as_recorded() {
        let good = Verdict::Good(Score::new(0.1).unwrap());
        let counts = Counts { records: vec![record(100_000, good), record(100_500, good)], ..Counts::default() };
        assert_eq!(report(&plan(), &[departure(1, None, false)], &counts, "cap", 0.5).records, 0);
    }

    #[test]
    fn a_part_that_the_belt_carried_back_has_a_further_record_only_where_the_belt_runs_back() {
        let good = Verdict::Good(Score::new(0.1).unwrap());
        let trailing = record(100_000 + plan().part_length_um, Verdict::Uninspected(Reason::DoubleTrigger));
        let counts = Counts { records: vec![record(100_000, good), trailing], ..Counts::default() };
        let run = |plan: &Plan| report(plan, &[departure(1, None, false)], &counts, "cap", 0.5);
        let one_way = run(&plan());
        assert_eq!((one_way.records, one_way.returned), (0, 0));
        let mut turning = plan();
        turning.motion.reversal_um = 50_000;
        let returned = run(&turning);
        assert_eq!((returned.records, returned.returned, returned.uninspected), (1, 1, 0), "{returned}");
    }

    #[test]
    fn a_gate_that_goes_against_the_record_shows() {
        let good = Verdict::Good(Score::new(0.1).unwrap());
        let counts = Counts { records: vec![record(100_000, good)], ..Counts::default() };
        let report = report(&plan(), &[departure(1, None, true)], &counts, "cap", 0.5);
        assert_eq!((report.gate_disagrees, report.passed_uninspected), (1, 0));
    }
}
