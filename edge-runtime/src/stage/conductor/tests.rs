//! Timelines of a gate: what sensors and desk say at which time, and what the outputs do.
//!
//! The belt of all of them runs a millimetre in a millisecond, with a step of the encoder in each. Gate 100 mm behind the trigger,
//! windows 10 mm before to 20 mm beyond it: a part with its edge at `e` is decided at `e + 90` and has left at `e + 120`. What is
//! on the belt at the start has left at 120, and parts with an edge before 30 share a window with it.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use shared::line::{Cause, Fate, Layout, RawLayout};
use shared::units::{Micros, PartId, Score, Travel};
use shared::verdict::{Reason, Verdict};

use super::super::odometer::Odometer;
use super::super::stall::Stall;
use super::*;
use crate::hw::roles::{Clock, HwFault, LineSignals, RejectOutput, Sensor, Signal, SignalKind};

const STALL_MS: u64 = 400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    Safe,
    Control,
    Open(u32),
    Extend(u32),
    Close,
    Permit(bool),
    Alarm(bool),
}

/// Writes down what outputs do; beats are only counted.
#[derive(Clone, Default)]
struct Bench(Arc<Mutex<(Vec<Output>, u32)>>);

impl Bench {
    fn note(&self, output: Output) -> Result<(), HwFault> {
        self.0.lock().unwrap().0.push(output);
        Ok(())
    }

    fn done(&self) -> Vec<Output> {
        std::mem::take(&mut self.0.lock().unwrap().0)
    }

    fn beats(&self) -> u32 {
        self.0.lock().unwrap().1
    }
}

impl RejectOutput for Bench {
    fn take_control(&mut self) -> Result<(), HwFault> {
        self.note(Output::Control)
    }

    fn open(&mut self, part: PartId, _: Cause) -> Result<(), HwFault> {
        self.note(Output::Open(part.0))
    }

    fn extend(&mut self, part: PartId, _: Cause) -> Result<(), HwFault> {
        self.note(Output::Extend(part.0))
    }

    fn close(&mut self) -> Result<(), HwFault> {
        self.note(Output::Close)
    }

    fn make_safe(&mut self) -> Result<(), HwFault> {
        self.note(Output::Safe)
    }
}

impl LineSignals for Bench {
    fn permit(&mut self, run: bool) -> Result<(), HwFault> {
        self.note(Output::Permit(run))
    }

    fn beat(&mut self) -> Result<(), HwFault> {
        self.0.lock().unwrap().1 += 1;
        Ok(())
    }

    fn alarm(&mut self, on: bool) -> Result<(), HwFault> {
        self.note(Output::Alarm(on))
    }
}

#[derive(Default)]
struct Now(Cell<u64>);

impl Clock for Now {
    fn now(&self) -> Micros {
        Micros(self.0.get())
    }
}

struct Line {
    conductor: Conductor,
    bench: Bench,
    now: Now,
    desk_lives: bool,
}

const SOUND: Order = Order::State { permit: true, alarm: false };

fn layout(before: i64, after: i64) -> Layout {
    let mm = Travel::from_millimetres;
    let (window_before, window_after) = (mm(before), mm(after));
    Layout::check(&RawLayout { gate_distance: mm(100), window_before, window_after, lockout: mm(5), max_length: None })
        .unwrap()
}

fn line() -> Line {
    let mm = Travel::from_millimetres;
    let bench = Bench::default();
    let stall = Some(Stall::new(Micros::from_millis(STALL_MS)));
    let (output, signals) = (Box::new(bench.clone()), Box::new(bench.clone()));
    let odometer = Odometer::encoder(mm(1));
    let conductor = Conductor::new(layout(10, 20), output, signals, odometer, stall, Micros(0));
    Line { conductor, bench, now: Now::default(), desk_lives: true }
}

impl Line {
    fn said(&mut self) -> Vec<Said> {
        self.conductor.said().collect()
    }

    fn hear(&mut self, kind: SignalKind) {
        let at = self.now.now();
        self.conductor.signal(Signal { at, kind }, &self.now).unwrap();
    }

    fn order(&mut self, order: Order) {
        self.conductor.order(order, &self.now).unwrap();
    }

    /// The belt runs to a place, a step in each millisecond; the desk says every 100 ms that all is well, if it lives.
    fn run_to(&mut self, millimetre: u64) -> &mut Self {
        while self.now.0.get() < millimetre * 1_000 {
            self.now.0.set(self.now.0.get() + 1_000);
            self.hear(SignalKind::Step { forwards: true });
            if self.desk_lives && self.now.0.get().is_multiple_of(100_000) {
                self.order(SOUND);
            }
        }
        self
    }

    /// Time passes and the encoder stands.
    fn stand(&mut self, millis: u64) -> &mut Self {
        for _ in 0..millis {
            self.now.0.set(self.now.0.get() + 1_000);
            if self.desk_lives {
                self.order(SOUND);
            }
            self.conductor.due(&self.now).unwrap();
        }
        self
    }

    fn edge(&mut self) -> u32 {
        self.hear(SignalKind::Edge(Sensor::Trigger));
        self.said()
            .iter()
            .find_map(|said| if let Said::Seen { part, .. } = said { Some(part.0) } else { None })
            .unwrap()
    }

    fn judge(&mut self, part: u32, verdict: Verdict) {
        self.order(Order::Judged { part: PartId(part), verdict });
    }

    /// A line on which nothing is unknown any more.
    fn known() -> Self {
        let mut line = line();
        line.order(SOUND);
        line.run_to(200);
        line.said();
        line.bench.done();
        line
    }
}

fn good() -> Verdict {
    Verdict::Good(Score::new(0.1).unwrap())
}

fn bad() -> Verdict {
    Verdict::Bad(Score::new(0.9).unwrap())
}

fn fates(said: &[Said]) -> Vec<(u32, Fate)> {
    said.iter()
        .filter_map(|s| if let Said::Decided { part, fate, .. } = s { Some((part.0, *fate)) } else { None })
        .collect()
}

const fn uninspected(reason: Reason) -> Fate {
    Fate::Rejected(Cause::Uninspected(reason))
}

#[test]
fn what_is_on_the_belt_at_the_start_is_diverted_until_it_has_left() {
    let mut line = line();
    assert_eq!(line.bench.done(), [], "the gate diverts by itself");
    line.order(SOUND);
    line.run_to(29);
    let near = line.edge();
    line.judge(near, good());
    line.run_to(40);
    let clear = line.edge();
    line.judge(clear, good());
    line.run_to(119);
    assert_eq!(line.bench.done(), [Output::Permit(true), Output::Alarm(false)]);
    line.run_to(200);
    // The near part's window is over at 149: the gate is taken over while it is to be open.
    assert_eq!(line.bench.done(), [Output::Control, Output::Open(near), Output::Extend(clear), Output::Close]);
    let said = line.said();
    let score = Score::new(0.1).unwrap();
    assert_eq!(fates(&said)[0], (near, uninspected(Reason::Boot)));
    assert!(matches!(fates(&said)[1], (part, Fate::Rejected(Cause::Neighbour(s))) if part == clear && s == score));
    assert!(!said.iter().any(|said| matches!(said, Said::Fired { .. })), "nobody fired a gate that was open anyway");
}

#[test]
fn a_good_part_passes_a_bad_one_fires_at_its_place() {
    let mut line = Line::known();
    let first = line.edge();
    line.judge(first, good());
    let second = line.run_to(300).edge();
    line.judge(second, bad());
    line.run_to(500);
    assert_eq!(line.bench.done(), [Output::Open(second), Output::Close]);
    let fired: Vec<_> = line.said().into_iter().filter(|said| matches!(said, Said::Fired { .. })).collect();
    let mm = Travel::from_millimetres;
    assert_eq!(fired, [Said::Fired { part: PartId(second), planned: mm(390), travel: mm(390), error_us: 0 }]);
}

#[test]
fn what_is_in_flight_while_products_are_changed_is_flushed_and_what_follows_has_the_new_geometry() {
    let mut line = Line::known();
    let part = |line: &mut Line, number, place, verdict| {
        line.run_to(place).hear(SignalKind::Edge(Sensor::Trigger));
        line.judge(number, verdict);
    };
    part(&mut line, 1, 200, good());
    part(&mut line, 2, 240, good());
    line.run_to(295).order(Order::Changeover);
    part(&mut line, 3, 320, good());
    line.run_to(340).order(Order::Changed { layout: layout(5, 10) });
    part(&mut line, 4, 360, good());
    part(&mut line, 5, 400, bad());
    line.run_to(600);
    let (said, flushed, passed) = (line.said(), uninspected(Reason::Flushed), Fate::Passed(Score::new(0.1).unwrap()));
    assert_eq!(fates(&said)[..4], [(1, passed), (2, flushed), (3, flushed), (4, passed)]);
    let planned = said.iter().filter_map(|said| match said {
        Said::Fired { part, planned, .. } => Some((part.0, planned.0 / 1_000)),
        _ => None,
    });
    assert_eq!(planned.collect::<Vec<_>>(), [(2, 330), (3, 410), (5, 495)], "what was in flight keeps its window");
    let pulses = [Output::Open(2), Output::Close, Output::Open(3), Output::Close, Output::Open(5), Output::Close];
    assert_eq!(line.bench.done(), pulses);
}

#[test]
fn a_part_between_two_steps_is_decided_between_them() {
    let mut line = Line::known();
    line.now.0.set(200_400);
    let part = line.edge();
    line.now.0.set(200_000);
    line.run_to(290);
    assert_eq!(line.conductor.step_at(), Micros(290_401));
    line.now.0.set(290_401);
    line.conductor.due(&line.now).unwrap();
    assert_eq!(line.bench.done(), [Output::Open(part)]);
}

#[test]
fn a_verdict_that_was_ordered_before_the_place_counts_and_one_behind_it_is_late() {
    let mut line = Line::known();
    let part = line.edge();
    line.run_to(289);
    line.judge(part, good());
    line.run_to(290);
    assert_eq!(fates(&line.said()), [(part, Fate::Passed(Score::new(0.1).unwrap()))]);
    let part = line.edge();
    line.run_to(380);
    line.judge(part, good());
    let said = line.said();
    assert_eq!(fates(&said), [(part, uninspected(Reason::NotJudged))]);
    assert!(said.contains(&Said::Late { part: PartId(part), verdict: good() }));
}

#[test]
fn an_encoder_that_stands_while_parts_come_diverts_everything_until_it_is_reset_and_all_have_left() {
    let mut line = Line::known();
    let part = line.edge();
    line.judge(part, good());
    line.run_to(250);
    for _ in 0..3 {
        line.stand(STALL_MS / 2);
        line.hear(SignalKind::Edge(Sensor::Photogate));
    }
    assert_eq!(line.bench.done(), [Output::Open(part + 1), Output::Safe, Output::Permit(false), Output::Alarm(true)]);
    let said = line.said();
    assert!(said.iter().any(|said| matches!(said, Said::EncoderLost { stalled: true, .. })));
    line.now.0.set(line.now.0.get() / 1_000 * 1_000);
    let from = line.now.0.get() / 1_000;
    line.run_to(from + 300);
    assert!(!line.bench.done().contains(&Output::Control), "running again is not enough");
    line.said();
    line.hear(SignalKind::Reset);
    line.run_to(from + 310);
    let after = line.edge();
    line.judge(after, good());
    line.run_to(from + 600);
    let done = line.bench.done();
    assert_eq!(done[..2], [Output::Permit(true), Output::Alarm(false)]);
    assert!(done.contains(&Output::Control));
    assert_eq!(fates(&line.said()), [(after, uninspected(Reason::EncoderFault))], "10 mm behind what is unknown");
}

#[test]
fn a_part_met_where_none_is_expected_puts_all_in_flight_in_doubt_until_they_have_left() {
    let mut line = Line::known();
    let part = line.edge();
    line.judge(part, good());
    line.run_to(250);
    line.bench.done();
    line.hear(SignalKind::Edge(Sensor::Photogate));
    assert_eq!(line.bench.done(), [Output::Open(part + 1), Output::Safe], "and the line may run on");
    line.run_to(369);
    assert_eq!(fates(&line.said())[1..], [(part, uninspected(Reason::UnknownPart))]);
    assert_eq!(line.bench.done(), []);
    line.run_to(370);
    assert_eq!(line.bench.done(), [Output::Control]);
}

#[test]
fn an_edge_at_the_photogate_where_the_last_one_was_is_a_bounce_only_for_a_moment() {
    for (pause, turned, doubtful) in [(5, false, false), (40, false, true), (40, true, false)] {
        let mut line = Line::known();
        let part = line.edge();
        line.judge(part, good());
        line.run_to(295);
        line.hear(SignalKind::Edge(Sensor::Photogate));
        line.stand(pause);
        if turned {
            line.hear(SignalKind::Step { forwards: false });
            line.hear(SignalKind::Step { forwards: true });
        }
        line.bench.done();
        line.hear(SignalKind::Edge(Sensor::Photogate));
        let expected: &[Output] = if doubtful { &[Output::Safe] } else { &[] };
        assert_eq!(line.bench.done(), expected, "{pause} ms, turned: {turned}");
    }
}

#[test]
fn good_parts_in_flight_are_flushed_when_edges_were_dropped() {
    let mut line = Line::known();
    let part = line.edge();
    line.judge(part, good());
    line.run_to(250);
    line.hear(SignalKind::Lost);
    line.run_to(320);
    assert_eq!(fates(&line.said()), [(part, uninspected(Reason::EncoderFault))]);
    assert_eq!(line.bench.done(), [Output::Safe, Output::Permit(false), Output::Alarm(true)], "and nothing else");
}

#[test]
fn an_encoder_that_is_lost_before_the_belt_is_known_leaves_nothing_due_at_once() {
    let mut line = line();
    line.order(SOUND);
    line.run_to(50);
    line.hear(SignalKind::Lost);
    line.run_to(300);
    assert!(line.conductor.step_at() > line.now.now(), "the thread would never rest");
}

#[test]
fn a_belt_that_stands_with_a_part_trembling_in_the_barrier_is_no_stall_at_once() {
    let mut line = Line::known();
    line.edge();
    for _ in 0..20 {
        line.stand(5);
        line.hear(SignalKind::Edge(Sensor::Trigger));
    }
    assert_eq!(line.bench.done(), []);
    assert!(line.said().iter().all(|said| *said == Said::Bounced));
}

#[test]
fn a_desk_that_is_silent_takes_permit_and_heartbeat_away() {
    let mut line = Line::known();
    let before = line.bench.beats();
    line.stand(1_000);
    assert!((9..=11).contains(&(line.bench.beats() - before)), "a change every 100 ms");
    line.desk_lives = false;
    line.stand(DESK_SILENT.0 / 1_000 + 10);
    assert_eq!(line.bench.done(), [Output::Permit(false), Output::Alarm(true)]);
    let still = line.bench.beats();
    line.stand(1_000);
    assert_eq!(line.bench.beats(), still);
    line.order(SOUND);
    assert_eq!(line.bench.done(), [Output::Permit(true), Output::Alarm(false)]);
}

#[test]
fn the_end_leaves_every_output_in_its_safe_state_and_no_part_open() {
    let mut line = Line::known();
    let part = line.edge();
    line.judge(part, good());
    line.run_to(220);
    line.conductor.finish(&line.now).unwrap();
    assert_eq!(line.bench.done(), [Output::Safe, Output::Permit(false), Output::Alarm(true)]);
    line.said();
    // Whatever came of it afterwards, it would be rejected.
    line.run_to(400);
    assert_eq!(fates(&line.said()), [(part, uninspected(Reason::Flushed))]);
}
