//! Timelines of a desk: what gate, camera and judge say, and what it orders and records.
//!
//! The camera runs free; the picture of a part is wanted at its edge, 50 ms early or late at most. Parts are given up after 200 ms.

use std::sync::Arc;

use shared::frame::PixelFormat;
use shared::line::{Cause, Fate, Layout, RawLayout};
use shared::record::Record;
use shared::units::{Micros, PartId, Score, Travel};
use shared::verdict::{Reason, Verdict};

use super::super::audit::{Audit, AuditError, RecordSink};
use super::super::capture::{Capture, Moment};
use super::super::conductor::{Order, Said};
use super::super::details::Details;
use super::super::workers::Evidence;
use super::*;
use crate::health::alarms::{Alarms, Condition, Limits};
use crate::hmi::screen::{State, Status};
use crate::hw::roles::{Picture, PictureFormat};

#[derive(Default)]
struct Kept(Vec<(Record, Details)>);

impl RecordSink for Kept {
    fn append(&mut self, record: &Record, seen: Option<&Evidence>) -> Result<(), AuditError> {
        self.append_measured(record, &Details::default(), seen)
    }

    fn append_measured(&mut self, record: &Record, details: &Details, _: Option<&Evidence>) -> Result<(), AuditError> {
        self.0.push((*record, *details));
        Ok(())
    }
}

/// Takes as many pictures as it has room for.
struct Room(usize, Vec<(PartId, u8)>);

impl Judge for Room {
    fn submit(&mut self, part: PartId, picture: Arc<Picture>) -> Result<(), Reason> {
        if self.1.len() >= self.0 {
            return Err(Reason::InferBusy);
        }
        self.1.push((part, picture.bytes[0]));
        Ok(())
    }

    fn is_gone(&self) -> bool {
        false
    }
}

fn desk(room: usize) -> Desk<Kept, Room> {
    let ms = Micros::from_millis;
    let moment = Moment { after_edge: ms(0), early: ms(50), late: ms(50) };
    let limits = Limits {
        consecutive_rejects: 3,
        consecutive_unjudged: 2,
        rejects_in_hundred: 10,
        confirm_within: None,
        gate_slack: Travel(8_000),
        bin_full_after: ms(1_000),
    };
    let (capture, status) = (Capture::new(moment, ms(200)), Status::default());
    let room = Room(room, Vec::new());
    let mut desk = Desk::new(capture, room, Audit::new(false), Kept::default(), Alarms::new(limits), status);
    desk.tell_state(true);
    desk.orders();
    desk
}

type Tested = Desk<Kept, Room>;

fn seen(desk: &mut Tested, part: u32, ms: u64) {
    let at = Micros::from_millis(ms);
    desk.gate(at, Said::Seen { part: PartId(part), at, travel: Travel(0) }).unwrap();
}

fn picture(desk: &mut Tested, ms: u64, byte: u8, repeated: bool) {
    let exposed_at = Micros::from_millis(ms);
    let format = PictureFormat::Pixels(PixelFormat::Grey);
    let picture = Picture { exposed_at, format, width: 1, height: 1, bytes: vec![byte] };
    desk.pictured(exposed_at, Arc::new(picture), repeated);
}

fn decided(desk: &mut Tested, part: u32, ms: u64, fate: Fate) {
    let at = Micros::from_millis(ms);
    desk.gate(at, Said::Decided { part: PartId(part), at, travel: Travel(0), fate }).unwrap();
}

fn left(desk: &mut Tested, part: u32, ms: u64) {
    let at = Micros::from_millis(ms);
    desk.gate(at, Said::Left { part: PartId(part), at }).unwrap();
}

fn orders(desk: &mut Tested) -> Vec<Order> {
    desk.orders().collect()
}

fn judged(part: u32, verdict: Verdict) -> Order {
    Order::Judged { part: PartId(part), verdict }
}

fn uninspected(part: u32, reason: Reason) -> Order {
    judged(part, Verdict::Uninspected(reason))
}

fn good() -> Verdict {
    Verdict::Good(Score::new(0.1).unwrap())
}

const STOPPED: Order = Order::State { permit: false, alarm: true };
const RUNNING: Order = Order::State { permit: true, alarm: false };

#[test]
fn a_part_is_judged_by_its_nearest_picture_and_leaves_a_record_with_what_was_measured() {
    let mut desk = desk(2);
    seen(&mut desk, 1, 1_000);
    picture(&mut desk, 980, 1, false);
    picture(&mut desk, 1_040, 2, false);
    assert_eq!(desk.judge().1, [(PartId(1), 1)], "20 ms early is nearer than 40 ms late");
    desk.judged(Micros::from_millis(1_100), PartId(1), good(), None);
    assert_eq!(orders(&mut desk), [judged(1, good())]);
    decided(&mut desk, 1, 2_000, Fate::Passed(Score::new(0.1).unwrap()));
    left(&mut desk, 1, 2_100);
    let status = desk.news().unwrap().clone();
    assert_eq!((status.parts, status.good, status.state), (1, 1, State::Run));
    let (Kept(kept), ..) = desk.finish(Micros(0));
    let details =
        Details { frame_residual_us: Some(-20_000), inference: Some(Micros::from_millis(60)), ..Details::default() };
    assert_eq!(
        kept.iter().map(|(record, details)| (record.get().passed, *details)).collect::<Vec<_>>(),
        [(true, details)]
    );
}

#[test]
fn what_cannot_be_judged_is_said_at_once() {
    let mut desk = desk(1);
    for (part, ms) in [(1, 1_000), (2, 1_200), (3, 1_400), (4, 1_600)] {
        seen(&mut desk, part, ms);
        match part {
            1 => picture(&mut desk, ms, 1, false),
            2 => picture(&mut desk, ms, 2, false),
            3 => picture(&mut desk, ms, 2, true),
            _ => desk.due(Micros::from_millis(ms + 200)),
        }
    }
    let expected =
        [uninspected(2, Reason::InferBusy), uninspected(3, Reason::BadPicture), uninspected(4, Reason::NoFrame)];
    assert_eq!(orders(&mut desk), expected);
}

#[test]
fn a_camera_that_fails_stops_the_line_until_it_is_back_and_reset() {
    let mut desk = desk(2);
    let ms = Micros::from_millis;
    seen(&mut desk, 1, 1_000);
    desk.camera_failed(ms(1_010));
    assert_eq!(orders(&mut desk), [STOPPED, uninspected(1, Reason::CameraFault)]);
    seen(&mut desk, 2, 1_020);
    assert_eq!(orders(&mut desk), [uninspected(2, Reason::CameraFault)], "nobody waits for its picture");
    desk.gate(ms(1_100), Said::Reset { at: ms(1_100) }).unwrap();
    assert_eq!(orders(&mut desk), [], "it is still away");
    picture(&mut desk, 2_000, 1, false);
    assert_eq!(desk.news().unwrap().fault, Some("CAMERA_SILENT"));
    orders(&mut desk);
    desk.gate(ms(2_100), Said::Reset { at: ms(2_100) }).unwrap();
    assert_eq!(orders(&mut desk), [RUNNING]);
    assert_eq!(desk.news().unwrap().fault, None);
}

#[test]
fn a_camera_that_repeats_itself_stops_the_line_and_a_single_repetition_does_not() {
    let mut desk = desk(2);
    for (ms, repeated, expected) in [
        (100, false, &[][..]),
        (200, true, &[]),
        (300, false, &[]),
        (400, true, &[]),
        (500, true, &[]),
        (600, true, &[STOPPED]),
    ] {
        picture(&mut desk, ms, 1, repeated);
        assert_eq!(orders(&mut desk), expected, "at {ms} ms");
    }
}

#[test]
fn a_failure_that_stops_the_line_and_rejects_in_a_row_do() {
    let mut desk = desk(2);
    let ms = Micros::from_millis;
    seen(&mut desk, 1, 100);
    desk.judged(ms(200), PartId(1), Verdict::Uninspected(Reason::ModelFault), None);
    assert_eq!(orders(&mut desk), [STOPPED, uninspected(1, Reason::ModelFault)]);
    assert_eq!(desk.news().unwrap().fault, Some("MODEL_FAULT"));
    desk.gate(ms(300), Said::Reset { at: ms(300) }).unwrap();
    assert_eq!(orders(&mut desk), [RUNNING]);
    decided(&mut desk, 1, 400, Fate::Rejected(Cause::Uninspected(Reason::ModelFault)));
    left(&mut desk, 1, 450);
    assert_eq!(orders(&mut desk), [], "it was acknowledged before the part came to the gate");
    desk.gate(ms(500), Said::Reset { at: ms(500) }).unwrap();
    decided(&mut desk, 9, 600, Fate::Rejected(Cause::Uninspected(Reason::Overflow)));
    assert_eq!(orders(&mut desk), [STOPPED], "the gate alone knows of it");
    desk.gate(ms(700), Said::Reset { at: ms(700) }).unwrap();
    orders(&mut desk);
    for part in 2..5 {
        seen(&mut desk, part, 1_000);
        decided(&mut desk, part, 1_000, Fate::Rejected(Cause::Bad(Score::new(0.9).unwrap())));
        left(&mut desk, part, 1_000);
    }
    assert_eq!(orders(&mut desk), [STOPPED]);
    assert_eq!(desk.news().unwrap().fault, Some("REJECTS_IN_A_ROW"));
}

#[test]
fn a_changeover_takes_the_permit_away_and_is_shown_until_it_ends_whatever_happens_meanwhile() {
    let mut desk = desk(2);
    let ms = Micros::from_millis;
    desk.changeover();
    let at_rest = Order::State { permit: false, alarm: false };
    assert_eq!(
        orders(&mut desk),
        [Order::Changeover, at_rest],
        "what is in flight is flushed before another bundle judges"
    );
    desk.tell_state(true);
    assert_eq!(orders(&mut desk), [at_rest]);
    assert_eq!(desk.news().unwrap().state, State::Changeover);
    desk.condition(ms(100), Condition::CameraSilent, true);
    assert_eq!(desk.news().unwrap().state, State::Fault, "what stops the line is worse");
    desk.condition(ms(200), Condition::CameraSilent, false);
    desk.gate(ms(300), Said::Reset { at: ms(300) }).unwrap();
    assert_eq!(desk.news().unwrap().state, State::Changeover);
    orders(&mut desk);
    let raw = RawLayout {
        gate_distance: Travel(500),
        window_before: Travel(5),
        window_after: Travel(5),
        lockout: Travel(5),
        max_length: None,
    };
    let layout = Layout::check(&raw).unwrap();
    let limits = Limits {
        consecutive_rejects: 1,
        consecutive_unjudged: 0,
        rejects_in_hundred: 0,
        confirm_within: None,
        gate_slack: Travel(8_000),
        bin_full_after: ms(1_000),
    };
    desk.changed(layout, limits);
    assert_eq!(orders(&mut desk), [Order::Changed { layout }, RUNNING]);
    assert_eq!(desk.news().unwrap().state, State::Run);
    seen(&mut desk, 1, 1_000);
    decided(&mut desk, 1, 1_000, Fate::Rejected(Cause::Bad(Score::new(0.9).unwrap())));
    left(&mut desk, 1, 1_000);
    assert_eq!(orders(&mut desk), [STOPPED], "by the other product's limits");
}

#[test]
fn a_line_that_ends_leaves_a_record_of_every_part() {
    let mut desk = desk(2);
    seen(&mut desk, 1, 100);
    seen(&mut desk, 2, 200);
    decided(&mut desk, 1, 300, Fate::Passed(Score::new(0.1).unwrap()));
    let (Kept(kept), _, abandoned) = desk.finish(Micros::from_millis(400));
    abandoned.unwrap();
    let verdicts: Vec<_> = kept.iter().map(|(record, _)| (record.get().part.0, record.get().verdict)).collect();
    assert_eq!(verdicts, [(1, good()), (2, Verdict::Uninspected(Reason::Flushed))]);
}
