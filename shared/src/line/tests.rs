//! Timelines of a line: what happens at which belt position, and what the tracker says to it.
//!
//! The belt of all of them: gate 100 behind the trigger, windows 10 before to 10 beyond it, lock-out 5. A part with its
//! edge at 0 is committed at 90 and has left at 110. Units are whatever the reader likes: the tracker only compares.

extern crate std;

use std::string::ToString;
use std::vec::Vec;

use super::*;
use crate::limits::MAX_PARTS_IN_FLIGHT;
use crate::units::{PartId, Score, Travel};
use crate::verdict::{Reason, Verdict};

const RAW: RawLayout = RawLayout {
    gate_distance: Travel(100),
    window_before: Travel(10),
    window_after: Travel(10),
    lockout: Travel(5),
    max_length: None,
};

fn line() -> Line {
    Line::new(Layout::check(&RAW).unwrap())
}

/// One line for each event: `at POSITION, EVENT => [ACTIONS];`.
macro_rules! timeline {
    ($line:ident, $(at $at:literal, $event:expr => [$($action:expr),* $(,)?];)*) => {$(
        let expected: Vec<Action> = Vec::from([$($action),*]);
        assert_eq!(did(&mut $line, $at, $event), expected, "at {}, {:?}", $at, $event);
    )*};
}

fn did(line: &mut Line, at: i64, event: Event) -> Vec<Action> {
    let mut actions = Vec::new();
    line.step(Travel(at), event, |action| actions.push(action));
    actions
}

use Event::{AtGate, Flush, Moved, Seen};

fn score(hundredths: u8) -> Score {
    Score::new(f32::from(hundredths) / 100.0).unwrap()
}

fn good(part: u32) -> Event {
    Event::Judged { part: PartId(part), verdict: Verdict::Good(score(10)) }
}

fn bad(part: u32) -> Event {
    Event::Judged { part: PartId(part), verdict: Verdict::Bad(score(90)) }
}

fn fault(part: u32, reason: Reason) -> Event {
    Event::Judged { part: PartId(part), verdict: Verdict::Uninspected(reason) }
}

fn registered(part: u32) -> Action {
    Action::Registered { part: PartId(part) }
}

fn overflow(part: u32) -> Action {
    Action::Overflow { part: PartId(part) }
}

fn passed(part: u32) -> Action {
    Action::Decided { part: PartId(part), fate: Fate::Passed(score(10)) }
}

fn rejected(part: u32, cause: Cause) -> Action {
    Action::Decided { part: PartId(part), fate: Fate::Rejected(cause) }
}

fn open(part: u32, reason: Cause) -> Action {
    Action::Open { part: PartId(part), reason }
}

fn extend(part: u32, reason: Cause) -> Action {
    Action::Extend { part: PartId(part), reason }
}

fn late(part: u32) -> Action {
    Action::Late { part: PartId(part), verdict: Verdict::Good(score(10)) }
}

fn unknown(part: u32) -> Action {
    Action::Unknown { part: PartId(part) }
}

fn left(part: u32) -> Action {
    Action::Left { part: PartId(part) }
}

fn defect() -> Cause {
    Cause::Bad(score(90))
}

fn neighbour() -> Cause {
    Cause::Neighbour(score(10))
}

use Action::{Bounced, Close};
use Cause::Uninspected as Because;
use Reason::{BadPicture, DoubleTrigger, Flushed, NoFrame, NotJudged, Overflow, UnknownPart};

#[test]
fn a_good_part_passes_a_closed_gate() {
    let mut line = line();
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at  40, good(1) => [];
        at  89, Moved   => [];
        at  90, Moved   => [passed(1)];
        at 109, Moved   => [];
        at 110, Moved   => [left(1)];
        at 500, Moved   => [];
    }
    assert_eq!((line.in_flight(), line.step_at()), (0, None));
}

#[test]
fn a_bad_part_finds_the_gate_open() {
    let mut line = line();
    timeline! { line,
        at   0, Seen   => [registered(1)];
        at  40, bad(1) => [];
        at  90, Moved  => [rejected(1, defect()), open(1, defect())];
        at 109, Moved  => [];
        at 110, Moved  => [Close, left(1)];
    }
}

#[test]
fn silence_rejects() {
    let mut line = line();
    timeline! { line,
        at   0, Seen  => [registered(1)];
        at  90, Moved => [rejected(1, Because(NotJudged)), open(1, Because(NotJudged))];
        at 110, Moved => [Close, left(1)];
    }
}

#[test]
fn a_fault_is_the_reason_of_its_part() {
    let mut line = line();
    timeline! { line,
        at   0, Seen              => [registered(1)];
        at  20, fault(1, NoFrame) => [];
        at  90, Moved             => [rejected(1, Because(NoFrame)), open(1, Because(NoFrame))];
        at 110, Moved             => [Close, left(1)];
    }
}

#[test]
fn a_verdict_at_the_commit_point_is_late() {
    let mut line = line();
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at  90, good(1) => [rejected(1, Because(NotJudged)), open(1, Because(NotJudged)), late(1)];
        at 100, good(1) => [late(1)];
        at 110, good(1) => [Close, left(1), unknown(1)];
        at 110, good(2) => [unknown(2)];
    }
}

#[test]
fn doubt_is_not_talked_away() {
    let mut line = line();
    timeline! { line,
        at   0, Seen                 => [registered(1)];
        at  40, Seen                 => [registered(2)];
        at  80, Seen                 => [registered(3)];
        at  81, bad(1)               => [];
        at  82, good(1)              => [];
        at  90, Moved                => [rejected(1, defect()), open(1, defect())];
        at 110, good(2)              => [Close, left(1)];
        at 111, fault(2, BadPicture) => [];
        at 112, good(2)              => [];
        at 130, Moved                => [rejected(2, Because(BadPicture)), open(2, Because(BadPicture))];
        at 150, good(3)              => [Close, left(2)];
        at 151, good(3)              => [];
        at 170, Moved                => [passed(3)];
        at 190, Moved                => [left(3)];
    }
}

#[test]
fn overlapping_and_touching_windows_make_one_pulse() {
    let mut line = line();
    timeline! { line,
        at   0, Seen   => [registered(1)];
        at  15, Seen   => [registered(2)];
        at  35, Seen   => [registered(3)];
        at  36, bad(1) => [];
        at  37, bad(2) => [];
        at  38, bad(3) => [];
        at  90, Moved  => [rejected(1, defect()), open(1, defect())];
        at 105, Moved  => [rejected(2, defect()), extend(2, defect())];
        at 110, Moved  => [left(1)];
        at 125, Moved  => [rejected(3, defect()), extend(3, defect()), left(2)];
        at 145, Moved  => [Close, left(3)];
    }
}

#[test]
fn a_good_part_too_near_a_bad_one_goes_with_it() {
    let mut line = line();
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at  15, Seen    => [registered(2)];
        at  30, Seen    => [registered(3)];
        at  50, Seen    => [registered(4)];
        at  51, good(1) => [];
        at  52, bad(2)  => [];
        at  53, good(3) => [];
        at  54, good(4) => [];
        at  90, Moved   => [rejected(1, neighbour()), open(1, neighbour())];
        at 105, Moved   => [rejected(2, defect()), extend(2, defect())];
        at 110, Moved   => [left(1)];
        at 120, Moved   => [rejected(3, neighbour()), extend(3, neighbour())];
        at 125, Moved   => [left(2)];
        at 140, Moved   => [passed(4), Close, left(3)];
        at 160, Moved   => [left(4)];
    }
}

#[test]
fn a_good_part_waits_for_nobody_but_shares_no_window_with_an_unjudged_one() {
    let mut line = line();
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at  15, Seen    => [registered(2)];
        at  50, good(1) => [];
        at  90, Moved   => [rejected(1, neighbour()), open(1, neighbour())];
        at  95, good(2) => [];
        at 105, Moved   => [rejected(2, neighbour()), extend(2, neighbour())];
        at 125, Moved   => [left(1), Close, left(2)];
    }
}

#[test]
fn a_run_of_windows_is_cleared_as_a_whole() {
    let mut line = line();
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at  15, Seen    => [registered(2)];
        at  30, Seen    => [registered(3)];
        at  50, good(1) => [];
        at  51, good(2) => [];
        at  89, good(3) => [];
        at  90, Moved   => [passed(1)];
        at 120, Moved   => [passed(2), left(1), passed(3)];
        at 140, Moved   => [left(2), left(3)];
    }
}

#[test]
fn a_chattering_sensor_makes_one_part() {
    let mut line = line();
    timeline! { line,
        at   0, Seen => [registered(1)];
        at   1, Seen => [Bounced];
        at   4, Seen => [Bounced];
        at   5, Seen => [registered(2)];
        at   7, Seen => [Bounced];
    }
}

#[test]
fn edges_nearer_than_a_part_is_long_condemn_both() {
    let raw = RawLayout { max_length: Some(Travel(12)), ..RAW };
    let mut line = Line::new(Layout::check(&raw).unwrap());
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at   6, good(1) => [];
        at  11, Seen    => [registered(2)];
        at  23, Seen    => [registered(3)];
        at  30, good(2) => [];
        at  31, good(3) => [];
        at  90, Moved   => [rejected(1, Because(DoubleTrigger)), open(1, Because(DoubleTrigger))];
        at 101, Moved   => [rejected(2, Because(DoubleTrigger)), extend(2, Because(DoubleTrigger))];
        at 113, Moved   => [left(1), rejected(3, neighbour()), extend(3, neighbour())];
    }
}

#[test]
fn a_stopped_belt_keeps_the_gate_as_it_is() {
    let mut line = line();
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at  95, Moved   => [rejected(1, Because(NotJudged)), open(1, Because(NotJudged))];
        at  95, Moved   => [];
        at  95, good(1) => [late(1)];
        at  95, Moved   => [];
        at 110, Moved   => [Close, left(1)];
    }
}

#[test]
fn a_reversed_belt_repeats_nothing() {
    let mut line = line();
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at  30, Seen    => [registered(2)];
        at  40, bad(1)  => [];
        at  41, good(2) => [];
        at  95, Moved   => [rejected(1, defect()), open(1, defect())];
        at  60, Moved   => [];
        at  31, Seen    => [Bounced];
        at 100, Moved   => [];
        at 110, Moved   => [Close, left(1)];
        at 120, Moved   => [passed(2)];
        at 100, Moved   => [];
        at 125, Moved   => [];
        at 140, Moved   => [left(2)];
    }
}

#[test]
fn what_lies_at_the_trigger_after_a_reversal_must_prove_itself() {
    let mut line = line();
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at  40, good(1) => [];
        at  90, Moved   => [passed(1)];
        at -20, Moved   => [];
        at   0, Seen    => [registered(2)];
        at -30, Seen    => [registered(3)];
        at  60, Moved   => [rejected(3, Because(NotJudged)), open(3, Because(NotJudged))];
        at  80, Moved   => [Close, left(3)];
        at  90, Moved   => [rejected(2, Because(NotJudged)), open(2, Because(NotJudged))];
        at 110, Moved   => [Close, left(1), left(2)];
    }
}

#[test]
fn windows_keep_belt_order_when_edges_do_not() {
    let mut line = line();
    timeline! { line,
        at  30, Seen    => [registered(1)];
        at  15, Seen    => [registered(2)];
        at  50, good(2) => [];
        at 105, Moved   => [rejected(2, neighbour()), open(2, neighbour())];
        at 120, Moved   => [rejected(1, Because(NotJudged)), extend(1, Because(NotJudged))];
        at 140, Moved   => [left(2), Close, left(1)];
    }
}

#[test]
fn a_part_that_no_trigger_announced_is_rejected_at_the_gate() {
    let mut line = line();
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at  40, good(1) => [];
        at  95, AtGate  => [passed(1)];
        at  97, AtGate  => [Bounced];
        at 110, Moved   => [left(1)];
        at 200, AtGate  => [rejected(2, Because(UnknownPart)), open(2, Because(UnknownPart))];
        at 201, good(2) => [late(2)];
        at 202, AtGate  => [Bounced];
        at 210, AtGate  => [extend(2, Because(UnknownPart))];
        at 220, Moved   => [];
        at 230, Moved   => [Close, left(2)];
    }
}

#[test]
fn a_part_that_comes_long_behind_the_tracked_one_does_not_take_its_place() {
    let mut line = line();
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at  40, good(1) => [];
        at  90, Moved   => [passed(1)];
        at 107, AtGate  => [rejected(2, Because(UnknownPart)), open(2, Because(UnknownPart))];
        at 110, Moved   => [left(1)];
        at 127, Moved   => [Close, left(2)];
    }
}

#[test]
fn of_two_parts_in_one_window_the_second_is_unknown() {
    let mut line = line();
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at  40, good(1) => [];
        at  92, AtGate  => [passed(1)];
        at 100, AtGate  => [rejected(2, Because(UnknownPart)), open(2, Because(UnknownPart))];
        at 120, Moved   => [left(1), Close, left(2)];
    }
}

#[test]
fn a_flush_rejects_what_is_still_undecided() {
    let mut line = line();
    timeline! { line,
        at   0, Seen           => [registered(1)];
        at  40, Seen           => [registered(2)];
        at  41, good(1)        => [];
        at  42, good(2)        => [];
        at  80, Seen           => [registered(3)];
        at  90, Flush(Flushed) => [passed(1)];
        at  91, good(3)        => [];
        at 130, Moved          => [left(1), rejected(2, Because(Flushed)), open(2, Because(Flushed))];
        at 170, Moved          => [Close, left(2), rejected(3, Because(Flushed)), open(3, Because(Flushed))];
    }
}

#[test]
fn a_late_call_does_everything_in_order() {
    let mut line = line();
    timeline! { line,
        at   0, Seen    => [registered(1)];
        at  40, Seen    => [registered(2)];
        at  41, bad(1)  => [];
        at  42, good(2) => [];
        at 999, good(2) => [
            rejected(1, defect()), open(1, defect()), Close, left(1),
            passed(2), left(2), unknown(2),
        ];
    }
}

#[test]
fn beyond_capacity_the_belt_is_rejected_blind() {
    let raw = RawLayout { gate_distance: Travel(1000), ..RAW };
    let mut line = Line::new(Layout::check(&raw).unwrap());
    let places = MAX_PARTS_IN_FLIGHT as u32 - 1;
    for nth in 0..places {
        let at = i64::from(nth) * 10;
        assert_eq!(did(&mut line, at, Seen), [registered(nth + 1)]);
        assert_eq!(did(&mut line, at, good(nth + 1)), []);
    }
    assert_eq!(places, 63);
    timeline! { line,
        at  700, Seen     => [overflow(64), rejected(64, Because(Overflow))];
        at  702, Seen     => [Bounced];
        at  800, Seen     => [overflow(65), rejected(65, Because(Overflow))];
        at  801, good(65) => [late(65)];
        at  989, Moved    => [];
        at  990, Moved    => [passed(1)];
    }
    let leaving: Vec<Action> = did(&mut line, 1689, Moved);
    assert_eq!(leaving.iter().filter(|action| matches!(action, Action::Decided { .. })).count(), 62);
    assert_eq!(line.in_flight(), 2);
    timeline! { line,
        at 1690, Moved => [open(64, Because(Overflow))];
        at 1750, Seen  => [registered(66)];
        at 1809, Moved => [];
        at 1810, Moved => [Close, left(64), left(65)];
    }
    assert_eq!(line.in_flight(), 1);
}

#[test]
fn an_unknown_part_on_a_full_belt_joins_the_blind_stretch() {
    let raw = RawLayout { gate_distance: Travel(1000), ..RAW };
    let mut line = Line::new(Layout::check(&raw).unwrap());
    for nth in 0..64 {
        did(&mut line, nth * 10, Seen);
    }
    timeline! { line,
        at  700, AtGate => [
            rejected(65, Because(UnknownPart)), open(65, Because(UnknownPart)), extend(64, Because(Overflow)),
        ];
        at  701, Seen   => [overflow(66), rejected(66, Because(Overflow)), extend(66, Because(Overflow))];
    }
    assert!(line.gate_is_open());
    let rest = did(&mut line, 5000, Moved);
    for part in 1..=66 {
        assert_eq!(rest.iter().filter(|&&action| action == left(part)).count(), 1, "part {part}");
    }
    assert_eq!((line.in_flight(), line.gate_is_open()), (0, false));
}

#[test]
fn numbers_go_round() {
    let mut line = Line::numbered_from(Layout::check(&RAW).unwrap(), PartId(u32::MAX));
    timeline! { line,
        at   0, Seen           => [registered(u32::MAX)];
        at  40, Seen           => [registered(0)];
        at  41, good(0)        => [];
        at  42, bad(u32::MAX)  => [];
        at  90, Moved          => [rejected(u32::MAX, defect()), open(u32::MAX, defect())];
        at 110, good(u32::MAX) => [Close, left(u32::MAX), unknown(u32::MAX)];
        at 130, Moved          => [passed(0)];
    }
}

#[test]
fn the_ends_of_the_range_are_only_positions() {
    let mut line = line();
    let last = i64::MAX;
    assert_eq!(did(&mut line, i64::MIN, Seen), [registered(1)]);
    let moved = did(&mut line, last, Seen);
    let cause = Because(NotJudged);
    let [one, two] = [1, 2].map(|part| [rejected(part, cause), open(part, cause), Close, left(part)]);
    assert_eq!(moved, [&one[..], &[registered(2)], &two[..]].concat());
}

#[test]
fn a_fate_says_what_was_known() {
    assert_eq!(Fate::Passed(score(10)).verdict(), Verdict::Good(score(10)));
    assert_eq!(Fate::Rejected(neighbour()).verdict(), Verdict::Good(score(10)));
    assert_eq!(Fate::Rejected(neighbour()).override_reason(), Some(Reason::Neighbour));
    assert_eq!(Fate::Rejected(defect()).verdict(), Verdict::Bad(score(90)));
    assert_eq!(Fate::Rejected(Because(NoFrame)).verdict(), Verdict::Uninspected(NoFrame));
    assert_eq!(Fate::Rejected(Because(NoFrame)).override_reason(), None);
    assert_eq!([defect().reason(), Because(NoFrame).reason()], [None, Some(NoFrame)]);
}

#[test]
fn a_layout_that_cannot_work_is_refused_with_the_reason() {
    let refused = |raw: RawLayout| Layout::check(&raw).unwrap_err().to_string();
    assert_eq!(refused(RawLayout { lockout: Travel(-1), ..RAW }), "lockout is -1 but must lie in 0..=1099511627776");
    assert_eq!(
        refused(RawLayout { max_length: Some(Travel(i64::MAX)), ..RAW }),
        "max_length is 9223372036854775807 but must lie in 0..=1099511627776"
    );
    assert_eq!(
        refused(RawLayout { gate_distance: Travel(29), ..RAW }),
        "gate_distance is 29 but must be at least 30 (window_before twice and window_after once)"
    );
    assert_eq!(
        refused(RawLayout { max_length: Some(Travel(5)), ..RAW }),
        "max_length is 5 but must be longer than lockout, 5"
    );
    assert_eq!(
        Layout::check(&RawLayout { window_before: Travel(0), window_after: Travel(0), ..RAW }),
        Err(LayoutError::EmptyWindow)
    );
    assert!(Layout::check(&RawLayout { gate_distance: Travel(30), ..RAW }).is_ok());
    assert_eq!(Layout::check(&RAW).unwrap().in_flight_at(Travel(50)), 3);
}
