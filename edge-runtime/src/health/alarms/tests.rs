//! Courses of a shift: what happens at which time, and which alarms are active then.

use proptest::prelude::*;
use shared::drift::Figure;
use shared::record::{RawRecord, Record};
use shared::units::{Micros, PartId, Score, Travel};
use shared::verdict::{FAILURES, Reason, Verdict};

use super::table::{Alarm, alarm_of};
use super::*;

const LIMITS: Limits = Limits {
    consecutive_rejects: 3,
    consecutive_unjudged: 2,
    rejects_in_hundred: 10,
    confirm_within: Some(Micros(500)),
    gate_slack: Travel(8_000),
    bin_full_after: Micros(1_000),
};

const FIRED: Happening = Happening::Fired { beyond: Travel(0) };

fn record(verdict: Verdict) -> Happening {
    let passed = verdict.passes();
    let raw = RawRecord {
        part: PartId(1),
        seen_at: Micros(0),
        seen_travel: Travel(0),
        decided_at: Micros(0),
        verdict,
        passed,
        override_reason: None,
        late_verdict: None,
        simulation: false,
    };
    Happening::Record(Record::check(raw).unwrap())
}

fn good() -> Happening {
    record(Verdict::Good(Score::new(0.1).unwrap()))
}

fn bad() -> Happening {
    record(Verdict::Bad(Score::new(0.9).unwrap()))
}

fn unjudged() -> Happening {
    record(Verdict::Uninspected(Reason::NotJudged))
}

const fn condition(condition: Condition, present: bool) -> Happening {
    Happening::Condition { condition, present }
}

/// Codes of what is active after each happening, at its time.
fn course(course: &[(u64, Happening, &[&str])]) {
    let mut alarms = Alarms::new(LIMITS);
    for (line, &(at, happening, expected)) in course.iter().enumerate() {
        alarms.step(Micros(at), happening);
        let codes: Vec<&str> = alarms.rows().map(|row| row.code).collect();
        assert_eq!(codes, expected, "line {line}, at {at}, {happening:?}");
    }
}

#[test]
fn each_alarm_has_its_own_row() {
    for (number, alarm) in [
        Alarm::CameraSilent,
        Alarm::CameraFrozen,
        Alarm::StoreFailing,
        Alarm::RejectsInARow,
        Alarm::UnjudgedInARow,
        Alarm::RejectUnconfirmed,
        Alarm::GateLate,
        Alarm::BinFull,
        Alarm::ManyRejects,
        Alarm::TooHot,
        Alarm::DiskLow,
        Alarm::DisplayAway,
        Alarm::BundleBad,
        Alarm::LightDrift,
        Alarm::FocusDrift,
        Alarm::ScoreDrift,
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(alarm as usize, number);
    }
    for (at, row) in ALARMS.iter().enumerate() {
        assert!(ALARMS[..at].iter().all(|other| other.code != row.code), "{}", row.code);
        assert!(FAILURES.iter().all(|failure| failure.code != row.code), "{} is a part's failure too", row.code);
    }
}

#[test]
fn a_condition_latches_until_it_has_gone_and_somebody_resets() {
    course(&[
        (0, condition(Condition::CameraSilent, true), &["CAMERA_SILENT"]),
        (1, Happening::Reset, &["CAMERA_SILENT"]),
        (2, condition(Condition::CameraSilent, false), &["CAMERA_SILENT"]),
        (3, Happening::Reset, &[]),
        (4, condition(Condition::TooHot, true), &["TOO_HOT"]),
        (5, condition(Condition::TooHot, false), &[]),
    ]);
}

#[test]
fn an_alarm_says_since_when_and_a_drift_from_before_it_was_noticed() {
    let mut alarms = Alarms::new(LIMITS);
    let drift = |figure, since| Happening::Drift { figure, since };
    for (at, happening) in [
        (3, condition(Condition::TooHot, true)),
        (5, condition(Condition::CameraSilent, true)),
        (6, condition(Condition::CameraSilent, false)),
        (7, condition(Condition::CameraSilent, true)),
        (8, drift(Figure::Brightness, Some(Micros(2)))),
        (9, drift(Figure::Scores, Some(Micros(4)))),
        (10, drift(Figure::Scores, None)),
        (11, Happening::Failed(Reason::ModelFault)),
        (12, Happening::Failed(Reason::Overflow)),
    ] {
        assert!(alarms.step(Micros(at), happening) || at == 12);
    }
    let since: Vec<_> = alarms.raised().map(|raised| (raised.row.code, raised.since.0)).collect();
    assert_eq!(since, [("MODEL_FAULT", 11), ("CAMERA_SILENT", 5), ("TOO_HOT", 3), ("LIGHT_DRIFT", 2)]);
    assert!(alarms.raised().filter(|raised| raised.row.code.ends_with("DRIFT")).all(|raised| !raised.row.stops()));
}

#[test]
fn rejects_and_unjudged_parts_count_while_they_follow_one_another() {
    course(&[
        (0, bad(), &[]),
        (0, bad(), &[]),
        (0, good(), &[]),
        (0, bad(), &[]),
        (0, bad(), &[]),
        (0, bad(), &["REJECTS_IN_A_ROW"]),
        (0, good(), &["REJECTS_IN_A_ROW"]),
        (0, Happening::Reset, &[]),
        (0, unjudged(), &[]),
        (0, unjudged(), &["UNJUDGED_IN_A_ROW"]),
    ]);
}

#[test]
fn the_share_of_rejects_is_known_after_a_hundred_parts() {
    let mut alarms = Alarms::new(LIMITS);
    let mut codes = |happening| {
        alarms.step(Micros(0), happening);
        alarms.rows().map(|row| row.code).collect::<Vec<_>>()
    };
    for part in 0..99 {
        assert!(codes(if part % 9 == 0 { bad() } else { good() }).is_empty(), "part {part}");
    }
    assert_eq!(codes(bad()), ["MANY_REJECTS"], "12 of 100");
    for _ in 0..10 {
        codes(good());
    }
    assert!(codes(good()).is_empty(), "10 of 100 are permitted, and the oldest have left the window");
}

#[test]
fn a_reject_that_nobody_saw_leave_stops_the_line() {
    course(&[
        (0, FIRED, &[]),
        (400, Happening::Confirmed, &[]),
        (1_000, FIRED, &[]),
        (1_500, Happening::Time, &[]),
        (1_501, Happening::Time, &["REJECT_UNCONFIRMED"]),
        (1_502, Happening::Reset, &[]),
    ]);
}

#[test]
fn a_gate_that_opens_when_its_part_may_be_there_stops_the_line() {
    let fired = |beyond| Happening::Fired { beyond: Travel(beyond) };
    course(&[
        (0, fired(-300), &[]),
        (100, fired(8_000), &[]),
        (200, Happening::Confirmed, &[]),
        (300, Happening::Confirmed, &[]),
        (400, fired(8_001), &["GATE_LATE"]),
        (500, Happening::Confirmed, &["GATE_LATE"]),
        (600, Happening::Reset, &[]),
    ]);
}

#[test]
fn a_bin_is_full_after_its_time_and_no_longer_than_it_is() {
    course(&[
        (0, Happening::BinFull(true), &[]),
        (500, Happening::BinFull(true), &[]),
        (1_000, Happening::Time, &["BIN_FULL"]),
        (1_001, Happening::BinFull(false), &[]),
    ]);
}

#[test]
fn a_parts_failure_that_stops_the_line_is_the_first_of_all() {
    course(&[
        (0, condition(Condition::CameraSilent, true), &["CAMERA_SILENT"]),
        (1, Happening::Failed(Reason::Overflow), &["OVERFLOW", "CAMERA_SILENT"]),
        (2, Happening::Failed(Reason::ModelFault), &["OVERFLOW", "CAMERA_SILENT"]),
        (3, Happening::Reset, &["CAMERA_SILENT"]),
    ]);
}

fn happenings() -> impl Strategy<Value = Happening> {
    let conditions = [
        Condition::CameraSilent,
        Condition::CameraFrozen,
        Condition::StoreFailing,
        Condition::DiskLow,
        Condition::TooHot,
        Condition::DisplayAway,
        Condition::BundleBad,
    ];
    prop_oneof![
        Just(good()),
        Just(bad()),
        Just(unjudged()),
        (0i64..20_000).prop_map(|beyond| Happening::Fired { beyond: Travel(beyond) }),
        Just(Happening::Confirmed),
        Just(Happening::Reset),
        Just(Happening::Time),
        Just(Happening::Failed(Reason::Overflow)),
        any::<bool>().prop_map(Happening::BinFull),
        (prop::sample::select(conditions.to_vec()), any::<bool>()).prop_map(|(which, there)| condition(which, there)),
    ]
}

proptest! {
    #[test]
    fn the_permit_is_there_exactly_without_a_stop_and_a_reset_clears_no_cause(
        course in prop::collection::vec((0u64..800, happenings()), 0..200),
    ) {
        let (mut alarms, mut now, mut present) = (Alarms::new(LIMITS), 0, Vec::new());
        for (later, happening) in course {
            now += later;
            alarms.step(Micros(now), happening);
            if let Happening::Condition { condition, present: there } = happening {
                present.retain(|known| *known != condition);
                if there {
                    present.push(condition);
                }
            }
            for condition in &present {
                let code = ALARMS[alarm_of(*condition) as usize].code;
                prop_assert!(alarms.rows().any(|row| row.code == code), "{code} is there and not shown");
            }
            prop_assert_eq!(alarms.permit(), !alarms.rows().any(|row| row.stops()));
            prop_assert_eq!(alarms.output(), !alarms.permit());
        }
    }
}
